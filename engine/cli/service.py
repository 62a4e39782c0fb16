"""`muster service`: let systemd run a site."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Workspace
from engine.cli.output import say
from engine.errors import InputError

app = typer.Typer(name="service", help="Let systemd run a site from the machine's start on.", no_args_is_help=True)


@app.command()
def install(
    options: Annotated[
        list[str] | None, Argument(metavar="[-- OPTION]", help="Options of the served command, after `--`.")
    ] = None,
    system: Annotated[
        bool | None,
        Option("--system/--user", show_default="--system for root", help="For the machine, or for you alone."),
    ] = None,
    run_as: Annotated[str, Option(metavar="LOGIN", help="Login that runs it, with --system.")] = "muster",
    name: Annotated[str, Option(help="Name of the unit.")] = "muster",
    only_print: Annotated[bool, Option("--print", help="Print the unit instead of writing it.")] = False,
    workspace: Workspace = Path("data"),
) -> None:
    """Write a systemd unit that runs a site with few rights.

    It starts nothing; the command prints what does.
    """
    from engine.operations.service import COMMAND, Service

    if sys.platform != "linux":
        raise InputError("systemd runs on Linux only", hint=f"start `muster {COMMAND}` with your system's own means")
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise InputError(f"{name!r} is no name of a unit", hint="use letters, digits, - and _")
    for_all = os.getuid() == 0 if system is None else system
    service = Service(workspace.absolute(), (COMMAND, *(options or ())), run_as if for_all else "", name)
    if only_print:
        sys.stdout.write(service.text())
        return
    say(f"{service.write()} runs `muster {COMMAND}`. Start it, now and with the machine:")
    for line in service.next_commands():
        say(f"  {line}")
    for folder in service.closed():
        say(
            f"Before that: the login {run_as} may not enter {folder}, through which it needs to go. Install Muster with a Python "
            f"that everybody can use, such as /usr/bin/python3, and keep the workspace outside of homes; or `chmod o+x {folder}`."
        )
    if for_all and not (workspace / "muster.toml").exists() and not (workspace / "log").exists():
        say(f"Its keys will lie in {service.keys}: back them up with the workspace.")
