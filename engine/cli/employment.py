"""`muster staff change`, `shifts` and `history`: changes of people with their dates."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Json, Workspace, open_workbench, parse_day
from engine.cli.output import answer, counted, emit_json, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.people import DateOrder

app = typer.Typer()

Encoding = Annotated[
    str | None, Option(show_default="found out", help="Encoding of a CSV file, such as cp1250, gb18030 or shift_jis.")
]
Order = Annotated[
    str | None,
    Option("--date-order", show_default="as the columns tell", help="dmy or mdy, for days such as 11/02/2026."),
]
DryRun = Annotated[bool, Option("--dry-run", help="Check the list without writing anything.")]
SkipBadRows = Annotated[bool, Option("--skip-bad-rows", help="Import the rows without errors.")]


def order_of(text: str | None) -> DateOrder | None:
    """The order of day and month that an option gives.

    Raises:
        InputError: it is none.
    """
    if text not in {None, "dmy", "mdy"}:
        raise InputError(f"{text!r} is no order of day and month", hint="give dmy or mdy")
    return cast("DateOrder | None", text)


def _day(text: str | None) -> date | None:
    return parse_day(text) if text else None


@app.command("change")
def change(
    employee_id: EmployeeId,
    name: Annotated[str | None, Option(show_default=False, help="Name.")] = None,
    department: Annotated[str | None, Option(show_default=False, help="Department.")] = None,
    email: Annotated[str | None, Option(show_default=False, help="E-mail address.")] = None,
    shift: Annotated[str | None, Option(show_default=False, help='Shift or rota to assign; "" for none.')] = None,
    active: Annotated[
        bool | None, Option("--active/--inactive", show_default=False, help="Recognise and expect the person, or not.")
    ] = None,
    consent: Annotated[
        str | None,
        Option(
            show_default=False,
            metavar="DATE",
            help='When the person consented; or "law DATE", "agreement DATE", "contract DATE", "visit DATE", with a version behind it; '
            "withdrawn: it ends now.",
        ),
    ] = None,
    valid_from: Annotated[
        str | None, Option("--from", metavar="DAY", show_default="today", help="Day from which the change holds.")
    ] = None,
    hired_on: Annotated[
        str | None, Option(metavar="DAY", show_default=False, help="First day of the employment.")
    ] = None,
    left_on: Annotated[
        str | None, Option(metavar="DAY", show_default=False, help="Last day of the employment; never: take it back.")
    ] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Change somebody's details, from a day on.

    The sheets of days before it stay as they are. Nobody is expected before their first or after their last day.
    """
    from engine.people.basis import basis_of

    bench = open_workbench(workspace)
    after = bench.staff.change(
        employee_id,
        author=author,
        name=name,
        department=department,
        email=email,
        active=active,
        consent_at="" if consent == "withdrawn" else consent,
        shift=shift,
        valid_from=_day(valid_from),
        hired_on=_day(hired_on),
        left_on=date.max if left_on == "never" else _day(left_on),
    )
    state = "active" if after.active else "inactive"
    text = f"{employee_id} is now {state}, department {after.department or '–'}; `muster staff history` shows what is dated."
    if basis_of(after) == "withdrawn":
        text = f"{employee_id} is no longer recognised. `muster forget {employee_id}` erases templates and pictures."
    answer(as_json, dataclasses.asdict(after), text)


@app.command("history")
def history(employee_id: EmployeeId, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Show since when somebody has worked here, and where.

    The history has entry, leaving, departments and assigned shifts.
    """
    bench = open_workbench(workspace)
    rows = bench.staff.history(employee_id)
    if as_json:
        emit_json([dataclasses.asdict(row) for row in rows])
    elif not rows:
        say(f"Nothing is dated of {employee_id}: what the list says holds since ever.")
    else:
        cells = [
            (row.valid_from or "before", row.fact, row.value or "–", row.noted_on or "", row.source) for row in rows
        ]
        table(f"Employment of {employee_id}", ("from", "what", "value", "noted on", "source"), cells)


@app.command("shifts")
def shifts(
    file: Annotated[Path, Argument(help="CSV or Excel file: who, shift, from, until.")],
    dry_run: DryRun = False,
    skip_bad_rows: SkipBadRows = False,
    encoding: Encoding = None,
    date_order: Order = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Assign shifts or rotas to people from a list.

    Without an end, an assignment holds for good. An assigned shift counts before all rules of the settings.

    If a row has an error, nothing is written and the exit code is 1. With --skip-bad-rows only that row is left out.
    """
    from engine.cli.hr import show_messages

    result = open_workbench(workspace).staff.import_shifts(
        file, author=author, dry_run=dry_run, encoding=encoding, date_order=order_of(date_order), skip_bad=skip_bad_rows
    )
    if as_json:
        emit_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        show_messages(file, result.messages)
        if result.errors and not skip_bad_rows:
            say(f"Nothing was written: {counted(len(result.errors), 'error')}. Correct them, or give --skip-bad-rows.")
        else:
            counts = f"{counted(len(result.changed), 'person', 'people')} changed, {len(result.unchanged)} unchanged"
            say(f"{'Nothing was written; the import would give: ' if dry_run else ''}{counts}.")
    if result.errors:
        raise typer.Exit(1)
