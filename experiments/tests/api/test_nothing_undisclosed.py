"""No byte of what an arm hides is in any answer to a participant, whichever endpoint, arm and stage."""

import uuid

import pytest

from cases.tree import SCHEMA_VERSION, Entry, Feature, ModelOutput, Node, Tree
from experiments.actions.references import set_reference
from experiments.models import Review
from experiments.tests import factories

pytestmark = pytest.mark.django_db

ADVICE_MARKERS = ("MARKERadvicevalue", "MARKERadvicelabel", "MARKERmodel", "MARKERcaveat", "MARKERadvicesection")
ALWAYS_HIDDEN = ("MARKERlabvalue", "MARKERlablabel", "MARKERlaboratory", "MARKERreference", "MARKERsource", "MARKERarm")


def marked_tree():
    model = ModelOutput("MARKERmodel", "1", "2020-01-01", "MARKERcaveat")
    lab = Feature("lab", "c:1", "MARKERlablabel", "text", "clinical", (Entry("MARKERlabvalue"),))
    advice = Feature("advice", "", "MARKERadvicelabel", "text", "advice", (Entry("MARKERadvicevalue", model=model),))
    return Tree(
        SCHEMA_VERSION,
        (
            Node("patient", "Patient", "section", (Feature("age", "", "Age", "text", "clinical", (Entry("60"),)),)),
            Node("findings", "Findings", "section", (Node("laboratory", "MARKERlaboratory", "category", (lab,)),)),
            Node("advice-section", "MARKERadvicesection", "section", (advice,)),
        ),
    )


def everything_served(client, review):
    """Every endpoint of a participant, in the order of use, as one text; opening and answering included."""
    address = f"/api/v2/reviews/{review.public_id}"
    served = [client.get(path) for path in ("/api/v2/reviews", "/api/v2/reviews/next", "/api/v2/studies", address)]
    served += [
        client.get(f"{address}/{path}") for path in ("case", "questionnaire", "answer")
    ]  # refused before opening
    served += [client.post(f"{address}/open"), client.post(f"{address}/open")]
    served += [client.get(f"{address}/{path}") for path in ("case", "questionnaire", "answer")]
    version = served[-2].json()["version"]
    event = {"page_session": str(uuid.uuid4()), "sequence": 1, "kind": "feature_opened", "feature": "lab|c:1"}
    served.append(client.post(f"{address}/events", {"events": [event]}))
    for answers in ({"diagnosis": "wrong"}, {"diagnosis": "yes", "risk": 10}, {"diagnosis": "no", "risk": 10}):
        body = {"questionnaire_version": version, "answers": answers}
        served.append(client.post(f"{address}/answer", body))
    served += [client.get(path) for path in ("/api/v2/reviews", f"{address}/answer", f"{address}/case")]
    assert [answer.status_code for answer in served if answer.status_code >= 500] == []
    heads = "".join(str(dict(answer.headers)) for answer in served)
    return heads + "".join(answer.content.decode() for answer in served)


@pytest.mark.parametrize(
    ("stages", "stages_with_advice"),
    [
        ([factories.show("age")], set()),
        ([factories.show("age", "advice")], {1}),
        ([factories.show("age"), factories.show("age", "advice")], {2}),
    ],
    ids=["without advice", "with advice", "advice afterwards"],
)
def test_only_what_the_stage_shows_leaves_the_server(api, clinician, lead, stages, stages_with_advice):
    version = factories.make_layout()
    case = factories.make_case(layout_version=version, tree=marked_tree())
    type(case).objects.filter(pk=case.pk).update(source_label="MARKERsource")
    study = factories.make_study(cases=[case], layout_version=version, by=lead, arms={"MARKERarm": stages})
    set_reference(experiment=study, case=case, question_key="diagnosis", value="yes", rule="MARKERreference", by=lead)
    factories.make_enrolment(study, clinician)
    client = api(clinician)
    for review in Review.objects.owned_by(clinician).in_order():
        served = everything_served(client, review)
        assert "60" in served
        for marker in ALWAYS_HIDDEN:
            assert marker.lower() not in served.lower()
        for marker in ADVICE_MARKERS:
            shown = review.stage_position in stages_with_advice
            assert (marker in served) == shown, (marker, review.stage_position)


def test_the_arm_is_in_no_answer_by_key_or_id(api, clinician, study, enrolled):
    client = api(clinician)
    for review in Review.objects.owned_by(clinician).filter(stage_position=1).in_order():
        served = everything_served(client, review)
        for arm in study.arms.all():
            assert arm.key not in served
            assert arm.name not in served
        assert study.seed not in served
