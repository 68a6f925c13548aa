"""Records and their lines, whatever they are made of, and in bounded memory."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omop.imports.reading.records import MAX_CHARACTERS, raw_records, read_records
from omop.imports.reading.shape import Dialect
from omop.imports.reading.survey import survey
from omop.tests.reading.conftest import read_files

PERSON = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id,person_source_value"


def test_short_and_long_rows_keep_their_lines(read):
    found = read(f"{PERSON}\n1,2,1980,0,0\n2,2,1980,0,0,a\n3,2,1980,0,0,a,\n4,2,1980,0,0,a\n")
    assert found.only.lines == [3, 5]
    assert found.only.misfits == [2, 4]


def test_a_comma_at_the_end_of_every_line_is_one_field_too_many(read):
    assert read(f"{PERSON}\n1,2,1980,0,0,a,\n2,2,1980,0,0,b,\n").only.misfits == [2, 3]
    assert read(f"{PERSON},\n1,2,1980,0,0,a,\n").errors == ["person.csv, line 1, column 7: a column has no name"]


def test_the_line_that_ends_copy_is_a_record_like_any_other(read):
    found = read(f"{PERSON}\n1,2,1980,0,0,a\n\\.\n2,2,1980,0,0,\\.\n")
    assert found.only.misfits == [3]
    assert [row["person_source_value"] for row in found.only.rows] == ["a", "\\."]


def test_empty_lines_are_passed_over_and_counted(read):
    assert read(f"{PERSON}\n\n1,2,1980,0,0,a\n\r\n\n2,2,1980,0,0,a\n\n\n").only.lines == [3, 6]


def test_values_over_several_lines_keep_their_line_ends(read):
    found = read(f'{PERSON}\n1,2,1980,0,0,"a\r\nb\rc\nd"\n2,2,1980,0,0,e\n')
    assert found.only.rows[0]["person_source_value"] == "a\r\nb\rc\nd"
    assert found.only.lines == [2, 6]


def test_nul_bytes_come_through_to_the_cell(read):
    assert read(f"{PERSON}\n1,2,1980,0,0,a\0b\n").only.rows[0]["person_source_value"] == "a\0b"


def test_a_quote_that_never_closes_ends_the_file_and_is_told_where_it_opens(read):
    found = read(f'{PERSON}\n1,2,1980,0,0,a\n2,2,1980,0,0,"b\n3,2,1980,0,0,c\n')
    assert found.only.lines == [2]
    assert found.only.problems == [(3, "a quotation mark opened in this record is never closed", "file_readable")]


def test_an_undoubled_quote_is_an_error_of_its_record_only(read):
    found = read(f'{PERSON}\n1,2,1980,0,0,"a"b"\n2,2,1980,0,0,c\n')
    assert found.only.problems == [(2, "a quotation mark inside a quoted value is not doubled", "record_readable")]
    assert found.only.lines == [3]


class Endless(io.RawIOBase):
    """The beginning of a file, and then the same bytes for ever (at least far beyond any limit)."""

    def __init__(self, beginning: bytes, rest: bytes) -> None:
        self._beginning = beginning
        self._rest = rest * (65536 // len(rest))
        self.given = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        block = self._beginning or self._rest
        self._beginning = b""
        count = min(len(block), len(buffer))
        buffer[:count] = block[:count]
        self.given += count
        assert self.given < 20 * MAX_CHARACTERS, "the reader does not stop"
        return count


@pytest.mark.parametrize(
    ("beginning", "rest", "reason"),
    [
        (b'1,"', b"2,3\n", "a quotation mark opened in this record is never closed"),
        (b"1,", b"x", "longer than 8,388,608 characters"),
    ],
)
def test_what_never_ends_does_not_fill_the_memory(beginning, rest, reason):
    dialect = Dialect(",", True, "utf-8", 0, 2, ("a", "b"), survey(io.BytesIO(b""), 0))
    stream = io.BufferedReader(Endless(b"0,0\n" + beginning, rest))
    tracemalloc.start()
    try:
        batches = list(read_records(stream, dialect, 2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [batch.rows for batch in batches] == [[["0", "0"]]]
    ((line, told, code),) = batches[0].problems
    assert (line, code) == (3, "file_readable")
    assert reason in told
    assert peak < 150 << 20


def test_the_stream_stays_open_for_who_opened_it():
    dialect = Dialect(",", True, "utf-8", 0, 2, ("a",), survey(io.BytesIO(b""), 0))
    stream = io.BytesIO(b"1\n2\n")
    list(read_records(stream, dialect, 2))
    list(raw_records(stream, dialect, 2))
    assert not stream.closed


# Laws

COLUMNS = {
    "note_id": st.integers(0, 10**6).map(str),
    "person_id": st.integers(0, 10**6).map(str),
    "note_date": st.dates().map(str),
    "note_type_concept_id": st.just("0"),
    "note_class_concept_id": st.just("0"),
    "encoding_concept_id": st.just("0"),
    "language_concept_id": st.just("0"),
}
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NO_CONTROL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\t\r\n"\0'), max_size=12)
DIALECTS = st.fixed_dictionaries(
    {
        "separator": st.sampled_from(",\t;|"),
        "quoting": st.sampled_from(["where needed", "all", "none"]),
        "ends": st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=3),
        "bom": st.booleans(),
        "order": st.permutations([*COLUMNS, "note_text"]),
        "case": st.sampled_from([str.lower, str.upper, str.title, lambda name: f" {name} "]),
        "packing": st.sampled_from(["", "gz", "zip"]),
        "last_end": st.booleans(),
    }
)


def quoted(value, separator, quoting):
    if quoting == "all" or (quoting == "where needed" and any(mark in value for mark in f'"\r\n{separator}')):
        return '"' + value.replace('"', '""') + '"'
    return value


def written(rows, dialect):
    """The file as text, and the line on which each row begins."""
    quoting, separator, order = dialect["quoting"], dialect["separator"], dialect["order"]
    if separator == "\t" and quoting == "where needed":
        quoting = "all"  # a tab file is recognised as quoted by its header
    parts, lines, line = [], [], 1
    for number, row in enumerate([{name: dialect["case"](name) for name in order}, *rows]):
        end = dialect["ends"][number % len(dialect["ends"])]
        if number == len(rows) and not dialect["last_end"]:
            end = ""
        parts.append(separator.join(quoted(row[name], separator, quoting) for name in order) + end)
        if number:
            lines.append(line)
        line += len(io.StringIO(parts[-1], newline="").readlines())
    return ("\ufeff" if dialect["bom"] else "") + "".join(parts), lines


def packed(folder, content, packing):
    if packing == "gz":
        path = folder / "NOTE.csv.gz"
        path.write_bytes(gzip.compress(content))
    elif packing == "zip":
        path = folder / "all.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("in/NOTE.csv", content)
    else:
        path = folder / "NOTE.csv"
        path.write_bytes(content)
    return path


@given(st.data(), DIALECTS)
def test_rows_and_lines_are_the_same_in_every_dialect(data, dialect):
    text = ANY
    if dialect["quoting"] == "none":
        text = NO_CONTROL.map(lambda value: value.replace(dialect["separator"], ""))
        if dialect["separator"] == "\t":
            text = text.map(lambda value: f'"{value}')  # as in Athena's files
    rows = data.draw(st.lists(st.fixed_dictionaries({**COLUMNS, "note_text": text}), max_size=6))
    content, lines = written(rows, dialect)
    with TemporaryDirectory() as folder:
        found = read_files([packed(Path(folder), content.encode(), dialect["packing"])])
        assert found.errors == []
        assert found.only.problems == []
        assert found.only.rows == rows
        assert found.only.lines == lines


@given(st.lists(st.sampled_from(["a", '"', ",", "\n", "\r", "b", "é", "\0"]), max_size=40).map("".join), st.booleans())
def test_original_records_begin_where_read_records_begin_and_lose_nothing(text, quoted):
    dialect = Dialect(",", quoted, "utf-8", 0, 1, ("a",), survey(io.BytesIO(b""), 0))
    originals = dict(raw_records(io.BytesIO(text.encode()), dialect, 1))
    batches = list(read_records(io.BytesIO(text.encode()), dialect, 1))
    for batch in batches:
        assert {*batch.lines, *(problem.line for problem in batch.problems)} <= set(originals)
    physical = io.StringIO(text, newline="").readlines()
    for line, original in originals.items():
        assert "".join(physical[line - 1 :]).startswith(original)
    if not any(problem.code == "file_readable" for batch in batches for problem in batch.problems):
        assert "".join(originals.values()).replace("\n", "").replace("\r", "") == text.replace("\n", "").replace(
            "\r", ""
        )


@example([b"a", b"\r", b"\n", b"\xff"], 2)
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r", b'"', b"\0", b"\xc3", b"\xa9", b"\xff"]), max_size=60),
    st.integers(1, 9),
)
def test_the_survey_counts_the_same_whatever_its_blocks(parts, block):
    content = b"".join(parts)

    class Trickle(io.BytesIO):
        def read(self, size=-1):
            return super().read(block)

    found = survey(Trickle(content), len(content))
    crlf = content.count(b"\r\n")
    assert (found.crlf, found.lf, found.cr) == (crlf, content.count(b"\n") - crlf, content.count(b"\r") - crlf)
    assert (found.size, found.nul, found.quotes) == (len(content), content.count(b"\0"), content.count(b'"'))
    try:
        content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert found.invalid_line == before.count(b"\n") + 1
    else:
        assert found.invalid_line is None


def test_batches_of_long_records_are_short():
    dialect = Dialect(",", True, "utf-8", 0, 2, ("a",), survey(io.BytesIO(b""), 0))
    rows = [str(n) * 1_000_000 for n in range(1, 21)]
    batches = list(read_records(io.BytesIO("\n".join(rows).encode()), dialect, 2))
    assert [row for batch in batches for (row,) in batch.rows] == rows
    assert [line for batch in batches for line in batch.lines] == list(range(2, 22))
    assert max(len(batch.rows) for batch in batches) <= 10


def test_a_reader_that_is_left_in_mid_file_goes_quietly():
    stream = io.BytesIO(b"1,2\n" * 50_000)
    dialect = Dialect(",", True, "utf-8", 0, 1, ("a", "b"), survey(io.BytesIO(b""), 0))
    reading = read_records(stream, dialect, 1)
    next(reading)
    stream.close()
    reading.close()
