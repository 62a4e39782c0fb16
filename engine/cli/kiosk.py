"""`muster kiosk …`."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.context import Author, Json, Workspace
from engine.cli.output import console, emit_json, table
from engine.cli.serving import address, become, check_installed, check_port
from engine.config import Config, load_config
from engine.devices import SCOPES, SCREEN_SCOPES, DeviceBook
from engine.errors import InputError
from engine.sources import is_live
from engine.storage import clean_text
from engine.workbench import Workbench

__all__ = ["KIOSK_MODULES", "app", "kiosk_command", "pairing_link", "start_kiosk"]

KIOSK_MODULES = ("app.kiosk", "flask", "cheroot", "prometheus_client")

app = typer.Typer(
    help="The screen at the door: start it, pair screens and other programs, give PINs.", rich_markup_mode=None
)

_Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: for others, too.")]
_Port = Annotated[int, typer.Option(min=1, max=65535)]


@app.callback(invoke_without_command=True)
def kiosk(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Option(help="As of `muster watch`; a video is played in a loop; default: the camera's in the settings."),
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="The camera's name; default: the only one in the settings with a source.")
    ] = None,
    host: _Host = "127.0.0.1",
    port: _Port = 8502,
    workspace: Workspace = Path("data"),
) -> None:
    """The screen at the door: start it, or with a command pair screens and other programs, give PINs."""
    if context.invoked_subcommand is None:
        start_kiosk(workspace, camera, source, host, port)
        return
    for name in context.params:
        given = context.get_parameter_source(name)
        if given is not None and given.name == "COMMANDLINE":  # it would be passed over without a word
            raise InputError(
                f"--{name} stands before {context.invoked_subcommand}",
                hint=f"give it after it: muster kiosk {context.invoked_subcommand} … --{name} …",
            )


def start_kiosk(workspace: Path, camera: str | None, source: str | None, host: str, port: int) -> None:
    """Become the kiosk's server; it ends with Ctrl-C.

    Args:
        workspace: the folder.
        camera: its name; None: the only one in the settings that has a source.
        source: webcam number, url, video file or folder; None: the camera's in the settings.
        host, port: to listen on.

    Raises:
        ConfigError: settings make no sense, or the package `app.kiosk` is not installed.
        InputError: it is not clear which camera, a file is not there, or the port is taken.
    """
    check_installed("the kiosk is", *KIOSK_MODULES)
    command = kiosk_command(workspace, load_config(workspace), camera, source, host, port)
    check_port(host, port)
    console.print(
        f"Muster's kiosk on {workspace}, camera {command[2]}: {address(host, port)} · Ctrl-C ends it", markup=False
    )
    known = Workbench(workspace).devices.all().values()
    if not any(device.author != "engine" and not device.revoked_at for device in known):
        console.print("no screen is paired yet: `muster kiosk pair` prints a link for one", markup=False)
    become(*command)


def kiosk_command(
    workspace: Path, config: Config, camera: str | None, source: str | None, host: str, port: int
) -> list[str]:
    """Module and arguments that serve a kiosk, see `start_kiosk`.

    Raises:
        InputError: it is not clear which camera, or a file is not there.
    """
    camera = clean_text(camera, what="camera's name", limit=64) if camera is not None else _only_camera(config)
    found = _source(config, workspace, camera, source)
    return ["app.kiosk", str(workspace.absolute()), camera, found, host, str(port)]


def pairing_link(host: str, port: int, token: str) -> str:
    """What is opened once on a screen to pair it."""
    return f"{address(host, port)}/?pair={token}"


def _only_camera(config: Config) -> str:
    names = [name for name, each in config.cameras.items() if each.source]
    if not names:
        raise InputError("no camera in the settings has a source", hint="give --camera NAME and --source SOURCE")
    if len(names) > 1:
        raise InputError(f"the settings have cameras {', '.join(names)}", hint="choose one with --camera")
    return names[0]


def _source(config: Config, workspace: Path, camera: str, given: str | None) -> str:
    """The source as the server takes it: files by their whole path."""
    known = config.cameras[camera].source if camera in config.cameras else ""
    spec = given if given is not None else known
    if not spec:
        raise InputError(f"the settings know no source for camera {camera}", hint="give it with --source")
    if is_live(spec):
        return spec
    path = (Path() if given is not None else workspace) / spec
    if not path.exists():
        hint = "give a webcam number, an rtsp:// or http:// url, a video or a folder"
        raise InputError(f"{path}: no such file or folder", hint=hint)
    return str(path.absolute())


# --------------------------------------------------------------------------------------------- devices


@app.command()
def pair(
    name: Annotated[str | None, typer.Argument(help="To know the device by; default: screen-1, screen-2 …")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do, may be repeated: {', '.join(SCOPES)}; default: as a screen needs it."),
    ] = None,
    host: Annotated[str, typer.Option(help="Of the kiosk, for the link.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the kiosk, for the link.")] = 8502,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Let a screen or another program speak to the kiosk: its token is printed this once."""
    bench = Workbench(workspace)
    device, token = bench.kiosk.pair(name or _free_name(bench.devices), scope or SCREEN_SCOPES, author=author)
    link = pairing_link(host, port, token) if device.may("screen") else ""
    if as_json:
        shown = {"device_id": device.device_id, "name": device.name, "scopes": device.scopes, "token": token}
        emit_json(shown | ({"link": link} if link else {}))
        return
    console.print(f"{device.name} ({device.device_id}) may: {', '.join(device.scopes)}", markup=False)
    if link:
        console.print(f"open this once on the screen: {link}", markup=False)
    else:
        console.print(f"send it with every request: Authorization: Bearer {token}", markup=False)
    console.print("it is shown only now; `muster kiosk revoke` ends it", markup=False)


