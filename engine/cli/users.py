"""`muster users`: the accounts of the workbench."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Workspace, open_workbench
from engine.cli.output import emit_json, note, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.access import Account
    from engine.records import BindingDesk
    from engine.workbench import Workbench

app = typer.Typer(name="users", help="Add, change and remove accounts of the workbench.", no_args_is_help=True)

_Name = Annotated[str, Argument(help="Name of the account.")]
_ROLES_HELP = "Role: admin, hr, manager, security, viewer or employee."
_DEPARTMENT_HELP = "Department whose people a manager may see; repeatable."
_SITES_HELP = "Sites, such as berlin,munich; * means all, nothing means the workspace's own."
_PERSON_HELP = "Id of the person whose own record the account reads."
_FromStdin = Annotated[bool, Option("--password-stdin", help="Read the password from standard input.")]


def _names(sites: str) -> list[str]:
    return [name.strip() for name in sites.split(",") if name.strip()]


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise InputError("there is no terminal on which to type a password", hint="pipe it in with --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _bindings(bench: Workbench, sites: Iterable[str]) -> BindingDesk:
    """The desk of the site whose people an account may be bound to: its only one, or the workspace's own."""
    from engine.access import ALL_SITES, find_sites
    from engine.workbench import Workbench as Opened

    named = [name for name in sites if name != ALL_SITES]
    place = named[0] if len(named) == 1 else bench.config.site
    if place == bench.config.site:
        return bench.bindings
    folder = find_sites(bench.workspace, bench.config.site).folders.get(place)
    return Opened(folder).bindings if folder else bench.bindings  # what does not exist, the desk of users tells


def tell_invitation(code: str) -> None:
    """Say how somebody chooses a password."""
    from engine.access import INVITED_DAYS

    say(
        f"They choose a password at /sign-in/invited?code={code} of the workbench; it works once, within {INVITED_DAYS} days."
    )


def warn_departments(bench: Workbench, names: Iterable[str]) -> None:
    """Name departments in which nobody is, because they may be misspelt."""
    for name in bench.people.unknown_departments(names):
        note(f"Nobody is in the department {name} yet.")


@app.command()
def add(
    name: _Name,
    role: Annotated[str, Option(help=_ROLES_HELP)],
    email: Annotated[str, Option(show_default=False, help="E-mail address, for single sign-on.")] = "",
    sites: Annotated[str, Option(show_default=False, help=_SITES_HELP)] = "",
    department: Annotated[list[str] | None, Option(show_default=False, help=_DEPARTMENT_HELP)] = None,
    person: Annotated[str, Option(show_default=False, help=_PERSON_HELP)] = "",
    invite: Annotated[bool, Option("--invite", help="Print a link by which they choose a password.")] = False,
    without_password: Annotated[bool, Option("--without-password", help="Allow single sign-on only.")] = False,
    password_stdin: _FromStdin = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Add an account.

    Unless an option says otherwise, the command asks for the password.
    """
    bench = open_workbench(workspace, begin=True)
    bindings = _bindings(bench, _names(sites))
    bindings.check(role, person)
    password = "" if without_password or invite else _password(from_stdin=password_stdin)
    account = bench.users.add(
        name,
        role,
        password,
        email=email,
        sites=_names(sites),
        departments=department or (),
        invited=invite,
        author=author,
    )
    bindings.rebind(account.name, person, author=author)
    say(f"{account.name} may sign in as {account.role}.")
    if invite:
        tell_invitation(bench.users.invite(account.name, author=author))
    warn_departments(bench, account.departments)


def _whose(bench: Workbench, account: Account) -> str:
    """The id of the person to whom an account belongs; empty: to nobody."""
    try:
        person = _bindings(bench, account.sites).person(account)
    except InputError:
        return ""
    return person.employee_id if person else ""


@app.command("list")
def list_users(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the accounts."""
    bench = open_workbench(workspace)
    accounts = list(bench.accounts.all().values())
    whose = {a.name: _whose(bench, a) for a in accounts}
    if as_json:
        kept = {"name", "role", "email", "language", "sites", "departments", "active"}
        emit_json(
            [
                {key: value for key, value in dataclasses.asdict(a).items() if key in kept} | {"person": whose[a.name]}
                for a in accounts
            ]
        )
        return
    rows = [
        (
            *(a.name, a.role, whose[a.name], a.email, " ".join(a.sites), ", ".join(a.departments)),
            *("" if a.active else "no", "yes" if a.hash else "no"),
        )
        for a in accounts
    ]
    table("Users", ("name", "role", "person", "e-mail", "sites", "departments", "active", "password"), rows)


@app.command("set")
def set_user(
    name: _Name,
    role: Annotated[str | None, Option(help=_ROLES_HELP)] = None,
    password: Annotated[bool, Option("--password", help="Ask for a new password.")] = False,
    password_stdin: _FromStdin = False,
    active: Annotated[bool | None, Option("--active/--inactive", help="Allow or block sign-in.")] = None,
    sites: Annotated[str | None, Option(help=_SITES_HELP)] = None,
    department: Annotated[
        list[str] | None, Option(show_default="as before", help="Departments instead of the manager's; repeatable.")
    ] = None,
    person: Annotated[str | None, Option(show_default="as before", help=f"{_PERSON_HELP} Empty: nobody's.")] = None,
    invite: Annotated[bool, Option("--invite", help="Print a link by which they choose a password.")] = False,
    release: Annotated[
        bool, Option("--release", help="Unbind it from its identity at the organisation's sign-in.")
    ] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Change an account and end its sessions."""
    bench = open_workbench(workspace)
    new = _password(from_stdin=password_stdin) if password or password_stdin else None
    if release:
        bench.users.release(name, author=author)
    before = bench.accounts.all().get(name)
    bindings = _bindings(bench, before.sites if before and sites is None else _names(sites or ""))
    if person is not None:
        bindings.check(role or (before.role if before else ""), person)
    account, detail = bench.users.change(
        name,
        role=role,
        password=new,
        active=active,
        sites=None if sites is None else _names(sites),
        departments=department,
        author=author,
    )
    say(f"{account.name}: {detail}")
    if person is not None:
        bindings.rebind(account.name, person, author=author)
    if invite:
        tell_invitation(bench.users.invite(account.name, author=author))
    warn_departments(bench, department or ())


@app.command()
def remove(name: _Name, author: Author = "", workspace: Workspace = Path("data")) -> None:
    """Remove an account."""
    open_workbench(workspace).users.remove(name, author=author)
    say(f"{name} can no longer sign in.")
