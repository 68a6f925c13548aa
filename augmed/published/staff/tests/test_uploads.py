"""The upload page's two routes: the contract's shapes, every wrong row named, and nobody's log-in lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from augmed.foundation.permissions import Verb
from cases.models import Case
from experiments.actions import display_configs
from experiments.actions.reviews import open_review
from experiments.models import Assignment, AssignmentDisclosure, Experiment, Review
from experiments.tests import factories
from experiments.tests.test_display_configs import ARMS, csv, many

pytestmark = pytest.mark.django_db
PREVIEWS = ("/api/admin/config/upload/preview", "/admin/config/upload/preview")
UPLOADS = ("/api/admin/config/upload", "/admin/config/upload")


@pytest.fixture
def version(db: None) -> Any:
    version = factories.make_layout(is_default=True)
    for number in (7, 8):
        factories.make_case(layout_version=version, number=number)
    return version


@pytest.fixture
def send(api: Any, administrator: Any, version: Any) -> Any:
    """Posts a file as a form does; `by` None sends no token."""

    def post(path: str, content: bytes, *, by: Any = administrator, name: str = "c.csv", **fields: str) -> Any:
        form = {"file": SimpleUploadedFile(name, content), **fields}
        return api(by).post(path, form, format="multipart")

    return post


@pytest.mark.parametrize("path", [*PREVIEWS, f"{PREVIEWS[0]}/"])
def test_a_preview_has_the_contracts_shape_and_writes_nothing(send: Any, clinician: Any, path: str) -> None:
    file = csv(f"{clinician.email},7,Patient.Age,TRUE,,1.5", f"{clinician.email},8,Findings.Laboratory,,,")
    response = send(path, file)
    assert (response.status_code, response.json()["error"]) == (200, None)
    data = response.json()["data"]
    nothing = {"experiment_id": None, "arm": None, "policy_id": None, "status": "created"}
    assert data["configs"] == [
        {
            "user_email": clinician.email,
            "case_id": 7,
            "path_config": [{"path": "Patient.Age", "style": {"collapse": True, "top": 1.5}}],
            **nothing,
        },
        {"user_email": clinician.email, "case_id": 8, "path_config": [{"path": "Findings.Laboratory"}], **nothing},
    ]
    assert (data["total"], data["users"], data["cases"]) == (2, [clinician.email], [7, 8])
    assert (data["errors"], data["error_count"], data["new_cases"]) == ([], 0, 0)
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("path", [*UPLOADS, f"{UPLOADS[1]}/"])
def test_an_upload_makes_updates_keeps_and_says_so(send: Any, clinician: Any, other_clinician: Any, path: str) -> None:
    people = (clinician, other_clinician)
    first = send(path, csv(*(f"{one.email},7,Patient.Age,,," for one in people))).json()["data"]
    assert first["results"] == [{"user_email": one.email, "case_id": 7, "status": "created"} for one in people]
    assert first["summary"] == {"total": 2, "created": 2, "updated": 0}
    factories.make_questionnaire(Experiment.objects.get(kind="configs"))
    open_review(public_id=Review.objects.owned_by(clinician).get().public_id, by=clinician)

    again = send(path, csv(f"{clinician.email},7,Patient.Age,,,", f"{other_clinician.email},7,Findings.Laboratory,,,"))
    assert [result["status"] for result in again.json()["data"]["results"]] == ["unchanged", "updated"]
    assert again.json()["data"]["summary"] == {"total": 2, "created": 0, "updated": 1}
    [kept] = send(path, csv(f"{clinician.email},7,Findings.Laboratory,,,")).json()["data"]["results"]
    assert (kept["status"], kept["reason"]) == ("kept", "the participant has opened it")


def test_every_wrong_row_is_in_the_preview_where_the_page_shows_it(send: Any, clinician: Any) -> None:
    lines = (
        f"{clinician.email},7,Patient.Age,,,",
        "nobody@example.org,7,Patient.Age,,,",
        f"{clinician.email},x,a.b,,,",
    )
    data = send(PREVIEWS[0], csv(*lines)).json()["data"]
    assert [(error["row"], error["column"]) for error in data["errors"]] == [(3, "User"), (4, "Case No.")]
    assert data["error_count"] == 2
    first, second, sound = data["configs"]
    assert first["user_email"] == first["error"] == "Row 3, User: 'nobody@example.org' is not on the roster"
    assert second["user_email"].startswith("Row 4, Case No.: 'x'")
    assert (first["case_id"], first["path_config"]) == (0, [])
    assert (sound["user_email"], data["total"], data["users"], data["cases"]) == (
        clinician.email,
        1,
        [clinician.email],
        [7],
    )


def test_of_many_wrong_rows_the_page_shows_the_first_and_how_many_more(send: Any) -> None:
    data = send(PREVIEWS[0], csv(*(f"nobody{at}@example.org,7,Patient.Age,,," for at in range(25)))).json()["data"]
    assert (len(data["errors"]), len(data["configs"]), data["configs"][-1]["error"]) == (25, 21, "and 5 more errors")


@pytest.mark.parametrize(
    ("line", "code", "place"),
    [
        ("nobody@example.org,7,Patient.Age,,,", "1011", "Row 2, User"),
        ("clinician@example.org,9,Patient.Age,,,", "1012", "Row 2, Case No."),
        ("clinician@example.org,7,Patient.Weight,,,", "1006", "Row 2, Path"),
        ("clinician@example.org,7,Patient.Age,maybe,,", "1006", "Row 2, Collapse"),
    ],
)
def test_an_upload_with_a_wrong_row_stores_nothing_and_names_it(
    send: Any, clinician: Any, other_clinician: Any, line: str, code: str, place: str
) -> None:
    response = send(UPLOADS[0], csv(line, f"{other_clinician.email},7,Patient.Age,,,"))
    error = response.json()["error"]
    assert (response.status_code, response.json()["data"], error["code"]) == (500, None, code)
    assert place in error["message"]
    assert (error["row_count"], error["rows"][0]["row"], error["rows"][0]["column"]) == (1, 2, place[7:])
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("content", [b"", b"User,Case No.,Path\n", b"\xff\xfe", b"User,Case No.,Path\na,1,\x00\n"])
def test_a_file_without_rows_changes_nothing(send: Any, clinician: Any, content: bytes) -> None:
    send(UPLOADS[0], csv(f"{clinician.email},7,Patient.Age,,,"))
    assert send(UPLOADS[0], content).status_code == 500
    assert send(PREVIEWS[0], content).json()["data"]["error_count"] == 1
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize("path", [*PREVIEWS, *UPLOADS])
def test_without_a_csv_file_the_contracts_refusal(api: Any, administrator: Any, send: Any, path: str) -> None:
    for body in (api(administrator).post(path, {"x": "y"}, format="multipart"), api(administrator).post(path, {})):
        assert body.status_code == 400
        assert body.json()["error"] == {"code": ["1008", "No file part in the request."], "message": "NoFilePart"}
    wrong = send(path, b"x", name="c.xlsx")
    assert wrong.status_code == 400
    assert wrong.json()["error"]["message"] == "InvalidFileExtension"
    assert wrong.json()["error"]["code"] == ["1007", "Invalid file extension. Only .csv are allowed."]
    assert send(path, csv("nobody@example.org,7,Patient.Age,,,"), name="C.CSV").status_code in (200, 500)


def test_the_forms_fields_hold_for_all_rows(send: Any, lead: Any, version: Any) -> None:
    study = factories.make_study(by=lead, layout_version=version)
    person = factories.make_enrolment(study).user
    file = csv(f"{person.email},7,Patient.Age,Another study,Nope,old", header=ARMS)
    fields = {"experiment_id": study.code, "arm": "With advice", "policy_id": "explore"}
    [config] = send(PREVIEWS[0], file, **fields).json()["data"]["configs"]
    assert (config["experiment_id"], config["arm"], config["policy_id"]) == (study.code, "With advice", "explore")
    assert send(UPLOADS[0], file, by=lead, **fields).json()["data"]["summary"]["created"] == 1
    made = AssignmentDisclosure.objects.get()
    assert (made.assignment.arm.name, made.policy) == ("With advice", "explore")
    assert send(UPLOADS[0], file, experiment_id="\0").status_code == 500


@pytest.fixture
def lead(owner: Any) -> Any:
    return owner


@pytest.mark.parametrize("path", [*PREVIEWS, *UPLOADS])
def test_who_may_not_design_is_refused_but_stays_logged_in(send: Any, clinician: Any, stranger: Any, path: str) -> None:
    file = csv(f"{clinician.email},7,Patient.Age,,,")
    for person in (clinician, stranger):
        response = send(path, file, by=person)
        assert (response.status_code, response.json()["error"]["code"]) == (500, "1103")
    assert send(path, file, by=None).status_code == 401
    assert not Assignment.objects.exists()


def test_another_studys_lead_does_not_learn_of_a_study(send: Any, lead: Any, stranger: Any, version: Any) -> None:
    mine, other = factories.make_study(by=lead), factories.make_study(by=stranger)
    person = factories.make_enrolment(other).user
    file = csv(f"{person.email},7,Patient.Age,{other.code},,", header=ARMS)
    there = send(PREVIEWS[0], file, by=lead).json()["data"]["errors"][0]["message"]
    absent = csv(f"{person.email},7,Patient.Age,exp-000000000000,,", header=ARMS)
    assert there.replace(other.code, "") == (
        send(PREVIEWS[0], absent, by=lead).json()["data"]["errors"][0]["message"].replace("exp-000000000000", "")
    )
    assert mine.code not in there


def test_a_key_may_upload_by_its_scope_alone(
    by_key: Any, api: Any, administrator: Any, clinician: Any, version: Any
) -> None:
    file = csv(f"{clinician.email},7,Patient.Age,,,")
    display_configs.apply(file=file, by=administrator)  # the study is there: the key need not begin one
    for verb, status in {Verb.EXPORT: 500, Verb.CHANGE_DESIGN: 200}.items():
        form = {"file": SimpleUploadedFile("c.csv", file)}
        assert by_key(administrator, verb).post(UPLOADS[0], form, format="multipart").status_code == status
    assert api().post(UPLOADS[0], {}, format="multipart", HTTP_X_API_KEY="made-up").status_code == 401


def test_few_visits_become_cases_and_many_are_left_to_the_command(
    send: Any, administrator: Any, clinician: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from augmed.published.tests.augmed_study import make_layout, make_visits
    from cases.actions import make_default

    monkeypatch.setattr(display_configs, "MOST_MADE", 3)
    make_visits(4, first=1)
    make_default(layout=make_layout().layout, by=None)
    lines = [f"{clinician.email},{at},BACKGROUND.Family History,,," for at in range(1, 5)]
    before = Case.objects.count()

    data = send(PREVIEWS[0], csv(*lines[:3])).json()["data"]
    assert (data["new_cases"], data["total"], data["error_count"], Case.objects.count()) == (3, 3, 0, before)
    assert send(UPLOADS[0], csv(*lines[:1])).json()["data"]["new_cases"] == 1
    make_visits(1, first=5)
    lines.append(f"{clinician.email},5,BACKGROUND.Family History,,,")
    data = send(PREVIEWS[0], csv(*lines)).json()["data"]
    assert (data["new_cases"], data["error_count"]) == (0, 4)
    assert "manage.py make_cases" in data["errors"][0]["message"]
    assert send(UPLOADS[0], csv(*lines)).status_code == 500
    assert Case.objects.count() == before + 1


@pytest.mark.parametrize(("people", "cases"), [(2, 2), (8, 12)])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    send: Any, version: Any, people: int, cases: int, django_assert_max_num_queries: Any
) -> None:
    file = many(people, cases, version)
    with django_assert_max_num_queries(34):
        assert send(PREVIEWS[0], file).json()["data"]["total"] == people * cases
    with django_assert_max_num_queries(54):
        assert send(UPLOADS[0], file).json()["data"]["summary"]["created"] == people * cases


@pytest.mark.parametrize("path", PREVIEWS + UPLOADS)
@pytest.mark.parametrize(
    "part",
    [
        b'name="%d"\r\n\r\n1\r\n',
        b'name="%d"; filename="a.csv"\r\n\r\n1\r\n',
        b'name="%d"\r\n\r\n' + b"x" * 200 + b"\r\n",
    ],
    ids=["fields", "files", "bytes"],
)
def test_a_form_of_too_many_parts_is_a_refusal_in_the_envelope(path, part, api, administrator, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 200 if b"x" in part else 50
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000
    body = b"".join(b"--x\r\nContent-Disposition: form-data; " + part % number for number in range(101)) + b"--x--\r\n"
    response = api(administrator).generic("POST", path, body, content_type="multipart/form-data; boundary=x")
    assert response.status_code == 400
    assert response.json()["error"] == {"code": 400, "message": "The request could not be read."}
