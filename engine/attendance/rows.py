"""Rows of the attendance log, and what the rows of a day say about people. Pure."""

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
        timestamp: when, timezone-aware.
        employee_id: who; of an `unidentified` row, whom the face resembled most.
        method: `face`, `pin` or `sample`.
        agreeing_frames, voting_frames: good frames that said this name, of all that voted; None: no face was compared.
        similarity, runner_up, runner_up_similarity, margin: of the best person and the next best; cosines.
        threshold: the similarity that was needed.
        evidence_image: path within the workspace; may be empty.
        refers_to: of a `retract` row, the row that it takes back.
        author: who took it back.
        reason: of withdrawals and of faces that could not be identified.
        direction: which way the camera looks; None: not known.
        liveness: `passed`, `unproven`, `failed`; empty: not checked.
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
        """The person passed: a `punch` or a `seen` row."""
        return self.event in {"punch", "seen"}

    @property
    def mark(self) -> Mark:
        """The row as a passage."""
        return Mark(self.timestamp, self.event_id, self.direction or "both")


PUNCH = RowType(PunchRow)


def valid_rows(rows: Sequence[PunchRow]) -> list[PunchRow]:
    """Punches and sightings that no other row takes back."""
    withdrawn = {row.refers_to for row in rows if row.event == "retract"}
    return [row for row in rows if row.passage and row.event_id not in withdrawn]


class DayRows:
    """What the rows of one day of the log say, in the form that the sheets of this and of neighbouring days need."""

    def __init__(self, rows: Iterable[PunchRow]) -> None:
        self.passages: dict[str, list[PunchRow]] = {}
        """By person, withdrawn ones, too."""
        self.withdrawn: set[str] = set()
        """Rows, of this day or of one before, that are taken back."""
        self.doubts: list[PunchRow] = []
        """Rows that say that somebody was perhaps seen: `unidentified` and `retract`."""
        self.times: dict[str, datetime] = {}
        """Of all rows by id."""
        for row in rows:
            self.times[row.event_id] = row.timestamp
            if row.passage:
                self.passages.setdefault(row.employee_id, []).append(row)
                continue
            self.doubts.append(row)
            if row.event == "retract":
                self.withdrawn.add(row.refers_to)
