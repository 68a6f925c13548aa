"""Each dialect is recognised and told, or refused in words."""

import pytest

from omop.imports.options import Encoding, ImportOptions, Quoting, UnknownColumns
from omop.imports.reading.dialect import recognise
from omop.imports.reading.sources import find_files
from omop.imports.report import ImportReport
from omop.imports.schema import schemas
from omop.specification import tables

PERSON = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id"
ROW = {
    "person_id": "1",
    "gender_concept_id": "2",
    "year_of_birth": "1980",
    "race_concept_id": "0",
    "ethnicity_concept_id": "0",
}
VISIT = (
    "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_end_date,visit_type_concept_id,"
    "{},preceding_visit_occurrence_id"
)


@pytest.mark.parametrize(
    ("separator", "name", "quoting"),
    [
        (",", "comma", "quotes around values"),
        (";", "semicolon", "quotes around values"),
        ("|", "vertical bar", "quotes around values"),
        ("\t", "tab", "none; quotation marks are part of the text"),
    ],
)
def test_separators_are_recognised_by_the_header_and_told(read, separator, name, quoting):
    found = read(f"{PERSON}\n1,2,1980,0,0\n".replace(",", separator))
    assert found.errors == []
    assert found.only.rows == [ROW]
    assert found.only.file.recognised == {
        "separator": name,
        "quoting": quoting,
        "encoding": "ASCII",
        "byte order mark": "no",
        "line ends": "LF",
        "header": "line 1",
        "compression": "none",
    }


def test_two_separators_in_one_header_are_refused(read):
    found = read("person_id,gender_concept_id;year_of_birth\n1,2;1980\n")
    assert found.errors == [
        "person.csv, line 1: the columns of the first line are separated by comma and semicolon; one of them must do"
    ]


@pytest.mark.parametrize(
    ("end", "told"), [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR"), ("mixed", "mixed: 1 LF, 2 CRLF, 1 CR")]
)
def test_line_ends_are_told_and_do_not_change_rows_or_lines(read, end, told):
    lines = [PERSON, "1,2,1980,0,0", "1,2,1980,0,0", "x,2,1980,0,0"]
    text = f"{lines[0]}\r\n{lines[1]}\n{lines[2]}\r{lines[3]}\r\n" if end == "mixed" else end.join([*lines, ""])
    found = read(text)
    assert found.only.file.recognised["line ends"] == told
    assert found.only.lines == [2, 3, 4]
    assert [row["person_id"] for row in found.only.rows] == ["1", "1", "x"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(read, end):
    found = read("\ufeff" + end.join([PERSON, "1,2,1980,0,0", ""]))
    assert found.only.rows == [ROW]
    assert found.only.file.recognised["byte order mark"] == "yes"


def test_a_byte_order_mark_before_a_quoted_header(read):
    found = read("\ufeff" + ",".join(f'"{name}"' for name in PERSON.split(",")) + "\n1,2,1980,0,0\n")
    assert found.only.rows == [ROW]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (f"{PERSON}\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"\xfe\xff" + f"{PERSON}\n".encode("utf-16-be"), "is UTF-16; save it as UTF-8"),
        (f"{PERSON}\n".encode("utf-16-le"), "looks like UTF-16 without a byte order mark; save it as UTF-8"),
        (f"{PERSON}\n".encode("utf-32"), "is UTF-32; save it as UTF-8"),
        (b"\x1f\x8b\x08\0", "is compressed by gzip; name it .csv.gz"),
        (b"PAR1....", "is Parquet; name it .parquet"),
        (b"PK\x03\x04....", "is an Excel workbook or an archive; save it as CSV, or name it .zip"),
    ],
)
def test_what_is_no_text_is_refused_by_name(read, content, what):
    found = read(content)
    assert found.errors == [f"person.csv, line 1: the file {what}"]
    assert found.only.dialect is None


def test_bytes_that_are_not_utf_8_are_told_with_their_line(read):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,Zürich\n".encode() + "2,2,1980,0,0,Genève\n".encode(
        "latin-1"
    )
    assert read(content).only.file.recognised["encoding"] == "not UTF-8 from line 3 on"


def test_a_character_cut_off_at_the_end_is_not_utf_8(read):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,".encode() + "ü".encode()[:1]
    assert read(content).only.file.recognised["encoding"] == "not UTF-8 from line 2 on"


def test_latin_1_is_read_when_said(read):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,Zürich – 5 €\n".encode("cp1252")
    found = read(content, encoding=Encoding.LATIN_1)
    assert found.only.rows[0]["person_source_value"] == "Zürich – 5 €"
    assert found.only.file.recognised["encoding"] == "Latin-1 (Windows-1252), as said"


