from __future__ import annotations

# ruff: noqa: DTZ001 - OMOP times are local and have no zone
import json
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from augmed.foundation import audit
from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import Conflict, Invalid
from augmed.foundation.models import AuditEvent
from cases.actions import (
    build_snapshot,
    build_snapshots,
    make_training_case,
    new_layout_version,
    put_forward,
    rebuild_snapshot,
    redact_snapshot,
    set_index_time,
    set_layout_nodes,
)
from cases.layouts import layout_content
from cases.models import Case, CaseSnapshot, LayoutVersion, SnapshotFeature
from cases.tests import omop_rows
from cases.tests.conftest import feature
from cases.tree import Entry, Feature, Node, Tree, to_json
from omop.models import VisitOccurrence


def tree_of(key: str, text: str = "hello") -> Tree:
    found = Feature(key, "", "Note", "note", "clinical", (Entry(text),))
    return Tree(1, (Node("section", "Section", "section", (found,)),))


def put_one_forward() -> Case:
    put_forward(visit_ids=[omop_rows.VISIT], by=None)
    return Case.objects.get()


class TestPutForward:
    def test_a_visit_becomes_a_case_with_its_snapshot(
        self, one_visit: int, everything: LayoutVersion, data_staff: Any
    ) -> None:
        omop_rows.event("observation", value_as_string="x")
        result = put_forward(visit_ids=[one_visit], by=data_staff)
        case = Case.objects.get()
        assert (result.created, result.kept, result.refused) == ([case.pk], [], [])
        assert (case.number, case.person_id, case.index_at) == (one_visit, 7, datetime(2020, 5, 17, 23, 59, 59))
        snapshot = case.snapshots.get()
        assert snapshot.number == 1
        assert snapshot.created_by == data_staff
        assert snapshot.index_at == "2020-05-17T23:59:59"
        assert snapshot.sha256 == sha256_hex(snapshot.content)
        listed = SnapshotFeature.objects.values_list("node_key", "discriminator", "entry_count")
        assert list(listed) == [("age", "", 1), ("sex", "", 1), ("observations", "c:100", 1)]
        event = AuditEvent.objects.get(action="cases_put_forward")
        assert event.actor == str(data_staff.pk)
        assert list(audit.verify()) == []

    def test_a_second_time_everything_is_kept(self, one_visit: int, everything: LayoutVersion) -> None:
        case = put_one_forward()
        events = AuditEvent.objects.count()
        result = put_forward(visit_ids=[one_visit, one_visit], by=None)
        assert (result.created, result.kept) == ([], [case.pk])
        assert CaseSnapshot.objects.count() == 1
        assert AuditEvent.objects.count() == events

    def test_a_kept_case_gets_the_snapshot_it_lacks(
        self, one_visit: int, everything: LayoutVersion, make_layout: Any
    ) -> None:
        case = put_one_forward()
        other = make_layout(feature("age", "demographics", demographic="age"), name="Other")
        result = put_forward(visit_ids=[one_visit], by=None, layout=other.layout)
        assert result.kept == [case.pk]
        assert case.snapshots.filter(layout_version=other).count() == 1

    def test_what_cannot_become_a_case_is_refused_with_its_reason(
        self, one_visit: int, everything: LayoutVersion
    ) -> None:
        omop_rows.visit(71, person_id=404)
        for visit_id in (72, 73):
            omop_rows.visit(visit_id)
        Case.objects.create(number=72)
        result = put_forward(visit_ids=[1, 71, 72, 73, one_visit], by=None, numbers={73: 5, one_visit: 5})
        assert len(result.created) == 1
        assert dict(result.refused) == {
            1: "there is no such visit",
            71: "its person 404 is not in the person table",
            72: "the case number 72 is taken",
            one_visit: "the case number 5 is taken",
        }

    def test_a_case_keeps_its_number(self, one_visit: int, everything: LayoutVersion) -> None:
        put_one_forward()
        result = put_forward(visit_ids=[one_visit], by=None, numbers={one_visit: 3})
        assert result.kept == []
        assert result.refused == [(70, "it is case 70 already, so it cannot become number 3")]

    def test_numbers_can_be_given_and_ids_may_be_negative(self, everything: LayoutVersion) -> None:
        omop_rows.person(-7)
        omop_rows.visit(-70, person_id=-7)
        omop_rows.event("condition", row_id=-1, person_id=-7, visit_id=-70)
        put_forward(visit_ids=[-70], by=None, numbers={-70: 1})
        case = Case.objects.get()
        assert (case.number, case.visit_occurrence_id) == (1, -70)
        assert '"rows":[-1]' in case.snapshots.get().sources

    def test_without_a_layout_it_says_what_to_do(self, one_visit: int) -> None:
        with pytest.raises(Invalid, match="Import one first"):
            put_forward(visit_ids=[one_visit], by=None)
        assert not Case.objects.exists()

    def test_progress_is_told_chunk_by_chunk(self, everything: LayoutVersion) -> None:
        omop_rows.person()
        for visit_id in range(1, 121):
            omop_rows.visit(visit_id)
        told: list[tuple[int, int]] = []
        put_forward(visit_ids=range(1, 121), by=None, progress=lambda done, total: told.append((done, total)))
        assert told == [(50, 120), (100, 120), (120, 120)]
        assert Case.objects.count() == CaseSnapshot.objects.count() == 120


