"""Settings: one section per station, from `muster.toml` in the workspace, then `MUSTER_*` in the environment.

`MUSTER_EVENTS__COOL_DOWN_S=600` sets `cool_down_s` in section `events`. A station is handed its own section only.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from engine.config_attendance import AttendanceConfig, HolidaysConfig, RetentionConfig, ShiftConfig
from engine.errors import ConfigError
from engine.hours import days_of_week, minutes_of_day
from engine.types import EventKind, Severity

__all__ = [
    "AlignmentConfig",
    "CameraConfig",
    "Config",
    "DetectionConfig",
    "EmbeddingConfig",
    "EventsConfig",
    "MatchingConfig",
    "NotificationRule",
    "NotificationsConfig",
    "PresentationConfig",
    "QualityConfig",
    "RuntimeConfig",
    "SourcesConfig",
    "TrackingConfig",
    "VotingConfig",
    "load_config",
]

CONFIG_NAME = "muster.toml"
_OTHER_VARIABLES = {"author", "cache", "workspace", "debug"}
_ATTENDANCE_KINDS = {EventKind.SIGHTING, EventKind.RETRACTION, EventKind.UNIDENTIFIED}
_INCIDENT_KINDS = sorted(kind.value for kind in EventKind if kind not in _ATTENDANCE_KINDS)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuntimeConfig(_Section):
    """Where and how networks run."""

    backend: Literal["auto", "onnx", "torch"] = "auto"
    """`auto`: torch on a CUDA device when there is one, else ONNX Runtime on the CPU."""
    threads: int = Field(0, ge=0, le=256)
    """Threads of a network; 0 lets the runtime take all cores."""


class DetectionConfig(_Section):
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


class AlignmentConfig(_Section):
    """What a face is before it is embedded."""

    mirror: bool = True
    """Embed the face and its mirror image and take the mean: twice the time, fewer errors."""


class QualityConfig(_Section):
    """The gate: a face below one of these neither votes nor is enrolled. Scales: `engine.alignment`."""

    min_size_px: float = Field(14.0, ge=0)
    min_sharpness: float = Field(0.10, ge=0)
    min_brightness: float = Field(0.10, ge=0, le=1)
    max_brightness: float = Field(0.95, ge=0, le=1)
    min_contrast: float = Field(0.04, ge=0)
    max_yaw_deg: float = Field(50.0, gt=0, le=90)
    max_pitch_deg: float = Field(45.0, gt=0, le=90)
    min_inside: float = Field(0.85, ge=0, le=1)


class EmbeddingConfig(_Section):
    """Which embedder."""

    model: str = "facenet-ms1m-128"
    max_batch: int = Field(32, ge=1, le=512)


class MatchingConfig(_Section):
    """When a similarity is a match."""

    threshold: float | None = Field(None, ge=-1, le=1)
    """Fixed threshold; empty: derived from this gallery's own impostor scores at `target_fmr`."""
    target_fmr: float = Field(1e-4, gt=0, lt=1)
    """False matches per comparison with one person, from which the threshold is derived."""
    target_fpir: float = Field(1e-3, gt=0, lt=1)
    """Share of searches by strangers that may name somebody; decides instead of `target_fmr` once a gallery is large."""
    min_margin: float = Field(0.05, ge=0, le=1)
    """How far the best person must lie before the runner-up."""
    stranger_threshold: float | None = Field(None, ge=-1, le=1)
    """From which similarity on two strangers are one; empty: the matching threshold."""


class TrackingConfig(_Section):
    """Association of detections over time."""

    max_gap_s: float = Field(1.0, gt=0)
    """A track unseen for longer has ended."""
    min_iou: float = Field(0.15, ge=0, le=1)
    max_center_shift: float = Field(0.9, ge=0)
    """Boxes that no longer overlap may still belong together within this many box sides (low frame rates)."""


class VotingConfig(_Section):
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


