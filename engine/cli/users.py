"""`muster users …` and `muster app`."""

from __future__ import annotations

import dataclasses
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.accounts import ROLES, AccountBook
from engine.cli.context import Author, Json, Workspace
from engine.cli.kiosk import KIOSK_MODULES, kiosk_command, pairing_link
from engine.cli.output import console, emit_json, progress_bar, table
from engine.cli.serving import address, become, check_installed, check_port, together
from engine.demo.sample import SAMPLE_CAMERA, seed_sample
from engine.devices import SCREEN_SCOPES
from engine.errors import InputError
from engine.workbench import Workbench

__all__ = ["app", "start_app"]

app = typer.Typer(help="Who may sign in to the workbench.", no_args_is_help=True, rich_markup_mode=None)

_Role = Annotated[str, typer.Option(help=f"What they may do: {', '.join(ROLES)}.")]
_SitesHelp = "The sites that they see, such as berlin,munich; * for all, nothing for the workspace's own."
_FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")]


def _names(sites: str) -> list[str]:
    return [name.strip() for name in sites.split(",") if name.strip()]


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise InputError("there is no terminal to ask for a password", hint="give it with --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="To sign in with.")],
    role: _Role,
    email: Annotated[str, typer.Option(help="By which the organisation's sign-in knows them.")] = "",
    sites: Annotated[str, typer.Option(help=_SitesHelp)] = "",
    without_password: Annotated[
        bool, typer.Option("--without-password", help="Only through the organisation's sign-in.")
    ] = False,
    password_stdin: _FromStdin = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Let somebody in."""
    bench = Workbench(workspace)
    password = "" if without_password else _password(from_stdin=password_stdin)
    account = bench.users.add(name, role, password, email=email, sites=_names(sites), author=author)
    console.print(f"{account.name} may sign in as {account.role}", markup=False)


@app.command("list")
def list_users(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Who may sign in."""
    accounts = list(Workbench(workspace).accounts.all().values())
    if as_json:
        kept = {"name", "role", "email", "language", "sites", "active"}
        emit_json([{key: value for key, value in dataclasses.asdict(a).items() if key in kept} for a in accounts])
        return
    rows = [
        [a.name, a.role, a.email, " ".join(a.sites), "" if a.active else "no", "yes" if a.hash else "no"]
        for a in accounts
    ]
    table("Users", ("name", "role", "e-mail", "sites", "active", "password"), rows)


@app.command("set")
def set_user(
    name: Annotated[str, typer.Argument(help="Whom to change.")],
    role: Annotated[str | None, typer.Option(help=f"One of {', '.join(ROLES)}.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_stdin: _FromStdin = False,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Let them in, or not.")] = None,
    sites: Annotated[str | None, typer.Option(help=_SitesHelp)] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Change an account; its sessions end."""
    bench = Workbench(workspace)
    new = _password(from_stdin=password_stdin) if password or password_stdin else None
    account, detail = bench.users.change(
        name, role=role, password=new, active=active, sites=None if sites is None else _names(sites), author=author
    )
    console.print(f"{account.name}: {detail}", markup=False)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Whom to let in no more.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Let somebody in no more."""
    Workbench(workspace).users.remove(name, author=author)
    console.print(f"{name} may not sign in any more", markup=False)


def start_app(
    workspace: Path | None,
    host: str,
    port: int,
    *,
    sample: bool = False,
    kiosk: str | None = None,
    kiosk_port: int = 8502,
) -> None:
    """Become the workbench's server; it ends with Ctrl-C.

    Args:
        workspace: default MUSTER_WORKSPACE or `data`, with `sample` `data/sample`.
        host, port: to listen on.
        sample: fill the workspace with made-up data if it is new, and say how to sign in there.
        kiosk: also serve a screen for this camera of the settings; in a sample workspace its entrance.
        kiosk_port: where.

    Raises:
        ConfigError: settings make no sense, or the package `app` is not installed.
        InputError: a port is taken, there is no such camera, or the workspace is a real one.
    """
    workspace = workspace or Path("data/sample" if sample else os.environ.get("MUSTER_WORKSPACE") or "data")
    check_installed("the workbench's pages are", "app.server")
    kiosk = SAMPLE_CAMERA if sample and kiosk is None else kiosk
    check_port(host, port)
    if kiosk:
        check_installed("the kiosk is", *KIOSK_MODULES)
        check_port(host, kiosk_port)
    if sample:
        with progress_bar(quiet=False) as progress:
            seed_sample(workspace, progress)
    bench = Workbench(workspace)
    console.print(f"Muster's workbench on {workspace}: {address(host, port)} · Ctrl-C ends it", markup=False)
    if sample:
        password = _sample_accounts(bench.accounts)
        console.print(f"sign in as {', '.join(ROLES)} with the password {password}", markup=False)
    elif not bench.accounts.all():
        console.print("nobody can sign in yet: the page asks for the first account", markup=False)
    command = ["app", str(workspace.absolute()), host, str(port)]
    if not kiosk:
        become(*command)
    beside = kiosk_command(workspace, bench.config, kiosk, None, host, kiosk_port)
    if sample:
        _, token = bench.kiosk.pair("sample screen", SCREEN_SCOPES, author="muster app", replace=True)
        console.print(f"the kiosk at the door: {pairing_link(host, kiosk_port, token)}", markup=False)
    else:
        console.print(f"the kiosk on camera {kiosk}: {address(host, kiosk_port)}", markup=False)
    together(command, beside)


def _sample_accounts(accounts: AccountBook) -> str:
    """One account a role with one password, new at every start: sample data is nobody's secret, but the machine may be seen by others."""
    password = f"muster-{secrets.token_hex(3)}"
    known = accounts.all()
    for role in ROLES:
        if role in known:
            accounts.change(role, password=password)
        else:
            accounts.add(role, role, password)
    return password