class TestSnapshots:
    def test_built_once_and_kept_whatever_happens_to_the_rows(self, one_visit: int, everything: LayoutVersion) -> None:
        case = put_one_forward()
        first = build_snapshot(case=case, layout_version=everything, by=None)
        omop_rows.event("condition")
        assert build_snapshot(case=case, layout_version=everything, by=None) == first
        result = build_snapshots(cases=Case.objects.all(), layout_version=everything, by=None)
        assert (result.created, result.kept) == (0, 1)

    def test_rebuilt_as_the_next_number_only_where_the_content_differs(
        self, one_visit: int, everything: LayoutVersion
    ) -> None:
        case = put_one_forward()
        first = case.snapshots.get()
        assert rebuild_snapshot(case=case, layout_version=everything, by=None) == first
        omop_rows.event("condition")
        second = rebuild_snapshot(case=case, layout_version=everything, by=None)
        assert second.number == 2
        assert second.sha256 != first.sha256
        assert list(CaseSnapshot.objects.current()) == [second]
        first.refresh_from_db()
        assert first.sha256 == sha256_hex(first.content)

    def test_the_layout_version_is_frozen_by_its_first_snapshot(
        self, one_visit: int, everything: LayoutVersion
    ) -> None:
        omop_rows.concept(200, "History")
        nodes = list(layout_content(everything).nodes)
        set_layout_nodes(version=everything, nodes=nodes[:-1], by=None)
        assert everything.frozen_at is None
        put_one_forward()
        everything.refresh_from_db()
        assert everything.frozen_at is not None
        with pytest.raises(Conflict, match="frozen"):
            set_layout_nodes(version=everything, nodes=nodes, by=None)
        following = new_layout_version(layout=everything.layout, by=None)
        set_layout_nodes(version=following, nodes=nodes, by=None)
        assert len(layout_content(following).nodes) == len(nodes)
        assert len(layout_content(everything).nodes) == len(nodes) - 1

    def test_a_snapshot_cannot_be_changed_or_deleted(self, one_visit: int, everything: LayoutVersion) -> None:
        put_one_forward()
        for attempt in (
            lambda: CaseSnapshot.objects.update(content="{}"),
            lambda: CaseSnapshot.objects.all()._raw_delete("default"),
            lambda: SnapshotFeature.objects.update(label="x"),
        ):
            with pytest.raises(IntegrityError, match="facts"), transaction.atomic():
                attempt()

    def test_redaction_blanks_everything_but_hash_and_times(
        self, one_visit: int, everything: LayoutVersion, administrator: Any
    ) -> None:
        omop_rows.event("observation", 200, value_as_string="Secret: Yes")
        snapshot = put_one_forward().snapshots.get()
        sha256 = snapshot.sha256
        redact_snapshot(snapshot=snapshot, reason="A name was in it", by=administrator)
        assert (snapshot.content, snapshot.sources, snapshot.sha256) == ("", "", sha256)
        assert snapshot.redacted_at is not None
        rows = [(f.label, f.discriminator, f.entry_count) for f in snapshot.features.all()]
        assert rows == [("", f"redacted:{i}", 0) for i in range(len(rows))]
        assert len(rows) == 4
        event = json.loads(AuditEvent.objects.get(action="snapshot_redacted").data)
        assert event["reason"] == "A name was in it"
        with pytest.raises(Conflict):
            redact_snapshot(snapshot=snapshot, reason="again", by=administrator)
        with pytest.raises(IntegrityError, match="facts"), transaction.atomic():
            CaseSnapshot.objects.update(content="{}")

    def test_redaction_needs_a_reason(self, one_visit: int, everything: LayoutVersion) -> None:
        snapshot = put_one_forward().snapshots.get()
        with pytest.raises(Invalid):
            redact_snapshot(snapshot=snapshot, reason=" ", by=None)

    def test_a_failed_audit_row_undoes_the_write(
        self, one_visit: int, everything: LayoutVersion, monkeypatch: Any
    ) -> None:
        def refuse(**_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(audit, "record", refuse)
        with pytest.raises(RuntimeError):
            put_forward(visit_ids=[one_visit], by=None)
        assert not Case.objects.exists()
        assert not CaseSnapshot.objects.exists()


class TestIndexTime:
    def test_it_decides_what_is_known_and_is_fixed_from_the_first_snapshot_on(
        self, one_visit: int, everything: LayoutVersion
    ) -> None:
        omop_rows.event("condition", day=datetime(2020, 5, 17, 15, 0))
        case = Case.objects.create(
            number=1, visit_occurrence_id=one_visit, person_id=7, index_at=datetime(2020, 5, 17, 23, 59, 59)
        )
        set_index_time(case=case, index_at=datetime(2020, 5, 17, 14, 0), by=None)
        put_forward(visit_ids=[one_visit], by=None)
        assert '"conditions"' not in case.snapshots.get().content
        with pytest.raises(Conflict) as refused:
            set_index_time(case=case, index_at=datetime(2020, 5, 18), by=None)
        assert refused.value.code == "index_time_fixed"

    def test_a_time_with_a_zone_is_refused(self, one_visit: int) -> None:
        from datetime import UTC

        case = Case.objects.create(number=1, visit_occurrence_id=1, person_id=7, index_at=datetime(2020, 1, 1))
        with pytest.raises(Invalid, match="without zone"):
            set_index_time(case=case, index_at=datetime(2020, 1, 1, tzinfo=UTC), by=None)


class TestTrainingCase:
    def test_made_by_hand_without_a_visit(self, make_layout: Any, data_staff: Any) -> None:
        version = make_layout(feature("note", "note"))
        Case.objects.create(number=41)
        case = make_training_case(label="First steps", tree=tree_of("note"), layout_version=version, by=data_staff)
        assert (case.number, case.kind, case.visit_occurrence_id) == (42, Case.Kind.TRAINING, None)
        assert json.loads(case.snapshots.get().content) == to_json(tree_of("note"))
        again = make_training_case(
            label="As JSON", tree=to_json(tree_of("note")), layout_version=version, by=data_staff, number=7
        )
        assert again.snapshots.get().sha256 == case.snapshots.get().sha256
        version.refresh_from_db()
        assert version.frozen_at is not None

    def test_features_must_be_of_the_layout_and_the_number_free(self, make_layout: Any) -> None:
        version = make_layout(feature("note", "note"), feature("ai", "observation", role="advice"))
        with pytest.raises(Invalid, match="no feature node 'other'"):
            make_training_case(label="x", tree=tree_of("other"), layout_version=version, by=None)
        with pytest.raises(Invalid, match="is advice"):
            make_training_case(label="x", tree=tree_of("ai"), layout_version=version, by=None)
        with pytest.raises(Invalid, match="not valid"):
            make_training_case(label="x", tree={"sections": []}, layout_version=version, by=None)
        Case.objects.create(number=1)
        with pytest.raises(Conflict, match="taken"):
            make_training_case(label="x", tree=tree_of("note"), layout_version=version, by=None, number=1)
        assert Case.objects.count() == 1

    def test_it_cannot_be_rebuilt_from_a_visit(self, make_layout: Any) -> None:
        version = make_layout(feature("note", "note"))
        case = make_training_case(label="x", tree=tree_of("note"), layout_version=version, by=None)
        with pytest.raises(Conflict, match="by hand"):
            rebuild_snapshot(case=case, layout_version=version, by=None)
        other = make_layout(feature("note", "note"), name="Other")
        with pytest.raises(Conflict, match="by hand"):
            build_snapshot(case=case, layout_version=other, by=None)


def test_a_visit_that_is_gone_leaves_its_case(one_visit: int, everything: LayoutVersion) -> None:
    case = put_one_forward()
    VisitOccurrence.objects.all().delete()
    assert put_forward(visit_ids=[one_visit], by=None).kept == [case.pk]
