"""What stands for a study in the addresses of the screens."""

from __future__ import annotations

from django.urls import register_converter


class StudyCode:
    """As `experiments.models.experiment.new_code` makes it. Anything else, with characters that no database takes among
    it, is no address of ours (404)."""

    regex = "exp-[0-9a-f]{12}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(StudyCode, "study_code")
