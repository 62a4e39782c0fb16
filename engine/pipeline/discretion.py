"""What may be written about faces that are nobody's who is enrolled; decided before anything is handed to the writer."""

from __future__ import annotations

from dataclasses import dataclass

from engine.config import StrangersConfig
from engine.types import Event, EventKind, Track, TrackState


@dataclass(frozen=True)
class Discretion:
    """Keeps quiet about strangers as far as the settings ask for it."""

    config: StrangersConfig

    def may_tell(self, event: Event) -> bool:
        """Whether an event may be written.

        Where strangers leave no traces, it must be about somebody enrolled: whoever passes with them is counted, and a picture before the
        camera matters if it shows one of them. A face that left before it was certain is nobody's.
        """
        return self.config.leave_traces or (bool(event.employee_ids) and event.kind is not EventKind.UNIDENTIFIED)

    def may_log(self, track: Track) -> bool:
        """Whether it may be written on what a track was decided."""
        return self.config.leave_traces or track.identity.state is TrackState.KNOWN

    @property
    def films(self) -> bool:
        """Films and whole pictures may be kept, which show whoever is in view."""
        return self.config.leave_traces
