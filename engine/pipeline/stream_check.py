"""Whether a live camera shows the door, or a recording of it."""

from __future__ import annotations

from dataclasses import replace

from engine.liveness import StreamWatch
from engine.pipeline.faces import Decisions
from engine.types import Event, EventKind, Frame, Severity


class StreamCheck:
    """Reports pictures that stand still or repeat themselves, once.

    Args:
        watch: compares pictures; None: they are not checked.
    """

    def __init__(self, camera: str, watch: StreamWatch | None) -> None:
        self._camera, self._watch = camera, watch
        self._fault = ""

    def look(self, frame: Frame) -> Event | None:
        """Take a frame in; the attack that begins with it."""
        before = self._fault
        self._fault = self._watch.observe(frame.time, frame.image) if self._watch else ""
        if self._fault in {"", before}:
            return None
        return Event(
            EventKind.PRESENTATION_ATTACK,
            frame.time,
            self._camera,
            severity=Severity.HIGH,
            liveness="failed",
            detail=self._reason,
        )

    @property
    def _reason(self) -> str:
        return f"the camera's stream is {self._fault}"

    def judge(self, decisions: Decisions) -> Decisions:
        """The decisions; no track is proven alive while the stream has a fault."""
        if not self._fault:
            return decisions
        # the stream was reported as a whole; what it shows proves nothing
        tracks = [replace(each, liveness="unproven", liveness_reason=self._reason) for each in decisions.tracks]
        return replace(decisions, tracks=tracks)
