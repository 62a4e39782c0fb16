"""Rules for messages: which incidents, to whom, and the text.

A message contains ids but no names of people, and never its address, which stays in the settings. Rule, channel (scheme and host) and the
place among the rule's addresses with the same channel identify the address.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr

from engine.config import NotificationRule
from engine.config.hours import within
from engine.incidents.log import INCIDENTS, IncidentKind, IncidentRow
from engine.types import Severity

_SEVERITIES = tuple(Severity)
_ALL_DAY = ("00:00-24:00",)
WHO = ("employee_ids", "unknown_ids")
FACTS = ("incident_id", "timestamp", "kind", "camera", "severity", *WHO, "classification", "people", "detail")
"""The columns of an incident that may leave the machine."""

_TITLES = {
    IncidentKind.UNKNOWN: "Unknown person at {camera}",
    IncidentKind.TAILGATING: "Tailgating at {camera}",
    IncidentKind.PRESENTATION_ATTACK: "Suspected picture or screen instead of a face at {camera}",
    IncidentKind.WATCH_LIST: "Somebody on the watch list at {camera}",
    IncidentKind.WRONG_NAME: "Somebody at the kiosk {camera} says that Muster named them wrongly",
    IncidentKind.BADGE: "Badge misused at {camera}",
    IncidentKind.CAMERA_LOST: "Camera {camera} is lost",
    IncidentKind.CAMERA_BACK: "Camera {camera} is back",
    IncidentKind.PART_LOST: "A part of Muster ended and was started again",
    IncidentKind.TEST: "Test message",
}
# for other services, the part after :// may be a token
_HOST_IS_PUBLIC = {"http", "json", "xml", "form", "mailto", "gotify", "mmost"}
_LONGEST_TEXT = 500


@dataclass(frozen=True)
class Target:
    """An address of a rule.

    Attributes:
        rule: the rule's name.
        channel: the printable part of the address: its scheme, and its host unless that is a credential.
        place: 0 for the webhook, else the number among the rule's addresses with this channel, from 1.
        address: masked when printed.
    """

    rule: str
    channel: str
    place: int
    address: SecretStr


@dataclass(frozen=True)
class Held:
    """Incidents that a rule's limit held back."""

    count: int
    since: datetime


class Message(BaseModel):
    """A message in the outbox for one address.

    Attributes:
        message_id: the same at every attempt, so that receivers can drop duplicates.
        incident_id: empty in a test message and in a scheduled report.
        rule, channel, place: see `Target`.
        next_at: time of the next attempt.
        title, body: for people.
        facts: columns of the incident, for programs; of a report, its first and last day.
        held: number of incidents that the rule's limit held back before.
        image: attached picture, relative to the workspace; may be empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message_id: str
    incident_id: str
    rule: str
    channel: str
    place: int
    created: AwareDatetime
    next_at: AwareDatetime
    attempts: int = 0
    title: str
    body: str
    facts: dict[str, str]
    held: int = 0
    image: str = ""


def matches(rule: NotificationRule, row: IncidentRow, zone: ZoneInfo) -> bool:
    """Return whether a rule applies to an incident.

    No rule applies to a review, because its note may name people, or to an incident that was only noted. An incident without a severity
    passes every minimum, because a message too many is better than one too few. Hours and days are those of `zone`.
    """
    minimum = _SEVERITIES.index(Severity(rule.min_severity))
    return (
        not row.refers_to
        and row.state != "noted"
        and (not rule.kinds or row.kind in rule.kinds)
        and (not rule.cameras or row.camera in rule.cameras)
        and (row.severity is None or _SEVERITIES.index(row.severity) >= minimum)
        and within(rule.hours or _ALL_DAY, row.timestamp.astimezone(zone), rule.weekdays)
    )


def targets(rule: NotificationRule) -> list[Target]:
    """Return the addresses of a rule, the webhook first."""
    found = []
    if rule.webhook is not None:
        found.append(Target(rule.name, channel_of_webhook(rule.webhook), 0, rule.webhook))
    places: Counter[str] = Counter()
    for address in rule.to:
        channel = channel_of(address.get_secret_value())
        places[channel] += 1
        found.append(Target(rule.name, channel, places[channel], address))
    return found


def channel_of_webhook(address: SecretStr) -> str:
    """Return scheme, host and port of a webhook; its path may be a token."""
    parts = urlsplit(address.get_secret_value())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme.lower()}://{host}{f':{parts.port}' if parts.port else ''}"


def channel_of(address: str) -> str:
    """Return scheme and host of an address in apprise's notation, or the scheme alone if the host may be a credential."""
    scheme = address.split("://", 1)[0].lower()
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    public = scheme.removesuffix("s") in _HOST_IS_PUBLIC and re.fullmatch(r"localhost|[a-z0-9-]+(\.[a-z0-9-]+)+", host)
    return f"{scheme}://{host if public else ''}"


def compose(
    rule: NotificationRule,
    target: Target,
    row: IncidentRow,
    *,
    message_id: str,
    now: datetime,
    zone: ZoneInfo,
    held: Held | None = None,
) -> Message:
    """Return the message about an incident for one address, with no columns but `FACTS` and with times in `zone`.

    Raises:
        KeyError: the row is a review.
    """
    cells = INCIDENTS.texts(row)
    facts = {column: text for column in FACTS if (text := one_line(cells[column]))}
    local = row.timestamp.astimezone(zone)
    title = _TITLES[row.kind].replace("{camera}", facts.get("camera", ""))
    ids = ", ".join(filter(None, f"{facts.get('employee_ids', '')};{facts.get('unknown_ids', '')}".split(";")))
    people = f"{facts.get('people', '')} ({facts.get('classification', '')})"
    lines = [
        f"{title}.",
        f"Time: {local:%Y-%m-%d %H:%M:%S %Z}",
        f"Severity: {facts['severity']}" if "severity" in facts else "",
        f"Who: {ids}" if ids else "",
        f"People: {people}" if "classification" in facts else "",
        f"Detail: {facts['detail']}" if "detail" in facts else "",
        f"Incident: {facts['incident_id']}" if "incident_id" in facts else "",
        _held_back(rule, held, zone, local) if held else "",
        f"Rule: {rule.name}",
        f"Message: {message_id}; one that comes twice has the same number.",
    ]
    return Message(
        message_id=message_id,
        incident_id=facts.get("incident_id", ""),
        rule=rule.name,
        channel=target.channel,
        place=target.place,
        created=now,
        next_at=now,
        title=f"{title} · {local:%H:%M}",
        body="\n".join(line for line in lines if line),
        facts=facts,
        held=held.count if held else 0,
        image=one_line(row.image) if rule.attach_image else "",
    )


def _held_back(rule: NotificationRule, held: Held, zone: ZoneInfo, local: datetime) -> str:
    since = held.since.astimezone(zone)
    day = f"{since:%Y-%m-%d} " if since.date() != local.date() else ""
    limit = f"{rule.limit} in {rule.per_s / 60:g} minutes"
    return f"And {held.count} more since {day}{since:%H:%M}, held back by the limit of {limit} for a camera"


def one_line(text: str) -> str:
    """Return one printable line, so that a camera's name or a detail cannot add headers or lines to a message."""
    text = "".join(ch if ch.isprintable() else " " for ch in text)
    return " ".join(text.split())[:_LONGEST_TEXT]
