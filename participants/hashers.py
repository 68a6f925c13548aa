"""Passwords that came over from AugMed, as it stored them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher, make_password, mask_hash
from django.utils.crypto import constant_time_compare


class AugMedScryptPasswordHasher(BasePasswordHasher):
    """`augmed_scrypt$<salt>$<hash>`: AugMed's two columns. Only to verify: the first log-in stores Django's own hash.

    hash = base64(scrypt(UTF-8 of the password, salt = base64(UTF-8 of the stored salt), N = 2^14, r = 8, p = 1,
    128 bytes)). AugMed's stored salt is base64 itself, and it encodes that text once more."""

    algorithm = "augmed_scrypt"
    cost, block_size, parallelism, length = 2**14, 8, 1, 128
    memory = 64 * 2**20  # bytes; the parameters above need a good 16 MiB

    def encode(self, password: str, salt: str) -> str:
        self._check_encode_args(password, salt)  # type: ignore[attr-defined]  # untold by the stubs
        made = hashlib.scrypt(
            password.encode(),
            salt=b64encode(salt.encode()),
            n=self.cost,
            r=self.block_size,
            p=self.parallelism,
            maxmem=self.memory,
            dklen=self.length,
        )
        return f"{self.algorithm}${salt}${b64encode(made).decode()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, salt, made = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": made}

    def verify(self, password: str, encoded: str) -> bool:
        right = constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))
        if not right:
            make_password(password)  # scrypt alone is quicker than what an unknown address costs, and would tell it
        return right

    def must_update(self, encoded: str) -> bool:
        return False  # Django replaces it anyway, since another hasher is the preferred one

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to add: the cost is fixed."""

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        parts = self.decode(encoded)
        return {
            "algorithm": parts["algorithm"],
            "salt": mask_hash(parts["salt"]),
            "hash": mask_hash(parts["hash"]),
        }
