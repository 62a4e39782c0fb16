"""The log of answers: what people said when they were asked whether a face near the threshold is somebody's.

A row says what was shown, how similar it was and to which threshold it was compared, so that it stays truth for the calibration after the
picture and the sighting are gone. A later answer to the same question overrides an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog

Said = Literal["yes", "no", "unsure"]
Asked = Literal["punch", "near miss"]


@dataclass(frozen=True)
class AnswerRow:
    """An answer.

    Attributes:
        answer_id: unique; begins with the day.
        question: what was asked about: the id of a row of the attendance log, or of a sighting.
        kind: `punch`: the face was named; `near miss`: it was not.
        employee_id: the person to whom it was compared.
        answer: whether it shows them; `unsure`: cannot be told.
        camera, track, seen_at: where and when the face was seen.
        similarity, threshold, model: of the decision at that time.
        picture: that was shown, path within the workspace; template: id of the enrolment picture beside it.
    """

    answer_id: str
    timestamp: datetime
    question: str
    kind: Asked
    employee_id: str
    answer: Said
    camera: str
    track: str
    seen_at: datetime
    similarity: float
    threshold: float
    model: str
    picture: str
    template: str
    author: str


ANSWER = RowType(AnswerRow)


class AnswerBook:
    """Writes and reads the log of answers; `logs` defaults to files in the workspace."""

    def __init__(self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None) -> None:
        logs = logs or FileLogs(workspace / "log")
        self.log = TypedDayLog(logs.daily("answers", ANSWER.columns, ("employee_id", "author")), ANSWER)
        self._zone = zone

    def rows(self) -> list[AnswerRow]:
        """Return all answers, oldest first."""
        return self.log.on(self.log.days())

    def in_force(self) -> dict[str, AnswerRow]:
        """Return the latest answer to each question."""
        return {row.question: row for row in self.rows()}

    def record(self, row: AnswerRow) -> None:
        """Append an answer durably.

        Raises:
            StorageError: it could not be written; the log is as it was.
        """
        with self.log.exclusive():
            self.log.append(row.timestamp.astimezone(self._zone).date(), [row])
