"""One planted fault for each check that asks rows: what is put where, and the one result that must tell of it."""

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
# Persons 1 and 2, visits 10 and 11 of 1 and 20 of 2, details 100 of visit 10 and 200 of visit 20; persons 1 and 2
# are observed. All concepts that the rows use are known and standard. Nothing is wrong.
BASE: dict[str, list[Row]] = {
    "concept": [
        {"concept_id": 8507},
        {"concept_id": 8527, "domain_id": "Race"},
        {"concept_id": 38003564, "domain_id": "Ethnicity"},
        {"concept_id": 32817, "domain_id": "Type Concept"},
        {"concept_id": 9202, "domain_id": "Visit"},
        {"concept_id": 3025315, "domain_id": "Measurement"},
        {"concept_id": 1125315, "domain_id": "Drug", "concept_class_id": "Ingredient"},
        {"concept_id": 312327, "domain_id": "Condition"},
        {"concept_id": 21, "domain_id": "Metadata"},
        {"concept_id": 46233683, "domain_id": "Relationship"},
        {"concept_id": 8532},
        {"concept_id": 197610, "domain_id": "Condition"},
        {"concept_id": 200962, "domain_id": "Condition"},
        {"concept_id": 8840, "domain_id": "Unit"},
        {"concept_id": 9529, "domain_id": "Unit"},
        {"concept_id": 4000, "domain_id": "Measurement", "standard_concept": None},
        {"concept_id": 4001, "domain_id": "Measurement", "invalid_reason": "U"},
        {"concept_id": 4002, "domain_id": "Drug", "concept_class_id": "Clinical Drug"},
    ],
    "person": [{"person_id": 1}, {"person_id": 2, "gender_concept_id": 8532, "month_of_birth": 2, "day_of_birth": 30}],
    "observation_period": [{}, {"person_id": 2}],
    "visit_occurrence": [
        {"visit_occurrence_id": 10},
        {"visit_occurrence_id": 11, "preceding_visit_occurrence_id": 10},
        {"visit_occurrence_id": 20, "person_id": 2},
    ],
    "visit_detail": [{"visit_detail_id": 100}, {"visit_detail_id": 200, "person_id": 2, "visit_occurrence_id": 20}],
    "death": [{"person_id": 2}],
}


@dataclass(frozen=True)
class Fault:
    """The rows of `table` are put in beside BASE; those of `wrong` (numbers from 0) are found under `code`, `column`.

    `checked` is how many rows of the table are asked. `value` is what is told of the first wrong row; `clean` are
    rows of the same kind in which nothing is wrong; `unasked` are rows that the check does not ask.
    """

    code: str
    table: str
    column: str
    rows: list[Row]
    wrong: tuple[int, ...]
    value: str
    clean: list[Row]
    unasked: list[Row] = field(default_factory=list)
    checked: int | None = None

    def __str__(self) -> str:
        return f"{self.code}-{self.table}-{self.column}"


def _measured(**changes: Any) -> Row:
    return changes


