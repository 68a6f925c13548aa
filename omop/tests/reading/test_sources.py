"""Which files are read, as which tables; archives, compressed files, and what is wrong with them."""

import gzip
import hashlib
import io
import struct
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omop.imports.options import ImportOptions
from omop.imports.reading.archives import MAX_MEMBERS
from omop.imports.reading.sources import UsageError, find_files, suggested_table
from omop.imports.report import ImportReport
from omop.tests.reading.conftest import read_files

CLASS = "concept_class_id,concept_class_name,concept_class_concept_id"
CONTENT = f"{CLASS}\nx,y,8\n".encode()
ROW = {"concept_class_id": "x", "concept_class_name": "y", "concept_class_concept_id": "8"}


def packed(path, method=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


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


def test_a_download_of_athena_has_more_in_it_than_tables(tmp_path):
    members = {"CONCEPT_CLASS.csv": CONTENT, "readme.txt": b"x", "cpt4.jar": b"x", "cpt.sh": b"x", "cpt.bat": b"x"}
    found = read_files([packed(tmp_path / "vocabulary.zip", **members)])
    assert found.only.rows == [ROW]
    assert found.report.ignored == [f"vocabulary.zip/{name}" for name in members if name != "CONCEPT_CLASS.csv"]


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


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:30] + b"\xff" * 8 + data[38:]])
def test_a_damaged_gzip_file_is_refused(read, damage):
    content = gzip.compress(f"{CLASS}\n".encode() + b"".join(b"%d,%d,1\n" % (n * 7, n * n) for n in range(900)))
    found = read(damage(content), "concept_class.csv.gz")
    assert "the compressed file is damaged or cut off" in found.errors[0]
    assert found.only.dialect is None


def test_what_unpacks_to_absurdly_much_is_refused(read):
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb") as out:
        out.write(f"{CLASS}\n".encode())
        for _ in range(70):
            out.write(b"a" * (1 << 20))
    found = read(stream.getvalue(), "concept_class.csv.gz")
    assert "which no honest table does" in found.errors[0]


def test_members_of_an_archive_are_read_by_name_whatever_their_folder(tmp_path):
    path = packed(
        tmp_path / "export.zip",
        **{
            "cdm/vocabulary/CONCEPT_CLASS.csv": CONTENT,
            "cdm/x/concept_class.csv.gz": gzip.compress(CONTENT),
            "__MACOSX/cdm/._CONCEPT_CLASS.csv": b"x",
            "cdm/.hidden/person.csv": b"x",
            "README.txt.md": b"x",
        },
    )
    found = read_files([path])
    assert [content.rows for content in found.contents] == [[ROW], [ROW]]
    assert [content.file.recognised["compression"] for content in found.contents] == ["zip", "zip, gzip"]
    assert [file.name for file in found.report.files] == [
        "export.zip/cdm/vocabulary/CONCEPT_CLASS.csv",
        "export.zip/cdm/x/concept_class.csv.gz",
    ]
    assert found.report.ignored == [
        "export.zip/__MACOSX/cdm/._CONCEPT_CLASS.csv",
        "export.zip/cdm/.hidden/person.csv",
        "export.zip/README.txt.md",
    ]


def test_an_alias_names_a_member_by_its_own_name_or_its_full_one(tmp_path):
    path = packed(tmp_path / "export.zip", **{"a/classes.csv": CONTENT})
    for alias in ("classes.csv", "export.zip/a/classes.csv"):
        assert read_files([path], aliases={alias: "concept_class"}).only.rows == [ROW]


@pytest.mark.parametrize("name", ["../../concept_class.csv", "/etc/concept_class.csv", "C:\\concept_class.csv"])
def test_names_that_lead_out_of_the_archive_lead_nowhere(tmp_path, name):
    inside = tmp_path / "deep" / "down"
    inside.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    path = packed(inside / "export.zip", **{name: CONTENT})
    read_files([path], aliases={"C:\\concept_class.csv": "concept_class"})
    path.unlink()
    assert sorted(tmp_path.rglob("*")) == before


