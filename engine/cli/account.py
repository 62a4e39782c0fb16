"""`muster account …`: opening balances, pay-outs and corrections of time accounts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Json, Panel, Reason, Workspace, open_workbench
from engine.cli.employment import DryRun, Order, order_of
from engine.cli.hr import show_messages
from engine.cli.output import answer, counted, emit_json, say, table
from engine.cli.span import working_day
from engine.config.ids import check_chosen
from engine.types import NOBODY

app = typer.Typer()
_account = typer.Typer(
    name="account", help="Time accounts: opening balances, pay-outs and corrections.", no_args_is_help=True
)
app.add_typer(_account, rich_help_panel=Panel.ATTENDANCE)

Hours = Annotated[str, Option(help="Hours, such as 12.5, -3.25 or -3:15.")]
Person = Annotated[str | None, Option("--id", show_default="everybody", help="Employee id.")]
_On = Annotated[str, Option("--day", metavar="DAY", help="Day, YYYY-MM-DD.")]


@_account.command("open")
def account_open(
    employee_id: EmployeeId,
    day: _On,
    hours: Hours,
    reason: Reason = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Begin a time account: what it had before a day.

    From this day on, every day adds its balance. A later opening balance begins the account anew.
    """
    from engine.people import hours_of

    desk = open_workbench(workspace).time_accounts
    made = desk.open(employee_id, working_day(day), hours_of(hours), author=author, reason=reason)
    answer(as_json, dataclasses.asdict(made), f"{employee_id}: {made}")


@_account.command("change")
def account_change(
    employee_id: EmployeeId,
    day: _On,
    hours: Hours,
    reason: Reason,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Add hours to an account, or take some away.

    A negative number takes away what is paid out.
    """
    from engine.people import hours_of

    desk = open_workbench(workspace).time_accounts
    made = desk.change(employee_id, working_day(day), hours_of(hours), author=author, reason=reason)
    answer(as_json, dataclasses.asdict(made), f"{employee_id}: {made}")


@_account.command("remove")
def account_remove(
    entry: Annotated[str, Argument(metavar="ENTRY", help="Id of the entry, as in `muster account list`.")],
    reason: Reason,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Take an entry out.

    The audit log keeps what it was.
    """
    gone = open_workbench(workspace).time_accounts.remove(entry, author=author, reason=reason)
    answer(as_json, dataclasses.asdict(gone), f"{gone.employee_id}: {gone} was taken out.")


@_account.command("list")
def account_list(person: Person = None, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the entries of time accounts with their reasons."""
    bench = open_workbench(workspace)
    rows = bench.time_accounts.entries(person or "")
    check_chosen(person, bench.people.known(), rows)
    readable = bench.office.readable
    if as_json:
        emit_json([dataclasses.asdict(row) | {"reason": readable(row.reason)} for row in rows])
    elif rows:
        cells = [
            (row.employee_id, row.day, row.kind, f"{row.hours:+.2f}", readable(row.reason), row.source, row.entry_id)
            for row in rows
        ]
        table("Time accounts", ("person", "day", "kind", "hours", "reason", "source", "id"), cells)
    else:
        say("There are no entries: `muster account open` begins an account.")


@_account.command("show")
def account_show(
    day: Annotated[str | None, Option(show_default="yesterday", help="At the end of this day, YYYY-MM-DD.")] = None,
    person: Person = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Show what the accounts come to at the end of a day."""
    from datetime import timedelta

    bench = open_workbench(workspace)
    until = working_day(day) if day else bench.records.now().date() - timedelta(days=1)
    accounts, people = bench.time_accounts.accounts(until, person), bench.people.known()
    check_chosen(person, people, bench.time_accounts.entries(person or ""))
    ids = [person] if person else sorted({row.employee_id for row in bench.time_accounts.entries()})
    found = [
        (each, people.get(each, NOBODY).name, hours) for each in ids if (hours := accounts.at(each, until)) is not None
    ]
    if as_json:
        emit_json([{"employee_id": who, "name": name, "day": until, "hours": hours} for who, name, hours in found])
    elif found:
        table(
            f"Time accounts on {until}", ("person", "name", "hours"), [(*each[:2], f"{each[2]:+.2f}") for each in found]
        )
    else:
        say(f"Nobody has a time account on {until}: `muster account open` begins one.")


@_account.command("import")
def account_import(
    file: Annotated[Path, Argument(help="CSV or Excel file with a header row.")],
    day: Annotated[str | None, Option(show_default="as in the rows", help="Day of rows without one.")] = None,
    date_order: Order = None,
    dry_run: DryRun = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Import opening balances.

    Rows that cannot be used are left out with a message, and the exit code is 1. The rest is imported.
    """
    desk = open_workbench(workspace).time_accounts
    given, order = working_day(day) if day else None, order_of(date_order)
    result = desk.import_file(file, given, author=author, order=order, dry_run=dry_run)
    if as_json:
        emit_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        show_messages(file, result.messages)
        say(f"{counted(len(result.openings), 'opening balance')} {'found' if dry_run else 'imported'}.")
    if result.errors:
        raise typer.Exit(1)
