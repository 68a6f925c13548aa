from __future__ import annotations

import json

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape
from hypothesis import given
from hypothesis import strategies as st
from import_export.formats.base_formats import XLSX
from tablib import Dataset

from augmed.foundation.errors import Invalid
from augmed.foundation.models import AuditEvent
from participants.models import User
from participants.roster import _clean, column_errors, import_roster

IMPORT, PROCESS = reverse("admin:participants_user_import"), reverse("admin:participants_user_process_import")
CSV = "\ufeffEmail,Name,Position,intake.profession,years\nAnn@Example.org ,Ann,GP,nurse,5\nbob@example.org,Bob,,,\n"


@pytest.fixture
def staff(client, administrator):
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    return client


def preview(client, content, name="roster.csv", file_format="0", **extra):
    data = content.encode() if isinstance(content, str) else content
    return client.post(
        IMPORT, {"import_file": SimpleUploadedFile(name, data), "format": file_format, "resource": "0", **extra}
    )


def confirm(client, previewed):
    form = previewed.context["confirm_form"]
    return client.post(PROCESS, {k: v for k, v in form.initial.items() if v is not False}, follow=True)


@pytest.mark.django_db
class TestImport:
    def test_preview_shows_lower_cased_addresses_and_creates_nothing(self, staff):
        response = preview(staff, CSV)
        page = response.content.decode()
        assert response.status_code == 200
        assert "ann@example.org" in page
        assert "intake.years" in page
        assert User.objects.count() == 1

    def test_confirm_creates_accounts_with_profiles_in_one_go(self, staff, administrator):
        response = confirm(staff, preview(staff, CSV))
        assert "2 accounts created" in response.content.decode()
        ann = User.objects.get(email="ann@example.org")
        assert (ann.profile.name, ann.profile.position) == ("Ann", "GP")
        assert ann.profile.intake == {"profession": "nurse", "years": "5"}
        assert User.objects.get(email="bob@example.org").profile.intake == {}
        assert not ann.has_usable_password()
        event = AuditEvent.objects.get(action="roster_imported")
        assert event.actor == str(administrator.pk)
        assert len(json.loads(event.data)["accounts"]) == 2
        assert "example" not in event.data
        assert mail.outbox == []

    def test_invites_at_once_where_asked(self, staff, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            confirm(staff, preview(staff, CSV, send_invitations="on"))
        assert sorted(message.to[0] for message in mail.outbox) == ["ann@example.org", "bob@example.org"]

    def test_a_second_run_changes_nothing(self, staff):
        confirm(staff, preview(staff, CSV))
        User.objects.get(email="ann@example.org").profile.__class__.objects.update(name="Anna")
        previewed = preview(staff, CSV)
        assert "has an account, which is kept as it is" in previewed.content.decode()
        response = confirm(staff, previewed)
        assert "0 accounts created; 2 addresses had an account" in response.content.decode()
        assert User.objects.get(email="ann@example.org").profile.name == "Anna"

    def test_errors_name_row_column_and_reason_and_stop_the_import(self, staff):
        content = "email,name\nann@example.org,A\nno address,B\nANN@example.org,C\n,D\n"
        response = preview(staff, content)
        page = response.content.decode()
        assert "confirm_form" not in response.context
        rows = {row.number: row.error_dict for row in response.context["result"].invalid_rows}
        assert rows == {
            3: {"email": ["Enter a valid email address."]},
            4: {"email": ["The address is in row 2 already."]},
            5: {"email": ["The address is missing."]},
        }
        assert "The address is in row 2 already." in page
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("header", "message"),
        [("name,position", "no column"), ("email,E-Mail", "twice"), ("email,", "has no name")],
    )
    def test_a_bad_header_is_named(self, staff, header, message):
        response = preview(staff, f"{header}\na@example.org,b\n")
        assert message in response.content.decode()
        assert "confirm_form" not in response.context

    def test_too_many_rows_are_refused_with_a_number(self, staff, settings):
        settings.ADMIN_IMPORT_MAX_ROWS = 1
        assert "at most 1 can be imported" in preview(staff, CSV).content.decode()

    def test_what_is_no_csv_is_refused(self, staff):
        assert preview(staff, b"\xff\xfe\x00garbage").status_code == 200
        assert User.objects.count() == 1

    def test_xlsx(self, staff):
        data = Dataset(["eve@example.org", 7], headers=["email", "years"])
        previewed = preview(staff, XLSX().export_data(data), "roster.xlsx", "1")
        confirm(staff, previewed)
        assert User.objects.get(email="eve@example.org").profile.intake == {"years": "7"}

    def test_an_account_made_in_between_is_kept(self, staff, make_user):
        previewed = preview(staff, CSV)
        make_user("bob@example.org")
        assert "1 accounts created; 1 addresses" in confirm(staff, previewed).content.decode()

    @pytest.mark.parametrize("url", [IMPORT, PROCESS, reverse("admin:participants_user_export")])
    def test_is_for_administrators(self, client, data_staff, owner, url):
        for user in (data_staff, owner):
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            assert client.get(url).status_code in {403, 405}
            assert client.post(url, {}).status_code == 403


