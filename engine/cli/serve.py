"""`muster serve`: a whole site under one command."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

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
)
from engine.cli.kiosk import KIOSK_MODULES
from engine.cli.output import progress_bar, say
from engine.cli.workbench import invite_sample_screen, tell_workbench
from engine.operations.reach import chosen
from engine.operations.serving import become, check_installed, check_port

app = typer.Typer()


@app.command(rich_help_panel=Panel.START)
def serve(
    workspace: ServedWorkspace = None,
    host: Host = "127.0.0.1",
    port: Port = 8501,
    kiosk: Annotated[
        list[str] | None,
        Option(
            metavar="CAMERA",
            show_default="cameras with a kiosk_port, else the first at an entrance",
            help="Serve a screen for this camera; repeatable.",
        ),
    ] = None,
    kiosk_port: Annotated[
        int, Option(min=1, max=65535, help="TCP port of the first such screen; the next ones follow.")
    ] = 8502,
    no_kiosk: Annotated[bool, Option("--no-kiosk", help="Serve no screen unless a camera has a kiosk_port.")] = False,
    sample: Sample = False,
    tls: TlsMode = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    root_path: RootPath = None,
    log_format: Annotated[Literal["text", "json"], Option(help="Form of the log lines on standard error.")] = "text",
    log_file: Annotated[
        Path | None, Option(help="Also write the log to this file; it is rotated at 10 MB and five are kept.")
    ] = None,
) -> None:
    """Run a site: all cameras, the workbench, the screens.

    What ends by itself is started again. Ctrl-C and SIGTERM end everything cleanly; SIGHUP reads the settings again.
    """
    from engine.config import load_config
    from engine.operations.kiosks import served_as
    from engine.operations.site import Options, recorded_cameras, screens, served

    workspace = served_workspace(workspace, sample=sample)
    reach = chosen(tls, tls_cert, tls_key, root_path)
    at_root = dataclasses.replace(reach, root_path="")  # each server has a path of its own
    check_installed("the workbench's pages are", "app.web.server", "app.recorder")
    check_installed("the kiosk is", *KIOSK_MODULES)
    check_port(host, port)
    if sample:
        from engine.demo.sample import seed_sample

        with progress_bar() as progress:
            seed_sample(workspace, progress)
    config = load_config(workspace)
    options = Options(
        workspace,
        host,
        port,
        tuple(kiosk or ()),
        kiosk_port,
        no_kiosk,
        log_format,
        str(log_file.absolute()) if log_file else "",
        tuple(reach.words()),
    )
    kiosks = screens(config, options)
    for each in kiosks.values():
        check_port(host, each)
    with served(workspace):
        bench = open_workbench(workspace, config, begin=True)
    say(f"Workbench of {workspace}: {reach.address(host, port)} · stop everything with Ctrl-C")
    tell_workbench(bench, reach, host, port, sample=sample)
    cameras = recorded_cameras(config)
    if cameras:
        say(f"Recording: {', '.join(cameras)}")
    else:
        say("No camera is recorded yet: add one on the page Settings, or to muster.toml.")
    for name, each in kiosks.items():
        say(f"Kiosk of camera {name}: {served_as(config, name, host, each, at_root).seen_here()}")
    if sample and kiosks:
        invite_sample_screen(
            bench, at_root, host, next(iter(kiosks.values())), "Pair this browser with it", author="muster serve"
        )
    become("engine.operations.site", options.written())
