"""The admin of studies. Every page states its verb; every write is an action."""

from experiments.admin import arm, enrolment, experiment, facts, questionnaire, reference, study_role

__all__ = ["arm", "enrolment", "experiment", "facts", "questionnaire", "reference", "study_role"]
