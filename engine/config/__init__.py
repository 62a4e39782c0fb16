"""Settings: one section per station, read from `muster.toml` in the workspace, then from `MUSTER_*` in the environment.

`MUSTER_EVENTS__COOL_DOWN_S=600` sets `cool_down_s` in section `events`. Each station gets its own section only.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from engine.config.alerts import NotificationRule, NotificationsConfig
from engine.config.attendance import (
    AttendanceConfig,
    HolidayGroupConfig,
    HolidaysConfig,
    RetentionConfig,
    RotaConfig,
    Rounding,
    ShiftConfig,
)
from engine.config.away import Away, AwayPart, Half
from engine.config.cameras import (
    AlignmentConfig,
    CameraConfig,
    DetectionConfig,
    EmbeddingConfig,
    EventsConfig,
    MatchingConfig,
    PresentationConfig,
    QualityConfig,
    RuntimeConfig,
    SourcesConfig,
    StrangersConfig,
    TrackingConfig,
    VotingConfig,
)
from engine.config.doors import DoorConfig
from engine.config.encryption import EncryptionConfig
from engine.config.environment import name_unknown, settings_only
from engine.config.hidden import SECRETS_NAME, named_secrets, read_secrets, with_secrets
from engine.config.interface import AppConfig, KioskConfig, OidcConfig
from engine.config.leave import LEAVE_STATUSES, LeaveKindConfig, with_standard
from engine.config.mqtt import MqttConfig
from engine.config.people import BASES, PeopleConfig
from engine.config.reminders import RemindersConfig
from engine.config.reports import ReportsConfig, ScheduledReport
from engine.config.retention import BEFORE, began_before
from engine.config.secret import holds_secret, is_secret_itself
from engine.errors import ConfigError
from engine.masking import is_secret, mask, remember
from engine.words import phrase

__all__ = [
    "BASES",
    "CONFIG_NAME",
    "ENCODING",
    "LEAVE_STATUSES",
    "SECRETS_NAME",
    "AlignmentConfig",
    "AppConfig",
    "AttendanceConfig",
    "Away",
    "AwayPart",
    "CameraConfig",
    "Config",
    "DetectionConfig",
    "DoorConfig",
    "EmbeddingConfig",
    "EncryptionConfig",
    "EventsConfig",
    "Half",
    "HolidayGroupConfig",
    "HolidaysConfig",
    "KioskConfig",
    "LeaveKindConfig",
    "MatchingConfig",
    "MqttConfig",
    "NotificationRule",
    "NotificationsConfig",
    "OidcConfig",
    "PeopleConfig",
    "PresentationConfig",
    "Problem",
    "QualityConfig",
    "ReportsConfig",
    "RetentionConfig",
    "RotaConfig",
    "Rounding",
    "RuntimeConfig",
    "ScheduledReport",
    "ShiftConfig",
    "SourcesConfig",
    "StrangersConfig",
    "TrackingConfig",
    "VotingConfig",
    "holds_secret",
    "is_secret_itself",
    "load_config",
    "parse_config",
    "problems_of",
]

CONFIG_NAME = "muster.toml"
ENCODING = "utf-8-sig"
"""Of that file: UTF-8, with or without the mark that some editors of Windows put in front."""


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
    """The workplace's IANA time zone; a day begins and ends there."""
    organisation: str = ""
    """Name of the workplace, printed on reports."""
    sample: bool = False
    """This workspace holds made-up data; every page says so."""
    app: AppConfig = AppConfig()
    kiosk: KioskConfig = KioskConfig()
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
    strangers: StrangersConfig = StrangersConfig()
    sources: SourcesConfig = SourcesConfig()
    notifications: NotificationsConfig = NotificationsConfig()
    mqtt: MqttConfig = MqttConfig()
    reports: ReportsConfig = ReportsConfig()
    reminders: RemindersConfig = RemindersConfig()
    attendance: AttendanceConfig = AttendanceConfig()
    shifts: dict[str, ShiftConfig] = {}
    """By name, such as `[shifts.office]`."""
    rotas: dict[str, RotaConfig] = {}
    """Shifts that take turns, by name, such as `[rotas.team-a]`."""
    holidays: HolidaysConfig = HolidaysConfig()
    people: PeopleConfig = PeopleConfig()
    leave: dict[str, LeaveKindConfig] = {}
    """Kinds of leave by name, such as `[leave.annual]`, over the standard ones."""
    retention: RetentionConfig = RetentionConfig()
    store: str = ""
    """Address of a PostgreSQL database that several sites share, `postgresql+psycopg://…`; empty: files in the workspace
    (docs/scale.md)."""
    site: str = Field("main", pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")
    """Which site of the database this is."""
    recorder: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,39})?$")
    """Name under which this installation's rows are sealed in the database; empty: the machine's name."""
    offline_start: bool = True
    """A recorder on a database keeps people, templates and threshold in `known/`, so that it can start while the database is away."""
    seal_key: Path | None = None
    """File with the key that seals the logs; empty: one of its own for each workspace, in the user's configuration."""
    encryption: EncryptionConfig = EncryptionConfig()
    cameras: dict[str, CameraConfig] = {}
    """By name, such as `[cameras.entrance]`."""
    doors: dict[str, DoorConfig] = {}
    """By name, such as `[doors.main]`."""

    @model_validator(mode="after")
    def _doors_with_a_broker(self) -> Config:
        for name, door in self.doors.items():
            if not re.fullmatch(r"\w[\w .-]{0,39}", name):
                raise ValueError(phrase("doors.{name}: a name has letters, digits, spaces, . _ and -", name=name))
            if door.action == "open" and not self.mqtt.on:
                raise ValueError(phrase("doors.{name}: it opens through MQTT; give the host of [mqtt]", name=name))
        return self

    @model_validator(mode="after")
    def _mailbox_of_reminders(self) -> Config:
        if self.reminders.wanted and self.reports.mail_server is None:
            raise ValueError(phrase("reminders need reports.mail_server, the mailbox that sends them"))
        return self

    @model_validator(mode="after")
    def _known_shifts(self) -> Config:
        for name, rota in self.rotas.items():
            if unknown := sorted({*rota.cycle} - {*self.shifts, "off"}):
                raise ValueError(
                    phrase(
                        "rotas.{name}: the cycle names {shifts}, which is no shift",
                        name=name,
                        shifts=", ".join(unknown),
                    )
                )
            if name in self.shifts:
                raise ValueError(phrase("rotas.{name}: a shift has the same name", name=name))
        return self

    @model_validator(mode="after")
    def _different_senders(self) -> Config:
        rules = {rule.name for rule in self.notifications.rules}  # the log of deliveries names either
        if self.mqtt.on and "mqtt" in rules | {report.name for report in self.reports.scheduled}:
            raise ValueError(phrase("a rule or report is named mqtt, as the channel to the broker is; rename it"))
        if twice := sorted(rules & {report.name for report in self.reports.scheduled}):
            raise ValueError(
                phrase(
                    "a notification rule and a scheduled report are both named {name}; rename one", name=repr(twice[0])
                )
            )
        return self

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                phrase("{name} is not an IANA time zone such as Europe/Berlin", name=repr(value))
            ) from error
        return value

    @field_validator("leave", mode="before")
    @classmethod
    def _standard_leave(cls, value: object) -> object:
        return with_standard(value) if isinstance(value, Mapping) else value

    def camera(self, name: str) -> CameraConfig:
        """The settings of a camera; the defaults for one that the settings do not name."""
        return self.cameras.get(name) or CameraConfig()

    def doze_s_of(self, camera: str) -> float:
        """How far apart a camera's key frames may be for it to doze; 0: it never does."""
        own = self.camera(camera).doze_s
        return self.sources.doze_s if own is None else own

    @property
    def zone(self) -> ZoneInfo:
        """The workplace's time zone."""
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
        """Prefer arguments to the environment; `load_config` adds the file, which counts less than both."""
        del dotenv_settings, file_secret_settings
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = settings_only(cls, env_settings.env_vars)
        return init_settings, env_settings


