"""Which files are read, as which tables."""

import gzip
import hashlib

import pytest

from omop.imports.options import ImportOptions
from omop.imports.reading.sources import UsageError, find_files, suggested_table
from omop.imports.report import ImportReport
from omop.tests.reading.conftest import packed, read_files

CLASS = "concept_class_id,concept_class_name,concept_class_concept_id"
CONTENT = f"{CLASS}\nx,y,8\n".encode()
ROW = {"concept_class_id": "x", "concept_class_name": "y", "concept_class_concept_id": "8"}


@pytest.mark.parametrize("name", ["concept_class.csv", "CONCEPT_CLASS.TXT", "Concept_Class.tsv"])
def test_names_in_any_case(read, name):
    assert read(CONTENT, name).only.rows == [ROW]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("DEVICES_EXPOSURE.csv", "device_exposure"),
        ("cdm_person.csv", "person"),
        ("2b_CONCEPT_CLASS.csv.gz", "concept_class"),
        ("person_2020.csv", "person"),
        ("visit-occurrence (1).csv", "visit_occurrence"),
        ("measurments.csv", "measurement"),
    ],
)
def test_a_name_that_is_no_table_is_refused_with_a_suggestion(read, name, table):
    found = read(CONTENT, name)
    assert suggested_table(name) == table
    assert len(found.errors) == 1
    assert f"If it holds {table}, say so ({name}: {table}) or rename it." in found.errors[0]
    assert found.contents == []
    assert [(file.name, file.table) for file in found.report.files] == [(name, None)]


def test_nothing_is_suggested_where_nothing_comes_near(read):
    assert read(CONTENT, "xyz.csv").errors == ["xyz.csv: no table of CDM 5.4 is called xyz."]


@pytest.mark.parametrize("alias", ["classes.csv", "CLASSES.CSV"])
def test_a_misspelt_file_is_read_by_an_alias(read, alias):
    found = read(CONTENT, "Classes.csv", aliases={alias: "CONCEPT_CLASS"})
    assert found.only.rows == [ROW]
    assert [(file.name, file.table) for file in found.report.files] == [("Classes.csv", "concept_class")]


def test_an_alias_may_say_that_a_file_named_as_a_table_is_another(read):
    assert read(CONTENT, "person.csv", aliases={"person.csv": "concept_class"}).only.rows == [ROW]


def test_an_alias_to_no_table_is_refused(read):
    with pytest.raises(UsageError, match=r"a.csv cannot be read as people: no table"):
        read(CONTENT, "a.csv", aliases={"a.csv": "people"})


def test_a_folder_is_read_without_what_is_no_data(tmp_path):
    (tmp_path / "concept_class.csv").write_bytes(CONTENT)
    (tmp_path / ".concept_class.csv").write_bytes(CONTENT)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "inner").mkdir()
    found = read_files([tmp_path])
    assert found.only.rows == [ROW]
    assert found.report.ignored == [".concept_class.csv", "README.md", "inner"]


def test_a_folder_of_parts_is_not_passed_over(tmp_path):
    (tmp_path / "concept_class.csv").write_bytes(CONTENT)
    (tmp_path / "person.parquet").mkdir()
    assert read_files([tmp_path]).errors == [
        "person.parquet: is a folder of parts, not a file; give the folder itself and say which table its files are"
    ]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv.bz2", ".json"])
def test_a_table_in_a_form_that_is_not_read_is_not_passed_over(tmp_path, suffix):
    (tmp_path / "concept_class.csv").write_bytes(CONTENT)
    (tmp_path / f"PERSON{suffix}").write_bytes(b"x")
    packed(tmp_path / "all.zip", **{f"in/person{suffix}": b"x", f"__MACOSX/person{suffix}": b"x"})
    last = "." + suffix.rpartition(".")[2]
    assert sorted(read_files([tmp_path]).errors) == [
        f"PERSON{suffix}: {last} is not read; save it as CSV or Parquet",
        f"all.zip/in/person{suffix}: {last} is not read; save it as CSV or Parquet",
    ]


def test_a_path_that_is_not_there_and_a_folder_without_data(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        read_files([tmp_path / "none"])
    with pytest.raises(UsageError, match=r"No .csv, .tsv"):
        read_files([tmp_path])


def test_a_file_named_twice_is_read_once_and_files_of_one_name_are_told_apart(tmp_path):
    paths = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "concept_class.csv")
        paths[-1].write_bytes(CONTENT)
    found = read_files([*paths, paths[0]])
    assert [content.source.name for content in found.contents] == [
        "concept_class.csv",
        "b/concept_class.csv",
        "c/concept_class.csv",
    ]


def test_tables_come_before_those_that_refer_to_them(tmp_path):
    for name in ("measurement", "person", "visit_occurrence", "concept"):
        (tmp_path / f"{name}.csv").write_text("x")
    report = ImportReport(dry_run=True)
    files = find_files([tmp_path], ImportOptions(), report)
    assert [file.table for file in files] == ["concept", "person", "visit_occurrence", "measurement"]
    assert all(report.files[file.number].name == file.name for file in files)


def test_gzip_is_read_and_told(read):
    found = read(gzip.compress(CONTENT), "CONCEPT_CLASS.csv.gz")
    assert found.only.rows == [ROW]
    assert found.only.file.recognised["compression"] == "gzip"


@pytest.mark.parametrize("kind", ["plain", "gzip", "zip"])
def test_checksums_are_of_the_bytes_as_stored(tmp_path, kind):
    if kind == "zip":
        path, stored = packed(tmp_path / "a.zip", **{"concept_class.csv": CONTENT}), CONTENT
    else:
        stored = gzip.compress(CONTENT) if kind == "gzip" else CONTENT
        path = tmp_path / ("concept_class.csv.gz" if kind == "gzip" else "concept_class.csv")
        path.write_bytes(stored)
    (source,) = find_files([path], ImportOptions(), ImportReport(dry_run=True))
    assert source.sha256() == hashlib.sha256(stored).hexdigest()
    assert source.size > 0


def test_long_and_odd_names_fit_the_report(tmp_path):
    long = "/".join(["folder" * 10] * 6)
    path = packed(tmp_path / "a.zip", **{f"{long}/1/concept_class.csv": CONTENT, f"{long}/2/{'y' * 250}.csv": CONTENT})
    report = read_files([path]).report
    assert [len(file.name) for file in report.files] == [255, 255]
    assert all(len(table) <= 64 for _, table, _ in report.checks)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"zero_as_null": frozenset({"provder_id"})}, "no column called provder_id. Did you mean provider_id?"),
        ({"null_tokens": {"person.visit_detail_id": ("0",)}}, "no column called person.visit_detail_id."),
        ({"headerless": frozenset({"persons"})}, "no table called persons. Did you mean person?"),
        ({"thresholds": {"value_typ": 1}}, "no check called value_typ. Did you mean value_type?"),
        ({"thresholds": {"value_type:persons": 1}}, "no table or column called persons. Did you mean person?"),
    ],
)
def test_a_slip_in_an_option_is_told(read, options, words):
    with pytest.raises(UsageError) as raised:
        read(CONTENT, "concept_class.csv", **options)
    assert words in str(raised.value)


def test_names_of_options_that_are_there(read):
    thresholds = dict.fromkeys(("value_type", "value_type:person", "value_type:person.person_id"), 1)
    found = read(
        CONTENT,
        "concept_class.csv",
        thresholds=thresholds,
        zero_as_null=frozenset({"provider_id", "person.provider_id"}),
        null_tokens={"stop_reason": ("NA",)},
    )
    assert found.only.rows == [ROW]
