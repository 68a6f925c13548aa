"""Are the questions of each protocol version still the ones that it froze?"""

from __future__ import annotations

import json
from collections.abc import Iterator

from augmed.foundation.canonical import sha256_hex
from experiments.design.protocol import attention_check_content
from experiments.design.question_forms import questions_sha256
from experiments.models import Experiment, ProtocolVersion, QuestionnaireVersion


def question_problems(experiment: Experiment) -> Iterator[str]:
    """What does not hold. Protocol versions that were frozen without a digest of their questions are not compared."""
    versions = QuestionnaireVersion.objects.filter(questionnaire__experiment=experiment).prefetch_related("questions")
    found = {str(version.public_id): questions_sha256(version.questions.all()) for version in versions}
    protocols = experiment.protocol_versions.select_related("attention_check").order_by("number")
    for protocol in protocols.iterator(chunk_size=20):
        if sha256_hex(protocol.content) != protocol.sha256:
            yield f"Protocol {protocol.number}: its content does not match its hash"
        yield from _check_problems(protocol)
        stages = (stage for arm in json.loads(protocol.content)["arms"] for stage in arm["stages"])
        asked = {stage["questionnaire"]["public_id"]: stage["questionnaire"] for stage in stages}
        for public_id, frozen in asked.items():
            expected = frozen.get("questions_sha256")
            if expected is not None and found.get(public_id) != expected:
                yield f"Protocol {protocol.number}: the questions of version {public_id} are not those it froze"


def _check_problems(protocol: ProtocolVersion) -> Iterator[str]:
    """Protocol versions from before there were attention checks do not name one, nor have they any."""
    frozen = json.loads(protocol.content).get("attention_check")
    if attention_check_content(protocol.attention_check) != frozen:
        yield f"Protocol {protocol.number}: its attention check is not the one it froze"
