"""Who is looking, and what they may do: the one way from a page to the workbench.

A page reads through `reading(action)` and acts through `acting(action)`; both look at the account anew, so that a role taken away in
the middle of a session holds from the next click on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import streamlit as st

from app import services, viewer
from app.sessions import COOKIE
from engine.accounts import Account
from engine.errors import MusterError
from engine.workbench import Workbench

__all__ = ["NotAllowed", "account", "acting", "lasting", "may", "reading"]


class NotAllowed(MusterError):
    """The role does not allow it, or the session has ended."""


def account() -> Account | None:
    """Who is signed in, in this run of a page; None: nobody."""
    return services.sessions().account(st.context.cookies.get(COOKIE))


def _language() -> str:
    """Theirs, the workspace's, the browser's, English."""
    found = account()
    wanted = (found.language if found else "") or services.bench().config.app.language
    return wanted or (st.context.locale or "en").split("-")[0].lower()


def _theme() -> viewer.Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


viewer.answered_by(_language, _theme)


def may(action: str) -> bool:
    """Whether who is signed in may do something."""
    found = account()
    return found is not None and found.may(action)


def lasting(action: str) -> Callable[[], bool]:
    """Tells, from any thread and for as long as it is asked, whether this session still may do something."""
    token, sessions = st.context.cookies.get(COOKIE), services.sessions()

    def still() -> bool:
        found = sessions.account(token)
        return found is not None and found.may(action)

    return still


def _refuse(found: Account | None, action: str) -> NoReturn:
    if found is None:
        raise NotAllowed("you are signed out", hint="reload the page and sign in")
    raise NotAllowed(f"your role ({found.role}) does not allow this ({action})", hint="ask an administrator")


def reading(action: str) -> Workbench:
    """The workbench, to show what `action` stands for.

    Raises:
        NotAllowed: they may not.
    """
    found = account()
    if found is None or not found.may(action):
        _refuse(found, action)
    return services.bench()


def acting(action: str) -> tuple[Workbench, str]:
    """The workbench and the author's name, to change something.

    Raises:
        NotAllowed: they may not.
    """
    bench = reading(action)
    found = account()
    assert found is not None
    return bench, found.name
