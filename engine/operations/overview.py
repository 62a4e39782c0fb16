"""Overview of an installation, read only: versions, cameras and when they watched, stored data, and who was seen when."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from engine.attendance import PunchRow, valid_rows
from engine.attendance import Span as WatchedSpan
from engine.attendance.coverage import Coverage
from engine.incidents import IncidentKind, over
from engine.masking import mask_address
from engine.operations.recording import recorded
from engine.pipeline import CameraNote
from engine.sources import NoPicture
from engine.storage import storage_errors
from engine.workbench import Workbench

Span = tuple[datetime, datetime]

_PACKAGES = (
    "muster",
    "torch",
    "torchvision",
    "facenet-pytorch",
    "onnxruntime",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "streamlit",
)


def versions() -> dict[str, str]:
    """Return the installed version of each main dependency by package; empty if it is missing."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ""
    return found


def last_seen(bench: Workbench, employee_ids: Collection[str], days: int = 31) -> dict[str, PunchRow]:
    """Return the last attendance row by person, without those who were not seen; `days`: latest days of the log to search."""
    log, left, found = bench.attendance.log, set(employee_ids), dict[str, PunchRow]()
    for day in reversed(log.days()[-days:]):
        if not left:
            break
        own = [row for row in valid_rows(log.read(day)) if row.employee_id in left]
        seen = {row.employee_id: row for row in sorted(own, key=lambda row: row.timestamp)}
        found |= seen
        left -= seen.keys()
    return found


def other_ways(bench: Workbench) -> set[str]:
    """Return the ids of people who may identify themselves without their face, by badge or PIN.

    Raises:
        StorageError: badges or PINs cannot be read.
    """
    return {*bench.pins.all(), *(badge.employee_id for badge in bench.badges.all().values() if not badge.revoked_at)}


def last_punches(bench: Workbench, employee_id: str, count: int = 8, days: int = 31) -> list[PunchRow]:
    """Return the latest valid punches of a person, newest first; `days`: latest days of the log to search."""
    log, found = bench.attendance.log, list[PunchRow]()
    for day in reversed(log.days()[-days:]):
        rows = [row for row in valid_rows(log.read(day)) if row.employee_id == employee_id]
        found += sorted((row for row in rows if row.event == "punch"), key=lambda row: row.timestamp, reverse=True)
        if len(found) >= count:
            break
    return found[:count]


GREY_SHARE = 0.01
"""Share of grey faces from which a camera's pictures are said to be grey."""
GREY_MISSES = (0.015, 0.035)
"""Share of single looks at enrolled people that give no name, in colour and in grey: see docs/models.md."""


@dataclass(frozen=True)
class CameraDay:
    """A day of a camera.

    Attributes:
        day: workplace day.
        begin, end: the time in which the camera should watch: the day's planned shifts, else the whole day; up to now.
        planned: whether shifts set that time.
        share: of that time during which the camera watched, 0 to 1; None: none of it has passed, or nobody was expected.
        gaps: outages in that time, in order.
        watched: all spans of the day, in order.
    """

    day: date
    begin: datetime
    end: datetime
    planned: bool
    share: float | None
    gaps: tuple[Span, ...]
    watched: tuple[Span, ...]


@dataclass(frozen=True)
class CameraView:
    """A camera from the settings or the coverage log.

    Attributes:
        source: of its pictures, without passwords; empty if the settings have none.
        direction: `in`, `out`, `both`.
        entrance, configured, watching: whether people come and go here, it is in the settings, and it is watching now.
        last: until when it was known to watch; None: not in these days.
        why: how that ended: `running`, `lost`, `gap` or `stopped`; `running` without `watching` means that its recorder was killed.
        days: oldest first, today last.
        share: of the time of all days during which it watched; None: see `CameraDay.share`.
        rotate: the value of the setting that turns its pictures upright; None: nothing speaks against today's.
        grey: share of the faces of these days that were grey (night or infrared); None: there were none.
        trouble: why it gives no picture, as its recorder last wrote; None: it watches, or nothing is known.
    """

    name: str
    source: str
    direction: str
    entrance: bool
    configured: bool
    watching: bool
    last: datetime | None
    why: str
    days: tuple[CameraDay, ...]
    share: float | None
    rotate: int | None = None
    grey: float | None = None
    trouble: NoPicture | None = None

    @property
    def today(self) -> CameraDay:
        """The last day."""
        return self.days[-1]


