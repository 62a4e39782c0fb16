"""The public Python API: one workspace, six methods. docs/api.md describes it; the tests run that page's example.

This module converts and delegates. Everything it does is done by `engine.workbench` and `engine.operations.reporting`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.attendance import KINDS_OF_HOURS, DaySheet, kinds_of_hours
from engine.enrolment import EnrolmentReport
from engine.errors import InputError
from engine.imaging import read_image
from engine.incidents import INCIDENTS, Incident
from engine.operations.recording import recording
from engine.operations.reporting import AttendanceReports
from engine.operations.upkeep import attended
from engine.pipeline import FrameResult, IdentifiedFace, RunStats
from engine.sources import is_live, open_source
from engine.workbench import Workbench

__all__ = ["EnrolmentReport", "FrameResult", "IdentifiedFace", "RunStats", "Workspace", "open_workspace"]

_SHEET = {
    **dict.fromkeys(("employee_id", "name", "department"), "text"),
    "date": "day",
    **dict.fromkeys(("status", "presence"), "text"),
    **dict.fromkeys(("late", "left_early"), "flag"),
    **dict.fromkeys(("first_in", "last_out"), "moment"),
    **dict.fromkeys(("hours", "late_min", "early_min"), "number"),
    "shift": "text",
    **dict.fromkeys(("planned_in", "planned_out"), "moment"),
    **dict.fromkeys(("planned_hours", "credited_hours", "presence_hours", "break_hours"), "number"),
    "punches": "count",
    "camera_in": "text",
    "similarity_in": "number",
    "liveness": "text",
    "covered_pct": "number",
    "note": "text",
    "corrected": "flag",
    "approved_by": "text",
    "leave": "text",
    "leave_days": "number",
    **dict.fromkeys(("counted_in", "counted_out"), "moment"),
    **dict.fromkeys(("day_share", *KINDS_OF_HOURS), "number"),
}
_INCIDENT = {
    "incident_id": "text",
    **dict.fromkeys(("timestamp", "ended"), "moment"),
    **dict.fromkeys(("kind", "severity", "state", "camera"), "text"),
    **dict.fromkeys(("employee_ids", "unknown_ids"), "list"),
    "classification": "text",
    "people": "count",
    **dict.fromkeys(("similarity", "threshold"), "number"),
    **dict.fromkeys(("assignee", "note", "reviewed_by"), "text"),
    "reviewed_at": "moment",
    "image": "text",
}


def open_workspace(path: str | Path) -> Workspace:
    """Open a workspace folder. A folder that does not exist yet is created when something is first written.

    Raises:
        ConfigError: `muster.toml` or a `MUSTER_` variable is wrong.
        StorageError: the workspace cannot be read.
    """
    return Workspace(Workbench(Path(path)))


class Workspace:
    """A workspace: the people enrolled in it, its logs, and the networks that read faces.

    Args:
        bench: everything the engine can do with this workspace, for callers who need more than these methods.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def enrol(self, person_id: str, name: str, photos: Iterable[str | Path]) -> EnrolmentReport:
        """Enrol a person from photos, or add templates to a person who is enrolled already.

        Raises:
            InputError: the id or the name cannot be used.
            EnrolmentRejected: no photo is usable, the photos show several people, or the person resembles somebody
                else; nothing was changed.
            StorageError: the workspace cannot be written; nothing was changed.
        """
        return self.bench.registrar.enrol_photos(person_id, name, [Path(photo) for photo in photos])

    def identify(self, photo: str | Path | NDArray[np.uint8]) -> list[IdentifiedFace]:
        """Search every face of a photo among the enrolled people; nothing is recorded.

        Args:
            photo: a picture file such as JPEG, PNG or HEIC, or RGB uint8 of shape (H, W, 3).

        Returns:
            One entry per face, largest first; `match.person` is None for a stranger.

        Raises:
            InputError: the file cannot be read.
        """
        return self.bench.services().identify(photo if isinstance(photo, np.ndarray) else read_image(Path(photo)))

    def watch(
        self,
        source: str | Path,
        camera: str,
        *,
        start: datetime | None = None,
        on_frame: Callable[[FrameResult], None] = lambda _result: None,
        limit: int | None = None,
    ) -> RunStats:
        """Watch a source to its end and record what happens: the same job as `muster watch --fast`.

        Args:
            source: webcam number, rtsp:// or http:// address, video file, or folder of pictures.
            camera: the camera's name in the logs.
            start: time of the first frame of a file; a time without an offset is local time of the workplace. Default: now.
            on_frame: called after each frame, in this thread.
            limit: stop after this many frames.

        Raises:
            InputError: the source does not exist, or another process is recording this camera.
            SourceLost: the source fails while it is read.
            StorageError: rows or pictures cannot be written.
        """
        spec, config = str(source), self.bench.config
        if start is not None and start.tzinfo is None:
            start = start.replace(tzinfo=config.zone)
        rotate = config.camera(camera).rotate
        opened = open_source(spec, camera, config.sources, rotate=rotate, start=start, zone=config.zone, fast=True)
        with contextlib.closing(opened), contextlib.ExitStack() as stack:
            if is_live(spec) and not stack.enter_context(recording(self.bench, camera)):
                raise InputError(f"camera {camera} is being recorded already", hint="stop the other recorder first")
            stack.enter_context(attended(self.bench))
            return self.bench.pipeline(camera, live=is_live(spec)).run(opened, on_frame, limit=limit)

    def day_sheets(self, first: date, last: date) -> pd.DataFrame:
        """Day sheets, one row per person and day; docs/api.md lists columns and types.

        Args:
            first, last: both included.

        Raises:
            StorageError: the logs cannot be read.
        """
        zone = self.bench.config.zone
        rows = AttendanceReports(self.bench).rows(first, last)
        return _frame([_sheet_row(row) for row in rows], _SHEET, zone)

    def incidents(self, first: date, last: date) -> pd.DataFrame:
        """Incidents as they stand after the latest review, oldest first; docs/api.md lists columns and types.

        Args:
            first, last: both included.

        Raises:
            StorageError: the log cannot be read.
        """
        zone = self.bench.config.zone
        rows = [_incident_row(incident) for incident in self.bench.alerts.all()]
        frame = _frame(rows, _INCIDENT, zone)
        begin = datetime.combine(first, time(), zone)
        end = datetime.combine(last + timedelta(days=1), time(), zone)
        return frame[(frame["timestamp"] >= begin) & (frame["timestamp"] < end)].reset_index(drop=True)


