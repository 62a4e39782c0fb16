"""A week at the entrance, rendered, watched and compared with its script: precision and recall of attendance and incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.attendance import valid_rows
from engine.demo.run import CAMERA, MARK, DemoOutcome, Score, Script
from engine.demo.script import FPS, STRANGER, Pass
from engine.demo.week_script import (
    CAMERA_ON,
    EXPECTED_INCIDENTS,
    EXPECTED_STATUS,
    LEAVE,
    OFF,
    SETTINGS,
    VISITS,
    Visit,
    moment,
    walk,
)
from engine.incidents import IncidentKind
from engine.people import import_table
from engine.sources import VideoSource
from engine.storage import atomic_write
from engine.types import Frame, SourceEvent
from engine.workbench import Workbench

_IDLE = timedelta(minutes=14)
_IDLE_FRAMES = 900  # of the empty hall in all, about
_AFTERWARDS_S = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""Times at which the empty hall is seen after a visit, so that open decisions settle."""
_TOLERANCE = timedelta(seconds=4)


def prepare_week(workspace: Path) -> None:
    """Write the settings of the week into its workspace, before it is opened."""
    atomic_write(workspace / "muster.toml", SETTINGS.encode())
    atomic_write(workspace / MARK, b"{}")


@dataclass(frozen=True)
class _Scene:
    """Visits that share a piece of video."""

    begin: datetime
    passes: tuple[Pass, ...]
    frames: int


def _scenes(monday: date, zone: ZoneInfo) -> list[_Scene]:
    scenes: list[_Scene] = []
    for visit in sorted(VISITS, key=lambda visit: (visit.day, visit.at)):
        begin, how = moment(monday, visit.day, visit.at, zone), walk(visit)
        if scenes and (offset := (begin - scenes[-1].begin).total_seconds()) * FPS < scenes[-1].frames:
            before = scenes.pop()
            how = replace(how, start_s=offset, end_s=offset + how.end_s, depth=how.depth - 0.25)
            scenes.append(_Scene(before.begin, (*before.passes, how), max(before.frames, round(how.end_s * FPS))))
        else:
            scenes.append(_Scene(begin, (how,), round(how.end_s * FPS)))
    return scenes


class _WeekSource:
    """The week's frames and the camera's outage, at the times of the script."""

    resting = catching_up = False
    skipped = 0

    def __init__(self, path: Path, scenes: Sequence[_Scene], monday: date, zone: ZoneInfo) -> None:
        self._path, self._scenes, self._monday, self._zone = path, scenes, monday, zone

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        begin = moment(self._monday, 0, CAMERA_ON[0], self._zone)
        source = VideoSource(self._path, CAMERA, start=begin, fast=True)
        video = (item for item in source if isinstance(item, Frame))
        hall = next(video)
        for day in range(5):
            begin, end = (moment(self._monday, day, at, self._zone) for at in CAMERA_ON)
            yield from self._day(day, begin, end, video, hall)
        source.close()

    def _day(
        self, day: int, begin: datetime, end: datetime, video: Iterator[Frame], hall: Frame
    ) -> Iterator[Frame | SourceEvent]:
        lost, back = (moment(self._monday, OFF[0], at, self._zone) for at in OFF[1:])
        scenes = [scene for scene in self._scenes if begin <= scene.begin < end]
        time, off = begin, False
        while time < end:
            if day == OFF[0] and not off and time >= lost:
                yield SourceEvent("camera_lost", lost, CAMERA, "no frame for 5 s")
                yield SourceEvent("camera_back", back, CAMERA)
                time, off = back, True
            yield replace(hall, time=time)
            following = time + _IDLE
            if day == OFF[0] and not off:
                following = min(following, lost)
            if scenes and scenes[0].begin <= following:
                scene = scenes.pop(0)
                for index in range(scene.frames):
                    yield replace(next(video), time=scene.begin + timedelta(seconds=index / FPS))
                last = scene.begin + timedelta(seconds=scene.frames / FPS)
                for after_s in _AFTERWARDS_S:
                    yield replace(hall, time=last + timedelta(seconds=after_s))
                following = last + timedelta(seconds=_AFTERWARDS_S[-1] + 1)
            time = following

    def close(self) -> None:
        """See `Source`."""


