"""The minute at the entrance, compared with its script: who punched, which strangers came, who followed whom."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from engine.demo.run import CAMERA, DemoOutcome, Script
from engine.demo.script import DURATION_S, EXPECTED, FPS, PASSES, truth
from engine.incidents import IncidentKind
from engine.sources import VideoSource
from engine.workbench import Workbench


def minute(start: datetime, day: date) -> Script:
    """The passes of `engine.demo.script` as a script to run."""
    frames = int(DURATION_S * FPS)
    return Script(
        "the entrance",
        "entrance.mp4",
        ("day sheet", f"attendance/{day}.csv"),
        enrolled_at=start,
        days=(day, day),
        scenes=[(PASSES, frames)],
        frames=frames,
        truth=truth(),
        source=partial(VideoSource, camera=CAMERA, start=start, fast=True),
        judge=partial(_judge, day),
        annotated="entrance-annotated.mp4",
    )


def _judge(day: date, workbench: Workbench, outcome: DemoOutcome) -> None:
    rows = workbench.attendance.log.read(day)
    punches = sorted(row.employee_id for row in rows if row.event == "punch")
    unknown = [row for row in outcome.incidents if row.kind is IncidentKind.UNKNOWN]
    tailgating = sorted(row.classification or "" for row in outcome.incidents if row.kind is IncidentKind.TAILGATING)
    outcome.checks = [
        ("punched once each", ", ".join(EXPECTED["punches"]), ", ".join(punches)),
        ("names withdrawn", "0", str(sum(row.event == "retract" for row in rows))),
        ("strangers", str(EXPECTED["strangers"]), str(len({row.unknown_ids for row in unknown}))),
        ("their episodes", str(EXPECTED["stranger_episodes"]), str(len(unknown))),
        ("tailgating", ", ".join(EXPECTED["tailgating"]), ", ".join(tailgating)),
    ]
