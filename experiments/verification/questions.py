"""Are the questions of each protocol version still the ones that it froze?"""

from __future__ import annotations

import json
from collections.abc import Iterator

from augmed.foundation.canonical import sha256_hex
from experiments.design.question_forms import questions_sha256
from experiments.models import Experiment, QuestionnaireVersion


def question_problems(experiment: Experiment) -> Iterator[str]:
    """What does not hold. Protocol versions that were frozen without a digest of their questions are not compared."""
    versions = QuestionnaireVersion.objects.filter(questionnaire__experiment=experiment).prefetch_related("questions")
    found = {str(version.public_id): questions_sha256(version.questions.all()) for version in versions}
    for protocol in experiment.protocol_versions.order_by("number").iterator(chunk_size=20):
        if sha256_hex(protocol.content) != protocol.sha256:
            yield f"Protocol {protocol.number}: its content does not match its hash"
        stages = (stage for arm in json.loads(protocol.content)["arms"] for stage in arm["stages"])
        asked = {stage["questionnaire"]["public_id"]: stage["questionnaire"] for stage in stages}
        for public_id, frozen in asked.items():
            expected = frozen.get("questions_sha256")
            if expected is not None and found.get(public_id) != expected:
                yield f"Protocol {protocol.number}: the questions of version {public_id} are not those it froze"
