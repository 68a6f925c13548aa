"""django-import-export on the tables edited by hand: preview, confirm, export, and the traps that it sets."""

import io
from decimal import Decimal

import openpyxl
import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from omop.models import Concept, Measurement, Observation, Person, VisitOccurrence
from omop.tests.conftest import DEFAULTS

pytestmark = pytest.mark.django_db
CSV, XLSX = "0", "1"


@pytest.fixture
def staff():
    return get_user_model().objects.create_user("data@example.org", "pass", is_staff=True, is_data_staff=True)


@pytest.fixture
def signed_in(client, staff):
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def person():
    return Person.objects.create(**DEFAULTS["person"])


def csv_of(table, *rows):
    filled = [{**DEFAULTS[table], **row} for row in rows or [{}]]
    header = list(dict.fromkeys(column for row in filled for column in row))
    return "\n".join([",".join(header), *(",".join(str(row.get(c, "")) for c in header) for row in filled)]) + "\n"


def preview(client, table, content, kind=CSV):
    name = table.replace("_", "")
    content = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(f"{table}.{'csv' if kind == CSV else 'xlsx'}", content)
    url = reverse(f"admin:omop_{name}_import")
    return client.post(url, {"format": kind, "import_file": file, "resource": ""})


def confirm(client, table, page):
    url = reverse(f"admin:omop_{table.replace('_', '')}_process_import")
    return client.post(url, page.context["confirm_form"].initial, follow=True)


def load(client, table, content, kind=CSV):
    page = preview(client, table, content, kind)
    assert "confirm_form" in page.context, errors_of(page)
    return confirm(client, table, page)


def errors_of(page):
    if page.context["form"].errors:
        return str(page.context["form"].errors)
    result = page.context["result"]
    texts = [str(error.error) for error in result.base_errors]
    texts += [f"row {number}: {errors[0].error}" for number, errors in result.row_errors()]
    for row in result.invalid_rows:
        texts += [f"row {row.number} {field}: {' '.join(reasons)}" for field, reasons in row.error.message_dict.items()]
    return "\n".join(texts)


@pytest.mark.parametrize("table", ["concept", "person", "visit_occurrence", "measurement"])
def test_a_preview_writes_nothing_and_a_confirmation_does(signed_in, person, table):
    model = {"concept": Concept, "person": Person, "visit_occurrence": VisitOccurrence, "measurement": Measurement}[
        table
    ]
    key = model._meta.pk.name
    content = csv_of(table, {key: 777})
    page = preview(signed_in, table, content)
    assert not model.objects.filter(pk=777).exists()
    assert "Import finished: 1 new" in confirm(signed_in, table, page).content.decode()
    assert model.objects.filter(pk=777).exists()
    event = AuditEvent.objects.get(action="omop_rows_imported")
    assert event.target_id == table


def test_observations_too(signed_in, person):
    content = (
        "observation_id,person_id,observation_concept_id,observation_date,observation_type_concept_id,value_as_string\n"
        "5,1,0,20200131,0,NA\n"
    )
    load(signed_in, "observation", content)
    row = Observation.objects.get()
    assert (row.value_as_string, row.observation_date.isoformat()) == ("NA", "2020-01-31")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"measurement_concept_id": "12.7"}, "measurement_concept_id: is not a whole number"),
        ({"measurement_concept_id": "1e3"}, "measurement_concept_id: is not a whole number"),
        ({"value_as_number": "NaN"}, "value_as_number: is not a finite decimal number"),
        ({"value_as_number": "inf"}, "value_as_number: is not a finite decimal number"),
        ({"value_as_number": "1.234567890123456789"}, "value_as_number: has more than 15 significant digits"),
        ({"measurement_date": "01/02/2020"}, "measurement_date: is not a date as YYYY-MM-DD"),
        ({"measurement_date": "2020-01-31 08:00:00"}, "measurement_date: has a time, which this column would lose"),
        ({"measurement_datetime": "2020-01-31T08:00:00Z"}, "measurement_datetime: has a time zone"),
        ({"measurement_date": ""}, "measurement_date: This field cannot be null"),
        ({"person_id": "404"}, "person_id: There is no person 404."),
        ({"visit_occurrence_id": "404"}, "visit_occurrence_id: There is no visit_occurrence 404."),
        ({"unit_source_value": "x" * 51}, "unit_source_value: Ensure this value has at most 50 characters"),
        ({"measurement_id": str(2**63)}, "is beyond 64 bits"),
    ],
)
def test_bad_cells_are_named_by_row_and_column_and_nothing_can_be_confirmed(signed_in, person, change, reason):
    page = preview(signed_in, "measurement", csv_of("measurement", {"measurement_id": 1}, change))
    assert reason in errors_of(page)
    assert "row 2" in errors_of(page)
    assert "confirm_form" not in page.context
    assert Measurement.objects.count() == 0