def load_config(workspace: Path, **overrides: Any) -> Config:
    """Read the settings of a workspace.

    Args:
        workspace: folder that may hold `muster.toml`.
        overrides: sections that win over file and environment.

    Raises:
        ConfigError: the file cannot be parsed, has an unknown key, or a value is out of range.
    """
    path = workspace / CONFIG_NAME
    try:
        text = path.read_text(encoding=ENCODING) if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="correct the file or remove it") from error
    return parse_config(text, path, **overrides)


def parse_config(text: str, path: Path, *, secrets: Mapping[str, str] | None = None, **overrides: Any) -> Config:
    """Return the settings that a text makes, together with the environment.

    Args:
        text: content of a `muster.toml`.
        path: of the file, for messages.
        secrets: by the names that the text uses; default: those of the file beside it.

    Raises:
        ConfigError: see `load_config`.
    """
    try:
        return _validated(text, path, secrets, overrides)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"setting {place}{_told(first)}: {first['msg']}", hint=f"correct it in {path} or in MUSTER_*"
        ) from error


@dataclass(frozen=True)
class Problem:
    """What is wrong with one setting.

    Attributes:
        path: sections, keys, names of entries and places in lists.
        kind: pydantic's name of the rule. limits: its values, such as `ge`.
        message: in English; a `Phrase` where the model says it itself.
    """

    path: tuple[str | int, ...]
    kind: str
    message: str
    limits: Mapping[str, Any]