@pytest.mark.django_db
class TestExport:
    def test_has_intake_as_columns_escapes_formulas_and_is_audited(self, staff, administrator):
        import_roster(rows=[{"email": "ann@example.org", "name": "=HYPERLINK()", "years": "5"}], by=administrator)
        response = staff.post(reverse("admin:participants_user_export"), {"format": "0", "resource": "0"})
        table = Dataset().load(response.content.decode(), format="csv")
        ann = next(row for row in table.dict if row["email"] == "ann@example.org")
        assert ann["intake.years"] == "5"
        assert not ann["name"].startswith("=")
        assert "password" not in table.headers
        event = AuditEvent.objects.get(action="roster_exported")
        assert json.loads(event.data) == {"filters": [], "rows": 2}

    def test_what_was_exported_can_be_imported(self, staff, administrator):
        import_roster(rows=[{"email": "ann@example.org", "name": "Ann", "years": "5"}], by=administrator)
        exported = staff.post(reverse("admin:participants_user_export"), {"format": "0", "resource": "0"}).content
        previewed = preview(staff, exported)
        assert "confirm_form" in previewed.context


@pytest.mark.django_db
class TestAction:
    def test_refuses_all_for_one_bad_row(self, administrator):
        with pytest.raises(Invalid) as refused:
            import_roster(rows=[{"email": "a@example.org"}, {"email": "b"}], by=administrator)
        assert refused.value.errors == {"row 3, email": ["Enter a valid email address."]}
        assert User.objects.count() == 1

    def test_queries_do_not_grow_with_rows(self, administrator, django_assert_max_num_queries):
        rows = [{"email": f"p{i}@example.org", "name": f"P {i}"} for i in range(400)]
        with django_assert_max_num_queries(13):
            import_roster(rows=rows, by=administrator)


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.none(), st.text(max_size=30), st.floats(), st.integers())))
def test_any_cell_is_cleaned_or_refused_never_a_crash(row):
    cleaned = _clean(2, row)
    assert cleaned.email == cleaned.email.lower()
    assert all(cleaned.intake.values())


@given(st.lists(st.text(max_size=20)))
def test_any_header_is_checked(headers):
    assert all(isinstance(text, str) for text in column_errors(headers))


@pytest.mark.django_db
class TestColumnsThatSayWhoSomebodyIs:
    @pytest.mark.parametrize(
        "column",
        [
            *("given_name", "Family Name", "first_name", "FirstName", "surname", "last-name", "Vorname", "Nachname"),
            *("nom", "Prénom", "intake.name", "dob", "birth_date", "Geburtsdatum", "year_of_birth", "phone", "phone2"),
            *(
                "Mobile number",
                "private e-mail",
                "address",
                "home_address",
                "Straße",
                "postcode",
                "Full name (passport)",
            ),
        ],
    )
    def test_are_refused_with_what_to_do(self, staff, column):
        response = preview(staff, f"email,name,{column}\nann@example.org,Ann,x\n")
        assert f"The column &#x27;{escape(column)}&#x27; says a" in response.content.decode()
        assert "confirm_form" not in response.context
        with pytest.raises(Invalid):
            import_roster(rows=[{"email": "ann@example.org", column: "x"}], by=None)
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        "column", ["years", "profession", "intake.site", "age_group", "specialty", "nomination", "Jahre"]
    )
    def test_others_become_attributes(self, column):
        import_roster(rows=[{"email": "ann@example.org", column: "x"}], by=None)
        assert list(User.objects.get().profile.intake.values()) == ["x"]

    def test_the_refusal_says_where_a_name_belongs(self):
        assert any("Put names into the column 'name'" in text for text in column_errors(["email", "family_name"]))

    def test_the_preview_names_the_columns_that_are_exported(self, staff):
        page = preview(staff, CSV).content.decode()
        assert "go into every export, beside the pseudonym:</strong> profession, years." in page
        plain = preview(staff, "email,name\nann@example.org,Ann\n").content.decode()
        assert "No column becomes an attribute of the participants that is exported." in plain
