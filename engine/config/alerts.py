"""Settings of notifications."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from engine.config.hours import days_of_week
from engine.config.section import AnyDays, Section, Window
from engine.types import EventKind, Severity
from engine.words import phrase

SHORTEST_KEY = 16
"""Characters of a key that signs webhooks."""
_ATTENDANCE_KINDS = {EventKind.SIGHTING, EventKind.RETRACTION, EventKind.UNIDENTIFIED}
_INCIDENT_KINDS = sorted(kind.value for kind in EventKind if kind not in _ATTENDANCE_KINDS)


class NotificationRule(Section):
    """Which incidents go to which recipients. Empty `kinds`, `cameras`, `hours` or `days` match everything."""

    name: str = Field(pattern=r"^\w[\w .-]{0,39}$")
    """Name of the rule in logs; unique."""
    kinds: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    hours: tuple[Window, ...] = ()
    """Windows of local time such as `20:00-06:00`: the first minute counts, the last does not."""
    days: AnyDays = ""
    """Days of the week such as `mon-fri` or `sat,sun`; a window over midnight belongs to the day on which it begins."""
    min_severity: Severity = Severity.INFO
    to: tuple[SecretStr, ...] = ()
    """Addresses in apprise's notation, such as `mailto://…`, `dbus://`, `slack://…`."""
    webhook: SecretStr | None = None
    """http or https address that receives a signed POST."""
    webhook_key: SecretStr | None = None
    """Key that signs it, …"""
    webhook_secret_env: str = ""
    """… or the name of the environment variable that holds it, …"""
    webhook_secret_file: str = ""
    """… or a file that holds it, relative to the workspace."""
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

    @field_validator("to", "webhook")
    @classmethod
    def _addresses(cls, value: tuple[SecretStr, ...] | SecretStr | None) -> tuple[SecretStr, ...] | SecretStr | None:
        # addresses carry passwords and tokens: no message may repeat one
        for address in value if isinstance(value, tuple) else ():
            if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address.get_secret_value()):
                raise ValueError(phrase("an address begins with its service, such as mailto://, slack:// or dbus://"))
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            if not re.fullmatch(r"https?://((?![@/?#])[!-~])+([/?][!-~]*)?", text, re.ASCII | re.IGNORECASE):
                raise ValueError(
                    phrase(
                        "expected http:// or https://, a host and a path in ASCII, without user and password "
                        "(the body is signed instead)"
                    )
                )
            try:
                complete = bool(urlsplit(text).hostname and urlsplit(text).port != 0)
            except ValueError:
                complete = False
            if not complete:
                raise ValueError(phrase("the host or the port of the address is not valid"))
        return value

    @field_validator("webhook_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(phrase("a signing key has at least {count} characters", count=SHORTEST_KEY))
        return value

    @field_validator("webhook_secret_env")
    @classmethod
    def _free_variable(cls, value: str) -> str:
        if value.upper().startswith("MUSTER_"):
            raise ValueError(phrase("names that begin with MUSTER_ are settings; choose another, such as WEBHOOK_KEY"))
        return value

    @model_validator(mode="after")
    def _complete(self) -> NotificationRule:
        if not self.to and self.webhook is None:
            raise ValueError(
                phrase("rule {name} has no recipient; give it to = [...] or webhook = ...", name=repr(self.name))
            )
        keys = bool(self.webhook_key) + bool(self.webhook_secret_env) + bool(self.webhook_secret_file)
        if keys != (self.webhook is not None):
            raise ValueError(
                phrase(
                    "rule {name}: a webhook needs one of webhook_key, webhook_secret_env and webhook_secret_file, "
                    "and these need a webhook",
                    name=repr(self.name),
                )
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
