# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""What the check of templates finds: `python tests/load/gallery_check.py FOLDER [PEOPLE]`, from the project's folder.

FOLDER holds a folder of photos per person. For 2, 3 and 4 templates of each person the check looks at the gallery as it is, and with photos
of other people slipped in under 60 ids: half are of people who are enrolled, half of people who are not. Prints how many it sets
aside that are right, and how many of the wrong ones it finds.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[2])]

from engine.enrolment import doubts
from engine.enrolment.photos import Shot
from engine.gallery import Gallery, Template
from engine.imaging import list_images
from engine.workbench import Workbench

SLIPPED_IN = 60


def photos(bench: Workbench, folder: Path, people: int) -> dict[str, list[Shot]]:
    """Usable photos of people who have at least four, by person."""
    found = [place for place in sorted(folder.iterdir()) if place.is_dir() and len(list_images(place)) >= 4]
    random.Random(5).shuffle(found)
    shots = {}
    for place in found[:people]:
        shots[place.name], _ = bench.registrar.examine([(path.name, path) for path in list_images(place)[:5]])
    return shots


def gallery(bench: Workbench, rows: list[tuple[str, str, Shot]]) -> Gallery:
    """Of templates, each with id, owner and photo."""
    templates = [Template(name, owner, shot.quality.score) for name, owner, shot in rows]
    return bench.gallery.current().add(templates, np.stack([shot.embedding for _, _, shot in rows]))


def checked(bench: Workbench, found: Gallery) -> set[str]:
    """Ids of the templates that the check sets aside, one after the other."""
    gone: set[str] = set()
    while True:
        said = doubts(found, bench.calibration.threshold(found), bench.hygiene.other_person)
        first = next((each for each in said if each.sets_aside and len(found.of(each.employee_id)[0]) > 1), None)
        if first is None:
            return gone
        gone.add(first.template_id)
        found = found.remove_templates([first.template_id])


def main(folder: Path, people: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        bench, dice = Workbench(Path(place)), random.Random(1)
        shots = photos(bench, folder, people)
        print(f"{len(shots)} people, threshold {bench.calibration.threshold():.3f}")
        for count in (2, 3, 4):
            own = {who: each[:count] for who, each in shots.items() if len(each) >= count}
            spare = {who: each[count] for who, each in shots.items() if len(each) > count}
            rows = [(f"{who}-{number}", who, shot) for who, each in own.items() for number, shot in enumerate(each)]
            right = checked(bench, gallery(bench, rows))
            victims = dice.sample(sorted(own), SLIPPED_IN)
            others = dice.sample(sorted(set(spare) - set(victims)), min(SLIPPED_IN, len(set(spare) - set(victims))))
            inside, outside = others[::2], set(others[1::2])
            kept = [row for row in rows if row[1] not in outside]
            wrong = [(f"wrong-{who}", who, spare[of]) for who, of in zip(victims, [*inside, *outside], strict=False)]
            gone = checked(bench, gallery(bench, kept + wrong))
            names = {name for name, _, _ in wrong}
            print(
                f"{count} templates each: of {len(rows)} right ones {len(right)} set aside; of {len(wrong)} slipped in "
                f"{len(gone & names)} found, {len({each for each in gone & names if each[6:] in victims[: len(inside)]})} of "
                f"{len(inside)} whose person is enrolled; {len(gone - names)} right ones set aside beside them"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 400)
