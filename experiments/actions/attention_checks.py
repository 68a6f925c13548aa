"""Set a study's attention check: each change is a version of its own, and what was asked stays what it was."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from augmed.foundation import audit
from augmed.foundation.errors import Invalid
from experiments.actions.common import clean, locked, refuse_when_over
from experiments.attention import CHECK_KEY, EVERY, OPTIONS, OTHER_LANGUAGES, TEXT
from experiments.design.question_forms import read_questions
from experiments.models import AttentionCheck, Experiment, Question

CHECK_FIELDS = ("every", "place", "text", "options", "right_answer")


def default_check(language: str) -> dict[str, Any]:
    """AugMed's check, in the language in which a study is written."""
    text, options = OTHER_LANGUAGES.get(language, (TEXT, OPTIONS))
    return {"every": EVERY, "place": None, "text": text, "options": list(options), "right_answer": options[-1]}


def set_attention_check(*, experiment: Experiment, by: Any, **fields: Any) -> AttentionCheck:
    """The next version of the study's check, or the current one where nothing changes. `fields`: of CHECK_FIELDS;
    what is left out stays (in a study without a check: AugMed's own wording, off). `every` None switches it off.

    In a study by protocol it takes effect with the next amendment, in that of the display configs at once; reviews
    that are opened already ask what they bound."""
    if unknown := sorted(fields.keys() - set(CHECK_FIELDS)):
        raise Invalid("There is no such field.", errors={name: ["This field cannot be set here."] for name in unknown})
    with transaction.atomic():
        study = locked(experiment)
        refuse_when_over(study)
        current = AttentionCheck.objects.current(study)
        before = {**default_check(study.languages[0]), "every": None} if current is None else _fields(current)
        wanted = {**before, **_read(fields)}
        if current is not None and wanted == before:
            return current
        check = AttentionCheck(experiment=study, number=current.number + 1 if current else 1, created_by=by, **wanted)
        _refuse_contradictions(check)
        clean(check, exclude=("created_by",))
        check.save(force_insert=True)
        audit.record(
            action="attention_check_changed",
            by=by,
            target=study,
            data={"number": check.number, "every": check.every, "place": check.place},
            experiment_id=study.pk,
        )
    return check


def begin_with_default(experiment: Experiment, *, by: Any) -> AttentionCheck:
    """Version 1 of a study that is being made: AugMed's check. Its making is audited as the study's."""
    fields = default_check(experiment.languages[0])
    return AttentionCheck.objects.create(experiment=experiment, number=1, created_by=by, **fields)


def follow_language(experiment: Experiment, *, before: str, by: Any) -> None:
    """After a study in draft was said to be written in another language: its check is in that one, unless somebody
    wrote their own."""
    current = AttentionCheck.objects.current(experiment)
    old, new = default_check(before), default_check(experiment.languages[0])
    words = ("text", "options", "right_answer")
    if current is not None and all(getattr(current, name) == old[name] for name in words):
        set_attention_check(experiment=experiment, by=by, **{name: new[name] for name in words})


def _fields(check: AttentionCheck) -> dict[str, Any]:
    return {name: getattr(check, name) for name in CHECK_FIELDS}


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    """What was given, without white space around; Invalid by field where it is of no use."""
    errors: dict[str, list[str]] = {
        name: ["A whole number from 1 is needed, or none."]
        for name in ("every", "place")
        if name in fields and not _is_from_one(fields[name])
    }
    read: dict[str, Any] = {name: fields[name] for name in ("every", "place") if name in fields}
    for name in ("text", "right_answer"):
        if name in fields:
            read[name] = fields[name].strip() if isinstance(fields[name], str) else ""
            if not read[name] or "\x00" in read[name]:
                errors[name] = ["A text is needed."]
    if "options" in fields:
        # The rules of any other choice, as participants must not be able to tell it from one.
        given = {"key": "choice", "type": "single_choice", "text": "Choose.", "options": fields["options"]}
        try:
            [question] = read_questions([given])
        except Invalid as refused:
            errors["options"] = [text for texts in refused.errors.values() for text in texts]
        else:
            read["options"] = question.options
    if errors:
        raise Invalid("The attention check was not accepted.", errors=errors)
    return read


def _is_from_one(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31)


def _refuse_contradictions(check: AttentionCheck) -> None:
    if check.right_answer not in check.options:
        message = "The right answer is one of the options."
        raise Invalid(message, errors={"right_answer": [message]})
    asked = Question.objects.filter(version__questionnaire__experiment=check.experiment_id)
    # Only questions from before the key was reserved can have it.
    if check.every is not None and asked.filter(key=CHECK_KEY).exists():
        message = f"A question of this study has the key {CHECK_KEY!r}, which is reserved for the attention check."
        raise Invalid(message, errors={"every": [message]})
    # To a client that knows questions by their words, two in the same words are one.
    if check.every is not None and asked.filter(text=check.text).exists():
        message = "A question of this study has the same words."
        raise Invalid(message, errors={"text": [message]})


__all__ = ["CHECK_FIELDS", "begin_with_default", "default_check", "follow_language", "set_attention_check"]