def problems_of(text: str, path: Path, *, secrets: Mapping[str, str] | None = None) -> list[Problem]:
    """Return everything that is wrong with the settings that a text makes; for the parameters see `parse_config`.

    Raises:
        ConfigError: the text is no settings at all: it cannot be parsed, or names an unknown section.
    """
    try:
        _validated(text, path, secrets, {})
    except ValidationError as error:
        return [_problem(each) for each in error.errors()]
    return []


def _problem(error: ErrorDetails) -> Problem:
    limits = error.get("ctx", {})
    own = limits.get("error")
    message = own.args[0] if isinstance(own, ValueError) and own.args else error["msg"]
    return Problem(error["loc"], error["type"], message, limits)


def _validated(text: str, path: Path, secrets: Mapping[str, str] | None, overrides: Mapping[str, Any]) -> Config:
    known = set(Config.model_fields)
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="correct the file or remove it") from error
    if names := set(named_secrets(content)):
        secrets = read_secrets(path.parent) if secrets is None else secrets
        remember({"secret": [value for name, value in secrets.items() if name in names]})
        content = with_secrets(content, secrets)
    remember(content)
    remember({name: value for name, value in os.environ.items() if name.startswith("MUSTER_")})
    if unknown := sorted(set(content) - known):
        raise ConfigError(
            f"{path} has unknown settings {', '.join(unknown)}", hint=f"known sections: {', '.join(sorted(known))}"
        )

    name_unknown(Config)

    class _Located(Config):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *args: Any, **sources: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            before = super().settings_customise_sources(settings_cls, *args, **sources)
            made_up = bool(content.get("sample"))
            usual = {"retention": dict(BEFORE)} if not made_up and began_before(path.parent) else {}
            return (
                *before,
                InitSettingsSource(settings_cls, init_kwargs=content),
                InitSettingsSource(settings_cls, init_kwargs=usual),
            )

    try:
        return _Located(**overrides)
    except SettingsError as error:
        raise ConfigError(f"{error}", hint="correct the MUSTER_* variable, write a list as [1, 2]") from error


def _told(error: ErrorDetails) -> str:
    """The wrong value, if it may be read: a section holds others, and under a misspelt name there may be a password."""
    place, value = error["loc"], error["input"]
    hidden = (
        holds_secret(Config, place)
        or error["type"] in {"extra_forbidden", "missing"}
        or not isinstance(value, str | int | float)
        or any(is_secret(str(part)) for part in place)
    )
    return "" if hidden else f" = {mask(repr(value))}"
