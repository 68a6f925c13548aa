"""GET of a review: before its opening, read, answered; who may; what it costs the database."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from cases.tree import Entry, Feature, ModelOutput, Node, Tree
from experiments.actions.lifecycle import pause
from experiments.actions.reviews import open_review, submit
from experiments.models import Review, ReviewEvent
from experiments.reviewing.disclosed_text import kept
from experiments.screens.reading.tests.charts_of_cases import (
    CLINICAL,
    everyday_tree,
    large_tree,
    reader_of,
)
from experiments.tests import factories

pytestmark = pytest.mark.django_db
MARK = '<span class="tag note-in-row">New</span>'


@pytest.fixture
def reader(client: Client, clinician):
    client.force_login(clinician, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(review: Review) -> str:
    return f"/reviews/{review.public_id}/"


def test_before_the_opening_nothing_of_the_case_is_shown_and_nothing_is_opened(reader, clinician):
    review = reader_of(clinician, opened=False)
    page = reader.get(address(review))
    assert page.status_code == 200
    assert "Open the case" in page.content.decode()
    assert "Age" not in page.content.decode()
    assert not ReviewEvent.objects.filter(review=review).exists()


def test_an_opened_review_shows_the_case_beside_its_questions(reader, clinician):
    page = reader.get(address(reader_of(clinician)))
    text = page.content.decode()
    for shown in ("Case 1042", "Key findings", "Systolic blood pressure", "ref. 90–139", "Advice of a model"):
        assert shown in text
    for shown in ("Framingham general risk", "version 2008 (lipids)", "Not a measured value.", "Which diagnosis?"):
        assert shown in text
    assert text.count("Not a measured value.") == 1
    assert "<svg" not in text  # charts are fetched when scrolled to


def test_nothing_of_it_is_kept_by_a_browser(reader, clinician):
    page = reader.get(address(reader_of(clinician)))
    assert "no-store" in page.headers["Cache-Control"]
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_an_answered_review_is_read_only(reader, clinician):
    review = reader_of(clinician)
    submit(
        public_id=review.public_id, answers={"diagnosis": "yes", "risk": 10}, questionnaire_version=None, by=clinician
    )
    text = reader.get(address(review)).content.decode()
    assert 'id="answers"' not in text
    assert "To your answers" in text
    assert "Systolic blood pressure" in text


def test_nobody_else_finds_it(client, reader, clinician, other_clinician):
    review = reader_of(clinician)
    assert client.get(f"/reviews/{uuid.uuid4()}/").status_code == 404
    stranger = Client()
    assert stranger.get(address(review)).status_code == 302
    assert stranger.get(f"{address(review)}chart/1/").status_code == 302
    stranger.force_login(other_clinician, backend="django.contrib.auth.backends.ModelBackend")
    assert stranger.get(address(review)).status_code == 404
    assert stranger.get(f"{address(review)}chart/4/").status_code == 404


def paused(review: Review) -> Review:
    pause(experiment=review.assignment.enrolment.experiment, reason="A pause.", by=None)
    return review


def test_a_paused_study_can_be_read_on(reader, clinician):
    assert reader.get(address(paused(reader_of(clinician)))).status_code == 200


def test_nothing_is_opened_in_a_paused_study(reader, clinician):
    answer = reader.get(address(paused(reader_of(clinician, opened=False))))
    assert answer.status_code == 409
    assert "paused" in answer.content.decode()


def test_a_later_stage_says_no_more_than_the_first_before_it_is_opened(reader, clinician):
    cells = [factories.show(*CLINICAL), factories.show(*CLINICAL, "advice-section")]
    first = reader_of(clinician, cells=cells)
    later = Review.objects.owned_by(clinician).get(stage_position=2)
    assert reader.get(address(later)).status_code == 409
    answers = {"diagnosis": "yes", "risk": 10}
    submit(public_id=first.public_id, answers=answers, questionnaire_version=None, by=clinician)
    page = reader.get(address(later))
    assert page.status_code == 200
    assert "dvice" not in page.content.decode()
    open_review(public_id=later.public_id, by=clinician)
    assert "Advice of a model" in reader.get(address(later)).content.decode()


def test_what_a_later_stage_discloses_beyond_the_first_is_marked(reader, clinician, django_assert_max_num_queries):
    cells = [factories.show(*CLINICAL), factories.show(*CLINICAL, "advice-section")]
    first = reader_of(clinician, cells=cells)
    assert reader.get(address(first)).content.decode().count(MARK) == 0
    submit(public_id=first.public_id, answers={"diagnosis": "yes", "risk": 10}, by=clinician)
    later = Review.objects.owned_by(clinician).get(stage_position=2)
    open_review(public_id=later.public_id, by=clinician)
    kept.clear()  # as in a process that has shown neither stage
    with django_assert_max_num_queries(2 + 6):
        page = reader.get(address(later)).content.decode()
    advice = page[page.index("Advice of a model") :]
    assert page.count(MARK) == advice.count(MARK) == 2  # the estimate, and that for smokers
    assert reader.get(address(first)).content.decode().count(MARK) == 0


def test_a_chart_is_a_part_for_the_script_and_a_page_without_it(reader, clinician):
    review = reader_of(clinician)
    part = reader.get(f"{address(review)}chart/5/", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<dd class="c"><details class="course">')  # in the place of what asked for it
    assert "<svg" in part
    assert part.count("<tr>") == 6
    page = reader.get(f"{address(review)}chart/5/")
    text = page.content.decode()
    assert "<title>Case 1042" in text
    assert "Systolic blood pressure" in text
    assert "Back to the case" in text
    assert "no-store" in page.headers["Cache-Control"]


@pytest.mark.parametrize("number", [0, 1, 99])
def test_there_is_no_chart_of_what_has_no_course_or_is_not_there(reader, clinician, number):
    assert reader.get(f"{address(reader_of(clinician))}chart/{number}/").status_code == 404


def test_texts_of_a_case_are_escaped(reader, clinician):
    bad = "<script>alert(1)</script>"
    note = Feature("note", "", f"{bad} label", "note", "clinical", (Entry(f"{bad}\ntext"),))
    model = ModelOutput(bad, bad, "", bad)
    advice = Feature("advice", "", bad, "text", "advice", (Entry(bad, model=model),))
    tree = Tree(
        1, (Node("notes", bad, "section", (note,)), Node("advice-section", "Risk assessment", "section", (advice,)))
    )
    assert bad not in reader.get(address(reader_of(clinician, tree))).content.decode()


@pytest.mark.parametrize("tree", [everyday_tree, large_tree])
def test_six_statements_at_most_however_large_the_case(reader, clinician, django_assert_max_num_queries, tree):
    review = reader_of(clinician, tree())
    authentication = 2  # the session, and the account
    with django_assert_max_num_queries(authentication + 6):
        reader.get(address(review))
    with django_assert_max_num_queries(authentication + 2):
        reader.get(f"{address(review)}chart/5/", headers={"HX-Request": "true"})


def test_two_hundred_features_in_a_hundred_kilobytes(reader, clinician):
    page = reader.get(address(reader_of(clinician, large_tree())))
    assert page.content.count(b"data-f=") == 200
    assert len(page.content) <= 100_000


def test_own_javascript_is_less_than_fifteen_kilobytes():
    scripts = list((Path(settings.BASE_DIR) / "experiments/static/screens").glob("*.js"))
    assert {"case.js", "controls.js", "answers.js", "trace.js"} == {script.name for script in scripts}
    assert sum(script.stat().st_size for script in scripts) < 15_000


def test_a_chart_is_at_most_two_kilobytes(reader, clinician):
    review = reader_of(clinician, large_tree())
    part = reader.get(f"{address(review)}chart/200/", headers={"HX-Request": "true"}).content
    chart = part[part.index(b"<svg") : part.index(b"</svg>") + 6]
    assert len(chart) <= 2048


def test_the_page_is_read_without_a_script(reader, clinician):
    text = reader.get(address(reader_of(clinician))).content.decode()
    assert 'href="chart/5/"' in text
    assert "Attends for her yearly check." in text


@pytest.mark.parametrize(("method", "place"), [("get", "chart/5/"), ("post", "reveal/")])
def test_signed_out_no_form_to_sign_in_takes_the_place_of_a_part(client, reader, clinician, method, place):
    wanted = address(reader_of(clinician)) + place
    client.logout()
    part = getattr(client, method)(wanted, headers={"HX-Request": "true"})
    assert (part.status_code, part.content) == (403, b"")
    assert "no-store" in part.headers["Cache-Control"]
    assert client.get(wanted).headers["Location"].startswith("/sign-in/")


def test_no_template_writes_what_it_shows_into_a_log(reader, clinician, caplog):
    """Django logs at DEBUG what a template lacks, with all that it was given."""
    review = reader_of(clinician)
    answers = {"diagnosis": "yes", "risk": 10}
    with caplog.at_level("DEBUG", "django"):
        assert reader.get(address(review)).status_code == 200
        assert reader.get(f"{address(review)}chart/5/").status_code == 200
        submit(public_id=review.public_id, answers=answers, questionnaire_version=None, by=clinician)
        assert reader.get(address(review)).status_code == 200
    assert [record.args for record in caplog.records if record.name == "django.template"] == []
