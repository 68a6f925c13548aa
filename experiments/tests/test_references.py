"""The reference standard: checked against its question, versioned, imported all or none."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmed.foundation.errors import Invalid
from augmed.foundation.models import AuditEvent
from experiments.actions.references import accept_reading, import_references, record_reading, set_reference
from experiments.answers import QuestionDefinition
from experiments.correctness import correctness
from experiments.models import ReferenceStandard
from experiments.reference_values import reference_value
from experiments.tests import factories

pytestmark = pytest.mark.django_db

QUESTIONS = [
    {"key": "diagnosis", "type": "single_choice", "text": "?", "options": ["yes", "no"], "scoring": "exact"},
    {"key": "signs", "type": "multiple_choice", "text": "?", "options": ["a", "b", "c"], "scoring": "set"},
    {"key": "dose", "type": "number", "text": "?", "scoring": "tolerance", "tolerance": "1", "maximum": "10"},
    {"key": "risk", "type": "probability", "text": "?", "scoring": "brier"},
    {"key": "onset", "type": "date", "text": "?"},
]


@pytest.fixture
def scored(owner):
    return factories.make_study(by=owner, questions=QUESTIONS)


@pytest.fixture
def case(scored):
    return scored.study_cases.first().case


GOOD = [
    ("diagnosis", "yes", "yes"),
    ("diagnosis", {"distribution": [["yes", 2], ["no", "1"]]}, {"distribution": [["yes", "2"], ["no", "1"]]}),
    ("signs", ["c", "a"], ["a", "c"]),
    ("signs", "b", ["b"]),
    ("dose", "07.50", "7.5"),
    ("dose", 12, "12"),
    ("dose", 0, "0"),
    ("risk", True, "yes"),
    ("risk", "No", "no"),
    ("risk", {"distribution": {"yes": "0.25", "no": "0.75"}}, {"distribution": [["yes", "0.25"], ["no", "0.75"]]}),
    ("onset", "2020-02-29", "2020-02-29"),
]


@pytest.mark.parametrize(("key", "value", "stored"), GOOD, ids=str)
def test_a_reference_is_stored_in_its_one_form(scored, case, owner, key, value, stored):
    made = set_reference(experiment=scored, case=case, question_key=key, value=value, rule="one reading", by=owner)
    assert json.loads(made.value) == stored
    assert (made.version, made.created_by) == (1, owner)


BAD = [
    ("diagnosis", "perhaps"),
    ("diagnosis", ""),
    ("diagnosis", {"distribution": [["perhaps", 1]]}),
    ("diagnosis", {"distribution": []}),
    ("diagnosis", {"distribution": [["yes", -1]]}),
    ("diagnosis", {"share": [["yes", 1]]}),
    ("diagnosis", {"distribution": ["yes"]}),
    ("signs", ["a", "z"]),
    ("signs", []),
    ("dose", "much"),
    ("dose", True),
    ("risk", "40"),
    ("onset", "2021-02-29"),
]


@pytest.mark.parametrize(("key", "value"), BAD, ids=str)
def test_a_reference_that_does_not_fit_its_question_is_refused(scored, case, owner, key, value):
    with pytest.raises(Invalid) as refused:
        set_reference(experiment=scored, case=case, question_key=key, value=value, rule="one reading", by=owner)
    assert list(refused.value.errors) == ["value"]
    assert not ReferenceStandard.objects.exists()


def test_a_correction_is_the_next_version_and_a_repetition_is_none(scored, case, owner):
    def say(value, rule="one reading"):
        return set_reference(
            experiment=scored, case=case, question_key="diagnosis", value=value, rule=rule, by=owner
        ).version

    assert [say("yes"), say("yes"), say("no"), say("yes"), say("yes", "two readings")] == [1, 1, 2, 3, 4]
    current = ReferenceStandard.objects.current().get()
    assert (current.version, current.rule) == (4, "two readings")
    assert AuditEvent.objects.filter(action="reference_set").count() == 4


def test_what_is_named_must_be_the_studys(scored, case, owner):
    wrong = [
        ({"case": factories.make_case()}, "case"),
        ({"question_key": "weight"}, "question_key"),
        ({"rule": " "}, "rule"),
        ({"rule": "x" * 501}, "rule"),
    ]
    right = {"case": case, "question_key": "diagnosis", "value": "yes", "rule": "one reading"}
    for change, field in wrong:
        with pytest.raises(Invalid) as refused:
            set_reference(experiment=scored, by=owner, **(right | change))
        assert list(refused.value.errors) == [field]


def test_one_reading_is_enough(scored, case, owner, clinician):
    reading = record_reading(
        experiment=scored, case=case, question_key="signs", value=["b", "a"], by=clinician, certainty=80
    )
    assert (reading.adjudicator, json.loads(reading.value)) == (clinician, ["a", "b"])
    accepted = accept_reading(reading=reading, by=owner)
    assert (accepted.value, accepted.rule) == (reading.value, "one reading")
    with pytest.raises(Invalid):
        record_reading(experiment=scored, case=case, question_key="signs", value=["a"], by=clinician, certainty=101)


def test_import_sets_all_and_again_nothing(scored, owner, django_assert_max_num_queries):
    numbers = list(scored.study_cases.values_list("case__number", flat=True))
    lines = ["Case,Question,Value,Rule", *(f"{number},diagnosis,yes," for number in numbers)]
    lines += ["", f'{numbers[0]},signs,"[""b"", ""a""]",outcome within a year']
    content = "\n".join(lines).encode()
    result = import_references(experiment=scored, content=content, by=owner)
    assert (result.created, result.kept) == (5, 0)
    signs = ReferenceStandard.objects.get(question_key="signs")
    assert (json.loads(signs.value), signs.rule) == (["a", "b"], "outcome within a year")
    with django_assert_max_num_queries(12):
        again = import_references(experiment=scored, content=content, by=owner)
    assert (again.created, again.kept) == (0, 5)
    assert ReferenceStandard.objects.count() == 5


def test_a_bad_import_sets_nothing_and_names_every_row(scored, owner):
    number = scored.study_cases.first().case.number
    content = "\r\n".join(
        [
            "\ufeffcase;question;value",
            f"{number};diagnosis;yes",
            f"{number};diagnosis;no",
            "999999999;diagnosis;yes",
            f"{number};weight;80",
            f"{number};dose;",
            f"{number};signs;[a",
            f"{number};risk;perhaps",
            f"{number};onset",
        ]
    )
    with pytest.raises(Invalid) as refused:
        import_references(experiment=scored, content=content, by=owner)
    assert list(refused.value.errors) == ["line 6", "line 9"]
    content = "\r\n".join(line for line in content.split("\r\n") if not line.endswith((";", "onset")))
    with pytest.raises(Invalid) as refused:
        import_references(experiment=scored, content=content, by=owner)
    assert list(refused.value.errors) == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert not ReferenceStandard.objects.exists()


HEADERS = [b"case,question", b"case,question,value,colour", b"case,question,value,value", b"", b"\xff,question,value\n"]


@pytest.mark.parametrize("content", HEADERS)
def test_a_header_that_is_none_is_refused(scored, owner, content):
    with pytest.raises(Invalid) as refused:
        import_references(experiment=scored, content=content, by=owner)
    assert list(refused.value.errors) == ["line 1"]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.floats(), st.lists, max_leaves=4))
def test_whatever_comes_is_stored_scorable_or_refused(value):
    options = ("yes", "no")
    for question in (
        QuestionDefinition("q", "single_choice", options=options, scoring="exact"),
        QuestionDefinition("q", "multiple_choice", options=options, scoring="set"),
        QuestionDefinition("q", "number", scoring="tolerance", tolerance=Decimal(1)),
        QuestionDefinition("q", "probability", scoring="brier"),
        QuestionDefinition("q", "short_text"),
        QuestionDefinition("q", "date"),
    ):
        try:
            stored = reference_value(question, value)
        except ValueError:
            continue
        assert reference_value(question, stored) == stored
        answer = {"single_choice": "yes", "multiple_choice": ["yes"]}.get(question.type, "1")
        if question.scoring != "none":
            assert 0 <= correctness(question, answer, stored) <= 1