def cameras(bench: Workbench, days: int = 7) -> list[CameraView]:
    """Return the cameras and how well they watched, today included; those from the settings come first."""
    book = bench.attendance.plan.coverage
    if book is None:
        return []
    now = bench.clock().astimezone(bench.config.zone)
    today = now.date()
    first = today - timedelta(days=days - 1)
    spans = book.watched(first - timedelta(days=1), today)
    rows: dict[str, list[WatchedSpan]] = {}
    for row in book.log.read(first - timedelta(days=1), today):
        rows.setdefault(row.camera, []).append(row)
    windows = {day: _window(bench, day, now) for day in (first + timedelta(days=offset) for offset in range(days))}
    names = list(dict.fromkeys([*bench.config.cameras, *sorted(spans)]))
    found = [_view(bench, name, spans.get(name, ()), rows.get(name, ()), windows, now) for name in names]
    told = _troubles(bench, today) if any(not each.watching for each in found) else {}
    return [each if each.watching else replace(each, trouble=told.get(each.name)) for each in found]


def _troubles(bench: Workbench, today: date) -> dict[str, NoPicture | None]:
    """Why cameras that were lost since yesterday and are not back give no picture, by camera."""
    found: dict[str, NoPicture | None] = {}
    incidents = bench.incidents.incidents(today - timedelta(days=1), today)
    flapping = [each for each in incidents if each.row.kind is IncidentKind.CAMERA_LOST and each.note]
    for each in incidents:
        if each.row.kind is IncidentKind.CAMERA_LOST:
            found[each.row.camera] = NoPicture.read(each.row.detail)
        elif each.row.kind is IncidentKind.CAMERA_BACK:
            found[each.row.camera] = None
            counted = next((old for old in reversed(flapping) if old.row.camera == each.row.camera), None)
            if counted is not None and counted.row.timestamp <= each.row.timestamp < (
                counted.reviewed_at or each.row.timestamp
            ):
                found[each.row.camera] = None if over(counted) else NoPicture.read(counted.row.detail)
    return found


def _view(
    bench: Workbench,
    name: str,
    spans: Sequence[Span],
    rows: Sequence[WatchedSpan],
    windows: Mapping[date, tuple[datetime, datetime, bool]],
    now: datetime,
) -> CameraView:
    config, camera = bench.config.attendance, bench.config.cameras.get(name)
    # what a camera alone covered
    coverage = Coverage((name,), {name: spans}, timedelta(seconds=config.outage_s))
    days = tuple(_day(coverage, name, day, *window) for day, window in windows.items())
    end = spans[-1][1].astimezone(bench.config.zone) if spans else None
    why = rows[-1].why if rows else ""
    notes = [CameraNote.parse(row.detail) for row in rows]
    faces = sum(note.faces for note in notes)
    told = recorded(bench.workspace, name)
    # a row is written every so often; the next one may still be on its way
    late = timedelta(seconds=2 * config.coverage_every_s + config.gap_s)
    counted = [day for day in days if day.share is not None]
    whole = sum((day.end - day.begin).total_seconds() for day in counted)
    covered = sum((day.share or 0.0) * (day.end - day.begin).total_seconds() for day in counted)
    return CameraView(
        name,
        mask_address(camera.source) if camera else "",
        camera.direction if camera else "both",
        camera.entrance if camera else True,
        camera is not None,
        told.state == "playing" if told is not None else bool(end and why == "running" and now - end <= late),
        end,
        why,
        days,
        covered / whole if whole else None,
        _advice(rows, bench.config.camera(name).rotate),
        sum(note.grey for note in notes) / faces if faces else None,
    )


def _advice(rows: Sequence[WatchedSpan], rotate: int) -> int | None:
    """How the pictures should be turned, as the camera's last day says; None: as they are."""
    latest = [row for row in rows if row.begins.date() == rows[-1].begins.date()]
    told = [note.rotate for row in latest if (note := CameraNote.parse(row.detail)).rotate is not None]
    return told[-1] if told and told[-1] != rotate else None


