"""Zip archives, looked through before anything of them is read. Nothing is ever unpacked by its name.

An archive that unpacks to absurdly much is a trap or a mistake. Deflate reaches 1,000 to 1; tables of text stay far
below 100 to 1.
"""

import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from omop.imports.report import ImportReport, printable
from omop.imports.schema import schemas

MAX_RATIO = 250
RATIO_FROM = 64 << 20  # bytes; smaller ones are harmless whatever their ratio
MAX_MEMBERS = 10_000
MAX_DIRECTORY = 16 << 20  # bytes, which zipfile reads as a whole
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}  # LZMA takes the memory that a file asks for
_ENCRYPTED = 0x41
_PATCHED = 0x20
_OTHER_DATA = frozenset(
    {".xlsx", ".xls", ".ods", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz", ".json", ".jsonl", ".feather"}
    | {".arrow", ".orc", ".avro", ".sas7bdat", ".dta"}
)
_LONGEST_END = 22 + 0xFFFF + 20  # the last record, its comment, and what stands before it in the long form


def members(path: Path, is_data: Callable[[str], bool], report: ImportReport) -> list[zipfile.ZipInfo]:
    """The members to read. The others are named in `report.ignored`, faults reported."""
    try:
        if _directory_size(path) > MAX_DIRECTORY:
            raise zipfile.BadZipFile("its directory is absurdly large")
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if info.filename and not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        _fault(report, path, None, f"the archive cannot be read: {error}")
        return []
    if len(infos) > MAX_MEMBERS:
        _fault(report, path, None, f"the archive holds {len(infos):,} files; at most {MAX_MEMBERS:,} are looked at")
        return []
    chosen = []
    for info in infos:
        if _is_hidden(info.filename) or not (is_data(info.filename) or _is_archive(info.filename)):
            leave_out(info.filename, f"{path.name}/{info.filename}", report)
        else:
            chosen.append(info)
    if (reason := _absurd(chosen, path.stat().st_size)) is not None:
        _fault(report, path, None, reason)
        return []
    return [info for info in chosen if _readable(info, chosen, path, report)]


def leave_out(name: str, shown: str, report: ImportReport) -> None:
    """Name a file that is not read in the report; a table's data in a form that is not read is an error."""
    base, shown = PurePosixPath(name).name.lower(), printable(shown)
    table, suffix = base.split(".")[0], PurePosixPath(base).suffix
    if table in schemas() and suffix in _OTHER_DATA and not _is_hidden(name):
        report.found("file_readable", table, f"{suffix} is not read; save it as CSV or Parquet", file=shown)
    else:
        report.ignored.append(shown)


def too_much(stored: int, unpacked: int) -> bool:
    """Whether so many bytes out of so many stored are no honest table."""
    return unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(stored, 1)


def _directory_size(path: Path) -> int:
    """Bytes of the list of members, which the end of the archive tells (APPNOTE.TXT 4.3.14 and 4.3.16); 0 if none."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - _LONGEST_END)
        file.seek(start)
        tail = file.read()
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or len(tail) < place + 16:
            return 0
        size = int.from_bytes(tail[place + 12 : place + 16], "little")
        locator = tail[max(0, place - 20) : place]
        if locator.startswith(b"PK\x06\x07"):  # an archive in the long form (zip64) tells it elsewhere
            file.seek(min(end, int.from_bytes(locator[8:16], "little")))
            size = max(size % 0xFFFFFFFF, int.from_bytes(file.read(48)[40:48], "little"))
    return size


def _readable(info: zipfile.ZipInfo, chosen: Sequence[zipfile.ZipInfo], path: Path, report: ImportReport) -> bool:
    reason = None
    if _is_archive(info.filename):
        reason = "an archive inside an archive is not read; unpack it"
    elif info.flag_bits & _ENCRYPTED:
        reason = "the file is encrypted; pack it without a password"
    elif info.compress_type not in _METHODS or info.flag_bits & _PATCHED:
        reason = "the file is compressed in a way that is not read; pack it by deflate, the usual way"
    elif sum(other.filename == info.filename for other in chosen) > 1:
        reason = "the archive holds two files of this name"
    if reason is not None:
        _fault(report, path, info.filename, reason)
    return reason is None


def _absurd(infos: Sequence[zipfile.ZipInfo], stored: int) -> str | None:
    # What unpacks is at most what is declared: zipfile stops there. Members that share their bytes are seen in the sum.
    unpacked = sum(info.file_size for info in infos)
    if too_much(stored, unpacked):
        return f"the archive of {stored:,} bytes would unpack to {unpacked:,}, which no honest table does"
    return None


def _fault(report: ImportReport, path: Path, member: str | None, reason: str) -> None:
    name = printable(f"{path.name}/{member}" if member else path.name)
    report.found("file_readable", PurePosixPath(name).stem.lower()[:64], reason, file=name)


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part not in {".", ".."} for part in parts)


def _is_archive(name: str) -> bool:
    return name.lower().endswith(".zip")