class PresentationConfig(_Section):
    """Checks against photos, screens and replayed streams; what they can and cannot see: docs/presentation.md."""

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
    model: Path | None = None
    """ONNX file of a network that tells attacks; empty: none. What it must be like: `engine.presentation.network`."""
    model_crop: float = Field(2.7, ge=1, le=6)
    """How much of the picture the network sees, in sides of the face box."""
    model_threshold: float = Field(0.5, gt=0, lt=1)
    """Bona fide iff the network's probability `>=` this."""


class EventsConfig(_Section):
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


class SourcesConfig(_Section):
    """Cameras and files."""

    stall_timeout_s: float = Field(5.0, gt=0)
    """A live source that gives no frame for this long is lost."""
    open_timeout_s: float = Field(10.0, gt=0)
    backoff_s: tuple[float, float] = (0.5, 15.0)
    """First and longest wait between attempts to reconnect."""


class NotificationRule(_Section):
    """Which incidents are told to whom. An empty list of kinds, cameras, hours or days stands for all."""

    name: str = Field(pattern=r"^\w[\w .-]{0,39}$")
    """How the rule is called in logs; unique."""
    kinds: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    """Windows of local time such as `20:00-06:00`: the first minute counts, the last does not."""
    days: str = ""
    """Days of the week such as `mon-fri` or `sat,sun`; a window over midnight belongs to the day on which it begins."""
    min_severity: Severity = Severity.INFO
    to: tuple[SecretStr, ...] = ()
    """Addresses in apprise's notation, such as `mailto://…`, `dbus://`, `slack://…`."""
    webhook: SecretStr | None = None
    """http or https address that gets a signed POST."""
    webhook_secret_env: str = ""
    """Name of the environment variable that holds the key of the signature, …"""
    webhook_secret_file: str = ""
    """… or a file with it, relative to the workspace."""
    attach_image: bool = False
    """Send the incident's picture, too."""
    limit: int = Field(5, ge=1, le=1000)
    """Incidents of one camera that are told within `per_s`; further ones are counted and told with the next."""
    per_s: float = Field(3600.0, gt=0, le=7 * 86400)

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - set(_INCIDENT_KINDS)):
            raise ValueError(f"{unknown[0]!r} is no kind of incident: {', '.join(_INCIDENT_KINDS)}")
        return value

    @field_validator("hours")
    @classmethod
    def _clock_times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            minutes_of_day(text)
        return value

    @field_validator("days")
    @classmethod
    def _days_of_the_week(cls, value: str) -> str:
        if value:
            days_of_week(value)
        return value

    @field_validator("to", "webhook")
    @classmethod
    def _addresses(cls, value: tuple[SecretStr, ...] | SecretStr | None) -> tuple[SecretStr, ...] | SecretStr | None:
        # no message here may repeat an address: it carries passwords and tokens
        for address in value if isinstance(value, tuple) else ():
            if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address.get_secret_value()):
                raise ValueError("an address begins with its service, such as mailto://, slack:// or dbus://")
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            if not re.fullmatch(r"https?://((?![@/?#])[!-~])+([/?][!-~]*)?", text, re.ASCII | re.IGNORECASE):
                raise ValueError(
                    "expected http:// or https://, a host and a path in ASCII, without user and password "
                    "(the body is signed instead)"
                )
            try:
                complete = bool(urlsplit(text).hostname and urlsplit(text).port != 0)
            except ValueError:
                complete = False
            if not complete:
                raise ValueError("the host or the port of the address makes no sense")
        return value

    @field_validator("webhook_secret_env")
    @classmethod
    def _free_variable(cls, value: str) -> str:
        if value.upper().startswith("MUSTER_"):
            raise ValueError("names that begin with MUSTER_ are settings; choose another, such as WEBHOOK_KEY")
        return value

    @model_validator(mode="after")
    def _complete(self) -> NotificationRule:
        if not self.to and self.webhook is None:
            raise ValueError(f"rule {self.name!r} tells nobody; give it to = [...] or webhook = ...")
        keys = bool(self.webhook_secret_env) + bool(self.webhook_secret_file)
        if keys != (self.webhook is not None):
            raise ValueError(
                f"rule {self.name!r}: a webhook needs either webhook_secret_env or webhook_secret_file, "
                "and these need a webhook"
            )
        return self

    @property
    def weekdays(self) -> frozenset[int]:
        """The days as numbers, Monday 0."""
        return days_of_week(self.days or "mon-sun")


