"""Take the second factor from an account, where no other administrator can."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.foundation.errors import DomainError
from participants.actions import reset_second_factor
from participants.models import User


class Command(BaseCommand):
    help = "Take the second factor from an account whose owner lost app and recovery codes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the address of the account")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError("There is no account with this address.")
        try:
            reset_second_factor(user=user, by=None)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("The second factor is taken away, and every session of the account has ended.")
