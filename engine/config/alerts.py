"""Settings of notifications."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator, model_validator

from engine.config.hours import days_of_week
from engine.config.section import AnyDays, Section, Window
from engine.config.webhooks import Webhook
from engine.types import EventKind, Severity
from engine.words import phrase

_ATTENDANCE_KINDS = {EventKind.SIGHTING, EventKind.RETRACTION, EventKind.UNIDENTIFIED}
_INCIDENT_KINDS = sorted(kind.value for kind in EventKind if kind not in _ATTENDANCE_KINDS)


class NotificationRule(Webhook):
    """Which incidents go to which recipients. Empty `kinds`, `cameras`, `hours` or `days` match everything."""

    kinds: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    hours: tuple[Window, ...] = ()
    """Windows of local time such as `20:00-06:00`: the first minute counts, the last does not."""
    days: AnyDays = ""
    """Days of the week such as `mon-fri` or `sat,sun`; a window over midnight belongs to the day on which it begins."""
    min_severity: Severity = Severity.INFO
    to: tuple[SecretStr, ...] = ()
    """Addresses in apprise's notation, such as `mailto://…`, `dbus://`, `slack://…`."""
    attach_image: bool = False
    """Send the incident's picture, too."""
    limit: int = Field(5, ge=1, le=1000)
    """Most incidents of one camera sent within `per_s`; further ones are counted and reported in the next message."""
    per_s: float = Field(3600.0, gt=0, le=7 * 86400)

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - set(_INCIDENT_KINDS)):
            raise ValueError(
                phrase(
                    "{name} is not a kind of incident: {kinds}", name=repr(unknown[0]), kinds=", ".join(_INCIDENT_KINDS)
                )
            )
        return value

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        # addresses carry passwords and tokens: no message may repeat one
        for address in value:
            if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address.get_secret_value()):
                raise ValueError(phrase("an address begins with its service, such as mailto://, slack:// or dbus://"))
        return value

    @model_validator(mode="after")
    def _complete(self) -> NotificationRule:
        if not self.to and self.webhook is None:
            raise ValueError(
                phrase("rule {name} has no recipient; give it to = [...] or webhook = ...", name=repr(self.name))
            )
        return self

    @property
    def weekdays(self) -> frozenset[int]:
        """The days as numbers, 0 Monday."""
        return days_of_week(self.days or "mon-sun")


class NotificationsConfig(Section):
    """Who is notified of incidents. Without rules nothing is sent."""

    rules: tuple[NotificationRule, ...] = ()
    """One `[[notifications.rules]]` each in `muster.toml`."""
    give_up_s: float = Field(86400.0, gt=0)
    """A message that could not be delivered for this long is dropped."""
    interval_s: float = Field(5.0, ge=0.1, le=3600)
    """How often the outbox is checked."""

    @field_validator("rules")
    @classmethod
    def _different_names(cls, value: tuple[NotificationRule, ...]) -> tuple[NotificationRule, ...]:
        names = [rule.name for rule in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(phrase("two rules are named {name}; give each rule its own name", name=repr(twice[0])))
        return value
