"""A workspace of two people with real faces in which one of them has left every kind of trace there is."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from fakes import T0, at
from numpy.typing import NDArray
from paperwork import Clock, punch, stranger, tailgating
from sightings import track

from engine.config import Config
from engine.face_reader import FaceReader
from engine.gallery import SeenFace, Template
from engine.imaging import crop_around, encoded, read_image, write_jpeg
from engine.incidents import IncidentRow, film_of
from engine.types import Event, EventKind
from engine.workbench import Workbench

__all__ = ["CONFIG", "OTHER", "OTHER_NAME", "Traces", "build", "opened"]

OTHER, OTHER_NAME = "E8", "Ben Afflek"
RULE = {"name": "desk", "webhook": "http://localhost:9/", "webhook_secret_env": "DESK_KEY"}
CONFIG = Config.model_validate(
    {
        "shifts": {"office": {"start": "08:00", "end": "16:00", "days": "mon-sun"}},
        "notifications": {"rules": [RULE]},
        "organisation": "Works",
    }
)
Image = NDArray[np.uint8]


@dataclass
class Traces:
    """What was put into the workspace.

    Attributes:
        person, name: who left traces.
        faces: (n, d) embeddings that are theirs, wherever they are kept.
        pictures: that must go, hide somebody, or stay as they are: relative paths.
        incidents: ids by what they are.
    """

    person: str
    name: str
    faces: list[NDArray[np.float32]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    incidents: dict[str, str] = field(default_factory=dict)


def opened(workspace: Path, reader: FaceReader) -> Workbench:
    """The workspace an hour after the last of it was written."""
    workbench = Workbench(workspace, CONFIG, clock=Clock(at(7200)))
    workbench.reader = reader
    return workbench


def beside(*crops: tuple[Image, int]) -> Image:
    """Faces side by side, each of a size of its own, on grey."""
    height, width = 40 + max(side for _, side in crops), 20 + sum(side + 20 for _, side in crops)
    scene = np.full((height, width, 3), 110, np.uint8)
    left = 20
    for crop, side in crops:
        scene[20 : 20 + side, left : left + side] = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        left += side + 20
    return scene


def build(workspace: Path, samples: Path, reader: FaceReader, person: str, name: str) -> Traces:
    """Fill a workspace: everything a busy week leaves behind of Mindy under that id and name, and of Ben."""
    made = Traces(person, name)
    workbench = opened(workspace, reader)
    clock = workbench.clock
    assert isinstance(clock, Clock)
    photos = {who: sorted((samples / "val" / who).glob("*.jpg")) for who in ("mindy_kaling", "ben_afflek", "madonna")}

    @functools.cache
    def crop(who: str, number: int) -> tuple[Image, NDArray[np.float32]]:
        image = read_image(photos[who][number])
        faces = reader.photo(image)
        best = int(faces.detections.areas.argmax())
        assert faces.embeddings is not None
        return crop_around(image, faces.detections.boxes[best], grow=0.4), faces.embeddings[best]

    def keep(folder: str, number: int, image: Image) -> str:
        path = workspace / "images" / folder / f"{T0:%Y%m%dT%H%M%S}-{number:08}.jpg"
        write_jpeg(path, image)
        return path.relative_to(workspace).as_posix()

    def film(row: IncidentRow, scenes: list[Image]) -> None:
        """A second of each scene."""
        size = (max(each.shape[0] for each in scenes), max(each.shape[1] for each in scenes))
        shown = [np.full((*size, 3), 110, np.uint8) for _ in scenes]
        for whole, each in zip(shown, scenes, strict=True):
            whole[: each.shape[0], : each.shape[1]] = each
        pictures = [(number / 5, shown[number // 5]) for number in range(5 * len(shown))]
        workbench.incidents.keep_film(row, encoded(pictures))

    mindy, ben, madonna = crop("mindy_kaling", 0), crop("ben_afflek", 0), crop("madonna", 0)
    # before anybody is enrolled: a stranger
    clock.now = T0 - timedelta(days=3)
    earlier = stranger(workbench, mindy[1], clock.now, track=f"{clock.now:%Y%m%dT%H%M%S}-aa-1", image=mindy[0])
    for employee_id, called, folder in ((person, name, "mindy_kaling"), (OTHER, OTHER_NAME, "ben_afflek")):
        workbench.registrar.enrol_photos(
            employee_id, called, sorted((samples / "train" / folder).glob("*.jpg"))[:3], author=name
        )
    made.gone += [f"images/enrolment/{each.template_id}.jpg" for each in workbench.gallery.current().of(person)[0]]
    made.kept += [f"images/enrolment/{each.template_id}.jpg" for each in workbench.gallery.current().of(OTHER)[0]]
    made.changed.append(made.kept.pop())
    write_jpeg(workspace / made.changed[0], beside((ben[0], 200), (mindy[0], 60)))

    clock.now = T0 - timedelta(days=1)
    punch(workbench, OTHER, clock.now, track="run-1")  # a day on which Mindy was absent: the sheet says so by name
    clock.now = T0
    made.gone.append(keep("evidence", 1, crop("mindy_kaling", 1)[0]))
    punch(workbench, person, T0, track="run-2", image=made.gone[-1])
    made.gone.append(keep("unidentified", 2, crop("mindy_kaling", 2)[0]))
    punch(workbench, person, at(900), track="run-3", image=made.gone[-1], certain=False)
    made.kept.append(keep("evidence", 3, crop("ben_afflek", 1)[0]))
    punch(workbench, OTHER, at(60), track="run-4", image=made.kept[-1])
    made.changed.append(keep("evidence", 4, beside((ben[0], 200), (mindy[0], 70))))
    punch(workbench, OTHER, at(1200), track="run-5", image=made.changed[-1])
    workbench.sightings.record(track("run-2", [{person: 0.8, OTHER: 0.2}] * 4))
    for name_of_track, who, number, key in (("run-2", "mindy_kaling", 1, person), ("run-4", "ben_afflek", 1, OTHER)):
        passed = SeenFace(name_of_track, "door", T0, at(2), "known", key)
        workbench.records.seen.record(passed, crop(who, number)[1])
    unsure = SeenFace("run-12", "door", at(30), at(32), "unknown")
    workbench.records.seen.record(unsure, crop("mindy_kaling", 2)[1])  # by likeness alone
    workbench.sightings.record(track("run-4", [{OTHER: 0.7, person: 0.1}] * 4, start_s=60))

    both = beside((mindy[0], 140), (ben[0], 140))
    row = tailgating(
        workbench,
        at(5),
        [person, OTHER],
        (),
        dict.fromkeys(("image", "clean_image", "before_image", "after_image"), both),
    )
    made.incidents["both"] = row.incident_id
    film(row, [both])
    made.gone.append(film_of(row))
    made.gone += [row.image, row.clean_image, row.before_image, row.after_image]
    others = beside((ben[0], 170), (madonna[0], 150), (mindy[0], 70))
    row = tailgating(workbench, at(1300), [OTHER], ["unknown-9"], {"image": others, "clean_image": others})
    made.incidents["others"] = row.incident_id
    made.gone.append(row.image)  # names are written on it
    film(row, [beside((ben[0], 170)), beside((ben[0], 170)), beside((mindy[0], 170))])  # she comes by at the end
    made.gone.append(film_of(row))
    made.changed.append(row.clean_image)
    late = Event(EventKind.UNKNOWN, at(100), "gate", (3,), (), (), until=at(101))
    row = workbench.incidents.record(late, {"image": crop("mindy_kaling", 3)[0]}, tracks=["run-6"])
    assert row is not None
    made.incidents["recognised a moment later"] = row.incident_id
    workbench.incidents.review(row.incident_id, "resolved", author="engine", now=at(103), employee_id=person)
    made.gone += [row.image, earlier.image]
    made.incidents["earlier"] = earlier.incident_id
    passing = stranger(workbench, madonna[1], at(1500), track=f"{T0:%Y%m%dT%H%M%S}-aa-7", image=madonna[0])
    made.incidents["a stranger"] = passing.incident_id
    made.kept.append(passing.image)
    film(passing, [madonna[0], madonna[0]])
    made.kept.append(film_of(passing))

    taken = crop("mindy_kaling", 4)[1]
    anchors = [Template("m-1", OTHER, 0.9), Template("m-2", person, 0.9)]  # Mindy taken for Ben, Madonna for Mindy
    workbench.anchors.update(lambda old: old.add(anchors, np.stack([taken, madonna[1]])))
    leave = (
        "leave_id,employee_id,first_day,last_day,kind,source,imported_at\n"
        f"l1,{person},2026-11-30,2026-12-01,on leave,csv:{person}.csv,\nl2,{OTHER},2026-11-30,2026-11-30,remote,,\n"
    )
    workbench.leave.document.write(leave.encode())
    for incident in workbench.incidents.incidents(T0.date(), T0.date()):
        assert workbench.outbox.submit(incident.row) == 1
    clock.now = at(3600)
    office, today = workbench.office, T0.date()
    office.correct(person, today, "add", author="Sam", reason=f"{name} went with {OTHER_NAME}", time=at(3000))
    hand = name if person != name else "Sam"  # authors of corrections stand there by their ids, and ids stay
    office.correct(OTHER, today, "add", author=hand, reason="went", time=at(3000), direction="out")
    office.review(made.incidents["both"], "resolved", author=name, assignee=name, note=f"{name} held the door")
    office.watch(person, author=OTHER_NAME, reason=f"{name}'s badge is lost")
    workbench.records.close(at(3600), workbench.people.known())
    left = workspace / "gallery" / ".people.csv.1a2b3c4d.tmp"  # of a process that was killed
    left.write_text(name)
    os.utime(left, (0, 0))
    gallery = workbench.gallery.current()
    made.faces = [*gallery.of(person)[1], gallery.fused[gallery.people.index(person)], mindy[1], taken]
    return made