def week(monday: date, zone: ZoneInfo) -> Script:
    """The visits of `engine.demo.week_script` as a script for a workspace of `prepare_week`; the week must be over."""
    scenes = _scenes(monday, zone)
    return Script(
        "the week",
        "week.mp4",
        ("day sheets", "attendance"),
        enrolled_at=moment(monday, 0, CAMERA_ON[0], zone) - timedelta(days=1),
        days=(monday, monday + timedelta(days=4)),
        scenes=[((), 1), *((scene.passes, scene.frames) for scene in scenes)],  # first the empty hall
        frames=sum(scene.frames for scene in scenes) + _IDLE_FRAMES,
        truth=_truth(monday, zone),
        source=partial(_WeekSource, scenes=scenes, monday=monday, zone=zone),
        judge=partial(_judge, monday),
        prepare=partial(_import_leave, monday),
    )


def _import_leave(monday: date, workbench: Workbench) -> None:
    days = [(person, (monday + timedelta(days=day)).isoformat()) for person, day in LEAVE]
    lines = ["id,first day,last day,kind", *(f"{person},{on},{on},vacation" for person, on in days)]
    path = workbench.workspace / "demo" / "leave.csv"
    atomic_write(path, "".join(f"{line}\r\n" for line in lines).encode())
    import_table(workbench.leave, path, workbench.people, now=workbench.clock())


def _truth(monday: date, zone: ZoneInfo) -> dict[str, object]:
    return {
        "visits": [
            {
                "person": visit.person,
                "time": moment(monday, visit.day, visit.at, zone).isoformat(),
                "leaves": visit.leaves,
                "printed": visit.printed,
            }
            for visit in VISITS
        ],
        "camera_off": [moment(monday, OFF[0], at, zone).isoformat() for at in OFF[1:]],
        "leave": [[person, (monday + timedelta(days=day)).isoformat()] for person, day in LEAVE],
        "statuses": [
            [person, (monday + timedelta(days=day)).isoformat(), status]
            for (person, day), status in EXPECTED_STATUS.items()
        ],
        "incidents": [[(monday + timedelta(days=day)).isoformat(), kind, who] for day, kind, who in EXPECTED_INCIDENTS],
    }


def _judge(monday: date, workbench: Workbench, outcome: DemoOutcome) -> None:
    workbench.records.close(workbench.clock(), workbench.people.known())
    outcome.dossiers = [f"{each.unknown_id}: {each.summary}" for each in workbench.office.dossiers()]
    outcome.faults = [finding.detail for finding in workbench.records.verify() if not finding.harmless]
    zone = workbench.config.zone
    days = [monday + timedelta(days=day) for day in range(5)]
    statuses = [(row.employee_id, row.day.isoformat(), str(row.status)) for row in outcome.sheet]
    expected = [(person, days[day].isoformat(), status) for (person, day), status in EXPECTED_STATUS.items()]
    incidents = [
        (row.timestamp.date().isoformat(), row.kind, ";".join(row.employee_ids or row.unknown_ids))
        for row in outcome.incidents
        if row.kind is not IncidentKind.REVIEW
    ]
    wanted = [(days[day].isoformat(), kind, who) for day, kind, who in EXPECTED_INCIDENTS]
    visits = [visit for visit in VISITS if visit.person != STRANGER and not visit.printed]
    outcome.scores = [
        _passages(workbench, visits, monday, zone),
        _compared("statuses in the sheet", expected, statuses),
        _compared("incidents", wanted, incidents),
        _compared("dossiers of strangers", ["unknown-1: seen 2 times on 2 days"], outcome.dossiers),
    ]


def _passages(workbench: Workbench, visits: Sequence[Visit], monday: date, zone: ZoneInfo) -> Score:
    """Compare punches with visits: of the same person, within four seconds."""
    rows = valid_rows([row for _, row in workbench.records.attendance_rows()])
    found = [(row.employee_id, row.timestamp) for row in rows if row.event == "punch"]
    left, missed = list(found), []
    for visit in visits:
        at = moment(monday, visit.day, visit.at, zone)
        match = next((row for row in left if row[0] == visit.person and abs(row[1] - at) <= _TOLERANCE), None)
        if match is None:
            missed.append(f"{visit.person} {at:%a %H:%M}")
        else:
            left.remove(match)
    extra = [f"{person} {time:%a %H:%M}" for person, time in left]
    return Score("passages", len(visits), len(found), len(found) - len(left), tuple(missed), tuple(extra))


def _compared(what: str, expected: Iterable[object], found: Iterable[object]) -> Score:
    wanted, had = Counter(map(_words, expected)), Counter(map(_words, found))
    missed, extra = (tuple(sorted(left.elements())) for left in (wanted - had, had - wanted))
    return Score(what, wanted.total(), had.total(), (wanted & had).total(), missed, extra)


def _words(row: object) -> str:
    return " ".join(map(str, row)) if isinstance(row, tuple) else str(row)
