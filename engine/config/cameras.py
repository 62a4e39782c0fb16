"""Settings of the stations between a camera and an event."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from engine.config.section import Area, Section, Window
from engine.words import phrase

log = logging.getLogger(__name__)

_LEAST_SHARE = 0.05
_RETIRED = {"model", "model_crop", "model_threshold"}


class RuntimeConfig(Section):
    """Where and how the networks run."""

    backend: Literal["auto", "onnx", "torch"] = "auto"
    """`auto`: torch on a CUDA device if there is one, else ONNX Runtime on the CPU."""
    threads: int = Field(0, ge=0, le=256)
    """Threads per network; 0: all cores."""


class DetectionConfig(Section):
    """MTCNN: Zhang et al., "Joint face detection and alignment using multi-task cascaded CNNs", 2016."""

    min_face_px: int = Field(40, ge=12, le=2000)
    """Smallest face in a video frame: side of its box in pixels."""
    photo_min_face_px: int = Field(20, ge=12, le=2000)
    """Smallest face in a photo."""
    photo_max_megapixels: float = Field(25.0, gt=0, le=50)
    """Largest photo; its header tells, before anything is decoded."""
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    """Minimum scores of a candidate in PNet, RNet and ONet."""
    scale_factor: float = Field(0.709, gt=0.3, lt=0.95)
    """Ratio between neighbouring levels of the image pyramid."""
    pad_share: float = Field(0.25, ge=0.0, le=1.0)
    """Grey border added to a photo in which no face was found, as a share of its sides."""
    scan_interval_s: float = Field(0.2, ge=0.0)
    """Time between two searches for new faces where something moves. In between, the detector looks only where tracks lead it to
    expect faces. 0: it searches every frame."""
    idle_interval_s: float = Field(4.0, ge=0.0)
    """Time between two searches of the whole frame while nothing moves."""


class AlignmentConfig(Section):
    """How an aligned face is embedded."""

    mirror: bool = True
    """Embed the face and its mirror image and take the mean: twice the time, fewer errors."""


class QualityConfig(Section):
    """The quality gate: a face that misses one of these limits neither votes nor is enrolled. Scales: `engine.alignment`."""

    min_size_px: float = Field(14.0, ge=0)
    min_sharpness: float = Field(0.10, ge=0)
    min_brightness: float = Field(0.10, ge=0, le=1)
    max_brightness: float = Field(0.95, ge=0, le=1)
    min_contrast: float = Field(0.04, ge=0)
    max_yaw_deg: float = Field(50.0, gt=0, le=90)
    max_pitch_deg: float = Field(45.0, gt=0, le=90)
    min_inside: float = Field(0.85, ge=0, le=1)


class EmbeddingConfig(Section):
    """Which network embeds faces."""

    model: str = ""
    """Empty: the gallery's; of a new workspace the best that this machine has (`engine.models.usual_model`)."""
    max_batch: int = Field(32, ge=1, le=512)


class MatchingConfig(Section):
    """When a similarity is a match."""

    threshold: float | None = Field(None, ge=-1, le=1)
    """Fixed threshold, which nothing overrides. Empty: the one that `muster calibrate` applied, else one derived from the
    gallery's own impostor scores at `target_fmr`."""
    target_fmr: float = Field(1e-4, gt=0, lt=1)
    """Rate of false matches per comparison with one person, from which the threshold is derived."""
    target_fpir: float = Field(1e-3, gt=0, lt=1)
    """Share of searches by strangers that may return a name; in a large gallery it replaces `target_fmr`."""
    min_margin: float = Field(0.05, ge=0, le=1)
    """How far the best person must be ahead of the runner-up."""
    stranger_threshold: float | None = Field(None, ge=-1, le=1)
    """Minimum similarity for two strangers to count as one; empty: the matching threshold."""


class TrackingConfig(Section):
    """Association of detections over time."""

    max_gap_s: float = Field(1.0, gt=0)
    """A track ends after this long without a detection."""
    min_iou: float = Field(0.15, ge=0, le=1)
    max_center_shift: float = Field(0.9, ge=0)
    """Boxes that no longer overlap may still belong together within this many box sides (low frame rates)."""


