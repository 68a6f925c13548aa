"""Whether what the options name is there at all: a name with a slip would otherwise have no effect, and nobody knew."""

import difflib
from collections.abc import Iterable

from omop.imports.gate.catalogue import CATALOGUE
from omop.imports.options import ImportOptions
from omop.imports.schema import schemas


def unknown_name(options: ImportOptions) -> str | None:
    """In words, the first table, column or check that the options name and that does not exist."""
    for name in sorted({*options.zero_as_null, *options.null_tokens}):
        if not _is_column(name):
            return _no("column", name, _columns())
        if reason := never_none(name, zero=name in options.zero_as_null):
            return reason
    for name in sorted(options.headerless):
        if name not in schemas():
            return _no("table", name, schemas())
    for key in options.thresholds:
        code, _, place = key.partition(":")
        if code not in CATALOGUE:
            return _no("check", code, CATALOGUE)
        if place and place not in schemas() and not ("." in place and _is_column(place)):
            return _no("table or column", place, (*schemas(), *_columns()))
    return None


def never_none(name: str, *, zero: bool) -> str | None:
    """In words, why no cell of `column` (of any table) or `table.column` may mean none; `zero`: why not 0."""
    table, _, column = name.rpartition(".")
    places = [schemas()[table]] if table else [each for each in schemas().values() if column in each.columns]
    columns = [schema.columns[column] for schema in places]
    if all(each.required for each in columns):
        what = "part of the key" if any(column in schema.key for schema in places) else "required"
        return f"{name} is {what}, so it cannot be none: nothing may stand for that in it."
    if zero and all(each.kind == "text" for each in columns):
        return f"{name} is a text, in which 0 is a value like any other; to say otherwise, name 0 as its null token."
    return None


def _is_column(name: str) -> bool:
    table, dot, column = name.rpartition(".")
    if dot:
        return table in schemas() and column in schemas()[table].columns
    return any(name in schema.columns for schema in schemas().values())


def _columns() -> set[str]:
    return {
        f"{each}{column}"
        for table, schema in schemas().items()
        for column in schema.columns
        for each in ("", f"{table}.")
    }


def _no(what: str, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"There is no {what} called {name}.{hint}"
