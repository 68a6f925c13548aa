"""Files as they come: separators, quoting, byte order marks, line ends, names, packing."""

import csv
import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from omop.actions import ImportOptions, import_files
from omop.imports.options import Encoding, UnknownColumns
from omop.imports.runs import rejects_path
from omop.models import Concept, ConceptClass, Note, Person

ATHENA = Path(__file__).parent / "data" / "athena" / "CONCEPT.csv"
PERSON = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id"
pytestmark = pytest.mark.django_db


def load(*paths, **options):
    return import_files(paths=paths, by=None, options=ImportOptions(**options)).report


def load_bytes(tmp_path, name, content: bytes, **options):
    path = tmp_path / name
    path.write_bytes(content)
    return load(path, **options)


def messages(report):
    return [str(error) for error in report.errors]


def test_vocabulary_files_keep_quotes_backslashes_and_the_name_NA():
    report = load(ATHENA)
    assert report.status == "loaded"
    names = dict(Concept.objects.values_list("concept_id", "concept_name"))
    assert names == {
        0: "No matching concept",
        42081869: 'Wilson"s Mills',
        2616666: 'Rollabout chair, any and all types with casters 5" or greater',
        4000001: '"y set" tubing for peritoneal dialysis',
        36311145: "NA",
        4000002: r"back\slash \N and \t kept",
        4000003: "Unidad de Cuidados Intensivos – niño",
        4000004: '"unbalanced',
    }
    nothing = Concept.objects.get(pk=0)
    assert (nothing.vocabulary_id, nothing.standard_concept, nothing.invalid_reason) == ("None", None, None)
    assert nothing.valid_end_date.isoformat() == "2099-12-31"


def test_loading_a_vocabulary_twice_changes_nothing():
    load(ATHENA)
    assert load(ATHENA).tables["concept"].unchanged == 8


@pytest.mark.parametrize("name", ["person.csv", "PERSON.CSV", "Person.tsv", "person.txt"])
def test_upper_and_lower_case_names(tmp_path, name):
    report = load_bytes(tmp_path, name, f"{PERSON.upper()}\n1,2,1980,0,0\n".encode())
    assert report.status == "loaded"
    assert Person.objects.get().gender_concept_id == 2


def test_byte_order_mark(tmp_path):
    assert load_bytes(tmp_path, "person.csv", f"\ufeff{PERSON}\n1,2,1980,0,0\n".encode()).status == "loaded"


def test_mixed_line_ends_and_empty_lines(tmp_path):
    content = f"{PERSON}\r\n1,2,1980,0,0\n2,2,1980,0,0\r\n\n3,2,1980,0,0\n\n"
    report = load_bytes(tmp_path, "person.csv", content.encode())
    assert report.status == "loaded"
    assert Person.objects.count() == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_kind_of_line_end_and_none_at_the_end(tmp_path, end):
    content = end.join([PERSON, "1,2,1980,0,0", "x,2,1980,0,0", "3,2,1980,0,0"]).encode()
    report = load_bytes(tmp_path, "person.csv", content, thresholds={"value_type": 50})
    assert messages(report) == ["person.csv, line 3, person_id = 'x': is not a whole number"]
    assert set(Person.objects.values_list("pk", flat=True)) == {1, 3}


def test_blanks_and_quotes_in_the_header(tmp_path):
    header = PERSON.replace("gender_concept_id", "gender_concept_id ").replace("person_id", '"person_id"')
    assert load_bytes(tmp_path, "person.csv", f"{header}\n1,2,1980,0,0\n".encode()).status == "loaded"


def test_columns_go_by_name_not_by_place(tmp_path):
    header = ",".join(reversed(PERSON.split(",")))
    load_bytes(tmp_path, "person.csv", f"{header}\n7,8,1980,2,1\n".encode())
    person = Person.objects.get()
    assert (person.person_id, person.gender_concept_id, person.year_of_birth) == (1, 2, 1980)
    assert (person.race_concept_id, person.ethnicity_concept_id) == (8, 7)


def test_a_line_that_ends_copy_loses_no_rows(tmp_path):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,\\.\n2,2,1980,0,0,b\n"
    assert load_bytes(tmp_path, "person.csv", content.encode()).tables["person"].loaded == 2
    assert Person.objects.get(pk=1).person_source_value == "\\."


def test_such_a_line_on_its_own_is_an_error(tmp_path):
    report = load_bytes(tmp_path, "person.csv", f"{PERSON}\n1,2,1980,0,0\n\\.\n2,2,1980,0,0\n".encode())
    assert messages(report) == ["person.csv, line 3: the line has 1 field, the header 5"]
    assert report.tables["person"].rejected == 1


