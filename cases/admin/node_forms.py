"""One form a node, as plain values: a version of 200 nodes is read and checked in a constant number of queries."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from django import forms

from cases.layouts.content import NodeData
from cases.models import LayoutNode

EXTRA_ROWS = 4


class ListField(forms.CharField):
    """A list written with commas. Stays a tuple of what `read` makes of each part."""

    def __init__(self, read: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.read = read

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else ", ".join(map(str, value))

    def clean(self, value: Any) -> Any:
        parts = [part.strip() for part in (value or "").replace("\n", ",").split(",")]
        try:
            return tuple(self.read(part) for part in parts if part)
        except ValueError as error:
            raise forms.ValidationError("Write concept ids, separated by commas.") from error


class RulesField(forms.CharField):
    """An object of value rules as JSON; empty for none."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 40, "spellcheck": "false", "class": "node-rules"})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if value else ""

    def clean(self, value: Any) -> Any:
        if not (value or "").strip():
            return {}
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"Not valid JSON: {error}") from error
        if not isinstance(found, dict):
            raise forms.ValidationError("An object of rules is needed, in braces.")
        return found


class NodeForm(forms.Form):
    """A row of the table of nodes. A row without a key is empty; `remove` takes a node away."""

    position = forms.IntegerField(required=False, widget=forms.NumberInput(attrs={"class": "node-number"}))
    level = forms.ChoiceField(choices=LayoutNode.Level.choices, required=False)
    parent = forms.CharField(required=False, max_length=80, widget=forms.TextInput(attrs={"list": "heading-keys"}))
    key = forms.CharField(required=False, max_length=80)
    label = forms.CharField(required=False, max_length=255)
    source = forms.ChoiceField(choices=LayoutNode.Source.choices, required=False)
    demographic = forms.ChoiceField(
        choices=[("", "—"), *((v, v) for v in ("age", "gender", "race", "ethnicity"))], required=False
    )
    concept_ids = ListField(int)
    include_descendants = forms.BooleanField(required=False)
    relationship_ids = ListField(str)
    type_concept_ids = ListField(int)
    window = forms.ChoiceField(choices=LayoutNode.Window.choices, required=False)
    window_number = forms.IntegerField(
        required=False, min_value=1, widget=forms.NumberInput(attrs={"class": "node-number"})
    )
    label_rule = forms.ChoiceField(choices=LayoutNode.LabelRule.choices, required=False)
    value_rules = RulesField(required=False)
    role = forms.ChoiceField(choices=LayoutNode.Role.choices, required=False)
    takes_supplied_values = forms.BooleanField(required=False)
    discloses_new_values = forms.BooleanField(required=False)
    visibility = forms.ChoiceField(choices=LayoutNode.Visibility.choices, required=False)
    remove = forms.BooleanField(required=False)

    @property
    def is_empty(self) -> bool:
        return not self.cleaned_data.get("key") and not self.cleaned_data.get("label")

    def node(self) -> NodeData:
        given = self.cleaned_data
        fields = {name: given[name] for name in NodeData.__dataclass_fields__}
        return NodeData(**{**fields, "parent": given["parent"].strip() or None, "key": given["key"].strip()})


class BaseNodeFormSet(forms.BaseFormSet):
    """All nodes of a version."""

    def nodes(self) -> list[NodeData]:
        """What was filled in and not removed, in the order of the positions given."""
        filled: list[Any] = self.forms
        kept = [form for form in filled if not form.is_empty and not form.cleaned_data["remove"]]
        last = max((form.cleaned_data["position"] or 0 for form in kept), default=0)
        # A row without a position is a new one: it goes to the end.
        kept.sort(key=lambda form: form.cleaned_data["position"] or last + 1)
        return [form.node() for form in kept]


NodeFormSet: Any = forms.formset_factory(NodeForm, formset=BaseNodeFormSet, extra=EXTRA_ROWS, max_num=5_000)


def initial(nodes: Sequence[NodeData]) -> list[dict[str, Any]]:
    """The nodes as first shown, with positions that leave room between them."""
    return [
        {"position": place * 10, **{name: getattr(node, name) for name in NodeData.__dataclass_fields__}}
        for place, node in enumerate(nodes, start=1)
    ]
