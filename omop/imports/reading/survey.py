"""One pass over a text file before it is read: line ends, encoding, and whether it can be read to its end."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from omop.imports.reading.archives import too_much
from omop.imports.reading.sources import UnreadableFile

BLOCK = 1 << 20
HEAD = 256 * 1024


@dataclass(slots=True)
class Survey:
    """What a file is made of. `size` is its bytes, decompressed; `cr`, `lf` and `crlf` count line ends, each once.

    `invalid_line` is the line of the first byte that is not UTF-8; `head` the first bytes, at most HEAD.
    """

    head: bytes = b""
    size: int = 0
    lf: int = 0
    crlf: int = 0
    cr: int = 0
    nul: int = 0
    quotes: int = 0
    ascii: bool = True
    invalid_line: int | None = None

    @property
    def line_ends(self) -> str:
        """In words."""
        kinds = [(name, n) for name, n in (("LF", self.lf), ("CRLF", self.crlf), ("CR", self.cr)) if n]
        if not kinds:
            return "none"
        if len(kinds) == 1:
            return kinds[0][0]
        return "mixed: " + ", ".join(f"{n:,} {name}" for name, n in kinds)


def survey(stream: BinaryIO, stored: int) -> Survey:
    """Read all of `stream`, of which `stored` bytes are on the disk. Raises UnreadableFile if it unpacks absurdly."""
    found = Survey()
    decoder = codecs.getincrementaldecoder("utf-8")()
    after_cr = False
    while block := stream.read(BLOCK):
        if not found.size:
            found.head = block[:HEAD]
        found.size += len(block)
        if too_much(stored, found.size):
            raise UnreadableFile(f"{stored:,} bytes unpack to more than {found.size:,}, which no honest table does")
        if not (found.ascii and block.isascii()):
            found.ascii = False
            _decode(found, decoder, block, after_cr)
        after_cr = _count(found, block, after_cr)
    if not found.ascii:
        _decode(found, decoder, b"", after_cr, final=True)
    return found


def _count(found: Survey, block: bytes, after_cr: bool) -> bool:
    feeds, returns = block.count(b"\n"), block.count(b"\r")
    pairs = block.count(b"\r\n") if returns else 0
    if after_cr and block.startswith(b"\n"):  # the pair lies across two blocks
        found.cr -= 1
        pairs, returns = pairs + 1, returns + 1
    found.lf += feeds - pairs
    found.cr += returns - pairs
    found.crlf += pairs
    found.nul += block.count(b"\0")
    found.quotes += block.count(b'"')
    return block.endswith(b"\r")


def _decode(
    found: Survey, decoder: codecs.IncrementalDecoder, block: bytes, after_cr: bool, *, final: bool = False
) -> None:
    if found.invalid_line is not None:
        return
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        # `object` is the block, behind what the block before it left over
        before = error.object[: error.start]
        ends = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        ends -= after_cr and before.startswith(b"\n")  # its CR was counted with the block before
        found.invalid_line = found.lf + found.crlf + found.cr + ends + 1