def test_what_looks_like_null_elsewhere_is_text_here(tmp_path):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,\\N\n2,2,1980,0,0,NULL\n3,2,1980,0,0,NA\n4,2,1980,0,0,\n"
    load_bytes(tmp_path, "person.csv", content.encode())
    assert list(Person.objects.order_by("pk").values_list("person_source_value", flat=True)) == [
        "\\N",
        "NULL",
        "NA",
        None,
    ]


def test_quoted_text_keeps_lines_tabs_and_quotes_and_the_line_numbers_stay_right(tmp_path, write_table):
    load(write_table("person"))
    header = (
        "note_id,person_id,note_date,note_type_concept_id,note_class_concept_id,note_text,"
        "encoding_concept_id,language_concept_id"
    )
    text = 'First line\nsecond\tline\\n with ""quotes"", and\r\na third'
    content = f'{header}\n1,1,2020-01-01,0,0,"{text}",0,0\n2,1,2020-01-01,0,0,plain,0,0\n'
    report = load_bytes(tmp_path, "note.csv", content.encode())
    assert report.status == "loaded"
    assert Note.objects.get(pk=1).note_text == text.replace('""', '"')
    report = load_bytes(tmp_path, "note.csv", (content + "x,1,2020-01-01,0,0,plain,0,0\n").encode())
    assert messages(report) == ["note.csv, line 6, note_id = 'x': is not a whole number"]


def test_an_open_quote_is_found_where_it_opens(tmp_path):
    content = f'{PERSON},person_source_value\n1,2,1980,0,0,a\n2,2,1980,0,0,"b\n3,2,1980,0,0,c\n'
    assert messages(load_bytes(tmp_path, "person.csv", content.encode())) == [
        "person.csv, line 3: a quotation mark opened in this record is never closed"
    ]


def test_an_undoubled_quote_is_an_error(tmp_path):
    content = f'{PERSON},person_source_value\n1,2,1980,0,0,"a"b"\n2,2,1980,0,0,c\n'
    report = load_bytes(tmp_path, "person.csv", content.encode())
    assert messages(report) == ["person.csv, line 2: a quotation mark inside a quoted value is not doubled"]
    assert report.tables["person"].read == 2


def test_bytes_that_are_not_utf_8_are_named(tmp_path):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,".encode() + "Zürich\n".encode("latin-1")
    assert messages(load_bytes(tmp_path, "person.csv", content)) == [
        "person.csv, line 2, person_source_value = 'Z\\\\udcfcrich': is not UTF-8"
    ]


def test_nul_bytes_are_errors(tmp_path):
    report = load_bytes(tmp_path, "person.csv", f"{PERSON},person_source_value\n1,2,1980,0,0,a\0b\n".encode())
    assert report.error_count == 1
    assert "NUL" in messages(report)[0]


def test_short_and_long_rows_are_errors(tmp_path):
    content = f"{PERSON}\n1,2,1980,0\n2,2,1980,0,0,\n3,2,1980,0,0\n"
    report = load_bytes(tmp_path, "person.csv", content.encode())
    assert messages(report) == [
        "person.csv, line 2: the line has 4 fields, the header 5",
        "person.csv, line 3: the line has 6 fields, the header 5",
    ]
    assert (report.tables["person"].read, report.tables["person"].rejected) == (3, 2)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (
            "1,2,1980,0,0",
            "line 1: the first line looks like data: it names no column of person. Put the names of the columns there,"
            " or say that the file has no header",
        ),
        (f"{PERSON},", "line 1, column 6: a column has no name"),
        (f"{PERSON},year_of_birth", "line 1, year_of_birth: the column is there twice"),
        (PERSON.replace("year_of_birth", "birth_year"), "line 1, birth_year: person has no such column in CDM 5.4"),
        (PERSON.replace(",year_of_birth", ""), "line 1, year_of_birth: the column is required, but not there"),
        ("", "line 1: the file is empty; the first line must name the columns"),
    ],
)
def test_headers_that_do_not_fit(tmp_path, header, reason):
    report = load_bytes(tmp_path, "person.csv", f"{header}\n".encode() if header else b"")
    assert f"person.csv, {reason}" in messages(report)


def test_a_name_that_is_no_table_refuses_and_suggests(tmp_path, write_table):
    write_table("person")
    write_table("measurement", name="MEASUREMENTS.csv")
    report = load(tmp_path)
    assert messages(report) == [
        "MEASUREMENTS.csv: no table of CDM 5.4 is called measurements."
        " If it holds measurement, say so (MEASUREMENTS.csv: measurement) or rename it."
    ]
    assert Person.objects.count() == 0


def test_other_files_in_a_folder_are_ignored_and_named(tmp_path, write_table):
    write_table("person")
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "inner").mkdir()
    report = load(tmp_path)
    assert report.status == "loaded"
    assert report.ignored == ["README.md", "inner"]


