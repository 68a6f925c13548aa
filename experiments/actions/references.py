"""The reference standard: what is held to be true of a case, versioned, and never served to participants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from augmed.foundation import audit
from augmed.foundation.canonical import canonical_json
from augmed.foundation.errors import Invalid
from cases.models import Case
from experiments.actions.common import locked
from experiments.answers import QuestionDefinition
from experiments.csv_rows import RowErrors, read_rows
from experiments.design.question_forms import definition
from experiments.models import AdjudicatorReading, Experiment, Question, ReferenceStandard
from experiments.reference_values import reference_value

IMPORTED = "imported"
LONGEST_RULE = 500


@dataclass(frozen=True)
class ReferenceImport:
    """How many references were set, and how many stood so already."""

    created: int
    kept: int


def set_reference(
    *, experiment: Experiment, case: Case, question_key: str, value: Any, rule: str, by: Any
) -> ReferenceStandard:
    """Accept a value, or {"distribution": [[answer, weight], …]}, as the truth of a case; `rule` says how it was found.

    A correction is the next version; the same value by the same rule is the version that is there."""
    with transaction.atomic():
        study = locked(experiment)
        question = _question(study, question_key)
        _need_case(study, case)
        made, created = _set(study, case.pk, question, _value(question, value), _rule(rule), by, _current(study))
        if created:
            audit.record(
                action="reference_set",
                by=by,
                target=made,
                data={"case": case.number, "question": question_key, "version": made.version},
                experiment_id=study.pk,
            )
    return made


def import_references(
    *, experiment: Experiment, content: bytes | str, by: Any, rule: str = IMPORTED
) -> ReferenceImport:
    """Set the references of a CSV (case, question, value, and optionally rule), all or none.

    `case` is the case's number; a value that begins with [ or { is JSON (several choices, a distribution). What stands
    so already is kept, so a file may be imported again. Constant number of queries besides the inserts."""
    rows = read_rows(content, required=("case", "question", "value"), optional=("rule",))
    with transaction.atomic():
        study = locked(experiment)
        questions, current = _questions(study), _current(study)
        cases = {str(number): pk for pk, number in _cases(study).values_list("pk", "number")}
        errors, accepted = RowErrors(), []
        seen: dict[tuple[str, str], int] = {}
        for row in rows:
            place = (row.cells["case"], row.cells["question"])
            if place in seen:
                errors.add(row.line, f"This case and question stand in line {seen[place]} already.")
            seen.setdefault(place, row.line)
            if place[0] not in cases:
                errors.add(row.line, f"The study has no case {place[0]}.")
            elif place[1] not in questions:
                errors.add(row.line, f"The study has no question {place[1]}.")
            else:
                try:
                    value = reference_value(questions[place[1]], _parsed(row.cells["value"]))
                    accepted.append((cases[place[0]], questions[place[1]], value, _rule(row.cells.get("rule") or rule)))
                except ValueError as error:
                    errors.add(row.line, f"value: {error}")
                except Invalid as error:
                    errors.add(row.line, error.detail)
        errors.refuse()
        made = [_set(study, case, question, value, how, by, current) for case, question, value, how in accepted]
        created = sum(new for _, new in made)
        result = ReferenceImport(created, len(made) - created)
        audit.record(
            action="references_imported",
            by=by,
            target=study,
            data={"created": result.created, "kept": result.kept},
            experiment_id=study.pk,
        )
    return result


def record_reading(
    *, experiment: Experiment, case: Case, question_key: str, value: Any, by: Any, certainty: int | None = None
) -> AdjudicatorReading:
    """What one adjudicator holds to be true, and how certain (percent)."""
    if certainty is not None and not 0 <= certainty <= 100:
        raise Invalid("Certainty is a percentage.", errors={"certainty": ["From 0 to 100."]})
    with transaction.atomic():
        question = _question(experiment, question_key)
        _need_case(experiment, case)
        reading = AdjudicatorReading.objects.create(
            experiment=experiment,
            case=case,
            question_key=question_key,
            adjudicator=by,
            value=canonical_json(_value(question, value)),
            certainty=certainty,
        )
        audit.record(
            action="reading_recorded",
            by=by,
            target=reading,
            data={"case": case.number, "question": question_key},
            experiment_id=experiment.pk,
        )
    return reading


def accept_reading(*, reading: AdjudicatorReading, by: Any, rule: str = "one reading") -> ReferenceStandard:
    """Make one adjudicator's reading the reference."""
    return set_reference(
        experiment=reading.experiment,
        case=reading.case,
        question_key=reading.question_key,
        value=json.loads(reading.value),
        rule=rule,
        by=by,
    )


_Current = dict[tuple[int, str], ReferenceStandard]


def _set(
    study: Experiment,
    case_id: int,
    question: QuestionDefinition,
    value: Any,
    rule: str,
    by: Any,
    current: _Current,
) -> tuple[ReferenceStandard, bool]:
    text = canonical_json(value)
    before = current.get((case_id, question.key))
    if before is not None and (before.value, before.rule) == (text, rule):
        return before, False
    made = ReferenceStandard.objects.create(
        experiment=study,
        case_id=case_id,
        question_key=question.key,
        value=text,
        rule=rule,
        version=before.version + 1 if before else 1,
        created_by=by,
    )
    return made, True


def _current(study: Experiment) -> _Current:
    """The references in force. One query."""
    references = ReferenceStandard.objects.filter(experiment=study).current()
    return {(reference.case_id, reference.question_key): reference for reference in references}


def _questions(study: Experiment) -> dict[str, QuestionDefinition]:
    """Every question of the study by key, as its newest version words it. One query."""
    asked = Question.objects.filter(version__questionnaire__experiment=study).order_by("version__number", "pk")
    return {question.key: definition(question) for question in asked}


def _question(study: Experiment, key: str) -> QuestionDefinition:
    questions = _questions(study)
    if key not in questions:
        message = f"The study has no question {key!r}."
        raise Invalid(message, errors={"question_key": [message]})
    return questions[key]


def _cases(study: Experiment) -> Any:
    """Those of the list, those that somebody reads although they have left it, and those to practise on."""
    listed = Case.objects.filter(study_cases__experiment=study).values("pk")
    read = Case.objects.filter(assignments__enrolment__experiment=study).values("pk")
    return Case.objects.filter(Q(pk__in=listed) | Q(pk__in=read) | Q(pk__in=study.training_cases.values("case")))


def _need_case(study: Experiment, case: Case) -> None:
    if not _cases(study).filter(pk=case.pk).exists():
        message = f"The study has no case {case.number}."
        raise Invalid(message, errors={"case": [message]})


def _value(question: QuestionDefinition, value: Any) -> Any:
    try:
        return reference_value(question, value)
    except ValueError as error:
        raise Invalid(f"The reference does not fit the question: {error}", errors={"value": [str(error)]}) from error


def _rule(rule: str) -> str:
    if not rule.strip() or len(rule) > LONGEST_RULE:
        message = f"Say how it was found, in at most {LONGEST_RULE} characters."
        raise Invalid(message, errors={"rule": [message]})
    return rule.strip()


def _parsed(text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        parsed = json.loads(text, parse_float=str)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("this looks like JSON, but is not") from error
    if isinstance(parsed, Mapping | list):
        return parsed
    raise ValueError("a list or an object is needed")
