"""A stream cut into chunks that end where a record ends. Pure bytes; no more than a few chunks are held."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, RawIOBase
from typing import BinaryIO

SIZE = 2 << 20
LONGEST = 2 << 20  # a record that is longer is read as a stream, with all that follows
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records; `line` is where the first begins.

    In a plain chunk no line is empty, each is a record, and each quotation mark that quotes stands at an end of a
    field: so whoever splits it at line ends and separators reads the same as whoever obeys every rule of quoting.
    """

    data: bytes
    line: int
    plain: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """All that is left of the stream, from a record's beginning on: a record there is too long for a chunk."""

    stream: BinaryIO
    line: int


def cut(
    stream: BinaryIO, *, separator: bytes, quoted: bool, line: int, size: int = SIZE, longest: int = LONGEST
) -> Iterator[Chunk | Rest]:
    """Chunks of about `size` bytes of a stream whose next byte begins the record on `line`."""
    kept = b""
    while block := stream.read(size):
        data = kept + block
        end = data.rfind(b"\n") + 1
        quotes = quoted and data.find(b'"', 0, end) >= 0
        wrapping = not quotes or _only_wrapping(data[:end], separator)
        if not wrapping:
            end = _last_border(data, end, separator)
        if end:
            whole, kept = data[:end], data[end:]
            # What was cut off may have held the quotation marks that were in the way.
            wrapping = wrapping or _only_wrapping(whole, separator)
            yield Chunk(whole, line, wrapping and _bare(whole))
            line += lines(whole)
        else:
            kept = data
        if len(kept) > longest:
            yield Rest(_Joined(kept, stream), line)  # type: ignore[arg-type]
            return
    if kept:
        plain = not quoted or b'"' not in kept or _only_wrapping(kept, separator)
        yield Chunk(kept, line, plain and _bare(kept))


def lines(data: bytes) -> int:
    """Line ends: a line feed, a carriage return, or both together."""
    count = data.count(b"\n")
    if b"\r" in data:
        count += data.count(b"\r") - data.count(b"\r\n")
    return count


def _bare(data: bytes) -> bool:
    """Whether there is no NUL, no empty line, no carriage return that ends a line by itself."""
    if b"\0" in data or b"\n\n" in data or data.startswith((b"\n", b"\r\n")):
        return False
    return b"\r" not in data or (data.count(b"\r") == data.count(b"\r\n") and b"\n\r\n" not in data)


def _only_wrapping(data: bytes, separator: bytes) -> bool:
    """Whether the quotation marks come in pairs, each around a whole field of one line."""
    parts = data.split(b'"')
    if len(parts) % 2 == 0 or any(b"\n" in inside or b"\r" in inside for inside in set(parts[1::2])):
        return False
    ends = (separator, b"\n", b"\r\n")
    first, last = parts[0], parts[-1]
    return (
        (not first or first.endswith(ends))
        and (not last or last.startswith(ends))
        and all(part.startswith(ends) and part.endswith(ends) for part in set(parts[2:-1:2]))
    )


def _last_border(data: bytes, end: int, separator: bytes) -> int:
    """Where the last record that is complete before `end` ends, by the rules of strict quoting; 0 if none is.

    A quotation mark quotes only at the beginning of a field. Anything but a separator or a line end behind the
    closing one is an error, and reading goes on at the next line.
    """
    before = (*separator, 10, 13)
    place = border = 0
    while True:
        quote = data.find(b'"', place, end)
        border = max(border, _behind_line_end(data, place, end if quote < 0 else quote))
        if quote < 0:
            return border
        if quote and data[quote - 1] not in before:
            place = quote + 1
            continue
        closing = _closing(data, quote + 1, end)
        if closing < 0:
            return border
        place = closing + 1
        if data[place] not in before:
            line_end = _LINE_END.search(data, place, end)
            assert line_end is not None  # as data[end - 1] is one
            place = line_end.start()


def _behind_line_end(data: bytes, start: int, end: int) -> int:
    # Never between a carriage return and its line feed: `end` is behind a line feed or before a quotation mark.
    return max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end)) + 1


def _closing(data: bytes, start: int, end: int) -> int:
    while (quote := data.find(b'"', start, end)) >= 0 and data[quote + 1 : quote + 2] == b'"':
        start = quote + 2
    return quote


class _Joined(RawIOBase):
    """What was read of a stream already, and then the stream."""

    def __init__(self, head: bytes, tail: BinaryIO) -> None:
        super().__init__()
        self._head = BytesIO(head)
        self._tail = tail
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._head.read(len(buffer)) or self._tail.read(len(buffer))
        buffer[: len(data)] = data
        self._given += len(data)
        return len(data)

    def tell(self) -> int:
        return self._given
