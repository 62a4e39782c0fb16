"""Users: add, change, block and remove."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from app.ui import parts
from app.ui.people_filter import departments
from app.web import access
from app.words import LANGUAGES, say
from engine.access import ALL_SITES, MANAGER, ROLES, Account
from engine.errors import MusterError
from engine.records import UserDesk
from engine.workbench import Workbench


def show(_bench: Workbench) -> None:
    """The part of the page."""
    accounts = access.reading("system.manage").accounts.all()
    _table(list(accounts.values()))
    left, right = st.columns(2, gap="large")
    with left:
        st.header(say("Add a user"))
        _add()
    with right:
        st.header(say("Change a user"))
        _change(accounts)


def _role(role: str) -> str:
    return {
        "admin": say("Administration: everything, users and the audit trail"),
        "hr": say("HR: attendance, people, corrections"),
        "manager": say("Manager: attendance and leave of their departments"),
        "security": say("Security: alerts, registration, cameras"),
        "viewer": say("Viewer: live picture and attendance"),
        "employee": say("Employee: their own record"),
    }[role]


def _sites_of(account: Account) -> str:
    if ALL_SITES in account.sites:
        return say("all")
    return ", ".join(account.sites or access.every_site()[:1])


def _sites_field(key: str, had: Sequence[str] = ()) -> list[str] | None:
    """The sites of a user, or None with a single site."""
    known = access.every_site()
    if len(known) == 1 and not had:
        return None
    return st.multiselect(
        say("Sites"),
        list(dict.fromkeys((ALL_SITES, *known, *had))),
        list(had),
        format_func=lambda name: say("All sites, including future ones") if name == ALL_SITES else name,
        key=key,
        placeholder=say("{site} only", site=known[0]),
        help=say("Users of one site see no other. Administrators of {site} manage users of all sites.", site=known[0]),
    )


def _departments_field(key: str, had: Sequence[str] = ()) -> list[str]:
    """The departments of a manager."""
    people = access.reading("system.manage").people.known().values()
    return st.multiselect(
        say("Departments"),
        sorted({*had, *departments(people, *had)}, key=str.casefold),
        list(had),
        key=key,
        accept_new_options=True,
        placeholder=say("For the role Manager"),
        help=say("Managers see the people of these departments only."),
    )


def _place(account: Account) -> str:
    """The site whose people the account may be bound to: its only one, else the one that is shown, else its first."""
    served = access.every_site()
    theirs = [name for name in served if account.sees(name, served[0])]
    here = access.site()
    return here if here in theirs else next(iter(theirs), served[0])


def _whose(account: Account) -> str:
    """The id of the person to whom an account belongs; empty: to nobody."""
    with contextlib.suppress(MusterError):
        person = access.bindings("system.manage", _place(account)).person(account)
        return person.employee_id if person else ""
    return ""


def _person_field(key: str, had: str = "") -> str:
    """The person whose record the account reads."""
    people = access.reading("system.manage").people.known()
    options = list(
        dict.fromkeys(([had] if had else []) + sorted(people, key=lambda each: people[each].name.casefold()))
    )
    return (
        st.selectbox(
            say("Person"),
            options,
            options.index(had) if had else None,
            key=key,
            accept_new_options=True,
            format_func=lambda each: f"{people[each].name} · {each}" if each in people else each,
            placeholder=say("Whose record they read"),
            help=say(
                "Needed for the role Employee. Others may read their own record, too. Of another site: type the id."
            ),
        )
        or ""
    )


def _table(accounts: list[Account]) -> None:
    several = len(access.every_site()) > 1
    whose = {account.name: _whose(account) for account in accounts}
    managers = any(account.role == MANAGER for account in accounts)
    rows = [
        {
            say("Name"): account.name,
            say("Role"): _role(account.role).partition(":")[0],
            say("Second factor"): say("yes") if account.totp else "–",
            say("State"): parts.mark("active" if account.active else "inactive"),
            say("Signs in with"): ", ".join(
                text
                for text, given in ((say("password"), account.hash), (say("the organisation's sign-in"), account.email))
                if given
            ),
            say("E-mail"): account.email,
            **({say("Sites"): _sites_of(account)} if several else {}),
            **({say("Departments"): ", ".join(account.departments)} if managers else {}),
            **({say("Person"): whose[account.name] or "–"} if any(whose.values()) else {}),
            say("Language"): LANGUAGES.get(account.language, "–"),
        }
        for account in sorted(accounts, key=lambda account: account.name.casefold())
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt=say("Users"))


def _acted(act: Callable[[UserDesk, str], object], done: str) -> None:
    with parts.told():
        bench, author = access.acting("system.manage")
        act(bench.users, author)
        parts.done(done)


def _add() -> None:
    with st.form("add_user", border=False, clear_on_submit=False):
        name = st.text_input(say("User name"), max_chars=60, key="new_name") or ""
        role = st.selectbox(say("Role"), ROLES, index=ROLES.index("viewer"), format_func=_role, key="new_role")
        password = parts.new_password(say("Password"), "new_password")
        email = st.text_input(
            say("E-mail"),
            max_chars=200,
            key="new_email",
            help=say("Your organisation's sign-in identifies them by it the first time. Otherwise leave it empty."),
        )
        departments = _departments_field("new_departments")
        person = _person_field("new_person")
        sites = _sites_field("new_sites")
        wanted = st.form_submit_button(say("Add"), type="primary")
    if wanted:
        place = sites[0] if sites and sites[0] != ALL_SITES else access.every_site()[0]

        def add(desk: UserDesk, author: str) -> None:
            bindings = access.bindings("system.manage", place)
            bindings.check(role, person)
            account = desk.add(
                name,
                role,
                password or "",
                email=email or "",
                sites=sites or (),
                departments=departments,
                author=author,
            )
            bindings.rebind(account.name, person, author=author)

        _acted(add, say("User added"))


def _change(accounts: dict[str, Account]) -> None:
    name = st.selectbox(say("User"), sorted(accounts), key="user")
    account = accounts.get(name or "")
    if account is None:
        return
    user = account.name
    with st.form(f"role-{user}", border=False):
        role = st.selectbox(say("Role"), ROLES, ROLES.index(account.role), format_func=_role, key=f"role-of-{user}")
        password = st.text_input(
            say("New password"),
            type="password",
            max_chars=200,
            key=f"password-of-{user}",
            autocomplete="new-password",
            help=say("Leave empty to keep the current one."),
        )
        departments = _departments_field(f"departments-of-{user}", account.departments)
        had = _whose(account)
        person = _person_field(f"person-of-{user}", had)
        sites = _sites_field(f"sites-of-{user}", account.sites)
        saved = st.form_submit_button(say("Save"), type="primary")
    moved = sites is not None and tuple(sites) != account.sites
    other = tuple(departments) != account.departments
    if saved and (role != account.role or password or moved or other or person != had):

        def change(desk: UserDesk, author: str) -> None:
            bindings = access.bindings("system.manage", _place(account))
            bindings.check(role, person)
            if role != account.role or password or moved or other:
                desk.change(
                    user,
                    author=author,
                    role=role if role != account.role else None,
                    password=password or None,
                    sites=sites if moved else None,
                    departments=departments if other else None,
                )
            bindings.rebind(user, person, author=author)

        _acted(
            change,
            say("Saved. Their sessions have ended.")
            if role != account.role or password or moved or other
            else say("Saved"),
        )
    with st.container(horizontal=True):
        if account.active and st.button(say("Block"), icon=":material/block:", key="user_block"):
            _acted(lambda desk, author: desk.change(user, author=author, active=False), say("User blocked"))
        if not account.active and st.button(say("Unblock"), icon=":material/check:", key="user_unblock"):
            _acted(lambda desk, author: desk.change(user, author=author, active=True), say("User unblocked"))
        if account.totp and st.button(
            say("Remove second factor"), icon=":material/phonelink_erase:", key="user_factor"
        ):
            _acted(lambda desk, author: desk.unenrol(user, author=author), say("Second factor removed"))
        if account.subject and st.button(
            say("Release identity"),
            icon=":material/link_off:",
            key="user_release",
            help=say("The next identity of your organisation with this e-mail address gets the account."),
        ):
            _acted(lambda desk, author: desk.release(user, author=author), say("Identity released"))
        if st.button(say("Remove"), icon=":material/delete:", key="user_remove"):
            _removal(user)


def _removal(user: str) -> None:
    @st.dialog(say("Remove a user"))
    @parts.guarded
    def ask() -> None:
        parts.show(
            "<p>{a}</p><p>{b} <b>{user}</b></p>",
            a=say("Muster deletes the account. The logs keep what the user did."),
            b=say("To continue, type exactly:"),
            user=user,
        )
        typed = st.text_input(say("User name"), key="typed_user", live=True)
        if st.button(say("Remove"), type="primary", disabled=(typed or "").strip() != user, key="user_gone"):
            _acted(lambda desk, author: desk.remove(user, author=author), say("User removed"))

    ask()