def _free_name(book: DeviceBook) -> str:
    taken = {device.name for device in book.all().values()}
    return next(name for number in itertools.count(1) if (name := f"screen-{number}") not in taken)


@app.command()
def devices(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Which devices were paired, and what they may do."""
    found = Workbench(workspace).devices.all().values()
    if as_json:
        rows = [dataclasses.asdict(device) for device in found]
        emit_json([{key: value for key, value in row.items() if key != "hash"} for row in rows])
        return
    cells = [
        (each.name, each.device_id, ", ".join(each.scopes), each.created_at[:16], each.revoked_at[:16] or "–")
        for each in found
    ]
    table("Devices", ("name", "id", "may", "since", "revoked"), cells)


@app.command()
def revoke(
    device: Annotated[str, typer.Argument(help="Name or id.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Let a device speak to the kiosk no more, from its next request on."""
    revoked = Workbench(workspace).kiosk.revoke(device, author=author)
    console.print(f"{revoked.name} ({revoked.device_id}) may do nothing any more", markup=False)


# --------------------------------------------------------------------------------------------- PINs


@app.command()
def pin(
    employee_id: Annotated[str, typer.Argument(help="Employee id.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take it away.")] = False,
    pin_stdin: Annotated[
        bool, typer.Option("--pin-stdin", help="Read it from standard input, one line, instead of making one up.")
    ] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Give somebody a PIN for the kiosk, for whom faces do not work: it is printed this once."""
    if remove and pin_stdin:
        raise InputError("--remove takes no PIN", hint="leave --pin-stdin out")
    desk = Workbench(workspace).kiosk
    if remove:
        desk.take_pin(employee_id, author=author)
        console.print(f"{employee_id} has no PIN any more", markup=False)
        return
    chosen = sys.stdin.readline().rstrip("\r\n") if pin_stdin else None
    new = desk.give_pin(employee_id, chosen, author=author)
    told = "the PIN that was given" if pin_stdin else f"PIN {new}, shown only now"
    console.print(f"{employee_id}: {told}", markup=False)
