"""A study as a link shows it: its design, and made-up cases as that discloses them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from augmed.foundation.canonical import sha256_hex
from augmed.foundation.errors import NotFound
from cases.disclosure import FoundFeature, Show, disclose, disclosed_to_json, resolve
from cases.models import LayoutNode
from cases.tree import Identity, Tree, features
from experiments.actions.disclosure_sets import cell_from_json
from experiments.attention import with_check
from experiments.design.matrix import matrix_nodes
from experiments.made_up import made_up_shows, made_up_tree
from experiments.models import Experiment, PreviewLink
from experiments.reviewing.revealing import Hiding, hiding
from experiments.screens.look.designs import FrozenDesign, LookDesign, LookStage, LookVersion, Questions, WorkingDesign
from experiments.screens.look.places import named_findings, place, words

MADE_UP_CASES = 2
PRACTICE_CASE = MADE_UP_CASES + 1


class LookStudy:
    """What a link shows."""

    def __init__(self, link: PreviewLink) -> None:
        self.experiment: Experiment = link.experiment
        frozen = link.protocol
        self.design: LookDesign = (
            WorkingDesign(self.experiment) if frozen is None else FrozenDesign(self.experiment, frozen)
        )

    @classmethod
    def by_secret(cls, secret: str) -> LookStudy:
        """NotFound for a link that is not there, is over or was revoked. One statement."""
        link = (
            PreviewLink.objects.usable()
            .filter(secret_hash=sha256_hex(secret))
            .select_related("experiment__layout", "protocol__layout_version", "protocol__attention_check")
            .first()
        )
        if link is None:
            raise NotFound(_("This link shows nothing any more. Ask whoever gave it to you for a new one."))
        return cls(link)

    def version(self, letter: str) -> LookVersion:
        for version in self.design.versions:
            if version.letter == letter:
                return version
        raise NotFound(_("There is no such page."))

    def questions(self, at: LookStage, case: int) -> Questions:
        """With the study's attention check at the first stage of the last made-up case."""
        check = self.design.check if case == MADE_UP_CASES and at.position == 1 else None
        return at.questions if check is None else with_check(at.questions, check)

    def disclosed(self, at: LookStage, case: int) -> Mapping[str, Any]:
        """A made-up case as this stage discloses it, as JSON values."""
        tree = self._tree(case)
        identities = [feature.identity for feature, _path in features(tree)]
        shows = [*at.shows, *self._by_cells(at, identities)]
        return disclosed_to_json(disclose(tree, made_up_shows(identities, shows)))

    def hiding(self, at: LookStage, disclosed: Mapping[str, Any], revealed: frozenset[str]) -> Hiding | None:
        return hiding(at.reveal_terms, tuple(revealed), disclosed)

    @cached_property
    def _nodes(self) -> list[LayoutNode]:
        layout = self.design.layout
        return list(layout.nodes.select_related("parent").order_by("position")) if layout else []

    def _tree(self, case: int) -> Tree:
        layout, texts = self.design.layout, self.design.texts
        if layout is None:
            return made_up_tree([], number=case, words=words())
        shown = {show.identity for version in self.design.versions for at in version.stages for show in at.shows}
        named = named_findings(self.experiment, layout, self._nodes, shown)
        return made_up_tree([place(node, texts) for node in self._nodes], named, number=case, words=words())

    def _by_cells(self, at: LookStage, identities: list[Identity]) -> tuple[Show, ...]:
        """What the matrix says of places where no case of the study has anything yet."""
        layout = self.design.layout
        if layout is None or not at.cells:
            return ()
        known = {node.key for node in self._nodes}
        cells = [cell_from_json(cell, str(at.position)) for cell in at.cells]
        found = [FoundFeature(*identity) for identity in identities]
        return resolve([cell for cell in cells if cell.node_key in known], matrix_nodes(layout), found)
