from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from augmed.foundation.errors import DomainError
from cases.actions import import_layout


class Command(BaseCommand):
    help = "Import a page layout: this project's own JSON (docs/layout-format.md), or AugMed's page_config."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", help="the layout's name (default: the one in the file)")
        parser.add_argument(
            "--advice",
            action="append",
            default=[],
            metavar="LABEL",
            help="what is so labelled is advice of a model that takes supplied values; may be given several times",
        )
        parser.add_argument(
            "--allow-unknown-concepts", action="store_true", help="accept concepts that the vocabulary does not have"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = options["file"].read_text(encoding="utf-8-sig")
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{options['file']} is not UTF-8 text.") from error
        try:
            version = import_layout(
                content=text,
                by=None,
                name=options["name"],
                advice_labels=options["advice"],
                allow_unknown_concepts=options["allow_unknown_concepts"],
            )
        except DomainError as error:
            lines = [f"{key}: {message}" for key, messages in error.errors.items() for message in messages]
            raise CommandError("\n".join([f"{options['file']}: the layout was refused.", *lines])) from error
        default = ", the default layout" if version.layout.is_default else ""
        self.stdout.write(f"{version}: {version.nodes.count()} nodes{default}.")
