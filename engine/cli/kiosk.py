"""`muster kiosk`: serve the screen at the door, pair devices, give PINs."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Host, Json, Port, Workspace, open_workbench
from engine.cli.output import emit_json, say, table
from engine.errors import InputError
from engine.operations.serving import address, become, check_installed, check_port

if TYPE_CHECKING:
    from engine.access import DeviceBook
    from engine.config import Config

KIOSK_MODULES = ("app.kiosk", "flask", "cheroot", "prometheus_client")

app = typer.Typer(name="kiosk", invoke_without_command=True)
_KioskHost = Annotated[str, Option(help="Address of the kiosk, for the link.")]
_KioskPort = Annotated[int, Option(min=1, max=65535, help="TCP port of the kiosk, for the link.")]


@app.callback()
def kiosk(
    context: typer.Context,
    source: Annotated[
        str | None, Option(show_default="from the settings", help="As for `muster watch`; videos loop.")
    ] = None,
    camera: Annotated[str | None, Option(show_default="the only one with a source", help="Name of the camera.")] = None,
    host: Host = "127.0.0.1",
    port: Port = 8502,
    workspace: Workspace = Path("data"),
) -> None:
    """Serve the screen at the door, pair devices, give PINs.

    Without a subcommand, this starts the kiosk. Stop it with Ctrl-C.
    """
    if context.invoked_subcommand is None:
        start_kiosk(workspace, camera, source, host, port)
        return
    for name in context.params:
        given = context.get_parameter_source(name)
        if given is not None and given.name == "COMMANDLINE":  # the subcommand would silently ignore it
            raise InputError(
                f"--{name} comes before {context.invoked_subcommand}",
                hint=f"put it after: muster kiosk {context.invoked_subcommand} … --{name} …",
            )


def start_kiosk(workspace: Path, camera: str | None, source: str | None, host: str, port: int) -> None:
    """Replace this process by the kiosk's server.

    Args:
        camera: name of the camera; None: the only one in the settings that has a source.
        source: webcam number, URL, video file or folder; None: the camera's source in the settings.

    Raises:
        ConfigError: a setting is invalid, or the package `app.kiosk` is not installed.
        InputError: the camera is ambiguous, the source does not exist, or the port is in use.
    """
    from engine.config import load_config

    check_installed("the kiosk is", *KIOSK_MODULES)
    command = kiosk_command(workspace, load_config(workspace), camera, source, host, port)
    check_port(host, port)
    say(f"Kiosk of {workspace}, camera {command[2]}: {address(host, port)} · stop it with Ctrl-C")
    known = open_workbench(workspace, begin=True).devices.all().values()
    if not any(device.author != "engine" and not device.revoked_at for device in known):
        say("No screen is paired yet: `muster kiosk pair` prints a link for one.")
    become(*command)


def kiosk_command(
    workspace: Path, config: Config, camera: str | None, source: str | None, host: str, port: int
) -> list[str]:
    """Module and arguments of the kiosk's server; for the parameters see `start_kiosk`.

    Raises:
        InputError: the camera is ambiguous, or the source does not exist.
    """
    from engine.storage import clean_text

    camera = clean_text(camera, what="camera's name", limit=64) if camera is not None else _only_camera(config)
    found = _source(config, workspace, camera, source)
    return ["app.kiosk", str(workspace.absolute()), camera, found, host, str(port)]


def pairing_link(host: str, port: int, token: str) -> str:
    """Link that pairs the screen which opens it."""
    return f"{address(host, port)}/?pair={token}"


def _only_camera(config: Config) -> str:
    names = [name for name, each in config.cameras.items() if each.source]
    if not names:
        raise InputError("no camera in the settings has a source", hint="give --camera NAME and --source SOURCE")
    if len(names) > 1:
        raise InputError(f"several cameras have a source: {', '.join(names)}", hint="choose one with --camera")
    return names[0]


def _source(config: Config, workspace: Path, camera: str, given: str | None) -> str:
    """The source as the server takes it: files with their absolute path."""
    from engine.sources import is_live

    known = config.cameras[camera].source if camera in config.cameras else ""
    spec = given if given is not None else known
    if not spec:
        raise InputError(f"the settings have no source for camera {camera}", hint="give one with --source")
    if is_live(spec):
        return spec
    path = (Path() if given is not None else workspace) / spec
    if not path.exists():
        hint = "give a webcam number, an rtsp:// or http:// URL, a video file or a picture folder"
        raise InputError(f"{path}: no such file or folder", hint=hint)
    return str(path.absolute())


@app.command()
def pair(
    name: Annotated[str | None, Argument(show_default="screen-N", help="Name of the device.")] = None,
    scope: Annotated[
        list[str] | None,
        Option(
            show_default="screen, status, pin",
            help="What the device may do: screen, status, attendance, recognise, pin or metrics; repeatable.",
        ),
    ] = None,
    host: _KioskHost = "127.0.0.1",
    port: _KioskPort = 8502,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Let a screen or another program use the kiosk.

    The command prints the device's token. It is not shown again.
    """
    from engine.access import SCREEN_SCOPES

    bench = open_workbench(workspace, begin=True)
    device, token = bench.kiosk.pair(name or _free_name(bench.devices), scope or SCREEN_SCOPES, author=author)
    link = pairing_link(host, port, token) if device.may("screen") else ""
    if as_json:
        shown = {"device_id": device.device_id, "name": device.name, "scopes": device.scopes, "token": token}
        emit_json(shown | ({"link": link} if link else {}))
        return
    say(f"{device.name} ({device.device_id}) may use: {', '.join(device.scopes)}")
    if link:
        say(f"Open this link once on the screen: {link}")
    else:
        say(f"Send this with every request: Authorization: Bearer {token}")
    say("The token is shown only now. To withdraw it, use `muster kiosk revoke`.")


