"""`muster leave …`: import, enter, change, approve and take out leave, entitlements and balances."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Json, Panel, Reason, Workspace, open_workbench, parse_day
from engine.cli.employment import Encoding, Order, order_of
from engine.cli.hr import show_messages
from engine.cli.output import answer, counted, emit_json, note, say, table
from engine.config.ids import check_chosen
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.config import Half
    from engine.people import Leave, LeaveImport, LeaveKinds

app = typer.Typer()
_leave = typer.Typer(name="leave", help="Leave, remote and sick days: lists, entries, balances.", no_args_is_help=True)
app.add_typer(_leave, rich_help_panel=Panel.ATTENDANCE)

LeaveId = Annotated[str, Argument(metavar="LEAVE", help="Id of the entry, as in `muster leave list`.")]
Kind = Annotated[str | None, Option(show_default=False, help="Kind of leave, such as annual.")]
First = Annotated[str | None, Option("--from", metavar="DAY", help="First day, YYYY-MM-DD.")]
Last = Annotated[str | None, Option("--until", metavar="DAY", help="Last day, YYYY-MM-DD.")]
HalfDay = Annotated[str | None, Option("--half", help="morning, afternoon, or any for a half that is not known.")]
Share = Annotated[float | None, Option(help="Share of each day, such as 0.5.")]
Person = Annotated[str | None, Option("--id", show_default="everybody", help="Employee id.")]
Year = Annotated[int | None, Option(show_default="this year", help="Year.")]

_SHOWN_CHANGES = 50


def _half(text: str | None) -> tuple[float | None, Half]:
    """Share and half of `--half`.

    Raises:
        InputError: the text is something else.
    """
    if text is None:
        return None, ""
    if text not in {"morning", "afternoon", "any"}:
        raise InputError(f"{text!r} is no half of a day", hint="give morning, afternoon or any")
    return 0.5, cast("Half", "" if text == "any" else text)


@_leave.command("import")
def leave_import(
    file: Annotated[Path, Argument(help="CSV file or iCalendar file (.ics).")],
    kind: Annotated[
        list[str] | None,
        Option(
            show_default=False,
            help='What a word means, such as "Brückentag=annual" or "Bridge day=ignore"; repeatable. Or the kind of all events of a '
            "calendar.",
        ),
    ] = None,
    date_order: Order = None,
    encoding: Encoding = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Show what would change without writing anything.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Import leave, remote and sick days.

    Rows and events that cannot be used are left out with a message, and the exit code is 1. The rest is imported.
    """
    given = kind or []
    mapping = dict(each.split("=", 1) for each in given if "=" in each)
    whole = [each for each in given if "=" not in each]
    if len(whole) > 1:
        raise InputError("several kinds for all events", hint='give one, or say what words mean: "Brückentag=annual"')
    bench = open_workbench(workspace)
    result = bench.leave_desk.import_file(
        file,
        author=author,
        kind=whole[0] if whole else None,
        mapping=mapping,
        order=order_of(date_order),
        encoding=encoding,
        dry_run=dry_run,
    )
    if as_json:
        emit_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        show_messages(file, result.messages)
        _show_import(result, bench.leave_desk.kinds, dry_run=dry_run)
    if result.errors:
        raise typer.Exit(1)


def _show_import(result: LeaveImport, kinds: LeaveKinds, *, dry_run: bool) -> None:
    changed = [change for change in result.changes if change.before]
    rows = [(change.entry.employee_id, change.before, change.after or "taken out") for change in changed]
    if rows:
        table("Entries that change", ("person", "before", "after"), rows[:_SHOWN_CHANGES])
    if len(rows) > _SHOWN_CHANGES:
        say(f"{counted(len(rows) - _SHOWN_CHANGES, 'more change')}; --json prints them all.")
    if unknown := result.unknown_kinds:
        words = ", ".join(f"{word!r} ({counted(count, 'row')})" for word, count in unknown.items())
        say(f"Unknown kinds, left out: {words}.")
        say(
            f'Say what they are: --kind "{next(iter(unknown))}={next(iter(kinds.all))}"; kinds: {", ".join(kinds.all)}, ignore.'
        )
    counts = f"{len(result.added)} added, {len(result.removed)} removed, {len(result.unchanged)} unchanged"
    say(f"{'Nothing was written; the import would give: ' if dry_run else ''}{counts}.")


