"""The file of rejects: every one of them, with the row as it stood."""

import csv
import gzip
import tracemalloc
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omop.imports.options import Encoding
from omop.imports.rejects import HEADER, RejectWriter
from omop.imports.report import Finding
from omop.tests.reading.conftest import read_files

CLASS = "concept_class_id,concept_class_name,concept_class_concept_id"


def rejects_csv(tmp_path, paths, rejects, **options):
    """The file for these rejects, and what it holds, each record as a tuple."""
    found = read_files(paths, **options)
    folder = tmp_path / "run"
    folder.mkdir()
    with RejectWriter(folder) as writer:
        for name, line, column, code, reason in rejects:
            writer(code, Finding(name, line, column, "value", reason))
        dialects = {each.source.number: each.dialect for each in found.contents if each.dialect}
        path = writer.write_csv([each.source for each in found.contents], dialects)
    assert sorted(each.name for each in folder.iterdir()) == (["rejects.csv"] if path else [])
    if path is None:
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


def test_every_reject_has_its_original_row(tmp_path):
    path = tmp_path / "concept_class.csv"
    rows = ["a, b ,x", '"c ""q""","d\r\ne",y', "", "too,many,fields,here", "f,g,z"]
    path.write_text("\n".join([CLASS, *rows]) + "\n", newline="")
    name = "concept_class.csv"
    found = rejects_csv(
        tmp_path,
        [path],
        [
            (name, 7, "concept_class_concept_id", "value_type", "is not a whole number"),
            (name, 6, None, "field_count", "the line has 4 fields, the header 3"),
            (name, 3, "concept_class_concept_id", "value_type", "is not a whole number"),
            (name, 3, None, "natural_key_unique", "is there twice"),
            (name, 2, "concept_class_concept_id", "value_type", "is not a whole number"),
        ],
    )
    assert found == [
        HEADER,
        (name, "2", "concept_class_concept_id", "value_type", "is not a whole number", "a, b ,x"),
        (name, "3", "concept_class_concept_id", "value_type", "is not a whole number", '"c ""q""","d\r\ne",y'),
        (name, "3", "", "natural_key_unique", "is there twice", '"c ""q""","d\r\ne",y'),
        (name, "6", "", "field_count", "the line has 4 fields, the header 3", "too,many,fields,here"),
        (name, "7", "concept_class_concept_id", "value_type", "is not a whole number", "f,g,z"),
    ]


def test_rows_of_compressed_files_and_archives(tmp_path):
    content = f"{CLASS}\na,b,x\nc,d,y\n".encode()
    (tmp_path / "CONCEPT_CLASS.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/concept_class.csv", content)
    pq.write_table(
        pa.table(dict(zip(CLASS.split(","), [["a", "c"], ["b", "d"], ["x", "y"]], strict=True))),
        tmp_path / "concept_class.parquet",
    )
    names = ["CONCEPT_CLASS.csv.gz", "all.zip/in/concept_class.csv", "concept_class.parquet"]
    found = rejects_csv(tmp_path, sorted(tmp_path.iterdir()), [(name, 3, None, "value_type", "no") for name in names])
    json = '{"concept_class_id": "c", "concept_class_name": "d", "concept_class_concept_id": "y"}'
    assert [(row[0], row[-1]) for row in found[1:]] == [(names[0], "c,d,y"), (names[1], "c,d,y"), (names[2], json)]


@pytest.mark.parametrize(
    ("encoding", "row"),
    [(Encoding.UTF_8, "Gen\\xe8ve\0,\\xc3éé\\x81,1"), (Encoding.LATIN_1, "Genève\0,ÃÃ©Ã©\\x81,1")],
)
def test_bytes_that_are_no_text_are_written_out(tmp_path, encoding, row):
    path = tmp_path / "concept_class.csv"
    path.write_bytes(f"{CLASS}\nGen".encode() + b"\xe8ve\0,\xc3\xc3\xa9\xc3\xa9\x81,1\n")
    place = ("concept_class.csv", 2, None, "value_type", "is not a whole number")
    assert rejects_csv(tmp_path, [path], [place], encoding=encoding)[1][-1] == row


def test_a_quote_that_never_closes_shows_what_it_opened(tmp_path):
    path = tmp_path / "concept_class.csv"
    path.write_text(f'{CLASS}\na,b,1\nc,"d,2\ne,f,3\n')
    found = rejects_csv(tmp_path, [path], [("concept_class.csv", 3, None, "file_readable", "is never closed")])
    assert found[1][-1] == 'c,"d,2\ne,f,3'


def test_rejects_without_a_row_have_none(tmp_path):
    path = tmp_path / "concept_class.csv"
    path.write_text(f"{CLASS}\na,b,1\n")
    name = "concept_class.csv"
    found = rejects_csv(
        tmp_path, [path], [(name, 1, "=x", "columns_known", "no"), (name, 99, None, "value_type", "no")]
    )
    assert [row[1:3] + row[-1:] for row in found[1:]] == [("1", "'=x", ""), ("99", "", "")]


def test_names_are_guarded_against_spreadsheets_but_rows_stay_as_they_are(tmp_path):
    path = tmp_path / "=cmd.csv"
    path.write_text(f"{CLASS}\n=1+1,b,x\n")
    found = read_files([path], aliases={"=cmd.csv": "concept_class"})
    folder = tmp_path / "run"
    folder.mkdir()
    with RejectWriter(folder) as writer:
        writer.add([("=cmd.csv", 2, "concept_class_concept_id", "value_type", "no")])
        target = writer.write_csv([found.only.source], {0: found.only.dialect})
    assert target.read_text().splitlines()[1] == '\'=cmd.csv,2,concept_class_concept_id,value_type,no,"=1+1,b,x"'


def test_the_file_is_for_nobody_else(tmp_path):
    """Neither it nor what it is made of, also where an earlier run was killed and left its part readable."""
    path = tmp_path / "concept_class.csv"
    path.write_text(f"{CLASS}\na,b,x\n")
    (tmp_path / "rejects.part").touch(mode=0o644)
    found = read_files([path])
    with RejectWriter(tmp_path) as writer:
        writer("value_type", Finding(path.name, 2, None, "value", "is wrong"))
        assert (tmp_path / "rejects.spool").stat().st_mode & 0o777 == 0o600
        written = writer.write_csv([each.source for each in found.contents], {})
    assert written.stat().st_mode & 0o777 == 0o600


def test_no_rejects_no_file(tmp_path):
    path = tmp_path / "concept_class.csv"
    path.write_text(CLASS)
    assert rejects_csv(tmp_path, [path], []) is None


def test_what_has_no_line_is_no_reject(tmp_path):
    path = tmp_path / "concept_class.csv"
    path.write_text(CLASS)
    assert rejects_csv(tmp_path, [path], [("concept_class.csv", None, None, "file_readable", "no")]) is None


def test_memory_does_not_grow_with_the_rejects(tmp_path):
    count = 25_000
    path = tmp_path / "concept_class.csv"
    with path.open("w") as file:
        file.write(f"{CLASS}\n")
        file.writelines(f"{n},b,x\n" for n in range(count))
    (content,) = read_files([path]).contents
    tracemalloc.start()
    try:
        with RejectWriter(tmp_path) as writer:
            lines = range(count + 1, 1, -1)
            writer.add(("concept_class.csv", line, None, "value_type", "is not a whole number") for line in lines)
            target = writer.write_csv([content.source], {0: content.dialect})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    with target.open() as file:
        assert sum(1 for _ in file) == count + 1
