"""The 39 tables of the OMOP Common Data Model 5.4, under their CDM table and column names,
and what is remembered of imports.

No model of the CDM has a ForeignKey: see docs/decisions/0010-omop-plain-columns.md. Which column refers to what
is in omop.specification, and the import checks it.
"""

from omop.models.clinical import (
    Death,
    FactRelationship,
    Note,
    NoteNlp,
    ObservationPeriod,
    Person,
    Specimen,
    VisitDetail,
    VisitOccurrence,
)
from omop.models.clinical_events import (
    ConditionOccurrence,
    DeviceExposure,
    DrugExposure,
    Measurement,
    Observation,
    ProcedureOccurrence,
)
from omop.models.derived import (
    ConditionEra,
    DoseEra,
    DrugEra,
    Episode,
    EpisodeEvent,
)
from omop.models.economics import (
    Cost,
    PayerPlanPeriod,
)
from omop.models.health_system import (
    CareSite,
    Location,
    Provider,
)
from omop.models.imports import (
    CheckOutcome,
    ImportedFile,
    ImportRun,
    TableLoad,
)
from omop.models.metadata import (
    CdmSource,
    Metadata,
)
from omop.models.results import (
    Cohort,
    CohortDefinition,
)
from omop.models.vocabulary import (
    Concept,
    ConceptAncestor,
    ConceptClass,
    ConceptRelationship,
    ConceptSynonym,
    Domain,
    DrugStrength,
    Relationship,
    SourceToConceptMap,
    Vocabulary,
)

__all__ = [
    "CareSite",
    "CdmSource",
    "CheckOutcome",
    "Cohort",
    "CohortDefinition",
    "Concept",
    "ConceptAncestor",
    "ConceptClass",
    "ConceptRelationship",
    "ConceptSynonym",
    "ConditionEra",
    "ConditionOccurrence",
    "Cost",
    "Death",
    "DeviceExposure",
    "Domain",
    "DoseEra",
    "DrugEra",
    "DrugExposure",
    "DrugStrength",
    "Episode",
    "EpisodeEvent",
    "FactRelationship",
    "ImportRun",
    "ImportedFile",
    "Location",
    "Measurement",
    "Metadata",
    "Note",
    "NoteNlp",
    "Observation",
    "ObservationPeriod",
    "PayerPlanPeriod",
    "Person",
    "ProcedureOccurrence",
    "Provider",
    "Relationship",
    "SourceToConceptMap",
    "Specimen",
    "TableLoad",
    "VisitDetail",
    "VisitOccurrence",
    "Vocabulary",
]
