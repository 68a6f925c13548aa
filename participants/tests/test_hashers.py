from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher

from participants.hashers import AugMedScryptPasswordHasher

PASSWORD = "Old-passw0rd!"
SALT = "q80qRmRtWgGHg4zKlzJ9Xw=="  # as AugMed keeps it: base64 of 16 random bytes
# Computed by OpenSSL: openssl kdf -keylen 128 -kdfopt pass:'Old-passw0rd!' -kdfopt salt:<base64 of SALT's text>
#   -kdfopt n:16384 -kdfopt r:8 -kdfopt p:1 -binary SCRYPT | base64 -w0
HASH = (
    "IzaxlhafmjpKbxgASJzO0G2ZsAHfw3GpqMLE9jA9D+VP8zzC+CjSdQi1K1+ioaYpCkmGOAPKu5GUOv9Hia1YL8"
    "mgNA8bLH9ZvkpbsVt9q9TWgPF2gsv9nFouWkmWioNePEQ45g8QJNrfANLfgcsZsMbZDiAm9OabdYS6EAShDYk="
)
STORED = f"augmed_scrypt${SALT}${HASH}"


def test_verifies_what_augmed_stored():
    assert check_password(PASSWORD, STORED)
    assert not check_password("Old-passw0rd?", STORED)


def test_a_hash_over_the_plain_salt_is_another_one():
    """The salt is encoded once more than one would think."""
    made = hashlib.scrypt(PASSWORD.encode(), salt=SALT.encode(), n=2**14, r=8, p=1, maxmem=2**26, dklen=128)
    assert not check_password(PASSWORD, f"augmed_scrypt${SALT}${b64encode(made).decode()}")


@pytest.mark.parametrize("password", ["pässwörd 1!", "x" * 128, " "])
def test_any_password_comes_back(password):
    hasher = AugMedScryptPasswordHasher()
    encoded = hasher.encode(password, hasher.salt())
    assert hasher.verify(password, encoded)
    assert not hasher.verify(password + "x", encoded)


def test_a_summary_shows_neither_salt_nor_hash():
    shown = " ".join(identify_hasher(STORED).safe_summary(STORED).values())
    assert SALT not in shown
    assert HASH not in shown


@pytest.mark.django_db
class TestFirstLogIn:
    @pytest.fixture
    def moved(self, make_user):
        user = make_user("moved@example.org")
        user.password = STORED
        user.save(update_fields=["password"])
        return user

    def log_in(self, api, password=PASSWORD):
        return api().post("/api/v2/auth/token", {"email": "moved@example.org", "password": password})

    def test_replaces_the_hash_by_the_preferred_one(self, api, moved, settings):
        settings.PASSWORD_HASHERS = [
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            "participants.hashers.AugMedScryptPasswordHasher",
        ]
        assert self.log_in(api).status_code == 200
        moved.refresh_from_db()
        assert moved.password.startswith("pbkdf2_sha256$")
        assert self.log_in(api).status_code == 200

    @pytest.mark.parametrize("email", ["moved@example.org", "nobody@example.org"])
    def test_a_wrong_password_costs_the_preferred_hash_as_an_unknown_address_does(self, api, moved, monkeypatch, email):
        made = []
        hasher = type(get_hasher())
        encode = hasher.encode
        monkeypatch.setattr(hasher, "encode", lambda *args: made.append(1) or encode(*args))
        assert api().post("/api/v2/auth/token", {"email": email, "password": "wrong"}).status_code == 401
        assert len(made) == 1

    def test_a_wrong_password_changes_nothing(self, api, moved):
        assert self.log_in(api, "wrong").status_code == 401
        moved.refresh_from_db()
        assert moved.password == STORED
