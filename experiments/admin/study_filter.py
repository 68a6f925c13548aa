"""Lists by study: what a study's own page leads to must hold that study's rows alone, or none."""

from __future__ import annotations

from django.contrib import admin


class StudyFilter(admin.RelatedOnlyFieldListFilter):
    """Of the studies in the list. Django's own takes its parameter out of the address but filters by it only where
    there are two studies to choose from: of one study with rows, another's list would show them."""

    def has_output(self) -> bool:
        chosen = self.lookup_val is not None or bool(self.lookup_val_isnull)
        return chosen or super().has_output()