def test_latin_1_said_of_utf_8_is_doubted(read):
    content = f"{PERSON},person_source_value\n1,2,1980,0,0,Zürich\n"
    found = read(content, encoding=Encoding.LATIN_1)
    assert found.only.file.recognised["encoding"].endswith("; as UTF-8 it would be valid too")
    found = read(f"\ufeff{content}", encoding=Encoding.LATIN_1)
    assert "byte order mark of UTF-8, but was said to be Latin-1" in found.errors[0]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (PERSON.upper(), "line 1, upper case"),
        (PERSON.title(), "line 1, upper case"),
        (PERSON.replace(",", " , "), "line 1, blanks around names"),
        (",".join(f'"{name}"' for name in PERSON.split(",")), "line 1, quoted"),
        (",".join(f'" {name} "' for name in PERSON.split(",")), "line 1, quoted, blanks around names"),
    ],
)
def test_upper_quoted_and_padded_names(read, header, told):
    found = read(f"{header}\n1,2,1980,0,0\n")
    assert found.only.rows == [ROW]
    assert found.only.file.recognised["header"] == told


def test_columns_go_by_name(read):
    found = read(",".join(reversed(PERSON.split(","))) + "\n0,0,1980,2,1\n")
    assert found.only.rows == [ROW]


def test_missing_optional_columns_are_listed_and_required_ones_are_errors(read):
    found = read("person_id,gender_concept_id,location_id,race_concept_id,ethnicity_concept_id\n")
    assert found.errors == ["person.csv, line 1, year_of_birth: the column is required, but not there"]
    assert set(found.only.file.missing) == set(tables()["person"].columns) - set(PERSON.split(",")) - {"location_id"}


def test_unknown_columns_are_refused_with_what_comes_near(read):
    assert read(f"{PERSON},birthdate_time,x\n").errors == [
        "person.csv, line 1, birthdate_time: person has no such column in CDM 5.4; birth_datetime comes near",
        "person.csv, line 1, x: person has no such column in CDM 5.4",
    ]


def test_unknown_columns_are_ignored_and_listed_when_said(read):
    found = read("x," + PERSON + ",\n9,1,2,1980,0,0,\n", unknown_columns=UnknownColumns.IGNORE)
    assert found.errors == []
    assert found.only.rows == [ROW]
    assert found.only.file.ignored == ["x", "column 7"]


def test_cells_of_a_first_row_are_not_kept_as_names_of_columns(read):
    """What is ignored stays in the history of imports for good, and a file without a header begins with a patient."""
    file = read("9,1,2,1980,Jane Roe\n", unknown_columns=UnknownColumns.IGNORE).report.files[0]
    assert file.ignored == []
    assert "roe" not in str(file).lower()


def test_a_column_twice_is_refused(read):
    assert read(f"{PERSON},Year_of_birth\n").errors == ["person.csv, line 1, year_of_birth: the column is there twice"]


def test_names_of_cdm_5_3_are_read_and_listed(read):
    older = "admitting_source_concept_id,admitting_source_value,discharge_to_concept_id,discharge_to_source_value"
    found = read(f"{VISIT.format(older)}\n1,1,0,2020-01-01,2020-01-01,0,5,home,6,work,\n", "visit_occurrence.csv")
    assert found.errors == []
    assert found.only.file.renamed == {
        "admitting_source_concept_id": "admitted_from_concept_id",
        "admitting_source_value": "admitted_from_source_value",
        "discharge_to_concept_id": "discharged_to_concept_id",
        "discharge_to_source_value": "discharged_to_source_value",
    }
    assert found.only.rows[0]["discharged_to_source_value"] == "work"


@pytest.mark.parametrize(
    ("table", "older", "newer"),
    [
        ("visit_detail", "visit_detail_parent_id", "parent_visit_detail_id"),
        ("visit_detail", "admitting_source_value", "admitted_from_source_value"),
        ("procedure_occurrence", "qualifier_source_value", "modifier_source_value"),
        ("measurement", "modifier_of_event_id", "measurement_event_id"),
        ("measurement", "modifier_of_field_concept_id", "meas_event_field_concept_id"),
    ],
)
def test_older_names_of_other_tables(read, table, older, newer):
    required = [column.name for column in tables()[table].columns.values() if column.required]
    found = read(",".join([*required, older.upper()]) + "\n", f"{table}.csv")
    assert found.errors == []
    assert found.only.file.renamed == {older: newer}


@pytest.mark.parametrize("order", [1, -1])
def test_an_older_name_beside_the_new_one_is_refused(read, order):
    both = ["discharge_to_concept_id", "discharged_to_concept_id"][::order]
    assert read(VISIT.format(",".join(both)) + "\n", "visit_occurrence.csv").errors == [
        "visit_occurrence.csv, line 1, discharge_to_concept_id: is an older name of discharged_to_concept_id,"
        " which is there too"
    ]


@pytest.mark.parametrize("name", ["time_of_birth", "death_datetime"])
def test_what_lost_its_meaning_has_no_successor(read, name):
    assert read(f"{PERSON},{name}\n").errors[0].startswith(f"person.csv, line 1, {name}: person has no such column")


