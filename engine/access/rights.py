"""Roles, and what each may do: `ACTIONS` is the one table of rights."""

from __future__ import annotations

from collections.abc import Mapping

ROLES = ("admin", "hr", "manager", "security", "viewer", "employee")
MANAGER = "manager"
"""The role that sees the people of its departments only, see `Account.scope`."""
EMPLOYEE = "employee"
"""The role that sees nothing but the record of the person to whom the account belongs, see `engine.access.bindings`."""

ACTIONS: Mapping[str, frozenset[str]] = {
    action: frozenset(("admin", *roles))
    for action, roles in {
        "live.view": ("hr", "security", "viewer"),
        "live.camera": ("hr", "security"),  # start a camera of one's own, which writes attendance
        "attendance.view": ("hr", "manager", "viewer"),
        "attendance.evidence": ("hr",),  # pictures and explanation of all rows, doubts and what was taken back, too
        "attendance.picture": ("hr", "manager"),  # of a passage that counts, of somebody whom the user sees
        "attendance.export": ("hr", "manager"),
        "attendance.correct": ("hr",),
        "attendance.approve": ("hr", "manager"),  # corrections that somebody else made
        "requests.decide": ("hr", "manager"),  # what people ask about their own days, and leave
        "attendance.close": ("hr",),  # a month, for payroll
        "leave.view": ("hr", "manager"),
        "people.view": ("hr", "security"),
        "people.enrol": ("hr", "security"),
        "people.edit": ("hr",),
        "people.forget": ("hr",),
        "people.access": ("hr",),  # let people read their own record, with an account of the role employee
        "alerts.view": ("security",),
        "alerts.review": ("security",),
        "search.faces": ("security",),  # by photo, over all who passed
        "faces.confirm": ("security",),  # faces near the threshold; a "no" takes a passage back
        "system.tune": ("security",),  # the match threshold decides who gets in
        "system.view": ("hr", "security"),
        "own.view": ("hr", "manager", "security", "viewer", EMPLOYEE),  # what is held on the person whose account it is
        "own.request": ("hr", "manager", "security", "viewer", EMPLOYEE),  # ask for a correction or leave of one's own
        "account.own": ("hr", "manager", "security", "viewer", EMPLOYEE),  # own password, second factor and sessions
        "system.settings": (),  # what muster.toml of this site says
        "system.audit": (),
        "system.manage": (),
        "system.tokens": (),  # of programs that read this site's attendance
    }.items()
}
"""Roles by action."""

OF_HOME = frozenset({"system.manage"})
"""Actions on what all sites share: only accounts that see the home site may do them, at whichever site they are."""

ALL_SITES = "*"
"""Stands for every site in place of names."""


def may(role: str, action: str) -> bool:
    """Return whether a role may do an action.

    Raises:
        KeyError: there is no such action.
    """
    return role in ACTIONS[action]
