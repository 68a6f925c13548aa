"""Where the files of an import come from: an upload, or a folder of the server. What a job remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
            return sorted(uploads.folder(self.place).iterdir())
        found = {path.name: path for path in folders.files_of(folders.inside(Path(self.place)))}
        if missing := sorted(set(self.names) - set(found)):
            raise Invalid(f"No longer in the folder {self.label}: {', '.join(missing)}.")
        if not found:
            raise Invalid(f"There is no file to import in the folder {self.label}.")
        return [path for name, path in found.items() if not self.names or name in self.names]

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
