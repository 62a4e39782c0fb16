"""`muster app`: the workbench in the browser."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from engine.cli.context import (
    Host,
    Panel,
    Port,
    RootPath,
    Sample,
    ServedWorkspace,
    TlsCert,
    TlsKey,
    TlsMode,
    open_workbench,
    served_workspace,
    tell_reach,
)
from engine.cli.kiosk import KIOSK_MODULES, kiosk_command
from engine.cli.output import progress_bar, say
from engine.operations.reach import chosen
from engine.operations.serving import become, check_installed, check_port, together

if TYPE_CHECKING:
    from engine.operations.reach import Reach
    from engine.workbench import Workbench

app = typer.Typer()


@app.command("app", rich_help_panel=Panel.START)
def workbench(
    workspace: ServedWorkspace = None,
    host: Host = "127.0.0.1",
    port: Port = 8501,
    sample: Sample = False,
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
    workspace = served_workspace(workspace, sample=sample)
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
    tell_workbench(bench, reach, host, port, sample=sample)
    command = ["app", str(workspace.absolute()), host, str(port), *reach.words()]
    if not kiosk:
        become(*command)
    at_root = dataclasses.replace(reach, root_path="")  # each server has a path of its own
    beside = [*kiosk_command(workspace, bench.config, kiosk, None, host, kiosk_port), *at_root.words()]
    if sample:
        invite_sample_screen(bench, at_root, host, kiosk_port, "Kiosk", author="muster app")
    else:
        say(f"Kiosk for camera {kiosk}: {at_root.address(host, kiosk_port)}")
    together(command, beside)


def tell_workbench(bench: Workbench, reach: Reach, host: str, port: int, *, sample: bool) -> None:
    """Print how people sign in at the workbench's server, and how other machines reach it. If there is no account, a link creates one."""
    if sample:
        add_sample_accounts(bench)
    elif not bench.accounts.all():
        from engine.access import offer_setup

        link = f"{reach.address(host, port)}/sign-in?setup={offer_setup(bench.workspace)}"
        say(f"There is no account yet. Create the first one here; the link works once: {link}")
    tell_reach(reach, host, port)


def invite_sample_screen(bench: Workbench, reach: Reach, host: str, port: int, what: str, *, author: str) -> None:
    """Print a link that pairs a browser with the kiosk of the sample workspace; `what` stands before it."""
    from engine.access import SCREEN_SCOPES
    from engine.operations.kiosks import pairing_link

    _, code = bench.kiosk.invite("sample screen", SCREEN_SCOPES, author=author, replace=True)
    say(f"{what}: {pairing_link(reach.address(host, port), code)}")
    say(
        f"The link pairs one browser within 10 minutes; `muster kiosk pair --workspace {bench.workspace}` prints another."
    )


def add_sample_accounts(bench: Workbench) -> None:
    """Give each role an account, all with one new password; the employee's belongs to the first person of the list.

    The password is new at every start: the sample data is public, but other people may reach this machine.
    """
    from engine.access import EMPLOYEE, MANAGER, ROLES

    password = "-".join(secrets.token_hex(3) for _ in range(2))
    accounts, people = bench.accounts, bench.people.known()
    known = accounts.all()
    for role in ROLES:
        if role in known:
            accounts.change(role, password=password)
        else:
            accounts.add(role, role, password, departments=("Production",) if role == MANAGER else ())
    if people and bench.bindings.person(accounts.all()[EMPLOYEE]) is None:
        bench.bindings.rebind(EMPLOYEE, min(people), author="muster app")
    say(f"Sign in as {', '.join(ROLES)} with the password {password}.")
