"""Settings of everything between a camera and an event."""

from __future__ import annotations

import logging
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from engine.config.hours import minutes_of_day
from engine.config.section import Section

__all__ = [
    "AlignmentConfig",
    "CameraConfig",
    "DetectionConfig",
    "EmbeddingConfig",
    "EventsConfig",
    "MatchingConfig",
    "PresentationConfig",
    "QualityConfig",
    "RuntimeConfig",
    "SourcesConfig",
    "TrackingConfig",
    "VotingConfig",
]

log = logging.getLogger(__name__)

_RETIRED = {"model", "model_crop", "model_threshold"}


class RuntimeConfig(Section):
    """Where and how networks run."""

    backend: Literal["auto", "onnx", "torch"] = "auto"
    """`auto`: torch on a CUDA device when there is one, else ONNX Runtime on the CPU."""
    threads: int = Field(0, ge=0, le=256)
    """Threads of a network; 0 lets the runtime take all cores."""


class DetectionConfig(Section):
    """MTCNN: Zhang et al., "Joint face detection and alignment using multi-task cascaded CNNs", 2016."""

    min_face_px: int = Field(40, ge=12, le=2000)
    """Smallest face in a video frame, side of the box in pixels."""
    photo_min_face_px: int = Field(20, ge=12, le=2000)
    """Smallest face in a photo."""
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    """Scores that a candidate must reach in PNet, RNet and ONet."""
    scale_factor: float = Field(0.709, gt=0.3, lt=0.95)
    """Ratio of neighbouring sizes in the image pyramid."""
    pad_share: float = Field(0.25, ge=0.0, le=1.0)
    """Grey border put around a photo in which no face was found, as a share of its sides."""
    scan_interval_s: float = Field(0.2, ge=0.0)
    """Longest time between two searches of the whole frame while something moves; in between, faces are looked for where tracks
    lead to expect them. 0: every frame is searched."""
    idle_interval_s: float = Field(0.5, ge=0.0)
    """The same while nothing moves."""


class AlignmentConfig(Section):
    """What a face is before it is embedded."""

    mirror: bool = True
    """Embed the face and its mirror image and take the mean: twice the time, fewer errors."""


class QualityConfig(Section):
    """The gate: a face below one of these neither votes nor is enrolled. Scales: `engine.alignment`."""

    min_size_px: float = Field(14.0, ge=0)
    min_sharpness: float = Field(0.10, ge=0)
    min_brightness: float = Field(0.10, ge=0, le=1)
    max_brightness: float = Field(0.95, ge=0, le=1)
    min_contrast: float = Field(0.04, ge=0)
    max_yaw_deg: float = Field(50.0, gt=0, le=90)
    max_pitch_deg: float = Field(45.0, gt=0, le=90)
    min_inside: float = Field(0.85, ge=0, le=1)


class EmbeddingConfig(Section):
    """Which embedder."""

    model: str = "facenet-ms1m-128"
    max_batch: int = Field(32, ge=1, le=512)


class MatchingConfig(Section):
    """When a similarity is a match."""

    threshold: float | None = Field(None, ge=-1, le=1)
    """Fixed threshold, which nothing else changes; empty: the one applied by `muster calibrate`, else derived from this gallery's own
    impostor scores at `target_fmr`."""
    target_fmr: float = Field(1e-4, gt=0, lt=1)
    """False matches per comparison with one person, from which the threshold is derived."""
    target_fpir: float = Field(1e-3, gt=0, lt=1)
    """Share of searches by strangers that may name somebody; decides instead of `target_fmr` once a gallery is large."""
    min_margin: float = Field(0.05, ge=0, le=1)
    """How far the best person must lie before the runner-up."""
    stranger_threshold: float | None = Field(None, ge=-1, le=1)
    """From which similarity on two strangers are one; empty: the matching threshold."""


class TrackingConfig(Section):
    """Association of detections over time."""

    max_gap_s: float = Field(1.0, gt=0)
    """A track unseen for longer has ended."""
    min_iou: float = Field(0.15, ge=0, le=1)
    max_center_shift: float = Field(0.9, ge=0)
    """Boxes that no longer overlap may still belong together within this many box sides (low frame rates)."""