class VotingConfig(Section):
    """From frames to a decision."""

    min_agreeing: int = Field(3, ge=1)
    """Good frames that must agree on a person."""
    min_unknown: int = Field(5, ge=1)
    """Good frames that must agree that the person is unknown."""
    min_share: float = Field(0.6, gt=0.5, le=1)
    """Share of the votes in the window that the winner needs."""
    window: int = Field(25, ge=3)
    """Number of latest good frames that count."""
    embed_interval_s: float = Field(0.08, ge=0)
    """Shortest time between two votes of one track; 0: every good frame votes. A track that stays undecided votes less and less
    often."""
    settled_interval_s: float = Field(1.5, ge=0)
    """The same once the track is known or unknown, and then mostly for a glance (`engine.embedding.Glance`). A much better face is
    compared with the gallery at once."""
    name_holds_s: float = Field(2.0, gt=0)
    """A name that no face has confirmed for so long is shown as unsure and counts for nothing until one does."""


class PresentationConfig(Section):
    """Checks against photos, screens and replayed streams; docs/liveness.md says what they can and cannot detect."""

    policy: Literal["off", "mark", "require"] = "mark"
    """`off`: no checks. `mark`: rows say passed, unproven or failed. `require`: only people who passed are recorded as present."""
    min_turn_deg: float = Field(20.0, ge=10, le=60)
    """Smallest turn of the head from which the check judges depth."""
    still_s: float = Field(15.0, ge=8, le=600)
    """A face whose features do not move for this long is a picture. Some people do not blink for ten seconds."""
    frozen_s: float = Field(10.0, ge=1, le=600)
    """A stream whose picture does not change for this long is frozen."""
    loop_s: float = Field(4.0, ge=2, le=60)
    """A stream that repeats earlier motion exactly for this long is looped."""
    challenge: Literal["unproven", "always"] = "unproven"
    """Whom a kiosk asks to move their head under `require`. `always`: also those who passed the other checks, as a video does."""
    challenge_s: float = Field(5.0, ge=1, le=60)
    """Time for each step of the challenge."""
    challenge_tries: int = Field(3, ge=1, le=20)
    """Failed challenges of one person within five minutes, after which the kiosk asks for their badge or PIN."""

    @model_validator(mode="before")
    @classmethod
    def _without_retired(cls, values: Any) -> Any:
        """Ignore retired keys, so that older workspaces still open."""
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

    identify_s: float = Field(6.0, ge=0, le=30)
    """Time that somebody unknown has to show a badge or enter a PIN before they count as a stranger, at cameras with a kiosk."""
    cool_down_s: float = Field(300.0, ge=0)
    """Shortest time between two punches of one person."""
    episode_gap_s: float = Field(20.0, gt=0)
    """A stranger who returns after this long out of view starts a new episode."""
    door_window_s: float = Field(2.0, ge=0)
    """People who come into view within this time of each other pass together."""
    min_presence_s: float = Field(0.6, ge=0)
    """How long a track must last to count as a person passing."""
    settle_s: float = Field(4.0, gt=0)
    """How long a tailgating incident waits for everybody involved to be identified."""
    context_s: float = Field(1.0, ge=0, le=5)
    """Pictures from this long before to this long after an incident are kept with it."""
    film_gb: float = Field(5.0, ge=0, le=10_000)
    """Room for films of incidents: four seconds before and five after each, H.264 as the camera sends it. The oldest go first. 0: no films
    are kept."""
    tailgating: bool = True
    unknown: bool = True


class StrangersConfig(Section):
    """What is kept of people who are not enrolled."""

    keep: Literal["nothing", "incident", "dossier"] = "dossier"
    """`dossier`: incidents, and templates by which a stranger is recognised again. `incident`: incidents with their pictures, but
    nothing by which somebody could be recognised. `nothing`: of a face that is nobody's who is enrolled, Muster writes nothing;
    those who pass together with somebody enrolled are counted, without pictures."""

    @property
    def recognised_again(self) -> bool:
        """A stranger gets an identifier and templates, and is found by photo."""
        return self.keep == "dossier"

    @property
    def leave_traces(self) -> bool:
        """Something may be written about a face that is nobody's who is enrolled."""
        return self.keep != "nothing"


