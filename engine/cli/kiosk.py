"""`muster kiosk`: serve the screen at the door, pair devices, give PINs."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import (
    Author,
    EmployeeId,
    Host,
    Json,
    Port,
    RootPath,
    TlsCert,
    TlsKey,
    TlsMode,
    Workspace,
    open_workbench,
    tell_reach,
)
from engine.cli.output import emit_json, say, table
from engine.errors import InputError
from engine.operations.serving import become, check_installed, check_port

if TYPE_CHECKING:
    from datetime import datetime

    from engine.access import Device, DeviceBook
    from engine.config import Config
    from engine.operations.reach import Reach

_PORT = 8502
KIOSK_MODULES = ("app.kiosk", "flask", "cheroot", "prometheus_client")

app = typer.Typer(name="kiosk", invoke_without_command=True)
_KioskHost = Annotated[
    str | None,
    Option(show_default="where a kiosk runs, else 127.0.0.1", help="Address of the kiosk, for the link."),
]
_KioskPort = Annotated[
    int | None,
    Option(min=1, max=65535, show_default="where a kiosk runs, else 8502", help="TCP port of the kiosk, for the link."),
]


@app.callback()
def kiosk(
    context: typer.Context,
    source: Annotated[
        str | None, Option(show_default="from the settings", help="As for `muster watch`; videos loop.")
    ] = None,
    camera: Annotated[str | None, Option(show_default="the only one with a source", help="Name of the camera.")] = None,
    host: Host = "127.0.0.1",
    port: Port = _PORT,
    tls: TlsMode = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    root_path: RootPath = None,
    workspace: Workspace = Path("data"),
) -> None:
    """Serve the screen at the door, pair devices, give PINs.

    Without a subcommand, this starts the kiosk. Stop it with Ctrl-C.
    """
    if context.invoked_subcommand is None:
        from engine.operations.reach import chosen

        start_kiosk(workspace, camera, source, host, port, chosen(tls, tls_cert, tls_key, root_path))
        return
    for name in context.params:
        given = context.get_parameter_source(name)
        if given is not None and given.name == "COMMANDLINE":  # the subcommand would silently ignore it
            raise InputError(
                f"--{name} comes before {context.invoked_subcommand}",
                hint=f"put it after: muster kiosk {context.invoked_subcommand} … --{name} …",
            )


def start_kiosk(
    workspace: Path, camera: str | None, source: str | None, host: str, port: int, given: Reach | None = None
) -> None:
    """Replace this process by the kiosk's server.

    Args:
        camera: name of the camera; None: the only one in the settings that has a source.
        source: webcam number, URL, video file or folder; None: the camera's source in the settings.
        given: how browsers come; default: plain HTTP at the root.

    Raises:
        ConfigError: a setting is invalid, or the package `app.kiosk` is not installed.
        InputError: the camera is ambiguous, the source does not exist, or the port is in use.
    """
    from engine.config import load_config
    from engine.operations.reach import AT_ROOT

    reach = given or AT_ROOT
    check_installed("the kiosk is", *KIOSK_MODULES)
    command = kiosk_command(workspace, load_config(workspace), camera, source, host, port)
    check_port(host, port)
    say(f"Kiosk of {workspace}, camera {command[2]}: {reach.address(host, port)} · stop it with Ctrl-C")
    known = open_workbench(workspace, begin=True).devices.all().values()
    if not any(device.author != "engine" and device.hash and not device.revoked_at for device in known):
        say("No screen is paired yet: `muster kiosk pair` prints a link for one.")
    tell_reach(reach, host, port)
    become(*command, *reach.words())


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
    token: Annotated[
        bool, Option("--token", help="Print a token for a program, even if the device may show the screen.")
    ] = False,
    replace: Annotated[bool, Option("--replace", help="Revoke the device of that name.")] = False,
    host: _KioskHost = None,
    port: _KioskPort = None,
    tls: Annotated[bool, Option("--tls", help="The kiosk speaks TLS.")] = False,
    url: Annotated[
        str, Option(metavar="ADDRESS", show_default=False, help="Whole address of the kiosk, as behind a proxy.")
    ] = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Let a screen or another program use the kiosk.

    A screen gets a link and a code, good once and for ten minutes. A program gets a token, which is not shown again.
    """
    from engine.access import CODE_LIFE, SCREEN_SCOPES
    from engine.operations.kiosks import kiosks, pairing_link
    from engine.operations.reach import Reach

    bench = open_workbench(workspace, begin=True)
    name, scopes = name or _free_name(bench.devices), scope or SCREEN_SCOPES
    by_link = "screen" in scopes and not token
    give = bench.kiosk.invite if by_link else bench.kiosk.pair
    device, secret = give(name, scopes, author=author, replace=replace)
    running = {} if host or port or tls or url else {each.camera: each.seen_here() for each in kiosks(workspace)}
    given = url.rstrip("/") or Reach("self-signed" if tls else "").address(host or "127.0.0.1", port or _PORT)
    links = {camera: pairing_link(each, secret) for camera, each in (running or {"": given}).items()}
    if as_json:
        told = (
            {"link": next(iter(links.values())), "code": secret, "until": device.code_until}
            if by_link
            else {"token": secret}
        )
        emit_json({"device_id": device.device_id, "name": device.name, "scopes": device.scopes, **told})
        return
    say(f"{device.name} ({device.device_id}) may use: {', '.join(device.scopes)}")
    if by_link:
        minutes = round(CODE_LIFE.total_seconds() / 60)
        what = "this link" if len(links) == 1 else "one of these links"
        say(f"Open {what} on the screen, once and within {minutes} minutes: {' '.join(links.values())}")
        say(f"Or open the kiosk there and enter {secret}.")
    else:
        say(f"Send this with every request: Authorization: Bearer {secret}")
        say("The token is shown only now.")
    say("To end the device's access, use `muster kiosk revoke`.")


def _free_name(book: DeviceBook) -> str:
    taken = {device.name for device in book.all().values()}
    return next(name for number in itertools.count(1) if (name := f"screen-{number}") not in taken)


@app.command()
def devices(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List paired devices and what they may do."""
    bench = open_workbench(workspace)
    found, now = bench.devices.all().values(), bench.clock()
    if as_json:
        rows = [dataclasses.asdict(device) for device in found]
        emit_json([{key: value for key, value in row.items() if key not in {"hash", "code"}} for row in rows])
        return
    cells = [
        (
            each.name,
            each.device_id,
            ", ".join(each.scopes),
            each.created_at[:16],
            _state(each, now),
            each.used_on or "–",
        )
        for each in found
    ]
    table("Devices", ("name", "id", "may use", "since", "state", "last seen"), cells)


def _state(device: Device, now: datetime) -> str:
    if device.revoked_at:
        return f"revoked {device.revoked_at[:16]}"
    if device.hash:
        return "paired"
    return f"link until {device.code_until[11:16]}" if device.awaited(now) else "link expired"


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
def rename(
    device_id: Annotated[str, Argument(help="Id of the device, see `muster kiosk devices`.")],
    name: Annotated[str, Argument(help="Its new name.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Give a device another name."""
    device = open_workbench(workspace).kiosk.rename(device_id, name, author=author)
    say(f"{device.device_id} is called {device.name} now.")


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