def test_tab_separated_with_a_quoted_header_is_quoted(tmp_path):
    header = "\t".join(f'"{name}"' for name in [*PERSON.split(","), "person_source_value"])
    report = load_bytes(tmp_path, "person.csv", f'{header}\n1\t2\t1980\t0\t0\t"a\tb"\n'.encode())
    assert report.status == "loaded"
    assert Person.objects.get().person_source_value == "a\tb"


CLASSES = [("Age", "Age group", 7), ("x, y", 'a "quoted" one', 8), ("Größe", "line\nend", 9)]


def written(folder, form):
    """The same three rows in different forms."""
    names = [field.column for field in ConceptClass._meta.concrete_fields]
    text = "\n".join(",".join('"' + str(cell).replace('"', '""') + '"' for cell in row) for row in [names, *CLASSES])
    if form == "csv":
        path = folder / "concept_class.csv"
        path.write_text(text, encoding="utf-8", newline="")
    elif form == "bom, upper case, tab, CRLF, no last line end":
        path = folder / "CONCEPT_CLASS.txt"
        lines = ["\t".join(f'"{name.upper()}"' for name in names)]
        lines += ["\t".join('"' + str(cell).replace('"', '""') + '"' for cell in row) for row in CLASSES]
        path.write_text("\r\n".join(lines), encoding="utf-8-sig", newline="")
    elif form == "gzip":
        path = folder / "concept_class.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    elif form == "zip":
        path = folder / "all.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("any/Concept_Class.csv", text)
    elif form == "Latin-1":
        path = folder / "concept_class.csv"
        path.write_bytes(text.encode("latin-1"))
    else:
        path = folder / "concept_class.parquet"
        columns = dict(zip(names, map(list, zip(*CLASSES, strict=True)), strict=True))
        pyarrow.parquet.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    "form", ["csv", "bom, upper case, tab, CRLF, no last line end", "gzip", "zip", "Latin-1", "Parquet"]
)
def test_the_same_rows_whatever_the_form(tmp_path, form):
    path = written(tmp_path, form)
    options = {"encoding": Encoding.LATIN_1} if form == "Latin-1" else {}
    report = load(path, **options)
    assert messages(report) == []
    assert list(ConceptClass.objects.order_by("pk").values_list()) == sorted(CLASSES, key=lambda row: row[0])
    assert report.tables["concept_class"].loaded == 3


@pytest.mark.parametrize(("form", "place"), [("gzip", 60), ("zip", 60), ("Parquet", 8), ("Parquet", -8)])
def test_a_damaged_file_refuses_the_run_in_words(tmp_path, form, place):
    path = written(tmp_path, form)
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    report = load(path)
    assert report.status == "refused"
    assert report.check("file_readable", "concept_class").count == 1
    assert not ConceptClass.objects.exists()


def test_a_misspelt_file_is_loaded_by_its_alias(tmp_path, write_table):
    path = write_table("person", name="PERSONS.csv")
    assert load(path).status == "refused"
    report = load(path, aliases={"PERSONS.csv": "person"})
    assert report.status == "loaded"
    assert report.files[0].name == "PERSONS.csv"


def test_no_header_when_said(tmp_path):
    report = load_bytes(tmp_path, "concept_class.csv", b"Age,Age group,7\n", headerless=frozenset({"concept_class"}))
    assert report.status == "loaded"
    assert ConceptClass.objects.get().concept_class_name == "Age group"


def test_unknown_columns_when_said(tmp_path):
    content = f"x,{PERSON},y\n1,1,2,1980,0,0,2\n".encode()
    report = load_bytes(tmp_path, "person.csv", content, unknown_columns=UnknownColumns.IGNORE)
    assert report.status == "loaded"
    assert report.files[0].ignored == ["x", "y"]
    assert Person.objects.get().year_of_birth == 1980


@pytest.mark.parametrize("form", ["text", "gzip", "Parquet"])
def test_rejects_hold_the_original_row(tmp_path, form):
    text = f"{PERSON},person_source_value\n1,2,1980,0,0,a\n2,2,19x0,0,0,b\n"
    path = tmp_path / {"text": "person.csv", "gzip": "person.csv.gz", "Parquet": "person.parquet"}[form]
    if form == "Parquet":
        (tmp_path / "p.csv").write_text(text)
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(tmp_path / "p.csv"), path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if form == "gzip" else text.encode())
    outcome = import_files(paths=[path], by=None)
    rejects = rejects_path(outcome.run)
    assert rejects is not None
    with rejects.open(newline="") as file:
        (row,) = csv.DictReader(file)
    original = row.pop("row")
    assert row == {
        "file": path.name,
        "line": "3",
        "column": "year_of_birth",
        "check": "value_type",
        "reason": "is not a whole number",
    }
    assert original == "2,2,19x0,0,0,b" or (form == "Parquet" and '"year_of_birth": "19x0"' in original)
