"""The pages of previews in the admin: who gets which, what they begin, what stays hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from augmed.foundation.models import AuditEvent
from experiments.actions.preview_links import MOST_LINKS, make_preview_link
from experiments.actions.previews import preview_as_arm
from experiments.actions.roles import grant_role
from experiments.models import Enrolment, PreviewLink, Stage
from experiments.tests import factories

pytestmark = pytest.mark.django_db

ROLES = ("lead", "coordinator", "blinded_analyst", "unblinded_analyst", "adjudicator")
SEES_ARMS, SEES_ALLOCATION, DESIGNS = {"lead", "unblinded_analyst"}, {"unblinded_analyst"}, {"lead"}


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(name: str, study: Any, *more: Any) -> str:
    return reverse(f"admin:experiments_experiment_{name}", args=[study.pk, *more])


@pytest.mark.parametrize("role", ROLES)
def test_pages_by_role(study: Any, enrolled: Enrolment, stranger: Any, role: str) -> None:
    grant_role(user=stranger, experiment=study, role=role, by=None)
    client = client_of(stranger)
    as_arm = {"arm": study.arms.first().key}
    got = {
        "previews": client.get(page("previews", study)).status_code,
        "side_by_side": client.get(page("side_by_side", study)).status_code,
        "preview_links": client.get(page("preview_links", study)).status_code,
        "as_arm": client.post(page("preview_as_arm", study), as_arm).status_code,
        "as_participant": client.post(page("preview_as_participant", study), {"participant": "x"}).status_code,
    }
    assert got == {
        "previews": 200 if role in SEES_ARMS else 403,
        "side_by_side": 200 if role in SEES_ARMS else 403,
        "preview_links": 200 if role in DESIGNS else 403,
        "as_arm": 302 if role in SEES_ARMS else 403,
        "as_participant": 302 if role in SEES_ALLOCATION else 403,
    }


def test_a_foreign_study_is_absent(study: Any, stranger: Any, lead: Any) -> None:
    factories.make_study(by=stranger, active=False)
    preview = preview_as_arm(experiment=study, arm=study.arms.first(), by=lead)
    link = make_preview_link(experiment=study, label="Board", days=1, by=lead).link
    client = client_of(stranger)
    for name in ("previews", "side_by_side", "preview_links"):
        assert client.get(page(name, study)).status_code == 404
    assert client.post(page("preview_again", study, preview.pk)).status_code == 404
    assert client.post(page("preview_link_revoke", study, link.pk)).status_code == 404


@pytest.mark.parametrize("name", ["previews", "side_by_side", "preview_links"])
def test_participants_are_asked_to_sign_in_as_staff(study: Any, clinician: Any, name: str) -> None:
    assert client_of(clinician).get(page(name, study)).status_code in (302, 403, 404)
    assert Client().get(page(name, study)).status_code == 302


def test_a_preview_begins_on_the_page_of_its_first_case(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    arm = draft.arms.get(name="With advice")
    number = draft.study_cases.order_by("position")[1].case.number
    begun = client.post(page("preview_as_arm", draft), {"arm": arm.key, "case": number})
    review = Enrolment.objects.get(kind="preview").assignments.get().reviews.get()
    assert begun.url == reverse("review", args=[review.public_id])
    before = client.get(begun.url).content.decode()
    assert "Nothing here counts" in before
    client.post(reverse("review_open", args=[review.public_id]))
    opened = client.get(begun.url).content.decode()
    assert "Nothing here counts" in opened
    assert "Risk estimate" in opened
    review.refresh_from_db()
    assert review.opening.language == "en"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_case_of_nobody_and_a_case_of_others_look_alike(study: Any, lead: Any, is_there: bool) -> None:
    """Else it could be told which cases there are."""
    number = factories.make_case(layout_version=study.layout.current()).number if is_there else 99_999_999
    sent = {"arm": study.arms.first().key, "case": number}
    answer = client_of(lead).post(page("preview_as_arm", study), sent, follow=True)
    assert "A case is not in the study." in answer.content.decode()
    assert not Enrolment.objects.exists()


def test_a_preview_is_answered_stage_by_stage_on_the_participants_pages(draft: Any, lead: Any) -> None:
    client = client_of(lead)
    arm = draft.arms.get(name="Advice afterwards")
    begun = client.post(page("preview_as_arm", draft), {"arm": arm.key, "case": draft.study_cases.first().case.number})
    for _stage in (1, 2):
        place = begun.url
        client.post(f"{place}open/")
        version = client.get(place).context["panel"].version
        answered = client.post(f"{place}answer/", {"q.diagnosis": "yes", "q.risk": "20", "version": version})
        assert answered.status_code == 303
        assert "Nothing here counts" in client.get(answered.url).content.decode()
        begun = client.get(page("preview_go_on", draft, Enrolment.objects.get().pk))
    assert begun.url == page("previews", draft)
    assert "2 of 2" in client.get(begun.url).content.decode()


def test_start_over_begins_the_same_anew(study: Any, lead: Any) -> None:
    client = client_of(lead)
    first = preview_as_arm(experiment=study, arm=study.arms.get(name="With advice"), by=lead)
    again = client.post(page("preview_again", study, first.pk))
    second = Enrolment.objects.filter(kind="preview").exclude(pk=first.pk).get()
    assert again.url == reverse("review", args=[second.assignments.get(position=1).reviews.get().public_id])


def test_somebody_elses_preview_is_absent(study: Any, lead: Any, administrator: Any) -> None:
    preview = preview_as_arm(experiment=study, arm=study.arms.first(), by=administrator)
    client = client_of(lead)
    assert client.post(page("preview_again", study, preview.pk)).status_code == 404
    assert client.get(page("preview_go_on", study, preview.pk)).status_code == 404
    assert "as arm" not in client.get(page("previews", study)).content.decode()


def test_as_a_participant_by_pseudonym_and_never_by_who_may_not(
    study: Any, enrolled: Enrolment, administrator: Any, lead: Any
) -> None:
    begun = client_of(administrator).post(
        page("preview_as_participant", study), {"participant": enrolled.pseudonym.lower()}
    )
    preview = Enrolment.objects.get(kind="preview")
    assert preview.preview_of == enrolled
    assert "/reviews/" in begun.url
    shown = client_of(lead).get(page("previews", study)).content.decode()
    assert enrolled.pseudonym not in shown


def test_a_refusal_is_told_on_the_page(study: Any, lead: Any) -> None:
    study.study_cases.all().delete()
    response = client_of(lead).post(page("preview_as_arm", study), {"arm": study.arms.first().key}, follow=True)
    assert "The study has no cases yet" in response.content.decode()


def test_previews_are_not_among_the_participants(study: Any, enrolled: Enrolment, lead: Any) -> None:
    preview = preview_as_arm(experiment=study, arm=study.arms.first(), by=lead)
    shown = client_of(lead).get(reverse("admin:experiments_enrolment_changelist")).content.decode()
    assert enrolled.pseudonym in shown
    assert preview.pseudonym not in shown


def test_the_page_takes_as_many_statements_however_many_previews(study: Any, lead: Any) -> None:
    client, counts = client_of(lead), []
    for _more in range(2):
        for _times in range(3):
            preview_as_arm(experiment=study, arm=study.arms.first(), by=lead)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page("previews", study)).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


class TestSideBySide:
    def shown(self, study: Any, by: Any, **chosen: str) -> Any:
        response = client_of(by).get(page("side_by_side", study), chosen)
        assert response.status_code == 200
        return response

    def test_what_only_one_arm_shows_is_marked_in_words(self, study: Any, lead: Any) -> None:
        response = self.shown(study, lead, left="without-advice.1", right="with-advice.1")
        left, right = response.context["columns"]
        assert left.missing == ["Advice › Risk estimate"]  # noqa: RUF001
        assert [feature.note for feature in right.case.features if feature.note] == ["Only here"]
        text = response.content.decode()
        assert "1 of 4" in " ".join(text.split())
        assert "Only here" in text

    def test_another_style_is_marked_on_both_sides(self, draft: Any, lead: Any) -> None:
        from experiments.actions.disclosure_sets import set_cells

        cells = [{"node": "age", "shown": True, "highlight": True}, *factories.show("lab")]
        stage = Stage.objects.get(arm__experiment=draft, arm__name="With advice")
        set_cells(experiment=draft, cells={stage.pk: cells}, by=lead)
        response = self.shown(draft, lead, left="without-advice.1", right="with-advice.1")
        for column in response.context["columns"]:
            assert column.case.by_key("age").note == "Shown otherwise"

    def test_what_is_hidden_until_asked_on_one_side_is_marked(self, draft: Any, lead: Any) -> None:
        Stage.objects.filter(arm__experiment=draft, arm__name="With advice").update(hidden_until_asked=True)
        response = self.shown(draft, lead, left="without-advice.1", right="with-advice.1")
        left, right = response.context["columns"]
        assert left.case.by_key("age").note == "Open at once, here only"
        assert right.case.by_key("age").note == "Hidden until asked, here only"
        assert right.case.by_key("age").entries == ()

    def test_the_same_arm_twice_does_not_differ(self, study: Any, lead: Any) -> None:
        response = self.shown(study, lead, left="with-advice.1", right="with-advice.1")
        assert response.context["differing"] == 0

    def test_what_is_asked_for_and_not_there_is_the_first(self, study: Any, lead: Any) -> None:
        response = self.shown(study, lead, left="x", right="y", case="0")
        assert [stage.key for stage in response.context["chosen"]] == ["without-advice.1", "with-advice.1"]

    def test_a_study_without_arms_or_cases_says_so(self, lead: Any) -> None:
        empty = factories.make_study(by=lead, cases=0, arms={}, active=False)
        assert "has no cases yet" in self.shown(empty, lead).content.decode()

    def test_looking_is_audited(self, study: Any, lead: Any) -> None:
        self.shown(study, lead)
        event = AuditEvent.objects.get(action="case_viewed")
        assert json.loads(event.data)["columns"] == ["without-advice.1", "with-advice.1"]


class TestLinks:
    def test_a_link_is_shown_once_and_only_its_hash_is_kept(self, study: Any, lead: Any) -> None:
        client = client_of(lead)
        made = client.post(page("preview_links", study), {"label": "Ethics board", "days": "30"})
        address = made.context["made"]
        secret = address.rstrip("/").rsplit("/", 1)[1]
        assert client.get(address).status_code == 200
        assert "no-store" in made.headers["Cache-Control"]
        later = client.get(page("preview_links", study)).content.decode()
        assert "Ethics board" in later
        assert secret not in later
        assert secret not in str(PreviewLink.objects.values().get())
        assert secret not in str(list(AuditEvent.objects.values_list("data", flat=True)))

    def test_a_revoked_link_shows_nothing(self, study: Any, lead: Any) -> None:
        made = make_preview_link(experiment=study, label="Board", days=1, by=lead)
        client = client_of(lead)
        for _twice in range(2):
            client.post(page("preview_link_revoke", study, made.link.pk))
        assert Client().get(reverse("look", args=[made.secret])).status_code == 404
        actions = AuditEvent.objects.filter(action__startswith="preview_link").order_by("sequence")
        assert list(actions.values_list("action", flat=True)) == ["preview_link_made", "preview_link_revoked"]

    @pytest.mark.parametrize(
        "sent",
        [{"label": "", "days": "5"}, {"label": "x", "days": "0"}, {"label": "x", "days": "91"}, {"label": "x"}],
    )
    def test_what_cannot_be_is_refused(self, study: Any, lead: Any, sent: dict[str, str]) -> None:
        response = client_of(lead).post(page("preview_links", study), sent)
        assert response.context["made"] == ""
        assert not PreviewLink.objects.exists()

    def test_there_are_not_too_many(self, study: Any, lead: Any) -> None:
        for _each in range(MOST_LINKS):
            make_preview_link(experiment=study, label="Board", days=1, by=lead)
        response = client_of(lead).post(page("preview_links", study), {"label": "One more", "days": "1"})
        assert "Revoke some first" in response.content.decode()

    def test_a_running_study_offers_the_protocol_in_force_and_keeps_what_was_chosen(
        self, study: Any, lead: Any
    ) -> None:
        client = client_of(lead)
        assert client.get(page("preview_links", study)).context["protocol_chosen"] == "1"
        client.post(page("preview_links", study), {"label": "Board", "days": "5", "protocol": "1"})
        client.post(page("preview_links", study), {"label": "Colleague", "days": "5", "protocol": ""})
        shown = PreviewLink.objects.order_by("pk").values_list("label", "protocol")
        assert list(shown) == [("Board", study.protocol_id), ("Colleague", None)]
        listed = client.get(page("preview_links", study)).content.decode()
        assert "<td>Protocol 1</td>" in listed
        assert "<td>Working design</td>" in listed

    @pytest.mark.parametrize("number", ["2", "x", "-1", "9" * 30])
    def test_a_protocol_that_is_not_there_is_not_replaced_by_another_design(
        self, study: Any, lead: Any, number: str
    ) -> None:
        response = client_of(lead).post(
            page("preview_links", study), {"label": "Board", "days": "5", "protocol": number}
        )
        assert response.status_code == 404
        assert not PreviewLink.objects.exists()

    def test_a_draft_offers_the_working_design_alone(self, draft: Any, lead: Any) -> None:
        context = client_of(lead).get(page("preview_links", draft)).context
        assert (context["protocols"], context["protocol_chosen"]) == ([], "")