FAULTS = [
    # References
    Fault("person_exists", "measurement", "person_id", [{}, {"person_id": 404, "visit_occurrence_id": None}], (1,),
          "404", [{}]),
    Fault("reference_exists", "measurement", "visit_occurrence_id", [{"visit_occurrence_id": 404}, {}], (0,), "404",
          [{}], [{"visit_occurrence_id": None}]),
    Fault("reference_exists", "measurement", "provider_id", [{"provider_id": 0}, {}], (0,), "0", [{"provider_id": 5}],
          [{}], 1),
    Fault("visit_same_person", "measurement", "visit_occurrence_id",
          [{"visit_occurrence_id": 20}, {}, {"visit_occurrence_id": 20, "person_id": 2}], (0,), "20", [{}],
          [{"visit_occurrence_id": None}]),
    Fault("visit_same_person", "measurement", "visit_detail_id", [{"visit_detail_id": 200}, {"visit_detail_id": 100}],
          (0,), "200", [{"visit_detail_id": 100}], [{}]),
    Fault("visit_same_person", "visit_detail", "visit_occurrence_id",
          [{"visit_detail_id": 300, "visit_occurrence_id": 20}], (0,), "20", [{"visit_detail_id": 300}], [], 3),
    Fault("visit_same_person", "visit_occurrence", "preceding_visit_occurrence_id",
          [{"visit_occurrence_id": 30, "preceding_visit_occurrence_id": 20},
           {"visit_occurrence_id": 31, "preceding_visit_occurrence_id": 20, "person_id": 2}], (0,), "20",
          [{"visit_occurrence_id": 30, "preceding_visit_occurrence_id": 11}], [], 3),
    Fault("visit_same_person", "visit_detail", "preceding_visit_detail_id",
          [{"visit_detail_id": 300, "preceding_visit_detail_id": 200},
           {"visit_detail_id": 301, "preceding_visit_detail_id": 300}], (0,), "200",
          [{"visit_detail_id": 300, "preceding_visit_detail_id": 100}], [{"visit_detail_id": 302}], 2),
    Fault("visit_same_person", "visit_detail", "parent_visit_detail_id",
          [{"visit_detail_id": 300, "parent_visit_detail_id": 200},
           {"visit_detail_id": 301, "parent_visit_detail_id": 100}], (0,), "200",
          [{"visit_detail_id": 300, "parent_visit_detail_id": 100}], [{"visit_detail_id": 302}], 2),
    # Times
    Fault("start_before_end", "drug_exposure", "drug_exposure_start_date",
          [{"drug_exposure_start_date": "2020-03-13"}, {"drug_exposure_start_date": "2020-03-12"}], (0,), "2020-03-13",
          [{}]),
    Fault("start_before_end", "drug_exposure", "drug_exposure_start_datetime",
          [
              {"drug_exposure_start_datetime": "2020-03-11 10:00:00", "drug_exposure_end_date": "2020-03-11",
               "drug_exposure_end_datetime": "2020-03-11 09:59:59"},
              {"drug_exposure_start_datetime": "2020-03-11 10:00:00", "drug_exposure_end_date": "2020-03-11",
               "drug_exposure_end_datetime": "2020-03-11 00:00:00"},  # midnight: the time is not known
          ], (0,), "2020-03-11 10:00:00", [{"drug_exposure_start_datetime": "2020-03-11 10:00:00",
                                            "drug_exposure_end_datetime": "2020-03-12 00:00:00"}], [{}]),
    Fault("date_matches_datetime", "measurement", "measurement_datetime",
          [{"measurement_datetime": "2020-03-12 08:00:00"}, {"measurement_datetime": "2020-03-11 23:59:59"}], (0,),
          "2020-03-12 08:00:00", [{"measurement_datetime": "2020-03-11 00:00:00"}], [{}]),
    Fault("after_birth", "measurement", "measurement_date",
          [{"measurement_date": "1979-12-31", "visit_occurrence_id": None},
           {"measurement_date": "1980-01-01", "visit_occurrence_id": None},
           {"measurement_date": "1980-02-28", "visit_occurrence_id": None, "person_id": 2},
           {"measurement_date": "1980-02-29", "visit_occurrence_id": None, "person_id": 2}], (0, 2), "1979-12-31",
          [{}]),
    Fault("before_death", "measurement", "measurement_date",
          [{"measurement_date": "2021-07-05", "visit_occurrence_id": None, "person_id": 2},
           {"measurement_date": "2021-07-04", "visit_occurrence_id": None, "person_id": 2},
           {"measurement_date": "2021-07-05", "visit_occurrence_id": None}], (0,), "2021-07-05",
          [{"person_id": 2, "visit_occurrence_id": 20}], [{}], 2),
    Fault("within_visit", "measurement", "measurement_date",
          [{"measurement_date": "2020-03-02"}, {"measurement_date": "2020-03-03"}, {"measurement_date": "2020-03-19"},
           {"measurement_date": "2020-03-20"}], (0, 3), "2020-03-02", [{}], [{"visit_occurrence_id": None}]),
    Fault("within_visit", "visit_detail", "visit_detail_end_date",
          [{"visit_detail_id": 300, "visit_detail_end_date": "2020-03-20"}], (0,), "2020-03-20",
          [{"visit_detail_id": 300}], [], 3),
    Fault("plausible_date", "measurement", "measurement_date",
          [{"measurement_date": "2024-06-03", "visit_occurrence_id": None},
           {"measurement_date": "2024-06-02", "visit_occurrence_id": None}], (0,), "2024-06-03", [{}]),
    Fault("plausible_sex", "condition_occurrence", "condition_concept_id",
          [{"condition_concept_id": 200962, "person_id": 2}, {"condition_concept_id": 200962},
           {"condition_concept_id": 197610}], (0, 2), "200962", [{"condition_concept_id": 200962}],
          [{}], 3),
    Fault("observation_periods_apart", "observation_period", "observation_period_start_date",
          [{"observation_period_id": 5, "observation_period_start_date": "2021-01-01",
            "observation_period_end_date": "2021-02-01"},  # the day after another one ends
           {"observation_period_id": 6, "observation_period_start_date": "2021-02-03",
            "observation_period_end_date": "2021-03-01"}], (0,), "2021-01-01",
          [{"observation_period_id": 5, "observation_period_start_date": "2021-01-02",
            "observation_period_end_date": "2021-02-01"}], [], 4),
    Fault("observation_period_exists", "person", "person_id", [{"person_id": 3}], (0,), "3", [], [], 3),
    # Numbers
    Fault("plausible_value", "person", "year_of_birth", [{"person_id": 3, "year_of_birth": 1849},
                                                        {"person_id": 4, "year_of_birth": 2025},
                                                        {"person_id": 5, "year_of_birth": 2026}], (0, 2), "1849", [],
          [], 5),
    Fault("plausible_value", "person", "month_of_birth", [{"person_id": 3, "month_of_birth": 13}], (0,), "13", [], [],
          2),
    Fault("plausible_value", "person", "day_of_birth", [{"person_id": 3, "day_of_birth": 0}], (0,), "0", [], [], 2),
    Fault("plausible_value", "drug_exposure", "days_supply", [{"days_supply": 366}, {"days_supply": 365}], (0,), "366",
          [{"days_supply": 1}], [{}]),
    Fault("plausible_value", "drug_exposure", "refills", [{"refills": 25}, {"refills": 24}], (0,), "25",
          [{"refills": 0}], [{}]),
    Fault("plausible_value", "drug_exposure", "quantity", [{"quantity": "0.0"}, {"quantity": "0.5"}], (0,), "0",
          [{"quantity": 1}], [{}]),
    Fault("plausible_value", "drug_era", "gap_days", [{"gap_days": -1}, {"gap_days": 0}], (0,), "-1",
          [{"gap_days": 3}], [{}]),
]  # fmt: skip