def test_a_key_twice_in_a_file_does_not_overwrite_itself(signed_in):
    page = preview(signed_in, "person", csv_of("person", {}, {"year_of_birth": 1981}))
    assert "Rows 1 and 2 have the same person_id 1." in errors_of(page)
    assert "confirm_form" not in page.context


def test_absent_text_is_null_not_empty(signed_in):
    load(signed_in, "concept", csv_of("concept", {"standard_concept": "", "invalid_reason": ""}))
    concept = Concept.objects.get()
    assert (concept.standard_concept, concept.invalid_reason) == (None, None)


def test_a_concept_may_be_called_NA(signed_in):
    load(signed_in, "concept", csv_of("concept", {"concept_name": "NA", "vocabulary_id": "None"}))
    concept = Concept.objects.get()
    assert (concept.concept_name, concept.vocabulary_id) == ("NA", "None")


def test_midnight_stays_midnight(signed_in, person, settings):
    settings.TIME_ZONE = "Europe/Madrid"
    load(signed_in, "measurement", csv_of("measurement", {"measurement_datetime": "2020-07-01 00:00:00"}))
    assert Measurement.objects.get().measurement_datetime.isoformat() == "2020-07-01T00:00:00"


def test_a_misspelt_column_is_an_error_not_ignored(signed_in):
    page = preview(signed_in, "person", csv_of("person").replace("gender_concept_id", "gender_concept"))
    assert "person has no column gender_concept." in errors_of(page)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["1,2,1980,0"], "Line 2 has 4 fields, the header 5."),
        (["1,2,1980,0,0,x"], "Line 2 has 6 fields, the header 5."),
        (['1,2,1980,0,"0"5'], "Line 2 cannot be read"),
        (['1,2,1980,0,"0', "2,2,1980,0,0"], "Line 2 cannot be read"),
    ],
)
def test_rows_are_neither_padded_nor_cut_and_quotes_swallow_nothing(signed_in, lines, reason):
    header = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id"
    page = preview(signed_in, "person", "\n".join([header, *lines]) + "\n")
    assert reason in errors_of(page)


def test_the_preview_shows_what_a_known_key_changes_and_what_stays(signed_in, person):
    page = preview(signed_in, "person", csv_of("person", {"year_of_birth": 1981}, {"person_id": 2}))
    assert [row.import_type for row in page.context["result"].rows] == ["update", "new"]
    assert preview(signed_in, "person", csv_of("person")).context["result"].rows[0].import_type == "skip"
    confirm(signed_in, "person", page)
    assert Person.objects.get(pk=1).year_of_birth == 1981


def test_errors_that_appear_after_the_preview_undo_everything_and_are_said(signed_in, person):
    page = preview(signed_in, "measurement", csv_of("measurement", {"measurement_id": 1}, {"measurement_id": 2}))
    person.delete()
    text = confirm(signed_in, "measurement", page).content.decode()
    assert "Nothing was imported." in text
    assert "There is no person 1." in text
    assert "Import finished" not in text
    assert Measurement.objects.count() == 0
    assert not AuditEvent.objects.filter(action="omop_rows_imported").exists()


def test_too_many_rows_point_to_the_bulk_import(signed_in, settings):
    settings.ADMIN_IMPORT_MAX_ROWS = 3
    page = preview(signed_in, "person", csv_of("person", *({"person_id": number} for number in range(9))))
    assert "more than the 3 rows this page takes" in errors_of(page)
    assert "manage.py import_omop" in errors_of(page)


