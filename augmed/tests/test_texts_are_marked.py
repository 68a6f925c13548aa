"""What a participant can read goes through gettext, unless it is the study's own: on every page, in every mail, in
what scripts say. A text that somebody forgot to mark stays English in the other languages; here it has no marks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from augmed import api_errors
from augmed.tests.marked import PASSWORD, Reader, mark_all, own, unmarked, unmarked_in_mail
from experiments.actions.consent_versions import publish_consent_document
from experiments.actions.preview_links import make_preview_link
from experiments.models import Experiment, Reminder, Review
from experiments.reminders.delivery import message_of
from experiments.reminders.tokens import token_of
from experiments.screens.answering.tests.questions import ALL_TYPES, posted
from experiments.screens.joining.tests import helpers
from experiments.tests import factories
from participants import actions
from participants.mail import send_client_link, send_invitation, send_password_reset
from participants.models import User
from participants.tests.second_factors import phone_of, switch_on

pytestmark = pytest.mark.django_db

SCRIPTS = sorted((Path(settings.BASE_DIR) / "experiments" / "static" / "screens").glob("*.js"))
assert SCRIPTS
TWO_STAGES = {"Advice afterwards": factories.ARMS["Advice afterwards"]}


@pytest.fixture(autouse=True)
def _marks(monkeypatch: pytest.MonkeyPatch) -> None:
    mark_all(monkeypatch)


@pytest.fixture
def study(owner: Any) -> Experiment:
    """With everything before the first case, and cases that are read twice."""
    return helpers.joining_study(owner, training=2, arms=TWO_STAGES, cases=2, questions=ALL_TYPES)


def test_the_whole_way_of_a_reader(study: Experiment, clinician: Any) -> None:
    enrolment = factories.make_enrolment(study, clinician)
    reader = Reader(clinician)
    page = reader.get("/home/")
    _join(reader, study)
    for review in helpers.practice(enrolment):
        _read(reader, str(review.public_id))
        reader.get(helpers.page(study, "training"))
    reader.get("/home/")
    real = Review.objects.filter(assignment__enrolment=enrolment).order_by("assignment__position", "stage_position")
    for review in real:
        page = _read(reader, str(review.public_id))
    assert "review" in page.request["PATH_INFO"]
    reader.get("/home/")


def _join(reader: Reader, study: Experiment) -> None:
    consent, intake, instructions = (helpers.page(study, name) for name in ("consent", "intake", "instructions"))
    reader.get(consent)
    reader.post(consent, helpers.signature(study, agrees="", name=""), 422)
    reader.post(consent, helpers.signature(study, shown="changed"), 409)
    reader.post(consent, {"decline": "1"})
    reader.get(consent)
    reader.post(consent, helpers.signature(study))
    reader.get(consent)
    reader.get(intake)
    reader.post(intake, helpers.about(study, **{"q.years": "many"}), 422)
    reader.post(intake, helpers.about(study))
    reader.get(intake)
    reader.get(instructions)
    reader.post(instructions)
    reader.get(helpers.page(study, "training"))


WRONG = {"q.dose": "501", "q.risk": "x", "q.sure": "2.5", "q.seen": "soon", "q.next": "a\nb", "q.diagnosis": "x"}


def _read(reader: Reader, public_id: str) -> Any:
    """One review, from before it is opened."""
    at = {name: reverse(f"review_{name}", args=[public_id]) for name in ("open", "answer", "draft", "done")}
    reader.get(reverse("review", args=[public_id]))
    page = reader.post(at["open"])
    version = re.search(r'name="version" value="([^"]+)"', page.content.decode())
    assert version
    reader.post(at["answer"], {"version": version[1]}, 422)
    reader.post(at["answer"], {"version": version[1], **WRONG}, 422)
    reader.post(at["draft"], {"version": version[1], "revision": "0", "pause": "1", "q.next": "CT"})
    reader.post(at["answer"], posted(version=version[1]))
    reader.get(at["done"])
    return reader.get(reverse("review", args=[public_id]))


def test_leaving_and_reminders(study: Experiment, clinician: Any) -> None:
    enrolment = factories.make_enrolment(study, clinician)
    reader = Reader(clinician)
    helpers.joined(study, enrolment, reader.client)
    for path in (helpers.page(study, "reminders"), reverse("reminders_off", args=[token_of(enrolment)])):
        reader.get(path)
        reader.post(path, {"wanted": "no"})
        reader.post(path, {"wanted": "yes"})
    reader.get(reverse("reminders_off", args=["cut"]), 404)
    reader.get(helpers.page(study, "withdraw"))
    reader.post(helpers.page(study, "withdraw"), {"words": "No time."})
    reader.get("/home/")
    reader.get(helpers.page(study, "consent"))


def test_consent_asked_again(study: Experiment, clinician: Any, owner: Any) -> None:
    enrolment = factories.make_enrolment(study, clinician)
    reader = Reader(clinician)
    helpers.joined(study, enrolment, reader.client)
    review = helpers.practice(enrolment)[0]
    publish_consent_document(
        experiment=study, title="Consent", text="More.", what_changed="One more part.", asks_again=True, by=owner
    )
    reader.get("/home/")
    reader.post(reverse("review_open", args=[review.public_id]), status=409)
    reader.get(helpers.page(study, "consent"))
    reader.get(helpers.page(study, "withdraw"))
    reader.post(helpers.page(study, "consent"), helpers.signature(study))
    reader.get("/home/")


@pytest.mark.parametrize("status", ["paused", "completed", "draft"])
def test_a_study_that_does_not_run(study: Experiment, clinician: Any, status: str) -> None:
    enrolment = factories.make_enrolment(study, clinician)
    reader = Reader(clinician)
    helpers.joined(study, enrolment, reader.client)
    review = Review.objects.filter(assignment__enrolment=enrolment).first()
    assert review is not None
    Experiment.objects.update(status=status)
    reader.get("/home/")
    reader.post(reverse("review_open", args=[review.public_id]), status=409)
    for name in ("consent", "intake", "instructions", "training", "withdraw"):
        answer = reader.client.get(helpers.page(study, name), follow=True)
        assert unmarked(answer.content.decode(), own()) == [], name


def test_nobody_s_home(clinician: Any, owner: Any) -> None:
    Reader(clinician).get("/home/")
    Reader(owner).get("/home/")


def test_a_link_for_colleagues(study: Experiment, owner: Any) -> None:
    secret = make_preview_link(experiment=study, label="Ethics", days=3, by=owner).secret
    reader = Reader()
    reader.get(reverse("look", args=[secret]))
    for name in ("consent", "intake", "instructions"):
        reader.get(reverse(f"look_{name}", args=[secret]))
    for name in ("consent", "intake"):
        reader.post(reverse(f"look_{name}", args=[secret]), status=422)
    case = reverse("look_case", args=[secret, "a", 1, 1])
    reader.get(case)
    reader.post(case, WRONG, 422)
    reader.post(case, posted())
    reader.get(reverse("look_practice", args=[secret]))
    reader.get(reverse("look_practice_case", args=[secret, 1]))
    reader.post(reverse("look_practice_case", args=[secret, 1]), posted())
    reader.get(reverse("look", args=["x" * 20]), 404)


def test_the_door(clinician: Any, make_user: Callable[..., Any]) -> None:
    reader = Reader()
    reader.get("/sign-in/")
    reader.post("/sign-in/", {"username": "a@example.org", "password": "wrong"})
    reader.post("/sign-in/", {"username": "", "password": ""})
    reader.get("/sign-in/forgotten/")
    reader.post("/sign-in/forgotten/", {"email": "no address"})
    reader.post("/sign-in/forgotten/", {"email": "a@example.org"})
    reader.get("/sign-in/code/")
    reader.get("/invitation/unknown", 410)
    reader.get("/reset-password/a/b", 410)
    reader.get("/nowhere/", 404)
    answers = [reader.client.post("/sign-in/", {"username": "a@example.org", "password": "no"}) for _ in range(40)]
    (refused, *_) = [answer for answer in answers if answer.status_code == 429]
    assert unmarked(refused.content.decode(), own()) == []


def test_an_invitation(make_user: Callable[..., Any]) -> None:
    user = make_user("invitee@example.org")
    user.set_unusable_password()
    user.save()
    invitation = actions.invite(user=user, by=None)
    path = reverse("invitation", args=[actions.invitations.invitation_token(invitation)])
    reader = Reader()
    reader.get(path)
    reader.post(path, {"new_password1": "abc", "new_password2": "abcd"})
    reader.post(path, {"new_password1": "12345678", "new_password2": "12345678"})
    reader.post(path, {"new_password1": "a long Passphrase 5!", "new_password2": "a long Passphrase 5!"})


def test_an_account_and_its_second_factor(clinician: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(clinician)
    phone = phone_of(clinician, monkeypatch)
    reader.get("/account/")
    reader.get("/account/password/")
    reader.post("/account/password/", {"old_password": "no", "new_password1": "abc", "new_password2": "x"})
    reader.get("/account/second-factor/")
    reader.post("/account/second-factor/", {"password": "wrong"})
    reader.post("/account/second-factor/", {"password": PASSWORD})
    reader.post("/account/second-factor/app/", {"code": "000"})
    reader.post("/account/second-factor/app/", {"code": phone.code()})
    reader.get("/account/")
    for name in ("codes", "off"):
        reader.get(f"/account/second-factor/{name}/")
        reader.post(f"/account/second-factor/{name}/", {"password": PASSWORD})
    reader.post("/account/sign-out-everywhere/")
    switch_on(clinician, phone)
    reader.post("/sign-in/", {"username": clinician.email, "password": PASSWORD})
    reader.post("/sign-in/code/", {"code": phone.wrong_code()})
    reader.post("/sign-in/code/", {"code": phone.wrong_code()})


def test_errors(rf: RequestFactory) -> None:
    def page(answer: Any) -> None:
        assert unmarked(answer.content.decode(), set()) == []

    request: HttpRequest = rf.get("/somewhere/")
    request.user = User()
    page(api_errors.bad_request(request, ValueError()))
    page(api_errors.permission_denied(request, PermissionError()))
    page(api_errors.page_not_found(request, KeyError()))
    page(api_errors.server_error(request))
    page(Client(enforce_csrf_checks=True).post("/sign-in/"))


def test_mails(study: Experiment, clinician: Any, make_user: Callable[..., Any]) -> None:
    invitee = make_user("invitee@example.org")
    invitee.set_unusable_password()
    invitee.save()
    invitation = actions.invite(user=invitee, by=None)
    mail.outbox.clear()
    send_invitation(invitation_id=str(invitation.pk), study_name=study.name)
    send_invitation(invitation_id=str(invitation.pk))
    send_password_reset(email=clinician.email)
    send_client_link(email=invitee.email, mail_id="1")
    enrolment = factories.make_enrolment(study, clinician)
    reminder = Reminder(enrolment=enrolment, sent_at=timezone.now(), cases_left=2)
    mails = [*mail.outbox, message_of(reminder)]
    assert len(mails) == 5
    for one in mails:
        assert unmarked_in_mail(f"{one.subject}\n{one.body}", own()) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_say_nothing_themselves(script: Path) -> None:
    """What they show comes from the page."""
    strings = re.findall(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`", re.sub(r"//.*|/\*.*?\*/", "", script.read_text()))
    assert [text for text in strings if re.match(r".[A-Z][a-z]+ [a-z]", text)] == []


def test_what_is_not_marked_is_found() -> None:
    page = '<p>\u27e6Gut\u27e7 Forgotten text</p><img alt="A picture"><p>Age 60</p><kbd>Esc</kbd>'
    assert unmarked(page, {"Age"}) == ["Forgotten text", "A picture"]
    assert unmarked("<p>\u27e6Vor \u27e6dem\u27e7 <b>Fall</b>\u27e7: 5</p>", set()) == []
