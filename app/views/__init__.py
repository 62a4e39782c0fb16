"""The pages, in the order of the menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.views import (
    account,
    alerts,
    attendance,
    confirm,
    leave,
    live,
    month,
    own,
    people,
    registration,
    requests,
    search,
    settings,
    system,
    tuning,
)
from app.web import access
from app.words import say
from engine.errors import MusterError

__all__ = ["PAGES", "Page"]


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: its place in the address. action: what one must be allowed to do to see it.
        title: its name in the menu. icon: beside it. show: draws it.
        own: about the person to whom the account belongs, so that it is in the menu of those alone whose account belongs to one.
    """

    path: str
    action: str
    title: Callable[[], str]
    icon: str
    show: Callable[[], None]
    own: bool = False


def _alerts() -> str:
    try:
        count = alerts.open_count(access.reading("alerts.view"))
    except MusterError:  # no right to the site, or it does not open: the page says so
        count = 0
    return f"{say('Alerts')} ({count})" if count else say("Alerts")


def _requests() -> str:
    try:
        count = requests.open_count()
    except MusterError:  # as with alerts
        count = 0
    return f"{say('Requests')} ({count})" if count else say("Requests")


PAGES = (
    Page("live", "live.view", lambda: say("Live"), ":material/videocam:", live.show),
    Page("attendance", "attendance.view", lambda: say("Attendance"), ":material/event_available:", attendance.show),
    Page("month", "attendance.view", lambda: say("Month"), ":material/calendar_month:", month.show),
    Page("leave", "leave.view", lambda: say("Leave"), ":material/beach_access:", leave.show),
    Page("requests", "requests.decide", _requests, ":material/inbox:", requests.show),
    Page("alerts", "alerts.view", _alerts, ":material/notifications:", alerts.show),
    Page("search", "search.faces", lambda: say("Search"), ":material/image_search:", search.show),
    Page("confirm", "faces.confirm", lambda: say("Confirm"), ":material/how_to_reg:", confirm.show),
    Page("people", "people.view", lambda: say("People"), ":material/group:", people.show),
    Page("registration", "people.enrol", lambda: say("Registration"), ":material/person_add:", registration.show),
    Page("tuning", "system.tune", lambda: say("Tuning"), ":material/tune:", tuning.show),
    Page("me", "own.view", lambda: say("My record"), ":material/badge:", own.show, own=True),
    Page("account", "account.own", lambda: say("Your account"), ":material/person:", account.show),
    Page("settings", "system.settings", lambda: say("Settings"), ":material/settings:", settings.show),
    Page("system", "system.view", lambda: say("System"), ":material/monitor_heart:", system.show),
)
