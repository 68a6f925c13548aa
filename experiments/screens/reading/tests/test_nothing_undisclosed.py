"""A sweep: no answer to a participant, by whichever screen, arm and stage, holds anything that is not disclosed.

Each group of features has marks that occur nowhere else: in keys, headings, labels, values, units, ranges, dates,
concepts, models. Every route of the screens is asked, before the opening, while reading and after the answer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cases.models import LayoutNode
from cases.tree import SCHEMA_VERSION, Entry, Feature, ModelOutput, Node, Tree
from experiments.actions.lifecycle import activate
from experiments.models import Review, Stage
from experiments.screens import urls as screens
from experiments.tests import factories

pytestmark = pytest.mark.django_db

ANSWERS = {"q.diagnosis": "yes", "q.risk": "10"}


@dataclass(frozen=True)
class Group:
    """A section with one course in it. `year` and `digits` are its alone."""

    name: str
    year: int
    digits: str
    role: str = "clinical"

    @property
    def key(self) -> str:
        return f"zq{self.name}key|c:{self.digits}001"

    @property
    def names(self) -> tuple[str, ...]:
        return (f"zq{self.name}key", f"zq{self.name}label", f"zq{self.name}section", f"{self.digits}001")

    @property
    def contents(self) -> tuple[str, ...]:
        words = (f"zq{self.name}{part}" for part in ("unit", "model", "version", "caveat", "text"))
        return (*words, f"{self.digits}2", f"{self.digits}3", f"{self.digits}4", f"{self.digits}5", str(self.year))

    def section(self) -> Node:
        name, unit = f"zq{self.name}", f"zq{self.name}unit"
        model = ModelOutput(f"{name}model", f"{name}version", f"{self.year}-01-02", f"{name}caveat")
        entries = tuple(
            Entry(
                f"{number} {unit}",
                number=number,
                unit=unit,
                low=f"{self.digits}4",
                high=f"{self.digits}5",
                concept_id=int(f"{self.digits}001"),
                date=f"{self.year}-0{at}-03",
                model=model if self.role == "advice" else None,
            )
            for at, number in enumerate((f"{self.digits}2", f"{self.digits}3"), start=1)
        )
        kind = "series"
        course = Feature(f"{name}key", f"c:{self.digits}001", f"{name}label", kind, self.role, entries)  # type: ignore[arg-type]
        said = Entry(f"{name}text", model=model if self.role == "advice" else None)
        text = Feature(f"{name}key2", "", f"{name}label2", "text", self.role, (said,))  # type: ignore[arg-type]
        return Node(f"{name}section", f"{name}section", "section", (course, text))


SEEN = Group("seen", 1911, "7701")
ADVICE = Group("advice", 1922, "8802", "advice")
NEVER = Group("never", 1933, "9903")
GROUPS = (SEEN, ADVICE, NEVER)


def layout() -> Any:
    version = factories.make_layout()
    LayoutNode.objects.filter(version=version).delete()
    for at, group in enumerate(GROUPS):
        name = f"zq{group.name}"
        section = LayoutNode.objects.create(
            version=version, position=at * 3 + 1, key=f"{name}section", label=f"{name}section", level="section"
        )
        for place, key in enumerate(("key", "key2"), start=2):
            LayoutNode.objects.create(
                version=version,
                parent=section,
                position=at * 3 + place,
                key=name + key,
                label=name + key,
                level="feature",
                role=group.role,
                source="measurement",
                label_rule="concept" if key == "key" else "node",
            )
    return version


ARMS = {
    "without": [[SEEN]],
    "with": [[SEEN, ADVICE]],
    "afterwards": [[SEEN], [SEEN, ADVICE]],
    "asked": [[SEEN, ADVICE]],
}


def enrolled_in(user: Any, arm: str) -> list[Review]:
    version = layout()
    case = factories.make_case(
        layout_version=version, tree=Tree(SCHEMA_VERSION, tuple(group.section() for group in GROUPS))
    )
    cells = [factories.show(*(f"zq{group.name}section" for group in stage)) for stage in ARMS[arm]]
    study = factories.make_study(cases=[case], layout_version=version, arms={"zqarmname": cells}, active=False)
    if arm == "asked":
        Stage.objects.filter(arm__experiment=study).update(hidden_until_asked=True, reveal_cost="1.5")
    activate(experiment=study, by=None, confirmed={"person_more_than_once", "later_stage_hides"})
    factories.make_enrolment(study, user)
    return list(Review.objects.owned_by(user).order_by("stage_position"))


def routes(patterns: Any, before: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            found.append(before + str(pattern.pattern))
    return found


def addresses(review: Review) -> list[str]:
    """Every address of the screens, with this review, its study, and numbers and tokens."""
    study = review.assignment.enrolment.experiment
    values = {
        "<uuid:public_id>": [str(review.public_id)],
        "<study_code:code>": [study.code],
        "<int:number>": [str(at) for at in range(7)],
        "<str:token>": ["none"],
    }
    found = []
    for route in routes(screens.urlpatterns):
        made = [f"/{route}"]
        for name, given in values.items():
            made = [one.replace(name, value) for one in made for value in (given if name in one else given[:1])]
        found += [one for one in made if "<" not in one]
    assert f"/reviews/{review.public_id}/chart/1/" in found
    return found


class Sweep:
    """Asks, and keeps all that came back, with the addresses that one was sent to."""

    def __init__(self, user: Any) -> None:
        self.client = Client(raise_request_exception=True)
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.served = ""

    def __call__(self, response: Any) -> Any:
        assert response.status_code < 500
        body = b"".join(response.streaming_content) if response.streaming else response.content
        self.served += f"{response.status_code} {dict(response.headers)} {body.decode()}\n"
        return response

    def get_all(self, review: Review) -> None:
        for address in addresses(review):
            self(self.client.get(address))
            self(self.client.get(address, headers={"HX-Request": "true"}))

    def post_all_but_answers(self, review: Review) -> None:
        """What a curious client could send: every post, about every feature there is."""
        address = f"/reviews/{review.public_id}"
        for group in GROUPS:
            events = (
                f'[{{"page_session":"{uuid.uuid4()}","sequence":1,"kind":"feature_opened","feature":"{group.key}"}}]'
            )
            self(self.client.post(f"{address}/events/", {"events": events}))
        for wrong in ({"q.diagnosis": "perhaps"}, {"q.risk": "1000"}, {"page_session": "x"}):
            self(self.client.post(f"{address}/draft/", {**wrong, "revision": "0"}))
            self(self.client.post(f"{address}/answer/", {**wrong, "revision": "0"}))

    def clear(self) -> str:
        served, self.served = self.served.lower(), ""
        return served


def found_in(served: str, marks: tuple[str, ...]) -> list[str]:
    return [mark for mark in marks if mark.lower() in served]


def test_every_route_of_the_screens_is_swept(clinician):
    [review] = enrolled_in(clinician, "without")
    swept = addresses(review)
    assert len(swept) >= 12
    assert all(get_resolver().resolve(address) for address in swept)


@pytest.mark.parametrize("arm", ["without", "with", "afterwards"])
def test_only_what_a_stage_discloses_is_in_any_answer_of_the_screens(clinician, arm):
    sweep = Sweep(clinician)
    shown: set[Group] = set()
    for review, disclosed in zip(enrolled_in(clinician, arm), ARMS[arm], strict=True):
        sweep.get_all(review)
        sweep.post_all_but_answers(review)
        self_and_before = sweep.clear()
        for group in GROUPS:
            if group not in shown:
                assert found_in(self_and_before, group.names + group.contents) == [], "before the opening"
        sweep(sweep.client.post(f"/reviews/{review.public_id}/open/"))
        shown |= set(disclosed)
        sweep.get_all(review)
        sweep.post_all_but_answers(review)
        while_reading = sweep.clear()
        assert found_in(while_reading, SEEN.contents[-5:]) != []
        assert Review.objects.unanswered().filter(pk=review.pk).exists()
        sweep(sweep.client.post(f"/reviews/{review.public_id}/answer/", ANSWERS))
        assert Review.objects.answered().filter(pk=review.pk).exists()
        sweep.get_all(review)
        for group in set(GROUPS) - shown:
            assert found_in(while_reading + sweep.clear(), group.names + group.contents) == [], group.name
        assert found_in(while_reading, ("zqarmname",)) == []


def test_what_is_hidden_until_asked_has_its_name_alone_in_any_answer(clinician):
    [review] = enrolled_in(clinician, "asked")
    sweep = Sweep(clinician)
    sweep.client.post(f"/reviews/{review.public_id}/open/")
    sweep.get_all(review)
    sweep.post_all_but_answers(review)
    served = sweep.clear()
    assert found_in(served, SEEN.names) == list(SEEN.names)
    assert found_in(served, SEEN.contents + ADVICE.contents + NEVER.names + NEVER.contents) == []
    sweep(sweep.client.post(f"/reviews/{review.public_id}/reveal/", {"feature": NEVER.key}))
    sweep(
        sweep.client.post(f"/reviews/{review.public_id}/reveal/", {"feature": SEEN.key}, headers={"HX-Request": "true"})
    )
    sweep.get_all(review)
    sweep(sweep.client.post(f"/reviews/{review.public_id}/answer/", ANSWERS))
    sweep.get_all(review)
    served = sweep.clear()
    assert found_in(served, (f"{SEEN.digits}3", f"{SEEN.digits}2", str(SEEN.year))) != []
    assert found_in(served, ADVICE.contents + NEVER.names + NEVER.contents + ("zqseentext",)) == []