def _day(coverage: Coverage, name: str, day: date, begin: datetime, end: datetime, planned: bool) -> CameraDay:
    spans, zone = coverage.spans[name], begin.tzinfo
    inside = tuple(span for span in spans if span[0].astimezone(zone).date() <= day <= span[1].astimezone(zone).date())
    share = coverage.share(begin, end) if begin < end else None
    return CameraDay(day, begin, end, planned, share, tuple(coverage.gaps(begin, end)), inside)


def _window(bench: Workbench, day: date, now: datetime) -> tuple[datetime, datetime, bool]:
    """Return when cameras should watch on a day, up to now, and whether shifts set it; an empty span on a day off."""
    rota, zone = bench.attendance.rota, bench.config.zone
    begin = datetime.combine(day, time(), zone)
    if not rota:
        return begin, min(datetime.combine(day + timedelta(days=1), time(), zone), now), False
    people = {key: person.at(rota.position(key, day)) for key, person in bench.people.known().items()}
    who = {("", "")} | {(key, person.department) for key, person in people.items() if person.active}
    plans = [plan for each in who if (plan := rota.planned(*each, day)) is not None and rota.expected(plan, day)]
    if not plans:
        return begin, begin, True
    lead = timedelta(minutes=bench.config.attendance.lead_min)
    start, end = min(plan.start for plan in plans), max(plan.end for plan in plans)
    return (start - lead).astimezone(zone), min((end + lead).astimezone(zone), now), True


CLASSES: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    "templates": (("gallery", "faces"), None),
    "enrolment pictures": (("images/enrolment",), None),
    "evidence": (("images/evidence",), "evidence_images"),
    "unknown people": (("images/unknown", "images/unidentified"), "unknown_images"),
    "tailgating and attacks": (
        ("images/tailgating", "images/presentation_attack", "images/watch_list", "images/wrong_name", "images/badge"),
        "tailgating_images",
    ),
    "attendance logs": (
        ("log/attendance", "log/corrections", "log/requests", "log/closings", "log/closed_days", "log/coverage"),
        "attendance",
    ),
    "day sheets": (("attendance",), "attendance"),
    "sighting logs": (("log/sightings",), "sightings"),
    "incident logs": (("log/incidents", "log/dossiers", "log/deliveries", "log/answers"), "incidents"),
    "audit and seals": (("log",), None),
    "receipts": (("receipts",), None),
    "messages": (("outbox",), None),
}
"""Classes of data: folders in the workspace (for `log`, stems of its files), and the setting for how long to keep them."""


@dataclass(frozen=True)
class Kept:
    """How much data of one class is stored.

    Attributes:
        what: one of `CLASSES`, or `other`.
        files, size: number of files, and their bytes.
        days: how long they are kept; None: for ever.
    """

    what: str
    files: int
    size: int
    days: int | None


def kept(bench: Workbench) -> list[Kept]:
    """Return how much of each class is stored, in the order of `CLASSES`; the rest is `other`."""
    owner = {place: what for what, (places, _) in CLASSES.items() for place in places}
    counts = {what: [0, 0] for what in (*CLASSES, "other")}
    waiting = [(bench.workspace, "", "other")]
    while waiting:
        folder, relative, what = waiting.pop()
        for entry in _entries(folder):
            name = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), name, owner.get(name, what)))
            elif entry.is_file(follow_symlinks=False):
                stem = f"log/{entry.name.partition('-')[0]}" if relative.startswith("log") else ""
                count = counts[owner.get(stem, what)]
                with contextlib.suppress(FileNotFoundError):  # a temporary file that is gone again
                    count[1] += entry.stat(follow_symlinks=False).st_size
                    count[0] += 1
    retention = bench.config.retention
    settings = {what: setting for what, (_, setting) in CLASSES.items()} | {"other": None}
    return [
        Kept(what, files, size, getattr(retention, setting) if (setting := settings[what]) else None)
        for what, (files, size) in counts.items()
    ]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with storage_errors(folder), contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return list(entries)
    return []


def free_bytes(bench: Workbench) -> int:
    """Return the free bytes on the workspace's disk."""
    place = bench.workspace
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