def spreadsheet(header, *rows):
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_spreadsheets_with_their_own_dates_and_numbers(signed_in, person):
    from datetime import datetime

    content = spreadsheet(
        [*DEFAULTS["measurement"], "measurement_source_value"],
        [1, 1, 3025315, datetime(2020, 1, 31), 0, 48.1, "29463-7"],  # noqa: DTZ001
        [2, 1.0, 3025315, "2020-01-31", 0, None, None],
    )
    load(signed_in, "measurement", content, XLSX)
    first, second = Measurement.objects.order_by("pk")
    assert (first.value_as_number, first.measurement_date.isoformat()) == (Decimal("48.1"), "2020-01-31")
    assert (second.value_as_number, second.measurement_source_value) == (None, None)


def test_a_spreadsheet_that_is_too_long(signed_in, settings):
    settings.ADMIN_IMPORT_MAX_ROWS = 3
    header = list(DEFAULTS["person"])
    rows = [[number, 0, 1980, 0, 0] for number in range(9)]
    assert "9 rows" in errors_of(preview(signed_in, "person", spreadsheet(header, *rows), XLSX))


def export(client, table, kind, **query):
    model = {"person": Person, "concept": Concept, "measurement": Measurement}[table]
    fields = {f"{table}resource_{field.name}": "on" for field in model._meta.fields}
    url = reverse(f"admin:omop_{table}_export", query=query)
    return client.post(url, {"format": kind, "resource": "", **fields})


@pytest.mark.parametrize("kind", [CSV, XLSX])
def test_what_is_exported_comes_back_the_same(signed_in, person, kind):
    Measurement.objects.create(
        **{**DEFAULTS["measurement"], "measurement_id": -(2**62)},
        measurement_datetime="2020-01-31 00:00:00",
        measurement_source_value="=SUM(A1)",
        unit_source_value="'-x",
        value_source_value="-5",
    )
    before = list(Measurement.objects.values())
    response = export(signed_in, "measurement", kind)
    assert response.status_code == 200
    page = preview(signed_in, "measurement", response.content, kind)
    assert [row.import_type for row in page.context["result"].rows] == ["skip"], errors_of(page)
    Measurement.objects.all().delete()
    load(signed_in, "measurement", response.content, kind)
    assert list(Measurement.objects.values()) == before


def test_exported_cells_run_no_formula(signed_in):
    concept = {**DEFAULTS["concept"], "valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31"}
    Concept.objects.create(**{**concept, "concept_name": "=1+1"})
    text = export(signed_in, "concept", CSV).content.decode()
    assert ",'=1+1," in text
    assert "1970-01-01" in text


def test_exports_follow_the_search_and_are_in_the_audit_trail(signed_in):
    for number in (1, 2):
        Person.objects.create(**{**DEFAULTS["person"], "person_id": number})
    text = export(signed_in, "person", CSV, q="2").content.decode()
    assert [line.split(",")[0] for line in text.splitlines()] == ["person_id", "2"]
    assert AuditEvent.objects.get(action="omop_exported").target_id == "person"


def test_an_export_of_too_many_rows_is_refused(signed_in, settings):
    settings.ADMIN_IMPORT_MAX_ROWS = 1
    for number in (1, 2):
        Person.objects.create(**{**DEFAULTS["person"], "person_id": number})
    response = export(signed_in, "person", CSV)
    assert response.status_code == 302
    assert not AuditEvent.objects.filter(action="omop_exported").exists()


@pytest.mark.parametrize("page", ["import", "export", "process_import"])
def test_who_may_not(client, page):
    user = get_user_model().objects.create_user("staff@example.org", "pass", is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse(f"admin:omop_person_{page}")).status_code == 403


# --- one row in a form


def form_data(table, **changes):
    return {**DEFAULTS[table], **changes}


def test_a_row_is_added_and_changed_by_hand_with_an_audit_event(signed_in):
    signed_in.post(reverse("admin:omop_person_add"), form_data("person", person_source_value=""))
    row = Person.objects.get()
    assert row.person_source_value is None
    signed_in.post(reverse("admin:omop_person_change", args=[1]), form_data("person", year_of_birth=1999))
    row.refresh_from_db()
    assert row.year_of_birth == 1999
    created, changed = AuditEvent.objects.filter(action__startswith="omop_row").order_by("sequence")
    assert (created.action, changed.action) == ("omop_row_created", "omop_row_changed")
    assert "year_of_birth" in changed.data
    assert "1999" not in changed.data


