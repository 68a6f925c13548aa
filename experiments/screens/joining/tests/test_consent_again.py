"""A new version of the consent form in a running study: who takes part is asked again, or not, and loses nothing."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.consent_versions import publish_consent_document, signed_words
from experiments.actions.drafts import save_draft
from experiments.actions.enrolment import record_consent
from experiments.actions.joining import leave_study, sign_consent
from experiments.actions.reviews import open_review
from experiments.actions.submissions import submit
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import source_key
from experiments.models import Answer, ConsentRecord, ConsentSignature, Enrolment, EnrolmentEvent, Review
from experiments.screens.joining.steps import next_step
from experiments.screens.joining.tests import helpers
from experiments.tests import factories

ANSWERS = {"diagnosis": "yes", "risk": 0.2}
NEW = "We also keep your answers for ten years."
CHANGED = "New: how long we keep your answers."


def publish(study, owner, **changed):
    fields = {"title": "Information and consent", "text": NEW, "asks_again": True, "what_changed": CHANGED, **changed}
    return publish_consent_document(experiment=study, by=owner, **fields)


@pytest.fixture
def plain(owner):
    """A study that asks for consent and for nothing else, and has two cases of one reading each."""
    arms = {"Only": [factories.show(*factories.CLINICAL)]}
    return helpers.joining_study(owner, intake=False, instructions="", training=0, arms=arms, cases=2)


@pytest.fixture
def signed(plain, clinician, reading_of):
    """A reader of it who has signed version 1."""
    enrolment = factories.make_enrolment(plain, clinician)
    reading_of(clinician).post(helpers.page(plain, "consent"), helpers.signature(plain))
    enrolment.refresh_from_db()
    assert enrolment.status == "active"
    return enrolment


def review_of(enrolment, position=1) -> Review:
    return Review.objects.get(assignment__enrolment=enrolment, assignment__position=position, stage_position=1)


def answer(enrolment, position) -> None:
    review = review_of(enrolment, position)
    open_review(public_id=review.public_id, by=enrolment.user)
    submit(public_id=review.public_id, answers=ANSWERS, by=enrolment.user)


def statuses(enrolment) -> list[str]:
    return list(EnrolmentEvent.objects.filter(enrolment=enrolment).order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"asks_again": None}, "asks_again"), ({"what_changed": " "}, "what_changed")],
)
def test_the_researcher_says_who_signs_again_and_why(plain, signed, owner, changed, field):
    with pytest.raises(Invalid) as refused:
        publish(plain, owner, **changed)
    assert set(refused.value.errors) == {field}
    assert plain.consent_documents.count() == 1


def test_where_nobody_takes_part_nothing_is_asked(plain, owner, clinician):
    enrolment = factories.make_enrolment(plain, clinician)
    document = publish(plain, owner, asks_again=None, what_changed="Nobody reads it.")
    assert (document.asks_again, document.what_changed) == (None, "")
    assert statuses(enrolment) == ["awaiting_consent"]


def test_a_version_for_newcomers_alone_leaves_everybody_as_they_are(plain, signed, owner):
    publish(plain, owner, asks_again=False, what_changed="")
    signed.refresh_from_db()
    assert (signed.status, signed.asked_again) == ("active", None)
    assert next_step(signed).kind == "case"


def test_whoever_is_asked_again_reads_and_answers_nothing_until_they_signed(plain, signed, owner, reading_of, api):
    answer(signed, 1)
    opened, unopened = review_of(signed, 1), review_of(signed, 2)
    open_review(public_id=unopened.public_id, by=signed.user)
    publish(plain, owner)
    signed.refresh_from_db()
    assert signed.status == "awaiting_consent"
    assert next_step(signed).label == "Read and sign the new consent form"
    browser, client = reading_of(signed.user), api(signed.user)
    for review in (opened, unopened):
        assert browser.get(f"/reviews/{review.public_id}/").status_code == 409
        refused = client.post(f"/api/v2/reviews/{review.public_id}/open")
        assert (refused.status_code, refused.json().get("code")) == (409, "consent_needed")
        assert "Your consent is needed before you go on" in refused.json()["detail"]
        published = client.get(f"/api/case-reviews/{review.public_id.hex}")  # whose client shows messages of 500 alone
        assert published.status_code == 500
        assert "Your consent is needed before you go on" in published.json()["error"]["message"]
    assert client.get("/api/v2/reviews/next").status_code == 204
    assert client.get("/api/cases").json()["data"] == []
    for refusal in (
        lambda: submit(public_id=unopened.public_id, answers=ANSWERS, by=signed.user),
        lambda: save_draft(public_id=unopened.public_id, typed=lambda _: {}, revision=0, by=signed.user),
    ):
        with pytest.raises(Conflict) as refused:
            refusal()
        assert refused.value.code == "consent_needed"
    assert Answer.objects.filter(submission__review__assignment__enrolment=signed).count() == 2  # as they were


def test_the_page_shows_what_has_changed_the_new_words_and_the_old(plain, signed, owner, reading_of):
    publish(plain, owner)
    body = reading_of(signed.user).get(helpers.page(plain, "consent")).content.decode()
    assert "The consent form has changed" in body
    assert body.index(CHANGED) < body.index(helpers.CONSENT.split("\n")[0]) < body.index(NEW)
    assert 'name="decline"' not in body
    assert helpers.page(plain, "withdraw") in body


def test_signing_goes_on_where_the_reader_stopped_and_both_signatures_stay(plain, signed, owner, reading_of):
    answer(signed, 1)
    publish(plain, owner)
    response = reading_of(signed.user).post(helpers.page(plain, "consent"), helpers.signature(plain))
    assert response.status_code == 302
    signed.refresh_from_db()
    assert (signed.status, signed.asked_again) == ("active", None)
    assert statuses(signed) == ["awaiting_consent", "active", "awaiting_consent", "active"]
    given = ConsentSignature.objects.filter(record__enrolment=signed).order_by("pk")
    assert [one.document.number for one in given] == [1, 2]
    assert [signed_words(one).text for one in given] == [helpers.CONSENT, NEW]
    assert next_step(signed).review == review_of(signed, 2).public_id


def test_who_had_answered_everything_is_asked_and_completed_again(plain, signed, owner):
    answer(signed, 1)
    answer(signed, 2)
    publish(plain, owner)
    signed.refresh_from_db()
    assert signed.status == "awaiting_consent"
    shown = helpers.signature(plain)["shown"]
    sign_consent(enrolment=signed, name="Ada", agrees=True, shown=shown, by=signed.user)
    signed.refresh_from_db()
    assert signed.status == "completed"
    assert statuses(signed)[-3:] == ["awaiting_consent", "active", "completed"]


def test_practice_waits_and_goes_on_with_the_rest(owner, clinician):
    study = helpers.joining_study(owner, intake=False, instructions="")
    enrolment = factories.make_enrolment(study, clinician)
    shown = helpers.signature(study)["shown"]
    sign_consent(enrolment=enrolment, name="Ada", agrees=True, shown=shown, by=clinician)
    [review, *_] = helpers.practice(enrolment)
    publish(study, owner)
    with pytest.raises(Conflict) as refused:
        open_review(public_id=review.public_id, by=clinician)
    assert refused.value.code == "consent_needed"
    shown = helpers.signature(study)["shown"]
    sign_consent(enrolment=enrolment, name="Ada", agrees=True, shown=shown, by=clinician)
    open_review(public_id=review.public_id, by=clinician)
    assert next_step(enrolment).kind == "training"


def test_not_to_agree_is_to_leave_and_not_done_by_accident(plain, signed, owner, reading_of):
    publish(plain, owner)
    browser = reading_of(signed.user)
    response = browser.post(helpers.page(plain, "consent"), {"decline": "1"})
    assert (response.status_code, response.url) == (302, helpers.page(plain, "withdraw"))
    with pytest.raises(Conflict) as refused:
        record_consent(enrolment=signed, kind="declined", by=owner)
    assert refused.value.code == "takes_part"
    body = browser.get(helpers.page(plain, "withdraw")).content.decode()
    assert "You may also decide later." in body
    assert "the answers you gave until then stay part of the study" in body
    leave_study(enrolment=signed, words="", by=signed.user)
    signed.refresh_from_db()
    assert (signed.status, signed.asked_again) == ("withdrawn", None)
    assert "new version of the consent form" in EnrolmentEvent.objects.filter(enrolment=signed).latest("pk").reason


def test_consent_on_paper_counts_from_the_day_of_the_new_version_on(plain, signed, owner):
    publish(plain, owner)
    record_consent(enrolment=signed, kind="given", by=owner, at=timezone.now() - timedelta(days=2), document="Old")
    assert Enrolment.objects.get(pk=signed.pk).status == "awaiting_consent"
    record_consent(enrolment=signed, kind="given", by=owner, document="New", given_elsewhere=True)
    assert Enrolment.objects.get(pk=signed.pk).status == "active"
    assert ConsentRecord.objects.filter(enrolment=signed).count() == 3


def test_who_missed_a_version_is_told_of_both_changes(plain, signed, owner, reading_of):
    publish(plain, owner)
    publish(plain, owner, text="The third.", asks_again=False, what_changed="")
    publish(plain, owner, text="The fourth.", what_changed="And one more thing.")
    body = reading_of(signed.user).get(helpers.page(plain, "consent")).content.decode()
    assert body.index(CHANGED) < body.index("And one more thing.") < body.index("The fourth.")


def test_a_new_version_comes_with_its_translation(plain, signed, owner, reading_of):
    set_languages(experiment=plain, languages=["en", "de"], by=owner)
    words = {"title": "Aufklärung", "text": "Zehn Jahre.", "what_changed": "Neu ist die Dauer."}
    publish(plain, owner, translations={"de": words})
    german = {"headers": {"Accept-Language": "de"}}
    browser = reading_of(signed.user)
    body = browser.get(helpers.page(plain, "consent"), **german).content.decode()
    assert all(text in body for text in words.values())
    shown = body.split('name="shown" value="')[1].split('"')[0]
    browser.post(helpers.page(plain, "consent"), helpers.signature(plain, shown=shown), **german)
    set_translations(experiment=plain, language="de", texts={source_key(NEW): "Ganz anders."}, by=owner)
    signature = ConsentSignature.objects.filter(record__enrolment=signed).latest("pk")
    assert (signature.language, signature.text_sha256, signed_words(signature).text) == ("de", shown, "Zehn Jahre.")
    body = browser.get(helpers.page(plain, "consent")).content.decode()  # in English now: what was signed all the same
    assert "Zehn Jahre." in body
    assert "Ganz anders." not in body


def test_it_is_one_update_however_many_take_part(plain, owner):
    def measured(text):
        with CaptureQueriesContext(connection) as statements:
            publish(plain, owner, text=text)
        return len(statements)

    def join(people):
        for enrolment in [factories.make_enrolment(plain) for _ in range(people)]:
            record_consent(enrolment=enrolment, kind="given", by=owner)

    join(1)
    few = measured("Two.")
    join(5)
    assert measured("Three.") == few
    assert Enrolment.objects.filter(asked_again__number=2).count() == 1
    assert Enrolment.objects.filter(asked_again__number=3).count() == 5
    event = AuditEvent.objects.filter(action="consent_document_published").latest("pk")
    assert json.loads(event.data)["asked"] == 5