def flagged(path, flag):
    """Set a general purpose flag of the only member, in its own header and in the directory."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(signature) + offset
        data[place : place + 2] = struct.pack("<H", flag)
    path.write_bytes(bytes(data))


def test_an_encrypted_member_is_refused(tmp_path):
    path = packed(tmp_path / "export.zip", **{"concept_class.csv": CONTENT})
    flagged(path, 1)
    assert read_files([path]).errors == [
        "export.zip/concept_class.csv: the file is encrypted; pack it without a password"
    ]


def test_an_archive_that_unpacks_to_absurdly_much_is_refused_before_it_is_read(tmp_path):
    path = packed(tmp_path / "export.zip", **{"concept_class.csv": b"0" * (80 << 20)})
    found = read_files([path])
    assert found.contents == []
    assert "would unpack to 83,886,080, which no honest table does" in found.errors[0]


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    path = packed(tmp_path / "export.zip", **{"concept_class.csv": CONTENT})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        data[place : place + 4] = struct.pack("<I", len(CONTENT) - 4)
    path.write_bytes(bytes(data))
    assert "export.zip/concept_class.csv: the archive is damaged" in read_files([path]).errors[0]


def test_archives_in_archives_and_double_names_are_refused(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.zip", b"PK")
        archive.writestr("person.csv", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("person.csv", b"")
    assert set(read_files([path]).errors) == {
        "export.zip/inner.zip: an archive inside an archive is not read; unpack it",
        "export.zip/person.csv: the archive holds two files of this name",
    }


def test_an_archive_of_far_too_many_files_is_refused(tmp_path):
    path = packed(tmp_path / "export.zip", **{f"{n}.csv": b"" for n in range(MAX_MEMBERS + 1)})
    assert read_files([path]).errors == ["export.zip: the archive holds 10,001 files; at most 10,000 are looked at"]


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "export.zip"
    path.write_bytes(b"not an archive")
    assert read_files([path]).errors == ["export.zip: the archive cannot be read: File is not a zip file"]


def test_an_archive_without_data_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"No .csv"):
        read_files([packed(tmp_path / "export.zip", README=b"x")])


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


@pytest.mark.parametrize("long_form", [False, True])
def test_an_archive_whose_directory_is_absurd_is_refused_unread(tmp_path, long_form):
    path = packed(tmp_path / "export.zip", **{"concept_class.csv": CONTENT})
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x05\x06")
    if long_form:
        record = b"PK\x06\x06" + bytes(36) + struct.pack("<Q", 1 << 30) + bytes(8)
        locator = b"PK\x06\x07" + bytes(4) + struct.pack("<Q", place) + bytes(4)
        data[place:place] = record + locator
    else:
        data[place + 12 : place + 16] = struct.pack("<I", 1 << 30)
    path.write_bytes(bytes(data))
    assert read_files([path]).errors == ["export.zip: the archive cannot be read: its directory is absurdly large"]


def test_an_archive_in_the_long_form_is_read(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("concept_class.csv", "w", force_zip64=True) as member:
        member.write(CONTENT)
    assert read_files([path]).only.rows == [ROW]


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
        null_tokens={"concept_name": ("NA",)},
    )
    assert found.only.rows == [ROW]


def test_a_method_that_takes_the_memory_a_file_asks_for_is_refused(tmp_path):
    path = packed(tmp_path / "export.zip", zipfile.ZIP_LZMA, **{"concept_class.csv": CONTENT})
    assert "compressed in a way that is not read; pack it by deflate" in read_files([path]).errors[0]


@pytest.mark.parametrize("flag", [0x20, 0x40])
def test_forms_of_archives_that_are_not_read(tmp_path, flag):
    path = packed(tmp_path / "export.zip", **{"concept_class.csv": CONTENT})
    flagged(path, flag)
    (error,) = read_files([path]).errors
    assert error.startswith("export.zip/concept_class.csv: the file is ")


MANY = f"{CLASS}\n".encode() + b"".join(b'"a%d",b %d,%d\n' % (n, n * n, n) for n in range(200))


def archive_of(method):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("concept_class.csv", MANY)
    return stream.getvalue()


WHOLE = {
    "deflated.zip": archive_of(zipfile.ZIP_DEFLATED),
    "bzip2.zip": archive_of(zipfile.ZIP_BZIP2),
    "concept_class.csv.gz": gzip.compress(MANY),
    "concept_class.csv": MANY,
}


@settings(derandomize=True)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=5),
    st.floats(0.1, 1),
)
def test_a_damaged_file_is_refused_or_read_but_never_a_crash(name, changes, kept):
    data = bytearray(WHOLE[name])
    for place, byte in changes:
        data[int(place * len(data))] = byte
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data[: int(kept * len(data))])
        try:
            found = read_files([path])
        except UsageError:
            return
        for content in found.contents:
            if content.dialect is None:
                assert found.errors
