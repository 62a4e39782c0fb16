"""`muster staff import`, `muster leave import`: what HR takes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import typer

from engine.cli.output import console, emit_json, table
from engine.errors import InputError
from engine.hr.staff import import_staff
from engine.hr.tables import RowMessage
from engine.workbench import Workbench

__all__ = ["leave_import", "staff_import"]

SHOWN_MESSAGES = 50


def _now(bench: Workbench) -> datetime:
    return bench.clock().astimezone(bench.config.zone)


def _show(file: Path, messages: Sequence[RowMessage]) -> None:
    """Messages as a table, errors first; the rest of many is counted."""
    ordered = sorted(messages, key=lambda message: (message.level != "error", message.line))
    rows = [(message.line or "–", message.column, message.level, message.text) for message in ordered[:SHOWN_MESSAGES]]
    if rows:
        table(f"What {file.name} says", ("line", "column", "level", "message"), rows)
    if len(ordered) > SHOWN_MESSAGES:
        console.print(f"… and {len(ordered) - SHOWN_MESSAGES} more: --json prints them all")


def staff_import(file: Path, workspace: Path, as_json: bool, *, dry_run: bool, author: str = "") -> None:
    """Take a staff list in; exit code 1 and nothing written when a row has an error."""
    bench = Workbench(workspace)
    now = _now(bench)
    result = import_staff(file, bench.people, dry_run=dry_run, now=now)
    counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} unchanged"
    if result.written:
        bench.audit.note("import", "people.csv", counts, author=author, now=now)
    if as_json:
        emit_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        _show(file, result.messages)
        if result.errors:
            console.print(f"Nothing was written: {len(result.errors)} errors. Correct them and import the list again.")
        else:
            console.print(f"{'Would be: ' if dry_run else ''}{counts}.")
    if result.errors:
        raise typer.Exit(1)


def leave_import(file: Path, workspace: Path, as_json: bool, *, kind: str | None, author: str = "") -> None:
    """Take leave, remote and sick days in from a table or a calendar (`.ics`); exit code 1 when something was left out in error.

    Of a table with an error nothing is written; of a calendar only the events with errors are left out.
    """
    bench = Workbench(workspace)
    now = _now(bench)
    if file.suffix.lower() in {".ics", ".ical", ".ifb", ".icalendar"}:
        result = bench.leave.import_ical(file, bench.people, zone=bench.config.zone, now=now, kind=kind)
    elif kind is not None:
        raise InputError("--kind is for calendars: a table says it in a column", hint="leave --kind out")
    else:
        result = bench.leave.import_csv(file, bench.people, now=now)
    counts = f"{len(result.added)} added, {len(result.removed)} removed, {len(result.unchanged)} unchanged"
    if result.added or result.removed:
        bench.audit.note("import", "leave.csv", counts, author=author, now=now)
    if as_json:
        emit_json(dataclasses.asdict(result))
    else:
        _show(file, result.messages)
        console.print(f"{counts}.")
    if result.errors:
        raise typer.Exit(1)
