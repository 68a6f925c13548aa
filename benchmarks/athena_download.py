"""A synthetic download of Athena: true dialect, lengths of names, share of each vocabulary and shape of the hierarchy
as in a default bundle, which has 6 M concepts, 39 M relationships and 72 M ancestors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

FULL = {"concept": 6_000_000, "concept_relationship": 39_000_000, "concept_ancestor": 72_000_000}
Row = tuple[str, ...]


def _words(text: str) -> list[str]:
    return text.split()


_SYLLABLES = _words("""
    a be ce di fo gly hy im ka lo mi na ox pro qui ra so tri ux va xe yl zo ben cor der flu gen hex ins
""")
_CLINICAL = _words("""
    heart failure left right acute chronic disorder of structure due to with without procedure on entire bone
    fracture open closed malignant neoplasm primary secondary infection bacterial viral pneumonia diabetes
    mellitus type 2 1 kidney liver cell blood pressure measurement glucose serum plasma urine mass volume presence
    antibody antigen by culture method specimen upper lower limb skin pain syndrome congenital finding history
    family allergy poisoning initial injury nerve artery vein valve aortic mitral stenosis hypertension hepatitis
    b c virus anemia iron breast
""")
_FORMS = ("Oral Tablet", "Injectable Solution", "Oral Capsule", "Topical Cream", "Extended Release Oral Tablet")
DATES = ("19700101", "20991231")
HEADERS = {
    "concept": "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code"
    " valid_start_date valid_end_date invalid_reason",
    "concept_relationship": "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason",
    "concept_ancestor": "ancestor_concept_id descendant_concept_id min_levels_of_separation max_levels_of_separation",
}


def write_download(folder: Path, scale: int) -> None:
    """CONCEPT.csv, CONCEPT_RELATIONSHIP.csv and CONCEPT_ANCESTOR.csv of 1/scale of the full size."""
    draw = random.Random(scale)
    count = FULL["concept"] // scale
    ids = sorted(draw.sample(range(1, 10 * count), count))
    _write(folder, "concept", concepts(draw, ids))
    _write(folder, "concept_relationship", _relationships(draw, ids, FULL["concept_relationship"] // scale))
    _write(folder, "concept_ancestor", _ancestors(draw, ids, FULL["concept_ancestor"] // scale))


def _write(folder: Path, table: str, rows: Iterator[Row]) -> None:
    with (folder / f"{table.upper()}.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(HEADERS[table].split()) + "\n")
        file.writelines("\t".join(row) + "\n" for row in rows)


def concepts(draw: random.Random, ids: list[int]) -> Iterator[Row]:
    for concept_id, (name, domain, vocabulary) in zip(ids, names(draw), strict=False):
        chance = draw.random()
        standard = "S" if chance < 0.42 else "C" if chance < 0.45 else ""
        kind = "Clinical Drug" if domain == "Drug" else "Clinical Finding"
        invalid = "D" if chance > 0.8 else ""
        yield (str(concept_id), name, domain, vocabulary, kind, standard, f"{concept_id * 7:08d}", *DATES, invalid)


def names(draw: random.Random) -> Iterator[tuple[str, str, str]]:
    """Name, domain and vocabulary without end: six in ten are drug products, three clinical phrases, one is short."""
    ingredients = [_word(draw, 3, 5) for _ in range(6_000)]
    brands = [_word(draw, 2, 3).title() for _ in range(15_000)]
    clinical = _CLINICAL + [_word(draw, 2, 5) for _ in range(30_000)]
    often = [1 / (rank + 3) for rank in range(len(clinical))]
    usual = [1 / (rank + 10) for rank in range(len(ingredients))]
    while True:
        words = iter(draw.choices(clinical, often, k=40_000))
        for ingredient in draw.choices(ingredients, usual, k=5_000):
            chance = draw.random()
            if chance < 0.6:
                yield _product(draw, ingredient, draw.choice(brands), chance), "Drug", draw.choice(("RxNorm", "NDC"))
            elif chance < 0.9:
                phrase = " ".join(next(words) for _ in range(draw.randint(2, 8)))
                quote = ' 5"' if chance < 0.602 else ""
                yield phrase.capitalize() + quote, draw.choice(("Condition", "Measurement")), "SNOMED"
            else:
                yield f"{next(words)} {next(words)}".capitalize(), "Observation", "OSM"


def _product(draw: random.Random, ingredient: str, brand: str, chance: float) -> str:
    strength = f"{draw.choice((1, 2, 5, 10, 20, 50, 100, 500))} {draw.choice(('MG', 'MG/ML', 'ML', 'UNT/ML'))}"
    name = f"{ingredient} {strength} {draw.choice(_FORMS)}"
    if chance < 0.45:
        name += f" [{brand}]"
    if chance < 0.3:
        name = f"{draw.choice((1, 2, 5, 10))} ML {name} Box of {draw.choice((10, 20, 30, 50, 100))}"
    return name + f" by {brand} Pharma" if chance < 0.2 else name


def _word(draw: random.Random, least: int, most: int) -> str:
    return "".join(draw.choices(_SYLLABLES, k=draw.randint(least, most)))


def _relationships(draw: random.Random, ids: list[int], count: int) -> Iterator[Row]:
    """Each with its reverse, none twice; the third kind leads to few hubs, as dose forms are."""
    kinds = (("Is a", "Subsumes"), ("Maps to", "Mapped from"), ("Has form", "Form of"), ("Has brand", "Brand of"))
    written = 0
    for number, (forward, back) in enumerate(kinds, start=1):
        for at, concept_id in enumerate(ids):
            other = ids[at % 50] if number == 3 else ids[(at + number * 7_919) % len(ids)]
            yield str(concept_id), str(other), forward, *DATES, "D" if draw.random() < 0.1 else ""
            yield str(other), str(concept_id), back, *DATES, ""
            written += 2
            if written >= count:
                return


def _ancestors(draw: random.Random, ids: list[int], count: int) -> Iterator[Row]:
    """A binary tree: of each concept itself, its five nearest ancestors and its six highest, so that the first have
    very many below them."""
    written = 0
    for at, concept_id in enumerate(ids):
        chain = [at]
        while chain[-1]:
            chain.append((chain[-1] - 1) // 2)
        for levels, above in [(level, place) for level, place in enumerate(chain) if level < 6 or place < 63]:
            yield str(ids[above]), str(concept_id), str(levels), str(levels)
            written += 1
            if written >= count:
                return