class VotingConfig(Section):
    """From frames to a decision."""

    min_agreeing: int = Field(3, ge=1)
    """Good frames that must agree on a name."""
    min_unknown: int = Field(5, ge=1)
    """Good frames that must agree on nobody."""
    min_share: float = Field(0.6, gt=0.5, le=1)
    """Share of the votes in the window that the winner must hold."""
    window: int = Field(25, ge=3)
    """Latest good frames that count."""
    embed_interval_s: float = Field(0.08, ge=0)
    """Shortest time between two votes of one track; 0: every good frame votes. A track that stays undecided votes ever less often."""
    settled_interval_s: float = Field(2.0, ge=0)
    """The same once the track is known or unknown, unless a face is much better than those before, or the track may have changed
    hands: then it is verified at once."""


class PresentationConfig(Section):
    """Checks against photos, screens and replayed streams; what they can and cannot see: docs/liveness.md."""

    policy: Literal["off", "mark", "require"] = "mark"
    """`off`: no checks. `mark`: rows say passed, unproven or failed. `require`: only who passed is recorded as present."""
    min_turn_deg: float = Field(20.0, ge=10, le=60)
    """Turn of the head from which on depth, or the lack of it, is told."""
    still_s: float = Field(15.0, ge=8, le=600)
    """A face that does not change in itself for this long is a picture. Some people do not blink for ten seconds."""
    frozen_s: float = Field(10.0, ge=1, le=600)
    """A stream whose picture does not change at all for this long is frozen."""
    loop_s: float = Field(4.0, ge=2, le=60)
    """A stream that repeats earlier motion exactly for this long is looped."""
    challenge_s: float = Field(5.0, ge=1, le=60)
    """Time for each step of the head-turn challenge."""

    @model_validator(mode="before")
    @classmethod
    def _without_retired(cls, values: Any) -> Any:
        """Workspaces from before Muster dropped the slot for a network still open."""
        retired = sorted(_RETIRED & values.keys()) if isinstance(values, dict) else []
        if not retired:
            return values
        log.warning(
            "presentation.%s ignored: Muster no longer runs a liveness network of your own; remove it from the settings",
            ", presentation.".join(retired),
        )
        return {key: value for key, value in values.items() if key not in retired}


class EventsConfig(Section):
    """From decisions to events."""

    cool_down_s: float = Field(300.0, ge=0)
    """A person punches at most once in this time."""
    episode_gap_s: float = Field(20.0, gt=0)
    """A stranger unseen for longer who returns is a new episode."""
    door_window_s: float = Field(2.0, ge=0)
    """People who come into view within this time of each other pass together."""
    min_presence_s: float = Field(0.6, ge=0)
    """How long a track must last to count as a person passing."""
    settle_s: float = Field(4.0, gt=0)
    """How long a tailgating incident waits for the identities of those involved."""
    context_s: float = Field(1.0, ge=0, le=5)
    """How far before and after the incident the pictures lie that are kept with it."""
    tailgating: bool = True
    unknown: bool = True


class SourcesConfig(Section):
    """Cameras and files."""

    stall_timeout_s: float = Field(4.0, gt=0)
    """A live source that gives no frame for this long is lost."""
    open_timeout_s: float = Field(8.0, gt=0)
    backoff_s: tuple[float, float] = (0.5, 5.0)
    """First and longest wait between attempts to reconnect."""


class CameraConfig(Section):
    """What differs for one camera."""

    source: str = ""
    """Where its pictures come from, as `muster watch --source` takes it; the workbench can then show it. A file's path is taken from
    the workspace on."""
    min_face_px: int | None = Field(None, ge=12, le=2000)
    """Smallest face; empty: `detection.min_face_px`."""
    direction: Literal["in", "out", "both"] = "both"
    """Whether people pass it when they come, when they go, or both."""
    entrance: bool = True
    """People come and go here: while it is off, nobody's absence is certain."""
    tailgating: bool | None = None
    """Tell people who pass together; empty: `events.tailgating`."""
    door_window_s: float | None = Field(None, ge=0)
    """Empty: `events.door_window_s`."""
    two_known: Literal["incident", "note", "ignore"] = "incident"
    """What it is when only known people pass together: an open incident, a row that nobody must look at, or nothing."""
    hosts: tuple[str, ...] = ()
    """Ids of people who may bring visitors: a known person with visitors is then a note. `*`: everybody."""
    visitors_per_host: int = Field(1, ge=1)
    """How many visitors one host may bring."""
    quiet_hours: tuple[str, ...] = ()
    """Windows of local time such as `20:00-06:00` in which no exception holds: every passage of several people is an open
    incident, and whatever happens is of high severity."""

    @field_validator("quiet_hours")
    @classmethod
    def _clock_times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            minutes_of_day(text)
        return value
