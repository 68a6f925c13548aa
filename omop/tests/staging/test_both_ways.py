"""The same bytes, read natively and exactly, give the same rows, the same counts and the same findings."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omop.imports.convert import chunks
from omop.imports.options import DateOrder, Encoding, ImportOptions, LongText, Quoting, UnknownColumns
from omop.tests.staging.harness import stage

INTEGERS = ["", "0", "1", "-1", "00012", "-0", "+1", " 1", "1 ", "0x10", "0X1f", "1.0", "1e3", "1_0", "NA", "-", "12"]
INTEGERS += ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "9" * 30, "0" * 40 + "1", "\u0661"]
NUMBERS = [
    "",
    "0",
    "-0",
    "48.1",
    "1.50",
    "5.",
    ".5",
    "+5",
    "1e3",
    "1E-7",
    "0.0000001",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
]
NUMBERS += ["007", "1,5", "123456789.123456", "1234567890123456789", "0.1234567", "1e400", "NA", "0x1p3", " 1.5", "--1"]
DATES = ["", "2020-01-31", "20200131", "2020-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "31/12/2020", "today"]
DATES += ["2020-01-31 00:00:00", "2020-01-31T00:00", "2020-01-31 10:00:00", "2020-1-1", "infinity", " 2020-01-01"]
MOMENTS = ["", "2020-01-31", "2020-01-31 00:00:00", "2020-01-31T10:11:12", "2020-01-31 10:11", "2020-01-31 10:11:12.5"]
MOMENTS += [
    "2020-01-31 24:00:00",
    "2020-01-31 23:59:60",
    "2020-01-31 10:11:12Z",
    "2020-01-31 10:11+01",
    "2020-01-31 10",
]
MOMENTS += ["0000-01-01 00:00:00", "2020-01-31 10:11:12+01:00", "20200131 10:11:12", "2020-01-31 101112.123", "NA"]
TEXTS = [
    "",
    "NA",
    "a",
    "ñ",
    "x" * 50,
    "x" * 51,
    "ñ" * 50,
    "ñ" * 51,
    " a ",
    "\\N",
    "\\.",
    "a'b",
    'a"b',
    '"',
    '""',
    '"a"',
]
TEXTS += [
    "a,b",
    '"a,b"',
    "a\tb",
    "a\nb",
    '"a\nb"',
    '"a\r\nb"',
    "a\rb",
    "\0",
    "\ufeff",
    "\u2028",
    "a\x85b",
    '"a""b"',
    '"a"b',
]

HEADER = {
    "measurement_id": INTEGERS,
    "person_id": INTEGERS,
    "measurement_concept_id": INTEGERS,
    "measurement_date": DATES,
    "measurement_type_concept_id": INTEGERS,
    "measurement_datetime": MOMENTS,
    "value_as_number": NUMBERS,
    "measurement_source_value": TEXTS,
    "visit_occurrence_id": INTEGERS,
    "unheard_of": TEXTS,
}
FINE = ["7", "1", "3000963", "2020-01-31", "32817", "2020-01-31 10:11:12", "48.1", "glucose", "5", "?"]
# Whole lines that are odd.
LINES = [
    "",
    "\\.",
    "1,2",
    ",".join(FINE) + ",",
    '"',
    '"open',
    'closed",',
    ",,,,,,,,",
    '"' + '","'.join(FINE) + '"',
    "\0",
]

cell = st.integers(0, len(HEADER) - 1).flatmap(
    lambda place: st.sampled_from(list(HEADER.values())[place]).map(lambda text: (place, text))
)
rows = st.lists(cell, max_size=3).map(lambda odd: [dict(odd).get(place, fine) for place, fine in enumerate(FINE)])
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])
options = st.builds(
    ImportOptions,
    unknown_columns=st.just(UnknownColumns.IGNORE),
    null_tokens=st.sampled_from([{}, {"value_as_number": ("NA",), "measurement_source_value": ("NA", "a")}]),
    zero_as_null=st.sampled_from([frozenset(), frozenset({"visit_occurrence_id", "measurement.value_as_number"})]),
    date_order=st.sampled_from(DateOrder),
    long_text=st.sampled_from(LongText),
    encoding=st.sampled_from(Encoding),
    quoting=st.sampled_from(Quoting),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    separator = draw(st.sampled_from([",", ",", "\t", ";"]))
    quote = draw(st.sampled_from(["", "", '"']))
    lines = [separator.join(HEADER)]
    for row in draw(st.lists(st.one_of(rows, rows, rows, st.sampled_from(LINES)), max_size=12)):
        lines.append(row if isinstance(row, str) else separator.join(f"{quote}{text}{quote}" for text in row))
    text = "".join(line + draw(ends) for line in lines)
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    content = text.encode("utf-8")
    if draw(st.integers(0, 5)) == 0:
        place = draw(st.integers(0, len(content)))
        content = content[:place] + draw(st.binary(max_size=2)) + content[place:]
    return content


@settings(max_examples=200, deadline=None)
@given(content=files(), options=options, chunk=st.sampled_from([40, 150, 400, 100_000]), threads=st.integers(1, 3))
def test_native_and_exact_reading_agree(content, options, chunk, threads):
    exactly = stage(content, options=options, exact=True)
    natively = stage(content, options=options, chunk=chunk, threads=threads)
    assert natively.rows == exactly.rows
    assert natively.told == exactly.told


@settings(max_examples=200, deadline=None)
@given(
    content=st.lists(st.sampled_from([b'"', b",", b"\n", b"\r\n", b"\r", b"a", b'""', b"b,c\n"]), max_size=40).map(
        b"".join
    ),
    size=st.integers(1, 12),
    quoted=st.booleans(),
)
def test_cutting_loses_nothing_and_counts_lines(content, size, quoted):
    cut = list(chunks.cut(BytesIO(content), separator=b",", quoted=quoted, line=2, size=size, longest=10_000))
    assert b"".join(chunk.data for chunk in cut) == content
    line = 2
    for chunk in cut:
        assert chunk.line == line
        line += chunks.lines(chunk.data)


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        (b"1,2\n3,4\n", True),
        (b"1,2\r\n3,4\n", True),
        (b"1,2\r3,4\n", False),
        (b"1,\0\n", False),
        (b'"1","2"\n3,"4"\r\n', True),
        (b'"1,5","2"\n', True),
        (b'"1\n5","2"\n', False),
        (b'"1""5","2"\n', False),
        (b'a"b,c"d\n', False),
        (b'"a"b,c\n', False),
        (b'"x,"y",z"\n', False),
        (b'"","2"\n', True),
    ],
)
def test_what_is_plain(content, plain):
    (chunk,) = chunks.cut(BytesIO(content), separator=b",", quoted=True, line=2)
    assert chunk.plain is plain


def test_without_quoting_a_quotation_mark_is_a_letter():
    (chunk,) = chunks.cut(BytesIO(b'"y set" tubing\t"\n'), separator=b"\t", quoted=False, line=2)
    assert chunk.plain
