from experiments.models.allocation import (
    AllocationRequest,
    AllocationRun,
    AllocationRunEvent,
    Assignment,
    AssignmentDisclosure,
)
from experiments.models.attention import AttentionCheck, AttentionCheckAnswer
from experiments.models.design import Arm, DisclosureSet, ProtocolStage, ProtocolVersion, Stage, StudyCase
from experiments.models.enrolment import (
    ConsentDocument,
    ConsentRecord,
    ConsentSignature,
    ConsentWording,
    Enrolment,
    EnrolmentEvent,
    Reminder,
)
from experiments.models.experiment import Experiment, ExperimentTransition
from experiments.models.intake import IntakeAnswer, IntakeSubmission
from experiments.models.materials import PreviewLink, ReminderRule, StudyTranslation, TrainingCase
from experiments.models.questionnaire import Question, Questionnaire, QuestionnaireVersion
from experiments.models.reference import AdjudicatorReading, ReferenceStandard
from experiments.models.review import Answer, Review, ReviewDraft, ReviewEvent, ReviewOpening, Submission
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
    "ConsentDocument",
    "ConsentRecord",
    "ConsentSignature",
    "ConsentWording",
    "DisclosureSet",
    "Enrolment",
    "EnrolmentEvent",
    "Experiment",
    "ExperimentTransition",
    "IntakeAnswer",
    "IntakeSubmission",
    "PreviewLink",
    "ProtocolStage",
    "ProtocolVersion",
    "Question",
    "Questionnaire",
    "QuestionnaireVersion",
    "ReferenceStandard",
    "Reminder",
    "ReminderRule",
    "Review",
    "ReviewDraft",
    "ReviewEvent",
    "ReviewOpening",
    "Stage",
    "StudyCase",
    "StudyRole",
    "StudyTranslation",
    "Submission",
    "TrainingCase",
]
