"""Zip archives and gzip: what is in them, and what is wrong with them."""

import gzip
import io
import json
import os
import struct
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omop.imports.reading.archives import MAX_MEMBERS
from omop.imports.reading.sources import UsageError
from omop.tests.reading.conftest import packed, read_files

CLASS = "concept_class_id,concept_class_name,concept_class_concept_id"
CONTENT = f"{CLASS}\nx,y,8\n".encode()
ROW = {"concept_class_id": "x", "concept_class_name": "y", "concept_class_concept_id": "8"}


def test_a_download_of_athena_has_more_in_it_than_tables(tmp_path):
    members = {"CONCEPT_CLASS.csv": CONTENT, "readme.txt": b"x", "cpt4.jar": b"x", "cpt.sh": b"x", "cpt.bat": b"x"}
    found = read_files([packed(tmp_path / "vocabulary.zip", **members)])
    assert found.only.rows == [ROW]
    assert found.report.ignored == [f"vocabulary.zip/{name}" for name in members if name != "CONCEPT_CLASS.csv"]


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
    read_files([path], aliases={name: "concept_class"} if "\\" in name else {})
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


def test_a_name_that_is_no_text_is_written_out(tmp_path):
    """As older systems write it; the report goes into a file of UTF-8 and its counts into the database."""
    path = tmp_path / os.fsdecode(b"caf\xe9.zip")
    path.write_bytes(b"no archive")
    found = read_files([path])
    assert json.dumps(found.report.to_json(), ensure_ascii=False).encode()
    assert found.errors[0].startswith("caf\\udce9.zip: the archive cannot be read")
    assert ("file_readable", "caf\\udce9", None) in found.report.checks
    found = read_files([packed(path, **{"concept_class.csv": CONTENT, "readme.md": b"x"})])
    assert (found.only.file.name, found.report.ignored) == (
        "caf\\udce9.zip/concept_class.csv",
        ["caf\\udce9.zip/readme.md"],
    )
