"""Data of a large installation: 20,000 persons with 540,000 observations, a study of 1,000 readers x 100 cases."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable

from django.db import connection, transaction

from benchmarks.floors import SCHEMA
from cases.models import Case
from cases.tree import SCHEMA_VERSION, Entry, Feature, ModelOutput, Node, Tree
from experiments.models import Enrolment, Experiment, Review
from experiments.tests.factories import make_case, make_enrolment, make_layout, make_participant, make_study, show

READERS = 1_000
CASES = 100
PERSONS = 20_000
OBSERVATIONS_PER_PERSON = 27
FEATURES = 50
FLOOR_ROWS = 1_000
NAME = "Load test"


def tree(number: int, count: int = FEATURES) -> Tree:
    """A chart of `count` features, some with several entries, and an advice."""
    draw = random.Random(number)
    labs = tuple(
        Feature(
            "lab",
            f"c:{3_000_000 + at}",
            f"Laboratory value {at}",
            "series",
            "clinical",
            tuple(
                Entry(
                    f"{value}.5 mg/dL", number=f"{value}.5", unit="mg/dL", low="10", high="90", date=f"20{year}-03-01"
                )
                for year, value in ((18, draw.randint(1, 99)), (19, draw.randint(1, 99)))
            ),
        )
        for at in range(count - 2)
    )
    model = ModelOutput("Risk equation", "1", "2020-01-01", "An estimate, not a diagnosis.")
    age = Feature("age", "", "Age", "number", "clinical", (Entry(str(40 + number % 40), number=str(40 + number % 40)),))
    advice = Feature("advice", "", "Risk estimate", "text", "advice", (Entry(f"{draw.randint(1, 40)} %", model=model),))
    return Tree(
        SCHEMA_VERSION,
        (
            Node("patient", "Patient", "section", (age,)),
            Node("findings", "Findings", "section", (Node("laboratory", "Laboratory", "category", labs),)),
            Node("advice-section", "Advice", "section", (advice,)),
        ),
    )


def seed(say: Callable[[str], None]) -> Experiment:
    """Make what is missing. A second run finds it all there."""
    _floor_tables()
    existing = Experiment.objects.filter(name=NAME).first()
    if existing:
        return existing
    say(f"seeding {PERSONS * OBSERVATIONS_PER_PERSON:,} observations")
    _omop_rows()
    say(f"seeding a study of {READERS:,} readers x {CASES} cases")
    with transaction.atomic():
        layout = make_layout("Load test layout")
        cases = [make_case(layout_version=layout, tree=tree(at), number=5_000_000 + at) for at in range(CASES)]
        experiment = make_study(
            cases=cases,
            layout_version=layout,
            name=NAME,
            arms={"Without": [show("age", "lab")], "With": [show("age", "lab", "advice")]},
            allocation_rule="arm_per_participant_case",
        )
    for at in range(READERS):
        make_enrolment(experiment, make_participant(f"load{at}@example.org"))
        if (at + 1) % 250 == 0:
            say(f"  {at + 1} readers enrolled and drawn")
    analyze()
    return experiment


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def set_floor_payloads(sizes: dict[str, int]) -> dict[str, int]:
    """Fill the floor's table with payloads of these sizes; the first key of each name's block of rows."""
    first = {}
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_floor, bench_written")
        for block, (name, size) in enumerate(sizes.items()):
            first[name] = block * FLOOR_ROWS
            payload = json.dumps({"filler": "x" * max(0, size - 14)})
            cursor.execute(
                "INSERT INTO bench_floor SELECT n, %s FROM generate_series(%s::int, %s::int) AS n",
                [payload, first[name], first[name] + FLOOR_ROWS - 1],
            )
        cursor.execute("ANALYZE bench_floor")
    return first


def _floor_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)


def _omop_rows() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO person (person_id, gender_concept_id, year_of_birth, race_concept_id, ethnicity_concept_id) "
            "SELECT n, 8507, 1950 + n %% 50, 0, 0 FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING",
            [PERSONS],
        )
        cursor.execute(
            "INSERT INTO observation (observation_id, person_id, observation_concept_id, observation_date, "
            "observation_type_concept_id, visit_occurrence_id, value_as_string) "
            "SELECT n, 1 + n %% %s, 4000000 + n %% 300, date '2019-01-01' + (n %% 900)::int, 32817, 1 + n %% %s, "
            "'value ' || n FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING",
            [PERSONS, PERSONS, PERSONS * OBSERVATIONS_PER_PERSON],
        )


def unopened_reviews(experiment: Experiment, *, skip: int, count: int) -> list[tuple[int, str]]:
    """(user id, public id) of reviews nobody has opened: each reader's next ones, reader by reader in turn."""
    rows = (
        Review.objects.filter(assignment__enrolment__experiment=experiment, opening__isnull=True)
        .order_by("assignment__position", "assignment__enrolment_id")
        .values_list("assignment__enrolment__user_id", "public_id")[skip : skip + count]
    )
    return [(user_id, public_id.hex) for user_id, public_id in rows]


def asking_a_check(reviews: Iterable[str]) -> set[str]:
    """Those of the opened reviews (by public id) that ask an attention check."""
    found = Review.objects.filter(public_id__in=list(reviews), opening__attention_check__isnull=False)
    return {public_id.hex for public_id in found.values_list("public_id", flat=True)}


def totals(experiment: Experiment) -> dict[str, int]:
    reviews = Review.objects.filter(assignment__enrolment__experiment=experiment)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM observation")
        (observations,) = cursor.fetchone()
    return {
        "reviews": reviews.count(),
        "observations": observations,
        "enrolments": Enrolment.objects.filter(experiment=experiment).count(),
        "cases": Case.objects.count(),
    }