def test_a_file_without_header_is_told_so(read):
    assert read("1,2,1980,0,0\n2,2,1980,0,0\n").errors == [
        "person.csv, line 1: the first line looks like data: it names no column of person."
        " Put the names of the columns there, or say that the file has no header"
    ]


def test_another_tables_header_is_told_so(read):
    header = "concept_class_id,concept_class_name,concept_class_concept_id"
    assert read(f"{header}\n").errors == [
        "person.csv, line 1: the first line names the columns of concept_class, none of person"
    ]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_no_header_is_read_when_said_with_all_columns_in_the_order_of_the_cdm(read, separator):
    content = separator.join(["0-4", "Age", "7"]) + "\n" + separator.join(["x", "y", "8"]) + "\n"
    found = read(content, "concept_class.csv", headerless=frozenset({"concept_class"}))
    assert found.errors == []
    assert found.only.rows[0] == {
        "concept_class_id": "0-4",
        "concept_class_name": "Age",
        "concept_class_concept_id": "7",
    }
    assert found.only.lines == [1, 2]
    assert found.only.file.recognised["header"] == "none, as said; the columns of CDM 5.4 in its order"


def test_no_header_said_of_a_file_that_has_one_is_refused(read):
    found = read(
        "concept_class_id,concept_class_name,z\n", "concept_class.csv", headerless=frozenset({"concept_class"})
    )
    assert "said to have no header, but its first line names columns" in found.errors[0]


def test_no_header_needs_all_columns(read):
    found = read("a,b\n", "concept_class.csv", headerless=frozenset({"concept_class"}))
    assert "the first line has 2 fields, but concept_class has 3 columns in CDM 5.4" in found.errors[0]


@pytest.mark.parametrize("content", ["", "\n", "  \n1,2\n", "\ufeff"])
def test_a_file_without_a_first_line_is_refused(read, content):
    assert "the first line must name the columns" in read(content).errors[0]


def test_a_first_line_that_does_not_end_is_refused(read):
    assert "longer than 64 kB" in read("a" * 200_000).errors[0]


def test_names_that_are_no_text_can_be_reported(read):
    (error,) = read(f"{PERSON},caf".encode() + b"\xe9\0\n").report.errors
    assert error.column == "caf\\udce9\\0"


def test_forms_of_dates_are_told(read, tmp_path):
    header = "person_id,death_date,death_datetime"
    rows = ["1,2020-01-31,2020-01-31 08:00:00", "2,20200131,2020-01-31T08:00:00.5", "3,31/01/2020,"]
    found = read("\n".join([header, *rows]) + "\n", "death.csv")
    assert found.only.file.recognised["dates"] == (
        "YYYY-MM-DD, YYYYMMDD, YYYY-MM-DD with a time, YYYY-MM-DD with a time and a fraction, nn/nn/YYYY"
    )


def test_tab_files_keep_quotes_unless_their_header_has_them(read):
    plain = f"{PERSON},person_source_value\n1,2,1980,0,0,X\n".replace(",", "\t")
    found = read(plain.replace("X", '"y set" tubing'))
    assert found.only.rows[0]["person_source_value"] == '"y set" tubing'
    quoted = "\t".join(f'"{cell}"' for cell in plain.splitlines()[0].split("\t")) + "\n" + plain.splitlines()[1]
    found = read(quoted.replace("X", '"a\tb ""c"""'))
    assert found.only.rows[0]["person_source_value"] == 'a\tb "c"'
    assert found.only.file.recognised["quoting"] == "quotes around values"


def test_quotes_that_may_stand_around_values_are_told_and_read_when_said(read):
    content = f'{PERSON},person_source_value\n1,2,1980,0,0,"a"\n'.replace(",", "\t")
    found = read(content)
    assert found.only.file.recognised["quotation marks"] == "1 values of the first 1 rows begin and end with one"
    assert found.only.rows[0]["person_source_value"] == '"a"'
    assert read(content, quoting=Quoting.QUOTED).only.rows[0]["person_source_value"] == "a"


def test_commas_without_quoting_when_said(read):
    content = f'{PERSON},person_source_value\n1,2,1980,0,0,"unbalanced\n2,2,1980,0,0,b\n'
    found = read(content, quoting=Quoting.UNQUOTED)
    assert [row["person_source_value"] for row in found.only.rows] == ['"unbalanced', "b"]


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    path = tmp_path / "person.csv"
    path.write_text(PERSON)
    report = ImportReport(dry_run=True)
    (source,) = find_files([path], ImportOptions(), report)
    path.unlink()
    assert recognise(source, schemas()["person"], ImportOptions(), report, report.files[0]) is None
    assert [str(error) for error in report.errors] == ["person.csv: the file cannot be read: No such file or directory"]
