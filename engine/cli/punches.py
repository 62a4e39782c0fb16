"""`muster punches …`: import what terminals recorded, take an import back, and export passages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from typer import Argument, Option

from engine.cli.context import Author, Day, From, Json, Month, Panel, Reason, Until, Workspace, hand_out, open_workbench
from engine.cli.employment import DryRun, Encoding, Order, order_of
from engine.cli.hr import show_messages
from engine.cli.output import answer, counted, emit_json, note, say, table
from engine.cli.span import days, spelled
from engine.config.ids import check_chosen
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.attendance import PunchRow
    from engine.attendance.presence import Direction
    from engine.people import ClockDirection
    from engine.records import PunchImport, ReadingOfPunches

app = typer.Typer()
_punches = typer.Typer(name="punches", help="Punches of terminals: import and export.", no_args_is_help=True)
app.add_typer(_punches, rich_help_panel=Panel.ATTENDANCE)

_SHOWN = 20


@_punches.command("import")
def punches_import(
    file: Annotated[Path, Argument(help="attlog.dat, CSV or Excel file.")],
    people: Annotated[
        Path | None, Option(show_default=False, help="List with the columns terminal id and employee id.")
    ] = None,
    person: Annotated[
        list[str] | None,
        Option(metavar="ID=EMPLOYEE", show_default=False, help="Whose an id of the terminal is; repeatable."),
    ] = None,
    source: Annotated[str, Option(show_default="as the file says", help="Name of the terminal.")] = "",
    column: Annotated[
        list[str] | None,
        Option(
            metavar="FIELD=HEADING", show_default=False, help='Column of a field, such as id="Badge No"; repeatable.'
        ),
    ] = None,
    direction: Annotated[
        list[str] | None,
        Option(
            metavar="[WORD=]DIRECTION",
            show_default=False,
            help='What a word means, such as "F1=in" (in, out, both, ignore), repeatable; or the direction of all punches.',
        ),
    ] = None,
    zone: Annotated[
        str | None, Option(show_default="the workplace's", help="Time zone of the terminal's clock.")
    ] = None,
    encoding: Encoding = None,
    date_order: Order = None,
    dry_run: DryRun = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Import what a terminal recorded.

    Punches that cannot be used are left out with a message, and the exit code is 1. The rest is imported.

    A punch that was imported before is not imported again, from whichever file.
    """
    from engine.people import read_ids
    from engine.records import ReadingOfPunches

    words, whole = _directions(direction or ())
    how = ReadingOfPunches(
        source=source,
        words=words,
        direction=whole,
        people={**(read_ids(people) if people else {}), **dict(_pairs(person or (), "person"))},
        columns=dict(_pairs(column or (), "column")),
        zone=_zone(zone),
        encoding=encoding,
        order=order_of(date_order),
    )
    bench = open_workbench(workspace)
    result = bench.punches.import_file(file, how, author=author, dry_run=dry_run)
    if as_json:
        emit_json(_as_json(result, dry_run=dry_run))
    else:
        show_messages(file, result.messages)
        _show(result, how, dry_run=dry_run)
    for closing in result.closed:
        note(
            f"{closing.first} to {closing.last} is closed: `muster month changes` lists what the new punches would change."
        )
    if result.errors:
        raise typer.Exit(1)


def _pairs(texts: Iterable[str], option: str) -> Iterable[tuple[str, str]]:
    """Texts such as `17=E17`, divided.

    Raises:
        InputError: one of them has no `=`.
    """
    for text in texts:
        name, between, value = text.partition("=")
        if not (between and name.strip() and value.strip()):
            raise InputError(f"--{option} {text!r} lacks a name or a value", hint=f"write --{option} name=value")
        yield name.strip(), value.strip()


def _directions(texts: Iterable[str]) -> tuple[dict[str, ClockDirection], Direction | None]:
    """The directions of words, and that of all punches.

    Raises:
        InputError: one of them is no direction.
    """
    from engine.people import ClockDirection

    words: dict[str, ClockDirection] = {}
    whole: Direction | None = None
    for text in texts:
        word, between, value = text.rpartition("=")
        if value not in get_args(ClockDirection) or (not between and value == "ignore"):
            raise InputError(f"{text!r} is no direction", hint='give in, out or both, or what a word means: "F1=in"')
        if between:
            words[word] = cast("ClockDirection", value)
        else:
            whole = cast("Direction", value)
    return words, whole


