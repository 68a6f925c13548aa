"""Who may open what in the admin: every page of every model, and every page of its own, for everybody of the cast.

The table is permission_matrix_admin.txt, one line a method and page, a column for each of the cast. A page that is not
in it fails. What the blinded may open is searched for what they must not see."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from augmed.foundation.models import Job
from augmed.tests.cast import WHO
from experiments.actions.preview_links import make_preview_link
from experiments.actions.previews import preview_as_arm
from experiments.actions.translations import set_languages
from experiments.models import Enrolment
from omop.models import CheckOutcome, ImportRun

TABLE = Path(__file__).with_name("permission_matrix_admin.txt")
METHODS = ("GET", "POST")
SITE_PAGES = ("index", "login", "logout", "password_change", "password_change_done", "jsi18n", "autocomplete")

pytestmark = pytest.mark.django_db


def expected() -> dict[tuple[str, str], tuple[int, ...]]:
    found = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            method, page, *codes = line.split()
            assert len(codes) == len(WHO), line
            assert (method, page) not in found, f"twice: {line}"
            found[method, page] = tuple(map(int, codes))
    return found


def pages(study: Any, job: Job) -> Iterator[tuple[str, str]]:
    """Name and address of every page. Pages of one object are left out where the study has no such object."""
    values = {
        "experiment_id": study.pk,
        "case_id": study.study_cases.first().case_id,
        "layout_id": study.layout_id,
        "version_id": study.layout.versions.get().pk,
        "job_id": job.pk,
        "run_id": ImportRun.objects.get().pk,
        "name": "pause",
        "table": "measurement",
        "code": "value_type",
        "link_id": study.preview_links.get().pk,
        "preview_id": study.enrolments.get(kind=Enrolment.Kind.PREVIEW).pk,
    }
    for name in SITE_PAGES:
        yield name, reverse(f"admin:{name}")
    for model, model_admin in admin.site._registry.items():
        first = model._default_manager.order_by("pk").first()
        for pattern in model_admin.get_urls():
            names = list(pattern.pattern.converters)
            if pattern.name is None or ("object_id" in names and first is None):
                continue
            known = {name: first.pk if name == "object_id" else values[name] for name in names}
            if "_languages" in pattern.name and "code" in known:
                known["code"] = "de"
            yield pattern.name, reverse(f"admin:{pattern.name}", kwargs=known)


@pytest.fixture
def job(administrator: Any) -> Job:
    """An import of files, with the run that is remembered of it."""
    parameters = {"source": {"kind": "upload", "place": "0" * 32, "names": []}, "options": {}, "dry_run": True}
    job = Job.objects.create(kind="omop.import", created_by=administrator, parameters=parameters)
    run = ImportRun.objects.create(
        kind=ImportRun.Kind.LOAD,
        status=ImportRun.Status.LOADED,
        source=ImportRun.Source.UPLOAD,
        started_at=timezone.now(),
        job_id=job.pk,
        created_by=administrator,
    )
    CheckOutcome.objects.create(
        run=run,
        finished_at=run.finished_at,
        code="value_type",
        table="measurement",
        level="reject",
        outcome="failed",
        checked=2,
        count=1,
    )
    return job


@pytest.fixture(autouse=True)
def preview(study: Any, administrator: Any) -> Enrolment:
    """A preview of the administrator's, a link that shows the study to others, and a second language."""
    make_preview_link(experiment=study, label="ethics board", days=7, by=administrator)
    set_languages(experiment=study, languages=["en", "de"], by=administrator)
    arm = study.arms.order_by("position").first()
    return preview_as_arm(experiment=study, arm=arm, by=administrator)


@pytest.fixture
def clients(cast: dict[str, Any]) -> dict[str, Client]:
    made = {who: Client() for who in WHO}
    for who, client in made.items():
        if cast[who] is not None:
            client.force_login(cast[who], backend="django.contrib.auth.backends.ModelBackend")
    return made


def ask(client: Client, method: str, address: str) -> Any:
    """Ask, and undo what it did: the next page meets the same study, and a log-out logs nobody out."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        answer = client.generic(method, address)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def test_everybody_gets_what_the_table_says(clients, study, job):
    table = expected()
    seen = {}
    for name, address in pages(study, job):
        for method in METHODS:
            seen[method, name] = tuple(ask(clients[who], method, address).status_code for who in WHO)
    lines = [
        f"{method} {name} {' '.join(map(str, codes))}"
        for (method, name), codes in sorted(seen.items())
        if table.get((method, name)) != codes
    ]
    assert not lines, "Not as the table says (or not in it):\n" + "\n".join(lines)
    assert not table.keys() - seen.keys(), f"In the table, but there is no such page: {table.keys() - seen.keys()}"


def test_nobody_outside_the_admin_opens_a_page_of_it():
    for (method, page), codes in expected().items():
        for who, code in zip(WHO, codes, strict=True):
            if who in {"anonymous", "clinician", "other clinician"} and page not in {"login", "jsi18n"}:
                assert code == 302, (method, page, who)


@pytest.mark.parametrize("who", ["coordinator", "blinded analyst", "adjudicator"])
def test_no_page_tells_the_blinded_an_arm_or_the_seed(who, clients, study, job):
    hidden = [study.seed, *(arm.name for arm in study.arms.all()), *(arm.key for arm in study.arms.all())]
    for name, address in pages(study, job):
        answer = ask(clients[who], "GET", address)
        if answer.status_code == 200:
            text = answer.content.decode()
            assert [word for word in hidden if word in text] == [], name


@pytest.mark.parametrize("who", ["stranger", "data staff"])
def test_no_page_tells_of_a_study_of_others(who, clients, study, job):
    hidden = [study.name, study.code, study.seed, *study.enrolments.values_list("pseudonym", flat=True)]
    for name, address in pages(study, job):
        answer = ask(clients[who], "GET", address)
        if answer.status_code == 200:
            text = answer.content.decode()
            # Names of layouts and cases are everybody's who may view them; names of studies are not.
            assert [word for word in hidden if word in text] == [], name