def _sheet_row(row: DaySheet) -> dict[str, object]:
    def hours(duration: timedelta | None) -> float | None:
        return None if duration is None else round(duration.total_seconds() / 3600, 2)

    return {
        **{each.name: getattr(row, each.name) for each in fields(row)},
        "date": row.day,
        "status": row.status.value,
        "presence": row.presence.value,
        "hours": row.hours,
        "planned_hours": row.planned_hours,
        "credited_hours": row.credited_hours,
        "presence_hours": hours(row.stayed),
        "break_hours": hours(row.breaks),
        "note": row.note,
        "corrected": bool(row.corrected_by),
        "leave": row.leave_names,
        "leave_days": row.leave_days,
        **kinds_of_hours(row),
    }


def _incident_row(incident: Incident) -> dict[str, object]:
    return {
        **INCIDENTS.texts(incident.row),
        "employee_ids": incident.row.employee_ids,
        "unknown_ids": incident.row.unknown_ids,
        "state": incident.state,
        "assignee": incident.assignee,
        "note": incident.note,
        "reviewed_by": incident.author,
        "reviewed_at": incident.reviewed_at,
    }


def _frame(rows: Sequence[Mapping[str, object]], kinds: Mapping[str, str], zone: ZoneInfo) -> pd.DataFrame:
    """A frame with typed columns; an empty one has the same types."""
    columns = {name: _column([row[name] for row in rows], kind, zone) for name, kind in kinds.items()}
    return pd.DataFrame(columns)


def _column(cells: Sequence[object], kind: str, zone: ZoneInfo) -> pd.Series:
    filled = pd.Series([None if cell == "" else cell for cell in cells], dtype=object)
    if kind == "moment":
        return pd.to_datetime(filled, utc=True).dt.tz_convert(zone).dt.as_unit("us")
    if kind == "day":
        return pd.to_datetime(filled).dt.as_unit("us")
    if kind == "number":
        return pd.to_numeric(filled).astype("float64")
    if kind == "count":
        return pd.to_numeric(filled).astype("Int64")
    if kind == "flag":
        return filled.astype("boolean")
    return pd.Series(list(cells), dtype=object if kind == "list" else str)
