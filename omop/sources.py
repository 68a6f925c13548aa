"""Where the files of an import come from: an upload, or a folder of the server. What a job remembers of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from augmed.foundation.errors import Invalid
from omop import folders, uploads


@dataclass(frozen=True, slots=True)
class ImportSource:
    """`place` is the name of an upload, or the path of a folder; `names` are the files of it, all where empty."""

    kind: Literal["upload", "folder"]
    place: str
    names: tuple[str, ...] = ()

    def paths(self) -> list[Path]:
        """The files, by name. Asked anew each time: a folder must still be one that may be imported from.

        Raises Invalid where files are gone, or there are none.
        """
        if self.kind == "upload":
            files = sorted(uploads.folder(self.place).iterdir())
        else:
            files = folders.files_of(folders.inside(Path(self.place)))
        found = {path.name: path for path in files}
        if missing := sorted(set(self.names) - set(found)):
            raise Invalid(f"No longer there: {', '.join(missing)}.")
        if not found:
            raise Invalid(f"There is no file to import in {self.label or 'this upload'}.")
        return [path for name, path in found.items() if not self.names or name in self.names]

    def without(self, left_out: Collection[str]) -> ImportSource:
        """The same source without these files. Raises Invalid where one is no file of it, or none would remain."""
        names = [path.name for path in self.paths()]
        if other := sorted(set(left_out) - set(names)):
            raise Invalid(f"{', '.join(other)} is inside another file and cannot be left out by itself.")
        kept = tuple(name for name in names if name not in left_out)
        if not kept:
            raise Invalid("Leave at least one file in.")
        return replace(self, names=kept)

    def left_out(self) -> list[str]:
        """The files of the place that were left out, by name. Raises Invalid as `paths` does."""
        if not self.names:
            return []
        return [path.name for path in replace(self, names=()).paths() if path.name not in self.names]

    @property
    def label(self) -> str:
        """The folder's path for people; empty for an upload."""
        return self.place if self.kind == "folder" else ""

    def is_there(self) -> bool:
        """Whether the files can be read again."""
        try:
            return bool(self.paths())
        except Invalid:
            return False

    def forget(self) -> None:
        """Remove an upload; files of a folder are not ours."""
        if self.kind == "upload":
            uploads.forget(self.place)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "place": self.place, "names": list(self.names)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ImportSource:
        return cls(kind=data["kind"], place=data["place"], names=tuple(data["names"]))
