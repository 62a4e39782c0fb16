"""System: cameras, recognition, storage, messages, checks, audit trail and users."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.system import audit, cameras, check, mail, recognition, tokens, users, workspace
from app.web import access, services
from app.words import say

_PARTS = {
    "cameras": ("system.view", cameras.show),
    "recognition": ("system.view", recognition.show),
    "workspace": ("system.view", workspace.show),
    "mail": ("system.view", mail.show),
    "check": ("system.view", check.show),
    "audit": ("system.audit", audit.show),
    "users": ("system.manage", users.show),
    "tokens": ("system.tokens", tokens.show),
}


def show() -> None:
    """The page."""
    bench = access.reading("system.view")
    st.title(say("System"))
    _left_out()
    names = {
        "cameras": say("Cameras"),
        "recognition": say("Recognition"),
        "workspace": say("Workspace"),
        "mail": say("Outbox"),
        "check": say("Check-up"),
        "audit": say("Audit trail"),
        "users": say("Users"),
        "tokens": say("Access tokens"),
    }
    shown = {part: names[part] for part, (action, _) in _PARTS.items() if access.may(action)}
    _PARTS[parts.choice(say("Part"), shown, "part", address="part")][1](bench)


def _left_out() -> None:
    """Notices about sites that cannot be served, shown at home."""
    served, found = services.sites(), access.account()
    if found is None or not found.sees(served.home, served.home):
        return
    for name, problem in served.problems.items():
        parts.notice(
            say("Muster skips the site “{name}”", name=name),
            say("{what}: {hint}. Then restart the workbench.", what=problem.message, hint=problem.hint),
            tone="bad",
        )
