"""What the export says of attention checks."""

from __future__ import annotations

import pytest

from experiments.actions.attention_checks import set_attention_check
from experiments.actions.enrolment import withdraw
from experiments.actions.erasure import erase_enrolment
from experiments.actions.exports import export_to_folder
from experiments.actions.lifecycle import activate
from experiments.attention import CHECK_KEY
from experiments.models import Submission
from experiments.tests import factories
from experiments.tests.exports.conftest import Opened, answer, reviews_of
from experiments.tests.test_attention_checks import tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(lead):
    """A check at every second of three cases, second version."""
    study = factories.make_study(by=lead, cases=3, active=False, arms={"Only": [factories.show("age")]})
    check = {"every": 2, "options": ["left", "right"], "right_answer": "right", "text": "Take 'right'."}
    set_attention_check(experiment=study, by=lead, **check)
    return activate(experiment=study, by=lead)


@pytest.fixture
def enrolment(study, clinician):
    return factories.make_enrolment(study, clinician)


def export(study, folder):
    export_to_folder(experiment=study, folder=folder)
    return Opened(folder / f"{study.code}.zip")


def checks(opened):
    columns = ("attention_check", "attention_check_answer", "attention_check_passed")
    return [tuple(line[column] for column in columns) for line in opened.lines("reviews")]


@pytest.mark.parametrize(("chosen", "passed"), [("right", True), ("left", False)])
def test_version_answer_and_grade_are_columns(study, enrolment, tmp_path, chosen, passed):
    first, second, _third = reviews_of(enrolment)
    answer(first)
    answer(second, **{CHECK_KEY: chosen})
    opened = export(study, tmp_path)
    assert checks(opened) == [(None, None, None), (2, chosen, passed), (None, None, None)]
    assert opened.rows("reviews")[1]["attention_check_passed"] == str(passed).lower()


def test_the_codebook_holds_every_version(study, enrolment, tmp_path):
    listed = export(study, tmp_path).json("codebook.json")["attention_checks"]
    assert [(check["number"], check["every"], check["right_answer"]) for check in listed] == [
        (1, 10, "All of the above"),
        (2, 2, "right"),
    ]


def test_an_erased_answer_is_empty(study, enrolment, lead, tmp_path):
    study.withdrawal_policy = "keep"
    study.save(update_fields=["withdrawal_policy"])
    first, second, _third = reviews_of(enrolment)
    answer(first)
    answer(second, **{CHECK_KEY: "right"})
    withdraw(enrolment=enrolment, by=lead, reason="leaves")
    erase_enrolment(enrolment=enrolment, by=lead, reason="asked for it")
    assert "right" not in {given for _, given, _ in checks(export(study, tmp_path))}


def test_what_was_given_after_the_withdrawals_cut_is_left_out(study, enrolment, lead, tmp_path):
    _first, second, _third = reviews_of(enrolment)
    answer(second, **{CHECK_KEY: "right"})
    assert (2, "right", True) in checks(export(study, tmp_path / "before"))
    withdraw(enrolment=enrolment, by=lead, reason="leaves")
    cut = enrolment.events.order_by("-at").first().at
    tamper(Submission.objects.filter(review=second), submitted_at=cut.replace(year=cut.year + 1))
    assert {given for _, given, _ in checks(export(study, tmp_path / "after"))} == {None}
