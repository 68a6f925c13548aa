"""Who came by an API key may what their role gives and the key allows, no more: asked in every way there is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augmed.foundation.errors import NotFound
from augmed.foundation.models import Job
from augmed.foundation.permissions import Verb
from experiments import roles
from experiments.actions.exports import EXPORT, download_export, may_fetch
from experiments.actions.roles import grant_role
from experiments.models import Experiment
from participants.models import KEY_VERBS, User

pytestmark = pytest.mark.django_db


def every_answer(user, study):
    """What the user may, by each of the questions that the project asks."""
    return {
        "here": {verb for verb in Verb if roles.may(user, verb, study)},
        "listed": {verb for verb in Verb if Experiment.objects.where_may(user, verb).filter(pk=study.pk).exists()},
        "in any study": {verb for verb in Verb if roles.may_in_any_study(user, verb)},
        "by roles elsewhere": roles.verbs_everywhere(user),
        "everywhere": {verb for verb in Verb if user.may(verb)},
    }


@pytest.fixture(params=[*roles.ROLES, "administrator"])
def holder(request, study, stranger, administrator):
    if request.param == "administrator":
        return administrator
    grant_role(user=stranger, experiment=study, role=request.param, by=None)
    return stranger


@given(scopes=st.frozensets(st.sampled_from(KEY_VERBS)))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_key_narrows_every_answer_to_its_scopes(scopes, holder, study):
    plain, limited = (User.objects.get(pk=holder.pk) for _ in range(2))
    limited.limit_to(scopes, api_key_id=1)
    expected = {question: verbs & scopes for question, verbs in every_answer(plain, study).items()}
    assert every_answer(limited, study) == expected


def test_a_study_that_the_key_may_not_view_is_absent(study, lead):
    lead.limit_to(frozenset({Verb.EXPORT}), api_key_id=1)
    assert not Experiment.objects.visible_to(lead).exists()
    lead.limit_to(frozenset({Verb.EXPORT, Verb.VIEW_EXPERIMENT}), api_key_id=1)
    assert Experiment.objects.visible_to(lead).get() == study


def test_an_administrators_key_sees_no_job_of_others(study, lead, administrator):
    theirs, own = (
        Job.objects.create(kind=EXPORT, created_by=by, experiment_id=study.pk) for by in (lead, administrator)
    )
    assert set(Job.objects.visible_to(administrator)) == {theirs, own}
    administrator.limit_to(frozenset(KEY_VERBS), api_key_id=1)
    assert Job.objects.visible_to(administrator).get() == own
    assert (theirs.is_visible_to(administrator), own.is_visible_to(administrator)) == (False, True)
    with pytest.raises(NotFound, match="no such export"):
        download_export(job=theirs, by=administrator)


def test_an_archive_that_nobody_knows_what_it_holds_is_for_all_rights_only(administrator, lead):
    of_no_study = Job.objects.create(kind=EXPORT, created_by=administrator)
    assert may_fetch(of_no_study, administrator)
    assert not may_fetch(of_no_study, lead)
    administrator.limit_to(frozenset({Verb.EXPORT}), api_key_id=1)
    assert not may_fetch(of_no_study, administrator)
