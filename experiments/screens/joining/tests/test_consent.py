"""Signing, declining, and reading again what one has signed."""

import pytest
from django.test import Client

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.consent_versions import publish_consent_document
from experiments.actions.joining import sign_consent
from experiments.actions.lifecycle import amend, pause
from experiments.actions.translations import set_languages, set_translations
from experiments.languages.sources import source_key
from experiments.models import Assignment, ConsentDocument, ConsentRecord, ConsentSignature
from experiments.screens.joining.tests import helpers
from experiments.tests import factories

BACKEND = "django.contrib.auth.backends.ModelBackend"


def test_the_text_is_shown_in_paragraphs_and_lists(study, reader, reading):
    body = reading.get(helpers.page(study, "consent")).content.decode()
    assert "<p>We study how clinicians judge.</p>" in body
    assert "<ul><li>read cases</li><li>answer questions</li></ul>" in body


def test_what_a_researcher_writes_is_text_and_no_markup(study, reader, reading, owner):
    publish_consent_document(experiment=study, title="<b>T</b>", text="<script>alert(1)</script>", by=owner)
    body = reading.get(helpers.page(study, "consent")).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<b>T</b>" not in body


def test_signing_opens_the_study_and_draws_the_cases(study, reader, reading):
    response = reading.post(helpers.page(study, "consent"), helpers.signature(study, name="  Dr.  Ada\u00a0Reader "))
    assert (response.status_code, response.url) == (302, helpers.page(study, "intake"))
    record = ConsentRecord.objects.get(enrolment=reader)
    assert (record.kind, record.document, record.given_elsewhere, record.recorded_by) == (
        "given", "Information and consent (version 1)", False, reader.user,
    )  # fmt: skip
    signed = record.signature
    assert (signed.name, signed.document.number, signed.language) == ("Dr. Ada Reader", 1, "en")
    assert signed.text_sha256 == sha256_hex(f"Information and consent\n\n{helpers.CONSENT}")
    reader.refresh_from_db()
    assert reader.status == "active"
    assert Assignment.objects.filter(enrolment=reader).exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"name": ""}, "name"), ({"name": " - "}, "name"), ({"name": "x" * 201}, "name"), ({"agrees": ""}, "agrees")],
)
def test_an_unfinished_form_is_shown_again_with_what_was_typed(study, reader, reading, changed, field):
    response = reading.post(helpers.page(study, "consent"), helpers.signature(study, **changed))
    body = response.content.decode()
    assert response.status_code == 422
    assert f'id="{field}-error"' in body
    if field == "agrees":
        assert 'value="Dr. Ada Reader"' in body
    assert not ConsentRecord.objects.filter(enrolment=reader).exists()


def test_a_text_that_was_changed_meanwhile_is_read_again(study, reader, reading, owner):
    old = helpers.signature(study)
    publish_consent_document(experiment=study, title="Information and consent", text="Other words.", by=owner)
    response = reading.post(helpers.page(study, "consent"), old)
    assert response.status_code == 409
    assert "Other words." in response.content.decode()
    assert not ConsentRecord.objects.filter(enrolment=reader).exists()


def test_a_translated_text_is_what_is_signed(study, reader, reading, owner):
    set_languages(experiment=study, languages=["en", "de"], by=owner)
    texts = {source_key(helpers.CONSENT): "Wir untersuchen."}
    set_translations(experiment=study, language="de", texts=texts, by=owner)
    confirmed = {*helpers.CONFIRMED, "missing_translations"}
    amend(experiment=study, by=owner, reason="In German as well.", confirmed=confirmed)
    german = {"headers": {"Accept-Language": "de"}}
    body = reading.get(helpers.page(study, "consent"), **german).content.decode()
    assert "Wir untersuchen." in body
    assert 'lang="de"' in body
    shown = sha256_hex("Information and consent\n\nWir untersuchen.")
    reading.post(helpers.page(study, "consent"), helpers.signature(study, shown=shown), **german)
    signed = ConsentSignature.objects.get(record__enrolment=reader)
    assert (signed.language, signed.text_sha256) == ("de", shown)