def test_a_row_that_is_there_is_not_added_again(signed_in, person):
    response = signed_in.post(reverse("admin:omop_person_add"), form_data("person", year_of_birth=1))
    assert response.context["adminform"].form.errors["person_id"]
    assert Person.objects.get().year_of_birth == 1980


def test_the_key_of_a_row_stays(signed_in, person):
    signed_in.post(reverse("admin:omop_person_change", args=[1]), form_data("person", person_id=5))
    assert list(Person.objects.values_list("pk", flat=True)) == [1]


def test_a_row_by_hand_must_refer_to_what_is_there(signed_in, person):
    data = form_data("visit_occurrence", person_id=404, preceding_visit_occurrence_id=10)
    response = signed_in.post(reverse("admin:omop_visitoccurrence_add"), data)
    assert response.context["adminform"].form.errors == {"person_id": ["There is no person 404."]}
    assert VisitOccurrence.objects.count() == 0


def test_a_time_by_hand_stays_local(signed_in, person, settings):
    settings.TIME_ZONE = "Europe/Madrid"
    data = form_data("measurement", measurement_datetime="2020-07-01 00:00:00", value_as_number="48.10")
    signed_in.post(reverse("admin:omop_measurement_add"), data)
    row = Measurement.objects.get()
    assert row.measurement_datetime.isoformat() == "2020-07-01T00:00:00"
    assert row.value_as_number == Decimal("48.1")
    page = signed_in.get(reverse("admin:omop_measurement_change", args=[row.pk])).content.decode()
    assert 'value="2020-07-01 00:00:00"' in page


@pytest.fixture
def visit_of_another(person):
    Person.objects.create(**{**DEFAULTS["person"], "person_id": 2})
    return VisitOccurrence.objects.create(**{**DEFAULTS["visit_occurrence"], "person_id": 2})


def test_a_row_in_a_file_keeps_to_the_visits_of_its_person(signed_in, visit_of_another):
    page = preview(signed_in, "measurement", csv_of("measurement", {"visit_occurrence_id": "10"}))
    assert "visit_occurrence_id: This visit is another person" in errors_of(page)
    assert "confirm_form" not in page.context


@pytest.mark.parametrize(("owner", "accepted"), [(1, True), (2, False)])
def test_a_visit_in_a_file_follows_one_of_its_person_in_the_same_file(signed_in, visit_of_another, owner, accepted):
    first = {"visit_occurrence_id": 20, "person_id": owner}
    second = {"visit_occurrence_id": 21, "person_id": 1, "preceding_visit_occurrence_id": 20}
    page = preview(signed_in, "visit_occurrence", csv_of("visit_occurrence", second, first))
    assert ("confirm_form" in page.context) is accepted
    error = "preceding_visit_occurrence_id: This preceding visit is another person"
    assert (error in errors_of(page)) is not accepted


def test_no_file_moves_a_row_to_another_person(signed_in, visit_of_another):
    page = preview(signed_in, "visit_occurrence", csv_of("visit_occurrence", {"person_id": 1}))
    assert "person_id: A row never moves to another person." in errors_of(page)
    assert "confirm_form" not in page.context


def test_a_row_by_hand_keeps_to_the_visits_of_its_person(signed_in, visit_of_another):
    data = form_data("measurement", visit_occurrence_id=10)
    response = signed_in.post(reverse("admin:omop_measurement_add"), data)
    assert response.context["adminform"].form.errors == {"visit_occurrence_id": ["This visit is another person's."]}
    signed_in.post(reverse("admin:omop_measurement_add"), form_data("measurement"))
    page = reverse("admin:omop_measurement_change", args=[Measurement.objects.get().pk])
    response = signed_in.post(page, data)
    assert response.context["adminform"].form.errors == {"visit_occurrence_id": ["This visit is another person's."]}
    assert Measurement.objects.get().visit_occurrence_id is None


def test_no_hand_moves_a_row_to_another_person(signed_in, visit_of_another):
    page = reverse("admin:omop_visitoccurrence_change", args=[10])
    signed_in.post(page, form_data("visit_occurrence", person_id=1))
    visit_of_another.refresh_from_db()
    assert visit_of_another.person_id == 2