class NotificationsConfig(_Section):
    """Who is told of incidents. Without rules nothing is sent."""

    rules: tuple[NotificationRule, ...] = ()
    """Each a `[[notifications.rules]]` in `muster.toml`."""
    give_up_s: float = Field(86400.0, gt=0)
    """A message that could not be delivered for this long is given up."""
    interval_s: float = Field(5.0, ge=0.1, le=3600)
    """How often the outbox is looked through."""

    @field_validator("rules")
    @classmethod
    def _different_names(cls, value: tuple[NotificationRule, ...]) -> tuple[NotificationRule, ...]:
        names = [rule.name for rule in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are called {twice[0]!r}; give each a name of its own")
        return value


class CameraConfig(_Section):
    """What differs for one camera."""

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


class Config(BaseSettings):
    """All settings of a workspace."""

    model_config = SettingsConfigDict(
        env_prefix="MUSTER_",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,  # a trace must not show the addresses and tokens of notification rules
    )

    timezone: str = "UTC"
    """IANA zone of the workplace: a day begins and ends there."""
    organisation: str = ""
    """Name of the workplace, for reports."""
    runtime: RuntimeConfig = RuntimeConfig()
    detection: DetectionConfig = DetectionConfig()
    alignment: AlignmentConfig = AlignmentConfig()
    quality: QualityConfig = QualityConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    matching: MatchingConfig = MatchingConfig()
    tracking: TrackingConfig = TrackingConfig()
    voting: VotingConfig = VotingConfig()
    presentation: PresentationConfig = PresentationConfig()
    events: EventsConfig = EventsConfig()
    sources: SourcesConfig = SourcesConfig()
    notifications: NotificationsConfig = NotificationsConfig()
    attendance: AttendanceConfig = AttendanceConfig()
    shifts: dict[str, ShiftConfig] = {}
    """By name, such as `[shifts.office]`."""
    holidays: HolidaysConfig = HolidaysConfig()
    retention: RetentionConfig = RetentionConfig()
    seal_key: Path | None = None
    """Where the key of the logs' seals lies; empty: `seal.key` in the workspace."""
    cameras: dict[str, CameraConfig] = {}
    """By name, such as `[cameras.entrance]`."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Berlin") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The workplace's zone."""
        return ZoneInfo(self.timezone)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file, then defaults."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_config(workspace: Path, **overrides: Any) -> Config:
    """Read the settings of a workspace.

    Args:
        workspace: folder that may hold `muster.toml`.
        overrides: values that win over file and environment, section by section.

    Raises:
        ConfigError: the file cannot be parsed, has an unknown key, or a value is out of range.
    """
    path = workspace / CONFIG_NAME
    known = set(Config.model_fields)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="correct the file or remove it") from error
    if unknown := sorted(set(content) - known):
        raise ConfigError(
            f"{path} has unknown settings {', '.join(unknown)}", hint=f"known sections: {', '.join(sorted(known))}"
        )

    for name in sorted(os.environ):
        section = name.removeprefix("MUSTER_").split("__")[0].lower()
        if name.startswith("MUSTER_") and section not in known | _OTHER_VARIABLES:
            raise ConfigError(f"{name} is no setting", hint=f"known sections: {', '.join(sorted(known))}")

    class _Located(Config):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return _Located(**overrides)
    except SettingsError as error:
        raise ConfigError(f"{error}", hint="correct the MUSTER_* variable, a list is written [1, 2]") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        # rules carry passwords and tokens: of them no value is repeated
        value = "" if first["loc"][:1] == ("notifications",) else f" = {first.get('input')!r}"
        raise ConfigError(
            f"setting {place}{value}: {first['msg']}", hint=f"correct it in {path} or in MUSTER_*"
        ) from error