def test_signing_twice_is_signing_once(study, reader, reading):
    form = helpers.signature(study)
    first = reading.post(helpers.page(study, "consent"), form)
    again = reading.post(helpers.page(study, "consent"), form)
    assert first.url == again.url
    assert ConsentSignature.objects.filter(record__enrolment=reader).count() == 1


def test_declining_and_signing_after_all(study, reader, reading):
    assert reading.post(helpers.page(study, "consent"), {"decline": "1"}).url == "/home/"
    reader.refresh_from_db()
    assert reader.status == "declined"
    assert "You may still change your mind" in reading.get(helpers.page(study, "consent")).content.decode()
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    reader.refresh_from_db()
    assert reader.status == "active"
    kinds = ConsentRecord.objects.filter(enrolment=reader).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["declined", "given"]


def test_who_takes_part_cannot_decline_any_more(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    assert reading.post(helpers.page(study, "consent"), {"decline": "1"}).status_code == 409


def test_afterwards_the_signed_version_is_shown_although_there_is_a_newer_one(study, reader, reading, owner):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    publish_consent_document(
        experiment=study, title="Information and consent", text="Other words.", by=owner, asks_again=False
    )
    body = reading.get(helpers.page(study, "consent")).content.decode()
    assert "Signed by Dr. Ada Reader on" in body
    assert "We study how clinicians judge." in body
    assert "Other words." not in body


def test_consent_recorded_by_the_study_team_is_told(owner, clinician, reading_of):
    from experiments.actions.enrolment import record_consent

    study = factories.make_study(by=owner, consent_required=True)
    enrolment = factories.make_enrolment(study, clinician)
    client = reading_of(clinician)
    assert client.get(helpers.page(study, "consent")).status_code == 404
    record_consent(enrolment=enrolment, kind="given", by=owner, document="Paper", given_elsewhere=True)
    assert "recorded by the study team" in client.get(helpers.page(study, "consent")).content.decode()


def test_a_study_that_does_not_run_takes_no_signature(study, reader, reading, owner):
    pause(experiment=study, by=owner, reason="A break.")
    response = reading.post(helpers.page(study, "consent"), helpers.signature(study))
    assert response.status_code == 409
    assert not ConsentRecord.objects.filter(enrolment=reader).exists()


def test_the_name_is_in_no_audit_event(study, reader, reading):
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    assert not [event for event in AuditEvent.objects.all() if "Ada" in event.data]


def test_strangers_and_nobody(study, reader, client, other_clinician, administrator):
    for name in ("consent", "intake", "instructions", "training", "withdraw"):
        response = client.get(helpers.page(study, name))
        assert (response.status_code, "/sign" in response.url) == (302, True)
    for person in (other_clinician, administrator):
        somebody = Client()
        somebody.force_login(person, backend=BACKEND)
        for name in ("consent", "intake", "instructions", "training", "withdraw"):
            assert somebody.get(helpers.page(study, name)).status_code == 404
            assert somebody.post(helpers.page(study, name), {"decline": "1"}).status_code == 404


def test_the_page_is_kept_nowhere(study, reader, reading):
    assert "no-store" in reading.get(helpers.page(study, "consent"))["Cache-Control"]


def test_versions_are_numbered_and_equal_words_make_none(study, owner):
    again = publish_consent_document(
        experiment=study, title="Information and consent", text=helpers.CONSENT + "\r\n", by=owner
    )
    assert again.number == 1
    assert publish_consent_document(experiment=study, title="T", text="New.", by=owner).number == 2
    assert ConsentDocument.objects.filter(experiment=study).count() == 2
    assert AuditEvent.objects.filter(action="consent_document_published").count() == 2


def test_a_version_needs_title_and_text(study, owner):
    with pytest.raises(Invalid) as refused:
        publish_consent_document(experiment=study, title=" ", text=" ", by=owner)
    assert set(refused.value.errors) == {"title", "text"}


def test_without_a_document_there_is_nothing_to_sign(owner, clinician):
    study = factories.make_study(by=owner, consent_required=True)
    enrolment = factories.make_enrolment(study, clinician)
    with pytest.raises(Conflict) as refused:
        sign_consent(enrolment=enrolment, name="Ada", agrees=True, shown="", by=clinician)
    assert refused.value.code == "no_consent_document"
