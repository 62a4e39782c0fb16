"""`muster verify`, `purge`, `forget`, `export-subject`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import typer

from engine.cli.output import console, emit_json, progress_bar, table
from engine.errors import InputError
from engine.workbench import Workbench

__all__ = ["export_subject", "forget", "purge", "verify"]


def verify(workspace: Path, as_json: bool, *, close: bool) -> None:
    """Check every row of every log; exit code 1 when one was tampered with."""
    if not workspace.is_dir():
        raise InputError(f"{workspace} is no workspace", hint="name one with --workspace DIR")
    workbench = Workbench(workspace)
    closed = workbench.records.close(workbench.clock(), workbench.known_people()) if close else []
    findings = workbench.verify()
    wrong = [finding for finding in findings if not finding.harmless]
    heads = {
        f"{log.name}{'@' * bool(recorder)}{recorder} {day}": (head.rows, head.chain)
        for log in workbench.records.logs
        for (day, recorder), head in log.journal.heads(log.name).items()
    }
    if as_json:
        emit_json(
            {
                "ok": not wrong,
                "findings": [dataclasses.asdict(finding) for finding in findings],
                "closed_days": {name: {"rows": rows, "head": head} for name, (rows, head) in sorted(heads.items())},
                "closed_now": [day.isoformat() for day in closed],
            }
        )
    else:
        if findings:
            rows = [(finding.file, finding.line or "–", finding.what, finding.detail) for finding in findings]
            table("What does not hold", ("file", "line", "", "what"), rows)
        total = sum(len(log.days()) for log in workbench.records.logs)
        if not wrong:
            console.print(f"{total} files of logs: every row is as it was written; {len(heads)} of them are closed.")
        else:
            count = f"{len(wrong)} fault{'s' * (len(wrong) != 1)}"
            print(f"muster: {count} → restore the files named above from a backup", file=sys.stderr)  # noqa: T201
    if wrong:
        raise typer.Exit(1)


def purge(workspace: Path, as_json: bool, *, apply: bool, author: str) -> None:
    """Erase what is kept longer than the settings say; without --apply only count it."""
    rows = Workbench(workspace).purge(apply=apply, author=author)
    if as_json:
        emit_json({"applied": apply, "expired": [dataclasses.asdict(row) for row in rows]})
        return
    cells = [(row.what.replace("_", " "), row.days, row.count, row.oldest or "–") for row in rows]
    table("Erased" if apply else "Would be erased", ("what", "kept for days", "too old", "oldest"), cells)
    if not apply and any(row.count for row in rows):
        console.print("Nothing was erased: muster purge --apply")


def forget(employee_id: str, workspace: Path, as_json: bool, *, yes: bool, author: str, thorough: bool) -> None:
    """Erase somebody, after asking when a person sits at the keyboard."""
    with progress_bar(quiet=as_json) as progress:
        bench = Workbench(workspace, progress=progress)
        if not yes and sys.stdin.isatty():
            templates = len(bench.gallery.current().of(employee_id)[0])
            typed = typer.prompt(f"This erases {templates} templates, all pictures and the name. Type the id to go on")
            if typed != employee_id:
                raise InputError("the typed id differs: nothing was erased", hint="try again")
        receipt = bench.forget(employee_id, author=author, thorough=thorough, progress=progress)
    if as_json:
        emit_json({"forgotten": employee_id, **receipt})
        return
    console.print(
        f"Forgotten: {receipt['templates']} templates, {receipt['pictures']} pictures and the name; "
        f"{receipt['faces_hidden_in_pictures_of_others']} faces hidden in pictures of others; "
        f"{receipt['day_sheets']} day sheets rewritten. Receipt: {receipt['receipt']}",
        markup=False,
    )
    for path in receipt["still_named_in"] if isinstance(receipt["still_named_in"], list) else ():
        console.print(f"The name still stands in {path}: erase it there.", markup=False)


def export_subject(employee_id: str, target: Path, workspace: Path, as_json: bool, *, author: str) -> None:
    """Write everything that is held on somebody into a ZIP file."""
    with progress_bar(quiet=as_json) as progress:
        counts = Workbench(workspace, progress=progress).export_subject(employee_id, target, author=author)
    if as_json:
        emit_json({"file": str(target), **counts})
    else:
        told = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items())
        console.print(f"{target}: {told}", markup=False)
