from experiments.models.allocation import (
    AllocationRequest,
    AllocationRun,
    AllocationRunEvent,
    Assignment,
    AssignmentDisclosure,
)
from experiments.models.attention import AttentionCheck, AttentionCheckAnswer
from experiments.models.design import Arm, DisclosureSet, ProtocolStage, ProtocolVersion, Stage, StudyCase
from experiments.models.enrolment import ConsentRecord, Enrolment, EnrolmentEvent
from experiments.models.experiment import Experiment, ExperimentTransition
from experiments.models.questionnaire import Question, Questionnaire, QuestionnaireVersion
from experiments.models.reference import AdjudicatorReading, ReferenceStandard
from experiments.models.review import Answer, Review, ReviewEvent, ReviewOpening, Submission
from experiments.models.study_role import StudyRole

__all__ = [
    "AdjudicatorReading",
    "AllocationRequest",
    "AllocationRun",
    "AllocationRunEvent",
    "Answer",
    "Arm",
    "Assignment",
    "AssignmentDisclosure",
    "AttentionCheck",
    "AttentionCheckAnswer",
    "ConsentRecord",
    "DisclosureSet",
    "Enrolment",
    "EnrolmentEvent",
    "Experiment",
    "ExperimentTransition",
    "ProtocolStage",
    "ProtocolVersion",
    "Question",
    "Questionnaire",
    "QuestionnaireVersion",
    "ReferenceStandard",
    "Review",
    "ReviewEvent",
    "ReviewOpening",
    "Stage",
    "StudyCase",
    "StudyRole",
    "Submission",
]
