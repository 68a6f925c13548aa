"""Upload of display configs: preview writes nothing, an upload upserts, and what was opened stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from augmed.foundation.errors import Invalid
from augmed.foundation.models import AuditEvent
from augmed.foundation.permissions import Verb
from cases.disclosure import PLAIN
from cases.models import Case, LayoutNode
from experiments.actions.display_configs import apply, apply_parsed, preview, review_ids
from experiments.actions.enrolment import withdraw
from experiments.actions.reviews import open_review
from experiments.display_configs.parsing import ConfigRow, parsed_rows
from experiments.models import (
    Assignment,
    AssignmentDisclosure,
    DisclosureSet,
    Enrolment,
    Experiment,
    Review,
    ReviewOpening,
)
from experiments.tests import factories

pytestmark = pytest.mark.django_db
HEADER = "User,Case No.,Path,Collapse,Highlight,Top"


def csv(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *lines, "")).encode()


@pytest.fixture
def version(db: None) -> Any:
    version = factories.make_layout(is_default=True)
    version.path_rules = {"advice_section": "RISK ASSESSMENT"}
    version.save()
    LayoutNode.objects.filter(version=version, key="risk").update(source="observation")
    return version


@pytest.fixture
def case(version: Any) -> Case:
    return factories.make_case(layout_version=version, number=7)


@pytest.fixture
def configs(case: Case, owner: Any) -> Experiment:
    """The study of display configs, made by a first upload, with a questionnaire."""
    apply(file=csv(f"{owner.email},7,Patient.Age,,,"), by=None)
    study = Experiment.objects.get(kind="configs")
    factories.make_questionnaire(study)
    return study


def shown(review: Review, user: Any) -> list[str]:
    def labels(children: list[dict[str, Any]]) -> list[str]:
        found = []
        for child in children:
            found += [child["label"]] if child["level"] == "feature" else labels(child["children"])
        return found

    return labels(json.loads(open_review(public_id=review.public_id, by=user).disclosed)["sections"])


def test_rows_without_experiment_make_the_display_configs_study(case: Case, administrator: Any, clinician: Any) -> None:
    result = apply(file=csv(f"{clinician.email},7,Patient.Age,,TRUE,2"), by=administrator)

    assert (result.added, result.enrolled, result.kept_count) == (1, 1, 0)
    study = Experiment.objects.get(kind="configs")
    assert (study.name, study.status, study.layout.is_default) == ("Display configs", "active", True)
    assignment = Assignment.objects.get()
    assert (assignment.drawn_by, assignment.arm, assignment.position) == ("csv", None, 1)
    assert assignment.reviews.count() == 1
    disclosure = assignment.disclosures.get()
    assert json.loads(disclosure.paths) == [{"path": "Patient.Age", "style": {"highlight": True, "top": "2"}}]
    assert [show["node_key"] for show in json.loads(disclosure.disclosure_set.content)["shows"]] == ["age"]
    event = AuditEvent.objects.get(action="display_configs_uploaded")
    assert clinician.email not in event.data


def test_what_the_reader_then_sees_is_what_the_paths_name(configs: Experiment, clinician: Any, owner: Any) -> None:
    lines = (f"{clinician.email},7,Patient.Age,,,", f"{clinician.email},7,Findings.Laboratory.Creatinine: 0 u,,,")
    apply(file=csv(*lines), by=None)
    assert shown(Review.objects.owned_by(clinician).get(), clinician) == ["Age", "Creatinine"]


def test_a_preview_writes_nothing(case: Case, administrator: Any, clinician: Any) -> None:
    found = preview(file=csv(f"{clinician.email},7,Patient.Age,,,"), by=administrator)

    assert (found.added, found.enrolled, found.error_count) == (1, 1, 0)
    for model in (Experiment, Enrolment, Assignment, Review, DisclosureSet, AuditEvent):
        assert not model.objects.exists(), model


def test_the_same_file_again_changes_nothing(configs: Experiment, clinician: Any) -> None:
    file = csv(f"{clinician.email},7,Patient.Age,,,")
    apply(file=file, by=None)
    counts = [model.objects.count() for model in (Assignment, Review, AssignmentDisclosure, DisclosureSet)]
    again = apply(file=file, by=None)
    assert (again.added, again.replaced, again.unchanged) == (0, 0, 1)
    assert counts == [model.objects.count() for model in (Assignment, Review, AssignmentDisclosure, DisclosureSet)]


def test_an_upload_replaces_only_what_is_not_opened_and_wipes_nothing(
    configs: Experiment, clinician: Any, other_clinician: Any, owner: Any
) -> None:
    people = (clinician, other_clinician)
    apply(file=csv(*(f"{one.email},7,Patient.Age,,," for one in people)), by=None)
    opened = Review.objects.owned_by(clinician).get()
    assert shown(opened, clinician) == ["Age"]

    file = csv(*(f"{one.email},7,Findings.Laboratory,,," for one in people))
    found = preview(file=file, by=None)
    done = apply(file=file, by=None)

    for result in (found, done):
        assert (result.added, result.replaced, result.kept_count) == (0, 1, 1)
        assert result.kept == [(2, clinician.email, 7, "the participant has opened it")]
    assert shown(opened, clinician) == ["Age"]
    assert shown(Review.objects.owned_by(other_clinician).get(), other_clinician) == ["Hemoglobin", "Creatinine"]
    assert shown(Review.objects.owned_by(owner).get(), owner) == ["Age"]  # not in the file: still there
    assert ReviewOpening.objects.count() == 3


def test_a_supplied_value_is_told_in_the_preview_and_binds_the_set_to_the_case(
    configs: Experiment, clinician: Any, other_clinician: Any
) -> None:
    lines = [f"{one.email},7,RISK ASSESSMENT.Risk assessment: 12.5,,," for one in (clinician, other_clinician)]
    found = preview(file=csv(*lines), by=None)
    assert [(s.case_number, s.label, s.value, s.row, s.count) for s in found.supplies] == [
        (7, "Risk assessment", "12.5", 2, 2)
    ]
    apply(file=csv(*lines), by=None)
    made = DisclosureSet.objects.get(case__isnull=False)
    assert made.case.number == 7
    review = Review.objects.owned_by(clinician).get()
    assert "12.5" in open_review(public_id=review.public_id, by=clinician).disclosed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nobody@example.org,7,Patient.Age,,,", "Row 2, User: 'nobody@example.org' is not on the roster"),
        ("clinician@example.org,8,Patient.Age,,,", "Row 2, Case No.: 8:"),
        ("clinician@example.org,7,Patient.Weight,,,", "Row 2, Path: 'Patient.Weight': no feature or category"),
        ("clinician@example.org,7,Patient,,,", "Row 2, Path: 'Patient': a path names a section and"),
        (
            "clinician@example.org,7,RISK ASSESSMENT.Risk estimate: 3,,,",
            "Row 2, Path: 'RISK ASSESSMENT.Risk estimate: 3': the advice node 'Risk estimate' takes no values",
        ),
    ],
)
def test_one_bad_row_refuses_the_file_and_says_where(
    configs: Experiment, clinician: Any, other_clinician: Any, line: str, expected: str
) -> None:
    before = Assignment.objects.count()
    file = csv(line, f"{other_clinician.email},7,Patient.Age,,,")
    assert expected in str(preview(file=file, by=None).errors[0])
    with pytest.raises(Invalid) as refused:
        apply(file=file, by=None)
    assert list(refused.value.errors) == ["row 2"]
    assert Assignment.objects.count() == before


def test_a_deactivated_account_is_an_error(configs: Experiment, clinician: Any) -> None:
    type(clinician).objects.get_queryset().filter(pk=clinician.pk).update(is_active=False)
    found = preview(file=csv(f"{clinician.email},7,Patient.Age,,,"), by=None)
    assert "is deactivated" in str(found.errors[0])


def test_who_has_withdrawn_is_kept(configs: Experiment, owner: Any, version: Any) -> None:
    factories.make_case(layout_version=version, number=8)
    withdraw(enrolment=Enrolment.objects.get(user=owner), by=None, reason="moved")
    done = apply(file=csv(f"{owner.email},8,Patient.Age,,,"), by=None)
    assert (done.added, done.kept[0][3]) == (0, "the participant has withdrawn")


def test_two_values_for_one_advice_are_an_error(configs: Experiment, clinician: Any) -> None:
    lines = [f"{clinician.email},7,RISK ASSESSMENT.Risk assessment: {value},,," for value in (1, 2)]
    assert "two values for" in str(preview(file=csv(*lines), by=None).errors[0])


def test_what_an_imported_layout_always_shows_is_in_the_set(version: Any, case: Case, clinician: Any) -> None:
    LayoutNode.objects.filter(version=version, key="age").update(visibility="always")
    LayoutNode.objects.filter(version=version, key="lab").update(visibility="unless_restricted")
    apply(file=csv(f"{clinician.email},7,Findings.Laboratory.Creatinine,,,"), by=None)
    shows = json.loads(AssignmentDisclosure.objects.get().disclosure_set.content)["shows"]
    assert [(show["node_key"], show["discriminator"]) for show in shows] == [("age", ""), ("lab", "c:3016723")]


def test_a_feature_shown_as_a_whole_is_told_where_the_path_spells_one_value(version: Any, clinician: Any) -> None:
    from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Tree

    lab = Feature("lab", "c:1", "Lab", "series", "clinical", (Entry("1 u", number="1"), Entry("2 u", number="2")))
    section = Node("findings", "Findings", "section", (Node("laboratory", "Laboratory", "category", (lab,)),))
    factories.make_case(tree=Tree(SCHEMA_VERSION, (section,)), layout_version=version, number=9)
    found = preview(file=csv(f"{clinician.email},9,Findings.Laboratory.Lab: 1 u,,,"), by=None)
    assert found.also_discloses == [(2, "Findings.Laboratory.Lab: 1 u", ("2 u",))]


# --- rows that name an experiment

ARMS = "User,Case No.,Path,Experiment,Arm,Policy"


@pytest.fixture
def running(lead: Any) -> Experiment:
    """An active study without participants: 2 cases, and one more that is not in its list."""
    return factories.make_study(by=lead, cases=2)


def test_rows_name_a_study_by_name_or_code_and_only_ones_own(
    running: Experiment, lead: Any, stranger: Any, enrolled_by_hand: Any
) -> None:
    for name in (running.name, running.code):
        line = f"{enrolled_by_hand.user.email},77,Patient.Age,{name},,p1"
        assert preview(file=csv(line, header=ARMS), by=lead).errors == []
        errors = preview(file=csv(line, header=ARMS), by=stranger).errors
        assert "no study" in str(errors[0])


@pytest.fixture
def enrolled_by_hand(running: Experiment) -> Enrolment:
    factories.make_case(layout_version=running.protocol.layout_version, number=77)
    return factories.make_enrolment(running)


def test_arm_and_policy_are_kept_with_the_assignment(running: Experiment, lead: Any, enrolled_by_hand: Any) -> None:
    user = enrolled_by_hand.user
    line = f"{user.email},77,Patient.Age,{running.name},With advice,explore"
    done = apply(file=csv(line, header=ARMS), by=lead)
    assert done.added == 1
    made = Assignment.objects.get(case__number=77)
    assert (made.arm.name, made.disclosures.get().policy) == ("With advice", "explore")
    assert shown(made.reviews.get(), user) == ["Age"]


def test_an_arm_without_path_discloses_what_the_arm_does(running: Experiment, lead: Any, enrolled_by_hand: Any) -> None:
    line = f"{enrolled_by_hand.user.email},77,,{running.name},Advice afterwards,"
    apply(file=csv(line, header=ARMS), by=lead)
    made = Assignment.objects.get(case__number=77)
    assert (made.reviews.count(), made.disclosures.count()) == (2, 0)
    first = made.reviews.order_by("stage_position")[0]
    assert shown(first, enrolled_by_hand.user) == ["Age", "Hemoglobin", "Creatinine"]


def test_what_a_rule_drew_is_kept(running: Experiment, lead: Any, enrolled_by_hand: Any) -> None:
    number = running.study_cases.first().case.number
    line = f"{enrolled_by_hand.user.email},{number},Patient.Age,{running.name},,"
    done = apply(file=csv(line, header=ARMS), by=lead)
    assert done.kept == [(2, enrolled_by_hand.user.email, number, "it was not given by a file")]


@pytest.mark.parametrize(
    ("arm", "path", "expected"),
    [("Nope", "Patient.Age", "Arm: the study has no arm 'Nope'"), ("Advice afterwards", "Patient.Age", "has 2 stages")],
)
def test_errors_of_arms(
    running: Experiment, lead: Any, enrolled_by_hand: Any, arm: str, path: str, expected: str
) -> None:
    line = f"{enrolled_by_hand.user.email},77,{path},{running.name},{arm},"
    assert expected in str(preview(file=csv(line, header=ARMS), by=lead).errors[0])


def test_a_draft_and_a_stranger_to_the_study_are_errors(draft: Experiment, lead: Any, running: Any) -> None:
    person = factories.make_participant()
    number = draft.study_cases.first().case.number
    found = preview(file=csv(f"{person.email},{number},Patient.Age,{draft.name},,", header=ARMS), by=lead)
    assert "the study is draft" in str(found.errors[0])
    number = running.study_cases.first().case.number
    found = preview(file=csv(f"{person.email},{number},Patient.Age,{running.name},,", header=ARMS), by=lead)
    assert "is not enrolled in the study" in str(found.errors[0])


def test_who_may_not_begin_a_study_cannot_make_the_display_configs(case: Case, data_staff: Any, clinician: Any) -> None:
    found = preview(file=csv(f"{clinician.email},7,Patient.Age,,,"), by=data_staff)
    assert "no study" in str(found.errors[0])


# --- size


def many(people: int, cases: int, version: Any) -> bytes:
    for at in range(people):
        factories.make_participant(f"many{at}@example.org")
    for at in range(cases):
        factories.make_case(layout_version=version, number=5000 + at)
    lines = [
        f"many{person}@example.org,{5000 + at},{path},,,"
        for person in range(people)
        for at in range(cases)
        for path in ("Patient.Age", "Findings.Laboratory.Hemoglobin")
    ]
    return csv(*lines)


@pytest.mark.parametrize(("people", "cases"), [(2, 2), (10, 20)])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    version: Any, people: int, cases: int, django_assert_max_num_queries: Any
) -> None:
    file = many(people, cases, version)
    with django_assert_max_num_queries(25):
        assert preview(file=file, by=None).added == people * cases
    with django_assert_max_num_queries(45):  # SQLite cuts bulk inserts at 999 values
        assert apply(file=file, by=None).added == people * cases


# --- rows that came another way


def row(number: int, user: str, case_number: int, path: str, **fields: str) -> ConfigRow:
    named = {"experiment": "", "arm": "", "policy": ""} | fields
    return ConfigRow(number, user, case_number, path, PLAIN, **named)


def test_rows_say_config_by_config_what_became_of_them(configs: Experiment, clinician: Any, owner: Any) -> None:
    rows = [row(1, clinician.email, 7, "Patient.Age"), row(2, owner.email, 7, "Patient.Age")]
    done = apply_parsed(parsed=parsed_rows(rows), by=None, sha256="0" * 64)
    assert [(one.row, one.email, one.case_number, one.outcome) for one in done.outcomes] == [
        (1, clinician.email, 7, "added"),
        (2, owner.email, 7, "unchanged"),
    ]
    ids = review_ids(done.outcomes)
    for outcome, person in zip(done.outcomes, (clinician, owner), strict=True):
        assert outcome.assignment_id is not None
        assert ids[outcome.assignment_id] == [Review.objects.owned_by(person).get().public_id]


def test_wrong_rows_can_be_left_out_and_are_named(configs: Experiment, running: Any, lead: Any, clinician: Any) -> None:
    rows = [
        row(1, "nobody@example.org", 7, "Patient.Age"),
        row(2, clinician.email, 7, "Patient.Age"),
        row(3, clinician.email, running.study_cases.first().case.number, "Patient.Age", experiment=running.name),
    ]
    parsed = parsed_rows(rows)
    with pytest.raises(Invalid):
        apply_parsed(parsed=parsed, by=None, sha256="0" * 64)
    done = apply_parsed(parsed=parsed, by=None, sha256="0" * 64, leave_out_wrong=True)
    assert [(error.row, error.column) for error in done.errors] == [(1, "User"), (3, "User")]
    assert [(one.row, one.outcome) for one in done.outcomes] == [(2, "added")]


def test_what_else_a_case_holds_is_told_only_to_who_may_see_whole_cases(
    version: Any, clinician: Any, administrator: Any
) -> None:
    from cases.tree import SCHEMA_VERSION, Entry, Feature, Node, Tree

    lab = Feature("lab", "c:1", "Lab", "series", "clinical", (Entry("1 u", number="1"), Entry("2 u", number="2")))
    section = Node("findings", "Findings", "section", (Node("laboratory", "Laboratory", "category", (lab,)),))
    factories.make_case(tree=Tree(SCHEMA_VERSION, (section,)), layout_version=version, number=9)
    file = csv(f"{clinician.email},9,Findings.Laboratory.Lab: 1 u,,,")
    assert preview(file=file, by=administrator).also_discloses == [(2, "Findings.Laboratory.Lab: 1 u", ("2 u",))]
    administrator.limit_to(frozenset({Verb.CHANGE_DESIGN, Verb.CREATE_EXPERIMENT}), api_key_id=1)
    assert preview(file=file, by=administrator).also_discloses == [(2, "Findings.Laboratory.Lab: 1 u", ())]
