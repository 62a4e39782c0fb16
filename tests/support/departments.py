"""A workplace with two departments in March 2025, between which one person moved: what a manager of Sales may see, and what not.

Ann (E1) is in Sales. Ben (E2) is in the Lab. Cy (E3) moved from the Lab to Sales on Wednesday, 12 March. All three worked from 9 to 17 on
Monday to Friday, 10 to 14 March, with a correction each that waits for approval.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from paperwork import DIMENSION, face, picture, punch, stranger, tailgating

from engine.gallery import Template
from engine.imaging import write_jpeg
from engine.people import Dating, Person
from engine.workbench import Workbench

MONDAY, MOVED, FRIDAY = date(2025, 3, 10), date(2025, 3, 12), date(2025, 3, 14)
MARCH = {"from": "2025-03-01", "until": "2025-03-31"}
ANN, BEN, CY = "Anna Adler", "Ben Bauer", "Cyra Conti"
SETTINGS = """timezone = "Europe/Berlin"
[shifts.office]
start = 09:00:00
end = 17:00:00
break_min = 0
[attendance]
compare_people = "asked for by the works council"
[leave.annual]
days_per_year = 30
"""


def settings(folder: Path) -> Path:
    """The settings of the workplace."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "muster.toml").write_text(SETTINGS)
    return folder


def fill(bench: Workbench) -> Workbench:
    """People, punches, corrections, leave and incidents."""
    since = "2025-01-02T09:00:00+01:00"
    rows = (("E1", ANN, "Sales"), ("E2", BEN, "Lab"), ("E3", CY, "Lab"))
    bench.people.put_all(
        [Person(key, name, department, f"{key}@example.com", since) for key, name, department in rows],
        {key: Dating(hired_on=date(2025, 1, 2)) for key, *_ in rows},
    )
    bench.people.change("E3", Dating(valid_from=MOVED), department="Sales")
    templates = [Template(f"20250102T080000-{key}-0", key, 0.9) for key, *_ in rows]
    embeddings = np.stack([face(*(float(place == number) for place in range(3))) for number in range(3)])
    assert embeddings.shape == (3, DIMENSION)
    bench.gallery.update(lambda old: old.add(templates, embeddings))
    for number, template in enumerate(templates):
        write_jpeg(bench.registrar.picture(template.template_id), picture(60 + 60 * number))
    for offset in range(5):
        day = datetime(2025, 3, 10 + offset, tzinfo=UTC)
        for key, *_ in rows:
            for hour, way in ((8, "in"), (16, "out")):
                image = f"images/evidence/{day:%Y%m%d}T{hour:02}0000-{key}.jpg"
                write_jpeg(bench.workspace / image, picture())
                punch(bench, key, day + timedelta(hours=hour), track=f"{way}-{key}-{offset}", image=image)
    _decide(bench)
    stranger(bench, face(0, 0, 0, 1), datetime(2025, 3, 11, 9, tzinfo=UTC), track="t9", image=picture())
    tailgating(bench, datetime(2025, 3, 13, 9, tzinfo=UTC), ["E1", "E2"])
    return bench


def _decide(bench: Workbench) -> None:
    """Corrections and leave; Ann's correction names Ben, the others their own people."""
    for key, day, why in (
        ("E1", MONDAY, f"{BEN} saw her"),
        ("E2", MONDAY, "lab key"),
        ("E3", MONDAY, "lab door"),
        ("E3", FRIDAY, "shop door"),
    ):
        bench.office.correct(key, day, "status", value="present", author="hr", reason=why)
    leave = bench.leave_desk
    leave.add("E1", "annual", date(2025, 3, 17), date(2025, 3, 18), author="hr")
    leave.add("E2", "annual", date(2025, 3, 19), date(2025, 3, 20), author="hr")
    leave.add("E3", "sick", date(2025, 3, 4), date(2025, 3, 5), author="hr")
