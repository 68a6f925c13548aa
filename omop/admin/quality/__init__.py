"""The pages on the quality of the data: what the checks found, by table, by run and over time."""

from omop.admin.quality import pages

__all__ = ["pages"]