def _free_name(book: DeviceBook) -> str:
    taken = {device.name for device in book.all().values()}
    return next(name for number in itertools.count(1) if (name := f"screen-{number}") not in taken)


@app.command()
def devices(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List paired devices and what they may do."""
    found = open_workbench(workspace).devices.all().values()
    if as_json:
        rows = [dataclasses.asdict(device) for device in found]
        emit_json([{key: value for key, value in row.items() if key != "hash"} for row in rows])
        return
    cells = [
        (each.name, each.device_id, ", ".join(each.scopes), each.created_at[:16], each.revoked_at[:16] or "–")
        for each in found
    ]
    table("Devices", ("name", "id", "may use", "since", "revoked"), cells)


@app.command()
def revoke(
    device: Annotated[str, Argument(help="Name or id of the device.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Withdraw a device's access, from its next request on."""
    revoked = open_workbench(workspace).kiosk.revoke(device, author=author)
    say(f"{revoked.name} ({revoked.device_id}) can no longer use the kiosk.")


@app.command()
def pin(
    employee_id: EmployeeId,
    remove: Annotated[bool, Option("--remove", help="Take the PIN away.")] = False,
    pin_stdin: Annotated[bool, Option("--pin-stdin", help="Read the PIN from standard input.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Give somebody a PIN for the kiosk.

    It serves people whom the camera does not recognise. The command prints a new PIN, which is not shown again.
    """
    if remove and pin_stdin:
        raise InputError("--remove takes no PIN", hint="leave --pin-stdin out")
    desk = open_workbench(workspace).kiosk
    if remove:
        desk.take_pin(employee_id, author=author)
        say(f"{employee_id} no longer has a PIN.")
        return
    chosen = sys.stdin.readline().rstrip("\r\n") if pin_stdin else None
    new = desk.give_pin(employee_id, chosen, author=author)
    say(f"{employee_id} has the given PIN." if pin_stdin else f"{employee_id}: PIN {new}, shown only now")
