"""What became of a backlog: for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["FileOutcome", "FileReport", "Report"]


class FileOutcome(StrEnum):
    """What became of a recording."""

    DECIDED = "decided"
    BEFORE = "done before"
    TWICE = "given twice"
    FAILED = "failed"


@dataclass
class FileReport:
    """What became of one file.

    Attributes:
        file, camera, start: which.
        outcome: in a word; `told`: in a line, empty when all went well.
        seconds, frames, unreadable, shortened: length; frames that were decided, that could not be decoded, and that the file's header
            promises beyond those in it.
        gaps: (from, to) in seconds: no picture for longer than a camera may be silent.
        tracks, punches, incidents: that came of it.
        segments, observed: pieces that there are, and that were looked at in this run.
        work_s: seconds of deciding it.
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
    """What became of a backlog.

    Attributes:
        files: in the order in which they began.
        seconds: the run took.
        retried, replaced: pieces of work that were handed out again, and workers that died and were replaced.
    """

    files: list[FileReport]
    seconds: float = 0.0
    retried: int = 0
    replaced: int = 0

    @property
    def complete(self) -> bool:
        """Nothing failed."""
        return all(each.outcome is not FileOutcome.FAILED for each in self.files)

    @property
    def video_s(self) -> float:
        """Seconds of video that were decided."""
        return sum(each.seconds for each in self.files if each.outcome is FileOutcome.DECIDED)
