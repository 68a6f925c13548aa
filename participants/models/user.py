from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from augmed.foundation.permissions import ADMINISTRATOR_VERBS, DATA_STAFF_VERBS, Verb
from participants.verbs import provided_verbs


def no_password(account: str = "") -> Q:
    """Of rows in a query, what `not has_usable_password()` says of one account. `account`: the path to it."""
    path = f"{account}__password" if account else "password"
    return Q(**{path: ""}) | Q(**{f"{path}__startswith": UNUSABLE_PASSWORD_PREFIX})


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: Any) -> UserQuerySet:
        """All accounts for those who manage them; everybody else sees only their own."""
        return self if user.may(Verb.MANAGE_ACCOUNTS) else self.filter(pk=user.pk)

    def active(self) -> UserQuerySet:
        return self.filter(is_active=True)

    def with_own_password(self) -> UserQuerySet:
        """Annotate `own_password`: is the account active, and has its owner set a password?"""
        without = Q(is_active=False) | no_password()
        return self.annotate(own_password=Case(When(without, then=Value(False)), default=Value(True)))


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def visible_to(self, user: Any) -> UserQuerySet:
        return self.get_queryset().visible_to(user)

    def active(self) -> UserQuerySet:
        return self.get_queryset().active()

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An account; without a password nobody can sign in until its owner sets one."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An administrator, with a profile and an audit event (what `manage.py createsuperuser` makes)."""
        from augmed.foundation import audit
        from participants.models.profile import Profile

        with transaction.atomic(using=self._db):
            user = self.create_user(email, password, is_superuser=True, is_staff=True, **fields)
            Profile.objects.using(self._db).create(user=user)
            roles = {"is_superuser": True, "is_data_staff": user.is_data_staff, "is_staff": True}
            audit.record(action="account_created", by=None, target=user, data=roles)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """An account. Everything else refers to people by this row's id; personal fields are in the Profile.

    Administrators are Django's superusers. `is_staff` opens the admin; what is in it depends on roles: the global one
    below, and StudyRoles (experiments), whose granting sets `is_staff`.
    """

    password = models.CharField(max_length=256)  # Django's 128 is too short for a hash that came over from AugMed
    email = models.EmailField(max_length=254, unique=True, error_messages={"unique": "This address has an account."})
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("may open the admin", default=False)
    is_data_staff = models.BooleanField("data staff", default=False, help_text="May import OMOP data and make cases.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    token_epoch = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="A claim of every token; raising it makes all earlier ones invalid.",
    )
    password_link_mailed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When a link to set the first password was mailed.",
    )

    # What the API key that a request came by allows, and its id. Set on the object of one request, never stored.
    limited_to: frozenset[Verb] | None = None
    api_key_id: int | None = None

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]  # a class variable there

    class Meta:
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")),
                name="user_email_is_lower_case",
                violation_error_message="Write the address in lower case.",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = self.email.strip().lower()

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        # Django ends a session whose hash no longer matches: with the epoch in it, raising that ends sessions too.
        value = f"{self.password}:{self.token_epoch}"
        return salted_hmac("participants.session", value, secret=secret, algorithm="sha256").hexdigest()

    def limit_to(self, verbs: frozenset[Verb], *, api_key_id: int) -> None:
        """From here on this object may no more than `verbs`, in any study and outside of them."""
        self.limited_to, self.api_key_id = verbs, api_key_id
        self.__dict__.pop("global_verbs", None)

    def within_limit(self, verbs: frozenset[Verb]) -> frozenset[Verb]:
        return verbs if self.limited_to is None else verbs & self.limited_to

    def has_mailed_link(self) -> bool:
        """Does a link to set the first password, still good, lie in the person's mailbox? May send a query."""
        mailed, good_for = self.password_link_mailed_at, timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        if mailed is not None and timezone.now() - mailed < good_for:
            return True
        return bool(self.invitations.open().exclude(mailed_at=None).exists())

    def was_mailed_link(self) -> bool:
        """The same, also of one that is too old by now."""
        return self.password_link_mailed_at is not None or self.has_mailed_link()

    @cached_property
    def global_verbs(self) -> frozenset[Verb]:
        """What this account may do outside any one study."""
        return self.within_limit(self._verbs_of_roles())

    def _verbs_of_roles(self) -> frozenset[Verb]:
        if not self.is_active:
            return frozenset()
        if self.is_superuser:
            return ADMINISTRATOR_VERBS
        verbs: frozenset[Verb] = frozenset()
        if self.is_data_staff:
            verbs |= DATA_STAFF_VERBS
        if self.is_staff:
            verbs |= provided_verbs(self)
        return verbs

    def may(self, verb: Verb) -> bool:
        """Is this allowed everywhere? For one study ask `experiments.roles.may(user, verb, experiment)`."""
        return verb in self.global_verbs
