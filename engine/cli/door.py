"""`muster door`: doors that open for chosen people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Json, Panel, Workspace, moment, open_workbench
from engine.cli.output import emit_json, say, table
from engine.errors import InputError

app = typer.Typer()
door_app = typer.Typer(name="door", no_args_is_help=True, help="Doors that open for chosen people.")
app.add_typer(door_app, rich_help_panel=Panel.RECOGNISE)
_Name = Annotated[str, Argument(help="Name of the door in the settings.")]


@door_app.command("list")
def list_doors(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the doors of the settings."""
    doors = open_workbench(workspace).settings.get().doors
    if as_json:
        emit_json([{"name": name} | each.model_dump(mode="json") for name, each in doors.items()])
    elif not doors:
        say("There are no doors. To add one, see docs/door.md.")
    else:
        rows = []
        for name, each in doors.items():
            whom = ", ".join([*each.people, *each.departments])
            rows.append((name, each.action, ", ".join(each.cameras), whom, ", ".join([*each.hours, each.days])))
        table("Doors", ("door", "action", "cameras", "opens for", "hours"), rows)


@door_app.command()
def check(
    employee_id: EmployeeId,
    camera: Annotated[str, Option(help="Camera before which the person stands.")],
    at: Annotated[str | None, Option(show_default="now", help="When (ISO 8601).")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Say which doors would open for somebody, and why not.

    The face counts as certain, alive and alone before a live camera. Nothing is sent.
    """
    from engine.access.doors import WORDS
    from engine.operations.doors import what_if

    bench = open_workbench(workspace)
    when = moment(at, bench.config.zone) or bench.records.now()
    found = {name: what_if(bench, name, employee_id, camera, when) for name in bench.settings.get().doors}
    if as_json:
        emit_json([{"door": name, "opens": each.opened, "refusals": each.refusals} for name, each in found.items()])
        return
    rows = [
        (name, "yes" if each.opened else "no", ", ".join(WORDS[word] for word in each.refusals))
        for name, each in found.items()
    ]
    table(f"{employee_id} before {camera} at {when:%Y-%m-%d %H:%M}", ("door", "opens", "why not"), rows)


@door_app.command()
def replay(name: _Name, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Say for whom a door would have opened in the last day.

    The logs do not tell how old a decision was, nor who else stood there, unless it became an alert.
    """
    from engine.access.doors import WORDS
    from engine.operations.doors import replayed

    found = replayed(open_workbench(workspace), name)
    if as_json:
        emit_json(
            [
                {
                    "time": each.time,
                    "camera": each.camera,
                    "employee_id": each.person,
                    "opens": each.decision.opened,
                    "refusals": each.decision.refusals,
                }
                for each in found
            ]
        )
        return
    rows = [
        (
            f"{each.time:%Y-%m-%d %H:%M:%S}",
            each.camera,
            each.person,
            "yes" if each.decision.opened else "no",
            ", ".join(WORDS[word] for word in each.decision.refusals),
        )
        for each in found
    ]
    table(f"Door {name} in the last day", ("time", "camera", "person", "opens", "why not"), rows)


@door_app.command()
def log(
    days: Annotated[int, Option(min=1, help="So many days.")] = 1,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Show the door log: pulses, refusals and tests."""
    from engine.access.doors import WORDS, Refusal

    bench = open_workbench(workspace)
    rows = bench.door_book.last(days, bench.records.now().date())
    if as_json:
        emit_json([{name: value for name, value in vars(row).items() if name != "seal"} for row in rows])
        return
    cells = [
        (
            f"{row.timestamp:%Y-%m-%d %H:%M:%S}",
            row.door,
            row.employee_id or row.author,
            row.result,
            ", ".join([*(WORDS[Refusal(word)] for word in row.reasons), *filter(None, [row.detail])]),
        )
        for row in rows
    ]
    table("Door log", ("time", "door", "person", "result", "why"), cells)


@door_app.command("test")
def pulse(name: _Name, author: Author = "", workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Open a door for its pulse, whoever stands there.

    It is audited. The exit code is 1 if the broker did not confirm it.
    """
    from engine.operations.doors import send_pulse

    bench = open_workbench(workspace)
    if not author.strip():
        raise InputError("a test pulse needs an author", hint="give --author")
    row = send_pulse(bench, name, author=author)
    if as_json:
        emit_json({"door": name, "result": row.result, "detail": row.detail})
    elif row.result == "test":
        say(f"Door {name}: the broker has the pulse.")
    else:
        say(f"Door {name}: {row.detail}")
    if row.result != "test":
        raise typer.Exit(1)
