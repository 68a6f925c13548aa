"""The choices of an import in plain words, and the ImportOptions that they make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from augmed.foundation.errors import DomainError
from omop.admin.imports.fields import ColumnsField, LinesField, ManyFilesField, TablesField, known_column
from omop.imports.gate.catalogue import CATALOGUE, Check, Level
from omop.imports.options import (
    DateOrder,
    Duplicates,
    Encoding,
    ImportOptions,
    Indexes,
    LongText,
    Mode,
    OptionError,
    Quoting,
    UnknownColumns,
)
from omop.imports.reading.named import never_none
from omop.imports.schema import schemas

TOLERABLE = tuple(check for check in CATALOGUE.values() if check.level is not Level.REFUSE)
_PLAIN = ImportOptions()
_MODES = (
    (Mode.INSERT, "Add new rows. A row whose id is known and whose content differs is an error."),
    (Mode.UPSERT, "Add new rows, and update rows whose id is known."),
    (
        Mode.REPLACE_PERSON,
        "Replace persons: for each person in the person file, the database's rows are removed from the tables of these"
        " files, and the files' rows take their place.",
    ),
)
_DUPLICATES = (
    (Duplicates.REFUSE, "They are errors."),
    (Duplicates.IDENTICAL, "Keep one where they are the same in every column; else they are errors."),
    (Duplicates.FIRST, "Keep the first."),
)


class OptionsForm(forms.Form):
    """All choices of a run. `options` are valid after `is_valid`; without data the form shows those it was given."""

    mode = forms.ChoiceField(label="What to do with the rows", choices=_MODES, widget=forms.RadioSelect)
    duplicates = forms.ChoiceField(
        label="Rows with the same id in these files", choices=_DUPLICATES, widget=forms.RadioSelect
    )
    date_order = forms.ChoiceField(
        label="Dates",
        choices=(
            (DateOrder.ISO, "2020-01-31 or 20200131 only"),
            (DateOrder.DAY_FIRST, "31/01/2020 too, the day first"),
        ),
    )
    encoding = forms.ChoiceField(
        label="Characters",
        choices=((Encoding.UTF_8, "UTF-8"), (Encoding.LATIN_1, "Latin-1 (ISO 8859-1), as older systems write it")),
    )
    quoting = forms.ChoiceField(
        label="Quotes around values",
        choices=(
            (Quoting.AUTO, "recognised by the header"),
            (Quoting.QUOTED, 'values may stand in "..."'),
            (Quoting.UNQUOTED, "a quote is a character like any other"),
        ),
    )
    unknown_columns = forms.ChoiceField(
        label="Columns that CDM 5.4 does not have",
        choices=((UnknownColumns.REFUSE, "are errors"), (UnknownColumns.IGNORE, "are left out, and listed")),
    )
    long_text = forms.ChoiceField(
        label="Texts longer than their column",
        choices=((LongText.REJECT, "are errors"), (LongText.TRUNCATE, "are cut to the length of the column")),
    )
    indexes = forms.ChoiceField(
        label="Indexes of tables that are empty",
        choices=((Indexes.AUTO, "are built last, which is faster"), (Indexes.KEEP, "are kept")),
    )
    earliest = forms.DateField(
        label="Earliest plausible date", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    latest = forms.DateField(
        label="Latest plausible date (empty: tomorrow)",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    null_tokens = LinesField(
        label="Texts that mean “none”",
        required=False,
        help_text="One a line, for the column that it holds for: value_source_value = NA. An empty cell always is.",
    )
    zero_as_null = ColumnsField(
        label="Columns in which 0 means “none”",
        required=False,
        help_text="For example provider_id, visit_occurrence.visit_detail_id. In columns of concepts 0 is a concept.",
    )
    headerless = TablesField(
        label="Tables whose files have no header",
        required=False,
        help_text="Their files then must have every column of CDM 5.4, in its order.",
    )
    aliases = LinesField(
        label="Files under another name",
        required=False,
        help_text="One a line: DEVICES_EXPOSURE.csv = device_exposure",
    )
    exact = LinesField(
        label="For one table or column",
        required=False,
        help_text="One a line, in percent: value_type:measurement = 0.5, or value_type:measurement.unit_concept_id = 2",
    )

    def __init__(self, *args: Any, options: ImportOptions | None = None, **kwargs: Any) -> None:
        given = options or _PLAIN
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.initial = _initial(given)
        self.given = given
        self.options = given
        for check in TOLERABLE:
            self.fields[f"tolerate_{check.code}"] = forms.FloatField(
                label=check.question,
                required=False,
                min_value=0,
                max_value=100,
                widget=forms.NumberInput(attrs={"step": "any", "placeholder": f"{check.threshold:g}"}),
            )

    @property
    def short(self) -> list[forms.BoundField]:
        """The short fields under “More choices”."""
        names = ("date_order", "encoding", "quoting", "unknown_columns", "long_text", "indexes", "earliest", "latest")
        return [self[name] for name in names]

    @property
    def lists(self) -> list[forms.BoundField]:
        """The fields under “More choices” in which people type a list."""
        return [self[name] for name in ("null_tokens", "aliases", "zero_as_null", "headerless")]

    @property
    def tolerated(self) -> Iterator[tuple[Check, forms.BoundField]]:
        """The checks whose threshold may be chosen, each with its field."""
        return ((check, self[f"tolerate_{check.code}"]) for check in TOLERABLE)

    @property
    def more_open(self) -> bool:
        """Whether “More choices” is unfolded: something in it is wrong, or differs from the default."""
        if self.is_bound:
            return any(field.errors for field in (*self.short, *self.lists))
        return any(field.initial != _initial(_PLAIN).get(field.name) for field in (*self.short, *self.lists))

    @property
    def tolerated_open(self) -> bool:
        if self.is_bound:
            return any(field.errors for _, field in self.tolerated) or bool(self["exact"].errors)
        return bool(self.given.thresholds)

    def clean_zero_as_null(self) -> frozenset[str]:
        names: frozenset[str] = self.cleaned_data["zero_as_null"]
        if reasons := [reason for name in sorted(names) if (reason := never_none(name, zero=True))]:
            raise ValidationError(reasons)
        return names

    def clean_null_tokens(self) -> dict[str, tuple[str, ...]]:
        tokens: dict[str, tuple[str, ...]] = {}
        for name, token in self.cleaned_data["null_tokens"]:
            column = known_column(name)
            if reason := never_none(column, zero=False):
                raise ValidationError(reason)
            tokens[column] = (*tokens.get(column, ()), token)
        return tokens

    def clean_aliases(self) -> dict[str, str]:
        aliases = {}
        for name, table in self.cleaned_data["aliases"]:
            if table.lower() not in schemas():
                raise ValidationError(f"There is no table {table} in CDM 5.4.")
            aliases[name] = table.lower()
        return aliases

    def clean_exact(self) -> dict[str, float]:
        thresholds = {}
        for name, text in self.cleaned_data["exact"]:
            code, sign, place = name.partition(":")
            if code not in {check.code for check in TOLERABLE}:
                raise ValidationError(f"There is no check {code} that may be tolerated.")
            if sign:
                self._check_place(place)
            thresholds[name.lower()] = _percentage(text)
        return thresholds

    def _check_place(self, place: str) -> None:
        table, dot, _ = place.partition(".")
        if table.lower() not in schemas():
            raise ValidationError(f"There is no table {table} in CDM 5.4.")
        if dot:
            known_column(place)

    def refuse(self, error: DomainError, otherwise: str | None) -> None:
        """Show why an action refused: at the fields that it names, else at the field `otherwise` (None: above all)."""
        named: list[tuple[str | None, list[str]]] = [
            (field, reasons) for field, reasons in error.errors.items() if field in self.fields
        ]
        for field, reasons in named or [(otherwise, [error.detail])]:
            self.add_error(field, list(reasons))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.options = self._options(data)
            except OptionError as error:
                self.add_error(None, str(error))
        if data.get("earliest") and data.get("latest") and data["earliest"] > data["latest"]:
            self.add_error("latest", "This is before the earliest date.")
        return data

    def _options(self, data: dict[str, Any]) -> ImportOptions:
        chosen = {check.code: data[f"tolerate_{check.code}"] for check in TOLERABLE}
        return ImportOptions(
            mode=Mode(data["mode"]),
            duplicates=Duplicates(data["duplicates"]),
            aliases=data["aliases"],
            null_tokens=data["null_tokens"],
            zero_as_null=data["zero_as_null"],
            headerless=data["headerless"],
            date_order=DateOrder(data["date_order"]),
            encoding=Encoding(data["encoding"]),
            quoting=Quoting(data["quoting"]),
            long_text=LongText(data["long_text"]),
            unknown_columns=UnknownColumns(data["unknown_columns"]),
            indexes=Indexes(data["indexes"]),
            thresholds={**{code: value for code, value in chosen.items() if value is not None}, **data["exact"]},
            earliest=data["earliest"],
            latest=data["latest"],
            threads=self.given.threads,
        )


class UploadForm(OptionsForm):
    """Files and choices. Where only the choices are wrong, the files stay on the server (`kept`, signed)."""

    uploaded = ManyFilesField(
        label="Files",
        required=False,
        help_text="CSV, TSV, Parquet, gzip or zip, each named as its table: person.csv, VISIT_OCCURRENCE.csv.gz.",
    )


class FolderForm(OptionsForm):
    """Choices for files of a folder of the server."""

    names = forms.MultipleChoiceField(error_messages={"required": "Tick at least one file."})

    def choose_from(self, names: Sequence[str], *, all_of_them: bool) -> None:
        """Offer these files; `all_of_them` where there are too many to choose from."""
        field = cast(forms.MultipleChoiceField, self.fields["names"])
        field.choices = [(name, name) for name in names]
        field.required = not all_of_them


def _percentage(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        raise ValidationError(f"{text} is not a percentage from 0 to 100.")
    return number


def _initial(options: ImportOptions) -> dict[str, Any]:
    plain = {check.code for check in TOLERABLE}
    return {
        "mode": options.mode.value,
        "duplicates": options.duplicates.value,
        "date_order": options.date_order.value,
        "encoding": options.encoding.value,
        "quoting": options.quoting.value,
        "unknown_columns": options.unknown_columns.value,
        "long_text": options.long_text.value,
        "indexes": options.indexes.value,
        "earliest": options.earliest,
        "latest": options.latest,
        "null_tokens": dict(options.null_tokens),
        "zero_as_null": options.zero_as_null,
        "headerless": options.headerless,
        "aliases": dict(options.aliases),
        "exact": {key: value for key, value in options.thresholds.items() if key not in plain},
        **{f"tolerate_{key}": value for key, value in options.thresholds.items() if key in plain},
    }
