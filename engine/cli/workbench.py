"""`muster app`: the workbench in the browser."""

from __future__ import annotations

import dataclasses
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from engine.cli.context import Host, Panel, Port, RootPath, TlsCert, TlsKey, TlsMode, open_workbench, tell_reach
from engine.cli.kiosk import KIOSK_MODULES, kiosk_command, pairing_link
from engine.cli.output import progress_bar, say
from engine.operations.reach import chosen
from engine.operations.serving import become, check_installed, check_port, together

if TYPE_CHECKING:
    from engine.access import AccountBook

app = typer.Typer()


@app.command("app", rich_help_panel=Panel.START)
def workbench(
    workspace: Annotated[
        Path | None,
        Option(
            show_default="MUSTER_WORKSPACE, else data; data/sample with --sample",
            help="Folder of people, gallery, logs and pictures.",
        ),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8501,
    sample: Annotated[bool, Option("--sample", help="Look around with made-up people and punches.")] = False,
    kiosk: Annotated[str | None, Option(metavar="CAMERA", help="Also serve the kiosk for this camera.")] = None,
    kiosk_port: Annotated[int, Option(min=1, max=65535, help="TCP port of the kiosk.")] = 8502,
    tls: TlsMode = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    root_path: RootPath = None,
) -> None:
    """Start the workbench in the browser.

    Stop it with Ctrl-C. With --sample, the kiosk is served as well, and the passwords of the sample accounts are printed.
    """
    workspace = workspace or Path("data/sample" if sample else os.environ.get("MUSTER_WORKSPACE") or "data")
    reach = chosen(tls, tls_cert, tls_key, root_path)
    check_installed("the workbench's pages are", "app.web.server")
    check_port(host, port)
    if kiosk or sample:
        check_installed("the kiosk is", *KIOSK_MODULES)
        check_port(host, kiosk_port)
    if sample:
        from engine.demo.sample import SAMPLE_CAMERA, seed_sample

        kiosk = SAMPLE_CAMERA if kiosk is None else kiosk
        with progress_bar() as progress:
            seed_sample(workspace, progress)
    bench = open_workbench(workspace, begin=True)
    say(f"Workbench of {workspace}: {reach.address(host, port)} · stop it with Ctrl-C")
    if sample:
        add_sample_accounts(bench.accounts)
    else:
        offer_first_account(workspace, bench.accounts, reach.address(host, port))
    tell_reach(reach, host, port)
    command = ["app", str(workspace.absolute()), host, str(port), *reach.words()]
    if not kiosk:
        become(*command)
    at_root = dataclasses.replace(reach, root_path="")  # each server has a path of its own
    beside = [*kiosk_command(workspace, bench.config, kiosk, None, host, kiosk_port), *at_root.words()]
    if sample:
        from engine.access import SCREEN_SCOPES

        _, code = bench.kiosk.invite("sample screen", SCREEN_SCOPES, author="muster app", replace=True)
        say(f"Kiosk: {pairing_link(at_root.address(host, kiosk_port), code)}")
        again = f"muster kiosk pair --workspace {workspace} --port {kiosk_port}{' --tls' if reach.secure else ''}"
        say(f"The link pairs one browser within 10 minutes; `{again}` prints another.")
    else:
        say(f"Kiosk for camera {kiosk}: {at_root.address(host, kiosk_port)}")
    together(command, beside)


def offer_first_account(workspace: Path, accounts: AccountBook, server: str) -> None:
    """Print a link to a server, by its address, that creates the first account, if there is none."""
    if not accounts.all():
        from engine.access import offer_setup

        link = f"{server}/sign-in?setup={offer_setup(workspace)}"
        say(f"There is no account yet. Create the first one here; the link works once: {link}")


def add_sample_accounts(accounts: AccountBook) -> None:
    """Give each role an account, all with one new password.

    The password is new at every start: the sample data is public, but other people may reach this machine.
    """
    from engine.access import MANAGER, ROLES

    password = "-".join(secrets.token_hex(3) for _ in range(2))
    known = accounts.all()
    for role in ROLES:
        if role in known:
            accounts.change(role, password=password)
        else:
            accounts.add(role, role, password, departments=("Production",) if role == MANAGER else ())
    say(f"Sign in as {', '.join(ROLES)} with the password {password}.")