@_leave.command("list")
def leave_list(
    person: Person = None,
    first: First = None,
    last: Last = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List leave with its ids and working days.

    By default of this year.
    """
    bench = open_workbench(workspace)
    year = bench.records.now().year
    begin = parse_day(first) if first else date(year, 1, 1)
    end = parse_day(last) if last else date(max(begin.year, year), 12, 31)
    found = bench.leave_desk.entries(begin, end, person or "")
    check_chosen(person, bench.people.known(), found)
    if as_json:
        emit_json([{**dataclasses.asdict(each.entry), "working_days": each.days} for each in found])
        return
    if not found:
        say(f"No leave from {begin} to {end}.")
        return
    rows = [_row(each.entry, each.days, bench.leave_desk.kinds) for each in found]
    table(f"Leave from {begin} to {end}", ("id", "person", "from", "to", "kind", "days", "status", "source"), rows)


def _row(entry: Leave, days: float, kinds: LeaveKinds) -> Sequence[object]:
    kind = kinds.name(entry.kind)
    part = entry.half or (f"{entry.part:g} of the day" if entry.part < 1 else "")
    word = f"“{entry.word}”" if entry.word and entry.word.casefold() not in {kind, entry.kind} else ""
    told = ", ".join(filter(None, (kind, part, word)))
    status = "approved" if entry.approved else entry.status
    return entry.leave_id, entry.employee_id, entry.first_day, entry.last_day, told, f"{days:g}", status, entry.source


@_leave.command("add")
def leave_add(
    employee_id: EmployeeId,
    kind: Kind = "annual",
    first: First = None,
    last: Last = None,
    half: HalfDay = None,
    share: Share = None,
    pending: Annotated[bool, Option("--pending", help="Not approved yet: it is no leave.")] = False,
    reason: Reason = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Enter leave."""
    bench = open_workbench(workspace)
    if first is None:
        raise InputError(
            "the first day is missing", hint="give --from 2026-11-02, and --until if it is more than a day"
        )
    part, which = _half(half)
    entry = bench.leave_desk.add(
        employee_id,
        kind or "annual",
        parse_day(first),
        parse_day(last or first),
        author=author,
        reason=reason,
        share=share or part,
        half=which,
        pending=pending,
    )
    days = bench.leave_desk.working_days(entry)
    answer(as_json, dataclasses.asdict(entry) | {"working_days": days}, f"{entry.leave_id}: {entry}, {_days(days)}.")


@_leave.command("change")
def leave_change(
    leave_id: LeaveId,
    first: First = None,
    last: Last = None,
    kind: Kind = None,
    half: HalfDay = None,
    share: Share = None,
    whole: Annotated[bool, Option("--whole", help="Whole days instead of a part of each.")] = False,
    reason: Reason = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Change the days, kind or part of the day of an entry."""
    part, which = _half(half)
    change = open_workbench(workspace).leave_desk.change(
        leave_id,
        author=author,
        reason=reason,
        first=parse_day(first) if first else None,
        last=parse_day(last) if last else None,
        kind=kind or "",
        share=share or part,
        half=which,
        whole=whole,
    )
    answer(as_json, dataclasses.asdict(change), f"{change}.")


@_leave.command("approve")
def leave_approve(
    leave_id: LeaveId,
    reason: Reason = "approved",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Approve leave that is pending."""
    change = open_workbench(workspace).leave_desk.change(leave_id, author=author, reason=reason, approved=True)
    answer(as_json, dataclasses.asdict(change), f"{change}.")


@_leave.command("remove")
def leave_remove(
    leave_id: LeaveId,
    first: First = None,
    last: Last = None,
    reason: Reason = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Take leave out, or only some of its days.

    The audit log keeps what it was, who took it out, and why.
    """
    changes = open_workbench(workspace).leave_desk.remove(
        leave_id,
        author=author,
        reason=reason,
        first=parse_day(first) if first else None,
        last=parse_day(last) if last else None,
    )
    answer(as_json, [dataclasses.asdict(change) for change in changes], "; ".join(map(str, changes)) + ".")


@_leave.command("balance")
def leave_balance(
    person: Person = None, year: Year = None, workspace: Workspace = Path("data"), as_json: Json = False
) -> None:
    """Show days entitled, taken, planned and left.

    There is a row per person and kind. Only working days count.
    """
    bench = open_workbench(workspace)
    chosen = year or bench.records.now().year
    found = bench.leave_desk.balances(chosen, person or "")
    check_chosen(person, bench.people.known(), found)
    if as_json:
        emit_json([{**dataclasses.asdict(each), "left": each.left} for each in found])
        return
    if not found:
        say(f"No leave and no entitlements in {chosen}.")
        return
    kinds = bench.leave_desk.kinds
    rows = [
        (
            each.employee_id,
            kinds.name(each.kind),
            *("–" if value is None else f"{value:g}" for value in (each.entitled, each.taken, each.planned, each.left)),
            f"{each.pending:g}",
        )
        for each in found
    ]
    table(
        f"Leave in {chosen}, working days", ("person", "kind", "entitled", "taken", "planned", "left", "pending"), rows
    )
    if all(each.entitled is None for each in found):
        note("no entitlements: set days_per_year in [leave.annual], or use `muster leave entitle`")


@_leave.command("entitle")
def leave_entitle(
    employee_id: EmployeeId,
    days: Annotated[
        float | None, Option(show_default="as in the settings", help="Days of the year, carried days included.")
    ] = None,
    kind: Kind = "annual",
    year: Year = None,
    reason: Reason = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Set how many days of leave somebody has in a year."""
    bench = open_workbench(workspace)
    chosen = year or bench.records.now().year
    bench.leave_desk.entitle(employee_id, kind or "annual", chosen, days, author=author, reason=reason)
    told = "as in the settings" if days is None else f"{days:g} days"
    answer(as_json, {"employee_id": employee_id, "year": chosen, "days": days}, f"{employee_id} in {chosen}: {told}.")


@_leave.command("history")
def leave_history(person: Person = None, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List who changed which leave, newest first."""
    bench = open_workbench(workspace)
    found = bench.leave_desk.history(person or "")
    check_chosen(person, bench.people.known(), found)
    if as_json:
        emit_json([dataclasses.asdict(row) for row in found])
        return
    readable = bench.office.readable
    rows = [
        (
            f"{row.timestamp:%Y-%m-%d %H:%M}",
            row.subject,
            row.action.removeprefix("leave_"),
            readable(row.detail),
            row.author,
        )
        for row in found
    ]
    table("Changes of leave", ("when", "person", "what", "change and reason", "author"), rows)


@_leave.command("kinds")
def leave_kinds(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the kinds of leave."""
    kinds = open_workbench(workspace).leave_desk.kinds
    if as_json:
        emit_json({key: kind.model_dump() for key, kind in kinds.all.items()})
        return
    rows = [
        (
            key,
            kinds.name(key),
            kind.status,
            kind.credit,
            "yes" if kind.paid else "no",
            "–" if kind.days_per_year is None else f"{kind.days_per_year:g}",
        )
        for key, kind in kinds.all.items()
    ]
    table("Kinds of leave", ("kind", "name", "status", "credit", "paid", "days a year"), rows)


def _days(count: float) -> str:
    return f"{count:g} working day{'' if count == 1 else 's'}"
