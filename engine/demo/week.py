"""A week at the entrance, rendered, watched, and held against its script: attendance and incidents with precision and recall."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.attendance import DaySheet
from engine.attendance.sheet import valid_rows
from engine.demo.run import CAMERA, MARK
from engine.demo.script import FPS, STRANGER, Pass
from engine.demo.video import Entrance
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
from engine.detection import Detector
from engine.sources import VideoSource
from engine.storage import atomic_write
from engine.types import Frame, SourceEvent
from engine.video import VideoWriter
from engine.workbench import Workbench

__all__ = ["Score", "WeekOutcome", "prepare_week", "run_week"]

Progress = Callable[[str, int, int], None]
_IDLE = timedelta(minutes=14)
_AFTERWARDS_S = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""After a visit the empty hall is seen at these times, so that what is open is settled."""
_TOLERANCE = timedelta(seconds=4)


@dataclass(frozen=True)
class Score:
    """How what was found compares with what was expected.

    Attributes:
        what: of what.
        expected, found, matched: how many.
        missed, extra: which, in words.
    """

    what: str
    expected: int
    found: int
    matched: int
    missed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def precision(self) -> float:
        """Share of what was found that was expected; 1 when nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what was expected that was found; 1 when nothing was expected."""
        return self.matched / self.expected if self.expected else 1.0


