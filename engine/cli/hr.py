"""`muster staff import`, `muster leave import`: what HR takes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import typer

from engine.cli.output import console, emit_json, table
from engine.hr.tables import RowMessage
from engine.workbench import Workbench

__all__ = ["leave_import", "staff_import"]

SHOWN_MESSAGES = 50


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
    result = Workbench(workspace).staff.import_staff(file, author=author, dry_run=dry_run)
    counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} unchanged"
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
    result = Workbench(workspace).staff.import_leave(file, author=author, kind=kind)
    counts = f"{len(result.added)} added, {len(result.removed)} removed, {len(result.unchanged)} unchanged"
    if as_json:
        emit_json(dataclasses.asdict(result))
    else:
        _show(file, result.messages)
        console.print(f"{counts}.")
    if result.errors:
        raise typer.Exit(1)