class SourcesConfig(Section):
    """Cameras and files."""

    stall_timeout_s: float = Field(4.0, gt=0)
    """A live source that delivers no frame for this long is lost."""
    open_timeout_s: float = Field(8.0, gt=0)
    backoff_s: tuple[float, float] = (0.5, 5.0)
    """First and longest wait between attempts to reconnect."""
    doze_s: float = Field(2.0, ge=0, le=4)
    """While nothing moves, `muster watch` decodes only the key frames of H.264 and H.265 streams whose key frames are no further apart
    than this. What lies between is decoded as soon as two of them differ. 0: it decodes everything."""


def _whole(value: object) -> object:
    """Take a number from the environment, where everything is text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _webcam(value: object) -> object:
    """Take a webcam's number without quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else value


Share = Annotated[float, Field(ge=0, le=1)]


class CameraConfig(Section):
    """Settings of one camera."""

    source: Annotated[str, BeforeValidator(_webcam)] = ""
    """Where the pictures come from, as in `muster watch --source`; the workbench can then show the camera. File paths are
    relative to the workspace."""
    enabled: bool = True
    """Nobody records a camera that is off, and nobody's absence depends on it."""
    kiosk_port: int | None = Field(None, ge=1, le=65535)
    """`muster serve` serves a screen for this camera at this TCP port; empty: none, unless its options ask for one."""
    kiosk_address: str = Field("", pattern=r"^(https?://[^/?#@\s]+(/[A-Za-z0-9._~-]+)*/?)?$")
    """Address at which screens reach that screen through a proxy, such as `https://door.example.com` or
    `https://muster.example.com/door`; empty: they reach it directly."""
    rotate: Annotated[Literal[0, 90, 180, 270], BeforeValidator(_whole)] = 0
    """How far its pictures are turned clockwise, in degrees, to stand upright; everything sees the turned ones."""
    region: tuple[Share, Share, Share, Share] | None = None
    """Left, top, right and bottom edge of the part of the upright picture in which faces count, as shares of its sides; empty: all."""
    masks: tuple[Area, ...] = ()
    """Parts of the upright picture in which faces do not count, such as a screen or a street behind glass: the corners of each, as
    shares of the picture's sides, such as `0.1,0.2 0.5,0.2 0.5,0.6`."""
    doze_s: float | None = Field(None, ge=0, le=4)
    """Empty: `sources.doze_s`."""
    min_face_px: int | None = Field(None, ge=12, le=2000)
    """Smallest face; empty: `detection.min_face_px`."""
    direction: Literal["in", "out", "both"] = "both"
    """Whether people pass the camera when they arrive, when they leave, or both."""
    entrance: bool = True
    """People arrive and leave here: while the camera is off, no absence is certain."""
    tailgating: bool | None = None
    """Report people who pass together; empty: `events.tailgating`."""
    door_window_s: float | None = Field(None, ge=0)
    """Empty: `events.door_window_s`."""
    two_known: Literal["incident", "note", "ignore"] = "incident"
    """What a passage of known people only becomes: an open incident, a row that needs no attention, or nothing."""
    hosts: tuple[str, ...] = ()
    """Employee ids of people who may bring visitors: a passage of a host with visitors is a note. `*`: everybody."""
    visitors_per_host: int = Field(1, ge=1)
    """Most visitors that one host may bring."""
    quiet_hours: tuple[Window, ...] = ()
    """Windows of local time such as `20:00-06:00` without exceptions: every passage of several people is an open incident, and
    every event is of high severity."""

    @field_validator("region")
    @classmethod
    def _with_an_inside(
        cls, value: tuple[float, float, float, float] | None
    ) -> tuple[float, float, float, float] | None:
        if value is not None and (value[2] - value[0] < _LEAST_SHARE or value[3] - value[1] < _LEAST_SHARE):
            raise ValueError(
                phrase("the region has no inside: give left, top, right and bottom edge, such as [0.2, 0.0, 0.8, 1.0]")
            )
        return value
