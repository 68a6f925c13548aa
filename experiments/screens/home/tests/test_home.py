"""One's studies: what is next, how far, how long; nothing of a second reading before it is there."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from augmed.foundation.append_only import erasing
from experiments.actions.lifecycle import activate, amend
from experiments.actions.reviews import open_review, submit
from experiments.actions.translations import set_languages
from experiments.models import Review, ReviewOpening, Submission
from experiments.screens.home.reads import study_cards
from experiments.tests import factories

pytestmark = pytest.mark.django_db

ANSWERS = {"diagnosis": "yes", "risk": "10"}
TWO_STAGES = {"Advice afterwards": factories.ARMS["Advice afterwards"]}
ONE_STAGE = {"Without advice": factories.ARMS["Without advice"]}


def page(user: Any) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(reverse("home"))
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.content.decode()


def answer_next(user: Any) -> Review:
    review = Review.objects.pending_for(user).first()
    open_review(public_id=review.public_id, by=user)
    submit(public_id=review.public_id, answers=ANSWERS, by=user)
    return review


def test_who_is_not_signed_in_is_asked_to(client: Client) -> None:
    assert client.get(reverse("home")).url == f"{reverse('sign_in')}?next={reverse('home')}"


def test_who_takes_part_in_nothing_is_told_so(clinician: Any) -> None:
    assert "You take part in no study yet." in page(clinician)


def test_the_next_case_and_how_far_one_is(clinician: Any) -> None:
    study = factories.make_study(arms=ONE_STAGE, cases=4)
    factories.make_enrolment(study, clinician)
    (card,) = study_cards(clinician)
    assert (card.cases, card.done, card.minutes) == (4, 0, None)
    answer_next(clinician)
    (card,) = study_cards(clinician)
    assert (card.cases, card.done) == (4, 1)
    assert "1 of 4 cases answered" in page(clinician)
    assert reverse("review", args=[card.step.review]) in page(clinician)


def test_a_second_reading_that_waits_is_not_told_of(clinician: Any) -> None:
    """Both arms look alike until the first answer of a case is given; then the case counts as open again."""
    study = factories.make_study(arms=TWO_STAGES, cases=2)
    factories.make_enrolment(study, clinician)
    (card,) = study_cards(clinician)
    assert (card.cases, card.done) == (2, 0)
    answer_next(clinician)
    (card,) = study_cards(clinician)
    assert (card.cases, card.done) == (2, 0)
    answer_next(clinician)
    (card,) = study_cards(clinician)
    assert (card.cases, card.done) == (2, 1)


def test_a_second_reading_that_comes_days_later_is_not_told_of_before(clinician: Any) -> None:
    study = factories.make_study(arms=TWO_STAGES, cases=2, active=False)
    study.arms.get().stages.filter(position=2).update(not_before_days=7)
    activate(experiment=study, by=None, confirmed={"person_more_than_once"})
    factories.make_enrolment(study, clinician)
    answer_next(clinician)
    (card,) = study_cards(clinician)
    assert (card.cases, card.done) == (2, 1)


def test_a_text_in_the_readers_language_is_not_promised_where_there_is_none(clinician: Any) -> None:
    study = factories.make_study(arms=ONE_STAGE, cases=1)
    factories.make_enrolment(study, clinician)
    said = "The texts of this study are in this language: English."
    with override("de"):
        assert not study_cards(clinician)[0].is_in_page_language
        set_languages(experiment=study, languages=["en", "de"], by=None)
        amend(experiment=study, by=None, reason="German.", confirmed={"missing_translations", "person_more_than_once"})
        assert study_cards(clinician)[0].is_in_page_language
    assert said not in html.unescape(page(clinician))


def test_before_the_consent_nothing_is_offered_that_comes_after_it(clinician: Any) -> None:
    study = factories.make_study(consent_required=True, instructions="Read with care.")
    factories.make_enrolment(study, clinician)
    assert reverse("study_reminders", args=[study.code]) not in page(clinician)


def test_instructions_are_offered_once(clinician: Any) -> None:
    study = factories.make_study(instructions="Read with care.", cases=1)
    enrolment = factories.make_enrolment(study, clinician)
    address = reverse("study_instructions", args=[study.code])
    assert page(clinician).count(address) == 1
    type(enrolment).objects.filter(pk=enrolment.pk).update(instructions_read_at=timezone.now())
    assert page(clinician).count(address) == 1


def test_how_long_a_case_takes_is_the_readers_own_median(clinician: Any) -> None:
    study = factories.make_study(arms=ONE_STAGE, cases=4)
    factories.make_enrolment(study, clinician)
    with transaction.atomic(), erasing():  # the one door by which a fact can be changed: here, to set its times
        for minutes in (2, 6, 40):
            review = answer_next(clinician)
            now = timezone.now()
            ReviewOpening.objects.filter(review=review).update(opened_at=now - timedelta(minutes=minutes))
            Submission.objects.filter(review=review).update(submitted_at=now)
    (card,) = study_cards(clinician)
    assert card.minutes == 6
    assert "A case takes about 6 minutes." in page(clinician)


@pytest.mark.parametrize("studies", [1, 6])
def test_the_number_of_statements_depends_on_nothing(
    clinician: Any, django_assert_max_num_queries: Any, studies: int
) -> None:
    for _ in range(studies):
        factories.make_enrolment(factories.make_study(cases=3), clinician)
    study_cards(clinician)  # the medians of the studies are kept from here on
    with django_assert_max_num_queries(4):
        study_cards(clinician)


def test_another_persons_studies_are_not_there(clinician: Any, other_clinician: Any) -> None:
    factories.make_enrolment(factories.make_study(name="Hers alone"), other_clinician)
    assert "Hers alone" not in page(clinician)