# Faults that are told by distinct value or by count: the value told, and how many rows it is told of.
VALUES = [
    Fault("concept_exists", "measurement", "measurement_concept_id",
          [{"measurement_concept_id": 404}, {"measurement_concept_id": 404}, {"measurement_concept_id": 0}, {}],
          (0, 1), "404", [{}]),
    Fault("concept_domain", "measurement", "measurement_concept_id",
          [{"measurement_concept_id": 312327}, {"measurement_concept_id": 404}, {"measurement_concept_id": 0}, {}],
          (0,), "312327", [{}], [{"measurement_concept_id": 404}], 2),
    Fault("concept_domain", "drug_era", "drug_concept_id", [{"drug_concept_id": 4002}, {}], (0,), "4002", [{}]),
    Fault("concept_standard", "measurement", "measurement_concept_id",
          [{"measurement_concept_id": 4000}, {"measurement_concept_id": 4000}, {}], (0, 1), "4000", [{}],
          [{"measurement_concept_id": 404}]),
    Fault("concept_standard", "measurement", "unit_concept_id", [{"unit_concept_id": 4001}, {}], (0,), "4001",
          [{"unit_concept_id": 9529}], [{}], 1),
    Fault("plausible_unit", "measurement", "unit_concept_id",
          [{"unit_concept_id": 8840}, {"unit_concept_id": 9529}, {"unit_concept_id": 0}], (0,), "8840",
          [{"unit_concept_id": 9529}], [{}], 2),
]  # fmt: skip
