"""The result of processing a backlog, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FileOutcome(StrEnum):
    """The outcome for a recording."""

    DECIDED = "decided"
    BEFORE = "done before"
    TWICE = "given twice"
    FAILED = "failed"


@dataclass
class FileReport:
    """The result for one file.

    Attributes:
        file, camera, start: name the recording.
        outcome: in one word; `told` explains it in one line and is empty on success.
        seconds: length of the recording.
        frames, unreadable, shortened: frames decided, frames that could not be decoded, and frames missing compared with the header.
        gaps: (from, to) in seconds without a picture for longer than a camera may be silent.
        tracks, punches, incidents: how many the recording contains.
        segments, observed: number of segments, and of those observed in this run.
        work_s: seconds it took to decide the recording.
    """

    file: str
    camera: str = ""
    start: str = ""
    outcome: FileOutcome = FileOutcome.FAILED
    told: str = ""
    recording_id: str = ""
    seconds: float = 0.0
    frames: int = 0
    unreadable: int = 0
    shortened: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    tracks: int = 0
    punches: int = 0
    incidents: dict[str, int] = field(default_factory=dict)
    segments: int = 0
    observed: int = 0
    work_s: float = 0.0


@dataclass
class Report:
    """The result for a backlog.

    Attributes:
        files: in the order in which the recordings began.
        seconds: duration of the run.
        retried, replaced: number of tasks handed out again, and of workers that died and were replaced.
    """

    files: list[FileReport]
    seconds: float = 0.0
    retried: int = 0
    replaced: int = 0

    @property
    def complete(self) -> bool:
        """Whether no file failed."""
        return all(each.outcome is not FileOutcome.FAILED for each in self.files)

    @property
    def video_s(self) -> float:
        """Seconds of decided video."""
        return sum(each.seconds for each in self.files if each.outcome is FileOutcome.DECIDED)
