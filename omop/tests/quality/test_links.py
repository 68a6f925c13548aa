"""After a real import and a real check of the database, the links of the quality pages open."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.urls import resolve, reverse

from omop import actions
from omop.models import ImportRun
from omop.tests.test_import_sample import SAMPLE

pytestmark = pytest.mark.django_db
ENOUGH = 12  # pages of a kind
LINK = re.compile(r'href="(/admin/omop/(?:checkoutcome|importrun)/[^"]*)"')


def test_what_the_overview_and_the_history_lead_to_opens(staff):
    actions.import_files(paths=[SAMPLE], by=None)
    actions.check_tables(by=None)
    assert ImportRun.objects.count() == 2
    waiting = [reverse("admin:omop_checkoutcome_changelist"), reverse("admin:omop_importrun_changelist")]
    waiting.append(f"{waiting[0]}?over=database")
    seen = set(waiting)
    opened: Counter[str] = Counter()
    while waiting:
        address = waiting.pop()
        kind = resolve(urlsplit(address).path).url_name
        if opened[kind] == ENOUGH:
            continue
        opened[kind] += 1
        response = staff.get(address)
        assert response.status_code == 200, address
        if response.streaming:
            b"".join(response.streaming_content)  # read to its end, the client closes it
            continue
        found = {unescape(link) for link in LINK.findall(response.content.decode())}
        waiting += sorted(found - seen)
        seen |= found
    kinds = {"omop_quality_table", "omop_quality_check", "omop_quality_rows", "omop_quality_lines"}
    assert opened.keys() >= {*kinds, "omop_importrun_change", "omop_run_report"}