def _zone(name: str | None) -> ZoneInfo | None:
    """A time zone by name.

    Raises:
        InputError: there is none of this name.
    """
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"{name!r} is not a time zone", hint="give a name such as Europe/Berlin or UTC") from error


def _row(row: PunchRow) -> dict[str, object]:
    return {
        "event_id": row.event_id,
        "timestamp": row.timestamp.isoformat(timespec="seconds"),
        "employee_id": row.employee_id,
        "direction": row.direction,
        "source": row.camera,
    }


def _as_json(result: PunchImport, *, dry_run: bool) -> dict[str, object]:
    return {
        "import_id": result.import_id if result.written else None,
        "added": list(map(_row, result.added)),
        "known": result.known,
        "repeated": result.repeated,
        "unknown_ids": result.unknown_ids,
        "unknown_words": result.unknown_words,
        "messages": [vars(message) for message in result.messages],
        "dry_run": dry_run,
    }


def _show(result: PunchImport, how: ReadingOfPunches, *, dry_run: bool) -> None:
    if dry_run and result.added:
        rows = [tuple(_row(row).values())[1:] for row in result.added[:_SHOWN]]
        table("New punches", ("time", "person", "direction", "source"), rows)
        if len(result.added) > _SHOWN:
            say(f"{counted(len(result.added) - _SHOWN, 'more punch', 'more punches')}; --json prints them all.")
    if result.unknown_ids:
        say(f'Say whose an id is: --person "{next(iter(result.unknown_ids))}=EMPLOYEE", or --people FILE.')
    if result.unknown_words:
        say(f'Say what a word means: --direction "{next(iter(result.unknown_words))}=in"; or out, both, ignore.')
    people = counted(len({row.employee_id for row in result.added}), "person", "people")
    counts = f"{counted(len(result.added), 'new punch', 'new punches')} of {people}, {result.known} known already"
    counts += f", {result.repeated} said twice" if result.repeated else ""
    if dry_run:
        say(f"Nothing was written; the import would give: {counts}.")
    else:
        say(f"{counts}." + (f" Import {result.import_id}." if result.written else ""))


@_punches.command("list")
def punches_list(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the imports of punches."""
    found = open_workbench(workspace).punches.imports()
    if as_json:
        emit_json([vars(each) for each in found])
    elif not found:
        say("No punches were imported.")
    else:
        rows = [
            (each.import_id, each.first, each.last, each.punches, each.taken_back, ", ".join(each.sources), each.author)
            for each in found
        ]
        table("Imports", ("import", "from", "until", "punches", "taken back", "source", "author"), rows)


@_punches.command("undo")
def punches_undo(
    import_id: Annotated[str, Argument(metavar="IMPORT", help="Id of the import, as in `muster punches list`.")],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Take an import back.

    Its rows stay in the log and count no more. The same punches can be imported again.
    """
    count = open_workbench(workspace).punches.take_back(import_id, author=author, reason=reason)
    text = f"{counted(count, 'punch', 'punches')} of the import {import_id} taken back."
    answer(as_json, {"import_id": import_id, "taken_back": count}, text)


@_punches.command("export")
def punches_export(
    day: Day = None,
    month: Month = None,
    since: From = None,
    until: Until = None,
    person: Annotated[str | None, Option("--id", show_default="everybody", help="Employee id.")] = None,
    form: Annotated[str, Option("--format", help="attlog, as a ZKTeco terminal writes it, or csv.")] = "csv",
    people: Annotated[
        Path | None, Option(show_default=False, help="List with the columns terminal id and employee id, for attlog.")
    ] = None,
    seen: Annotated[bool, Option("--seen", help="With sightings within the cool-down of a punch.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Export the passages that count, for another program.

    Withdrawn and removed passages are left out, added ones are in it.
    """
    from engine.operations.reporting import AttendanceReports
    from engine.people import read_ids
    from engine.reports import attlog, punches_csv

    if form not in {"attlog", "csv"}:
        raise InputError(f"{form!r} is no format", hint="give attlog or csv")
    bench = open_workbench(workspace)
    reports = AttendanceReports(bench)
    span = days(day, month, reports.now.date(), since, until, rules=bench.config.attendance)
    ids = {employee_id: who for who, employee_id in (read_ids(people) if people else {}).items()}
    rows = reports.punches(*span, person, seen=seen)
    check_chosen(person, bench.people.known(), rows)
    text = attlog(rows, ids) if form == "attlog" else punches_csv(rows)
    hand_out(bench, text, "punches", f"{len(rows)} punches, {spelled(*span)}", person or "", author=author)