@dataclass
class WeekOutcome:
    """What came of the week.

    Attributes:
        scores: of passages, sheet and incidents.
        sheet, incidents: rows.
        dossiers: what is known of strangers, in words.
        faults: what verification found.
        monday: the first day.
        files: what lies where, by name.
    """

    scores: list[Score] = field(default_factory=list)
    sheet: list[DaySheet] = field(default_factory=list)
    incidents: list[dict[str, str]] = field(default_factory=list)
    dossiers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    monday: date = date.min
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Exactly what was expected was found, and every row is as it was written."""
        return not self.faults and all(not score.missed and not score.extra for score in self.scores)


def prepare_week(workspace: Path) -> None:
    """Write the settings of the week into its workspace; they are read when it is opened."""
    atomic_write(workspace / "muster.toml", SETTINGS.encode())
    atomic_write(workspace / MARK, b"{}")


# --------------------------------------------------------------------------------------------- video


@dataclass(frozen=True)
class _Scene:
    """Visits that share a piece of video.

    Attributes:
        begin: local time of its first frame.
        passes: in seconds from then.
        frames: how many.
    """

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


def _render(path: Path, scenes: Sequence[_Scene], detector: Detector, photos: Path, progress: Progress) -> None:
    """One frame of the empty hall, then all scenes one after the other."""
    entrance = Entrance(detector, photos, [each for scene in scenes for each in scene.passes])
    total, done = sum(scene.frames for scene in scenes) + 1, 0
    with VideoWriter(path, FPS) as writer:
        for passes, frames in [((), 1), *((scene.passes, scene.frames) for scene in scenes)]:
            for index in range(frames):
                writer.write(entrance.frame(passes, index / FPS, done))
                done += 1
                progress("rendering the week", done, total)


class _WeekSource:
    """The week's frames and the camera's outage, at the times that the script says."""

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


# --------------------------------------------------------------------------------------------- run


def run_week(workbench: Workbench, photos: Path, monday: date, progress: Progress) -> WeekOutcome:
    """Run the week in a workspace of its own, prepared by `prepare_week`.

    Args:
        workbench: of the week's workspace.
        photos: the sample photos' folder.
        monday: its first day; the week must be over.
        progress: told of all that takes long.
    """
    zone, folder = workbench.config.zone, workbench.workspace / "demo"
    outcome = WeekOutcome(monday=monday)
    people = sorted(path for path in (photos / "train").iterdir() if path.is_dir() and path.name != STRANGER)
    for index, person in enumerate(people):
        progress("enrolling from training photos", index, len(people))
        name = person.name.replace("_", " ").title()
        now = moment(monday, 0, CAMERA_ON[0], zone) - timedelta(days=1)
        workbench.enrol(person.name, name, sorted(person.glob("*.jpg")), department="Sample", author="demo", now=now)
    progress("enrolling from training photos", len(people), len(people))
    _import_leave(workbench, monday, folder / "leave.csv")
    scenes, video = _scenes(monday, zone), folder / "week.mp4"
    _render(video, scenes, workbench.reader.detector, photos, progress)
    watch_week(workbench, video, monday, progress)
    workbench.records.close(workbench.clock(), workbench.known_people())
    outcome.sheet = workbench.attendance.sheets(monday, monday + timedelta(days=4), workbench.known_people())
    outcome.incidents = [dict(row) for row in workbench.records.incident_rows()]
    outcome.dossiers = [f"{each.unknown_id}: {each.summary}" for each in workbench.office.dossiers()]
    outcome.faults = [finding.detail for finding in workbench.verify() if not finding.harmless]
    outcome.scores = _scores(workbench, outcome, monday)
    atomic_write(workbench.workspace / MARK, json.dumps(_truth(monday, zone), indent=1).encode())
    outcome.files = {
        "day sheets": workbench.workspace / "attendance",
        "logs": workbench.workspace / "log",
        "pictures": workbench.workspace / "images",
        "video": video,
        "script of truth": workbench.workspace / MARK,
    }
    return outcome


def watch_week(workbench: Workbench, video: Path, monday: date, progress: Progress) -> None:
    """Watch the rendered week with the people who are enrolled.

    Args:
        workbench: writes down what is seen.
        video, monday: of the week that was rendered.
        progress: told of frames.
    """
    zone = workbench.config.zone
    scenes, pipeline = _scenes(monday, zone), workbench.pipeline(CAMERA)
    frames = sum(scene.frames for scene in scenes)
    pipeline.run(
        _WeekSource(video, scenes, monday, zone),
        lambda _result: progress("watching the week", pipeline.stats.frames, frames + 900),
    )


def _import_leave(workbench: Workbench, monday: date, path: Path) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "first day", "last day", "kind"])
    for person, day in LEAVE:
        on = (monday + timedelta(days=day)).isoformat()
        writer.writerow([person, on, on, "vacation"])
    atomic_write(path, buffer.getvalue().encode())
    workbench.leave.import_csv(path, workbench.people, now=workbench.clock())


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


# --------------------------------------------------------------------------------------------- comparison


def _scores(workbench: Workbench, outcome: WeekOutcome, monday: date) -> list[Score]:
    zone = workbench.config.zone
    days = [monday + timedelta(days=day) for day in range(5)]
    statuses = [(row.employee_id, row.day.isoformat(), str(row.status)) for row in outcome.sheet]
    expected = [(person, days[day].isoformat(), status) for (person, day), status in EXPECTED_STATUS.items()]
    incidents = [
        (row["timestamp"][:10], row["kind"], row["employee_ids"] or row["unknown_ids"])
        for row in outcome.incidents
        if row["kind"] != "review"
    ]
    wanted = [(days[day].isoformat(), kind, who) for day, kind, who in EXPECTED_INCIDENTS]
    return [
        _passages(
            workbench, [visit for visit in VISITS if visit.person != STRANGER and not visit.printed], monday, zone
        ),
        _compared("statuses in the sheet", expected, statuses),
        _compared("incidents", wanted, incidents),
        _compared("dossiers of strangers", ["unknown-1: seen 2 times on 2 days"], outcome.dossiers),
    ]


def _passages(workbench: Workbench, visits: Iterable[Visit], monday: date, zone: ZoneInfo) -> Score:
    """Punches against visits: of the same person, at the same time within four seconds."""
    rows = valid_rows([row for _, row in workbench.records.attendance_rows()])
    found = [(row["employee_id"], datetime.fromisoformat(row["timestamp"])) for row in rows if row["event"] == "punch"]
    left, missed, expected = list(found), [], 0
    for visit in visits:
        expected += 1
        at = moment(monday, visit.day, visit.at, zone)
        match = next((row for row in left if row[0] == visit.person and abs(row[1] - at) <= _TOLERANCE), None)
        if match is None:
            missed.append(f"{visit.person} {at:%a %H:%M}")
        else:
            left.remove(match)
    extra = [f"{person} {time:%a %H:%M}" for person, time in left]
    return Score("passages", expected, len(found), len(found) - len(left), tuple(missed), tuple(extra))


def _compared(what: str, expected: Iterable[object], found: Iterable[object]) -> Score:
    wanted, had = Counter(map(_words, expected)), Counter(map(_words, found))
    return Score(
        what,
        wanted.total(),
        had.total(),
        (wanted & had).total(),
        tuple(sorted((wanted - had).elements())),
        tuple(sorted((had - wanted).elements())),
    )


def _words(row: object) -> str:
    return " ".join(map(str, row)) if isinstance(row, tuple) else str(row)
