"""Rows of the attendance log, and their content by person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.attendance.presence import Direction, Mark
from engine.storage.logs.rows import RowType

PunchEvent = Literal["punch", "seen", "unidentified", "retract"]


@dataclass(frozen=True)
class PunchRow:
    """One row of the attendance log.

    Attributes:
        event_id: unique; begins with the day.
        timestamp: timezone-aware.
        employee_id: the person; in an `unidentified` row, the one whom the face resembled most.
        method: `face`, `pin` or `sample`.
        agreeing_frames, voting_frames: good frames for this name, and all that voted; None: no face was compared.
        similarity, runner_up, runner_up_similarity, margin: of the best person and the next best; cosines.
        threshold: the similarity that was required.
        evidence_image: path within the workspace; may be empty.
        refers_to, author: of a `retract` row: the row that it takes back, and the user who did so.
        reason: of withdrawals and of faces that could not be identified.
        direction: that the camera sees; None: not known.
        liveness: `passed`, `unproven` or `failed`; empty: not checked.
    """

    event_id: str
    timestamp: datetime
    employee_id: str
    event: PunchEvent
    camera: str = ""
    method: str = ""
    track: str = ""
    agreeing_frames: int | None = None
    voting_frames: int | None = None
    similarity: float | None = None
    runner_up: str = ""
    runner_up_similarity: float | None = None
    margin: float | None = None
    threshold: float | None = None
    model: str = ""
    gallery_version: int | None = None
    evidence_image: str = ""
    refers_to: str = ""
    author: str = ""
    reason: str = ""
    direction: Direction | None = None
    liveness: str = ""

    @property
    def passage(self) -> bool:
        """True for a `punch` or a `seen` row: the person passed."""
        return self.event in {"punch", "seen"}

    @property
    def mark(self) -> Mark:
        """The row as a passage."""
        return Mark(self.timestamp, self.event_id, self.direction or "both", self.event == "seen")


PUNCH = RowType(PunchRow)


def valid_rows(rows: Sequence[PunchRow]) -> list[PunchRow]:
    """Punches and sightings that no other row takes back."""
    withdrawn = {row.refers_to for row in rows if row.event == "retract"}
    return [row for row in rows if row.passage and row.event_id not in withdrawn]


class DayRows:
    """The rows of one day of the log, in the form that the sheets of this day and its neighbours need."""

    def __init__(self, rows: Iterable[PunchRow]) -> None:
        self.passages: dict[str, list[PunchRow]] = {}
        """By person, withdrawn ones included."""
        self.withdrawn: set[str] = set()
        """Ids of rows, of this day or an earlier one, that are taken back."""
        self.doubts: list[PunchRow] = []
        """Rows of people who may have been seen: `unidentified` and `retract`."""
        self.times: dict[str, datetime] = {}
        """Times of all rows by id."""
        for row in rows:
            self.times[row.event_id] = row.timestamp
            if row.passage:
                self.passages.setdefault(row.employee_id, []).append(row)
                continue
            self.doubts.append(row)
            if row.event == "retract":
                self.withdrawn.add(row.refers_to)
