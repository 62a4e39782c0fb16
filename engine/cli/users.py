"""`muster users …` and `muster app`."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.accounts import ROLES, AccountBook
from engine.cli.context import Author, Json, Workspace
from engine.cli.output import console, emit_json, progress_bar, table
from engine.demo.sample import seed_sample
from engine.errors import ConfigError, InputError
from engine.workbench import Workbench

__all__ = ["app", "start_app"]

app = typer.Typer(help="Who may sign in to the workbench.", no_args_is_help=True, rich_markup_mode=None)

_Role = Annotated[str, typer.Option(help=f"What they may do: {', '.join(ROLES)}.")]
_FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")]


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
    account = bench.users.add(name, role, password, email=email, author=author)
    console.print(f"{account.name} may sign in as {account.role}", markup=False)


@app.command("list")
def list_users(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Who may sign in."""
    accounts = list(AccountBook(workspace / "accounts.json").all().values())
    if as_json:
        kept = {"name", "role", "email", "language", "active"}
        emit_json([{key: value for key, value in dataclasses.asdict(a).items() if key in kept} for a in accounts])
        return
    rows = [[a.name, a.role, a.email, "" if a.active else "no", "yes" if a.hash else "no"] for a in accounts]
    table("Users", ("name", "role", "e-mail", "active", "password"), rows)


@app.command("set")
def set_user(
    name: Annotated[str, typer.Argument(help="Whom to change.")],
    role: Annotated[str | None, typer.Option(help=f"One of {', '.join(ROLES)}.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_stdin: _FromStdin = False,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Let them in, or not.")] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Change an account; its sessions end."""
    bench = Workbench(workspace)
    new = _password(from_stdin=password_stdin) if password or password_stdin else None
    account, detail = bench.users.change(name, role=role, password=new, active=active, author=author)
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


def start_app(workspace: Path | None, host: str, port: int, *, sample: bool = False) -> None:
    """Become the workbench's server; it ends with Ctrl-C.

    Args:
        workspace: default MUSTER_WORKSPACE or `data`, with `sample` `data/sample`.
        host, port: to listen on.
        sample: fill the workspace with made-up data if it is new, and say how to sign in there.

    Raises:
        ConfigError: settings make no sense, or the package `app` is not installed.
        InputError: the port is taken, or the workspace is a real one.
    """
    workspace = workspace or Path("data/sample" if sample else os.environ.get("MUSTER_WORKSPACE") or "data")
    if importlib.util.find_spec("app.server") is None:
        raise ConfigError("the workbench's pages are not installed", hint="install Muster with `make setup`")
    _check_port(host, port)
    if sample:
        with progress_bar(quiet=False) as progress:
            seed_sample(workspace, progress)
    bench = Workbench(workspace)
    address = f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}"  # noqa: S104
    console.print(f"Muster's workbench on {workspace}: {address} · Ctrl-C ends it", markup=False)
    if sample:
        password = _sample_accounts(bench.accounts)
        console.print(f"sign in as {', '.join(ROLES)} with the password {password}", markup=False)
    elif not bench.accounts.all():
        console.print("nobody can sign in yet: the page asks for the first account", markup=False)
    sys.stdout.flush()
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc would keep memory aside for every thread that ever was
    os.execv(sys.executable, [sys.executable, "-m", "app", str(workspace.absolute()), host, str(port)])  # noqa: S606


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(f"{host}:{port} cannot be used: {error.strerror}", hint="choose another --port") from error


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
