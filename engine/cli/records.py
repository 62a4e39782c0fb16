"""`muster verify`, `purge`, `forget`, `export-subject`."""

from __future__ import annotations

import csv
import dataclasses
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Json, Panel, Reason, Workspace, open_workbench
from engine.cli.output import answer, complain, counted, emit_json, progress_bar, say, table
from engine.errors import InputError
from engine.storage import atomic_write, parse_json
from engine.storage.logs import Head

if TYPE_CHECKING:
    from engine.records import Exported
    from engine.storage.logs import Finding, Kept
    from engine.workbench import Workbench

app = typer.Typer()

_HEADS = ("chain", "rows", "head")  # see `engine.records.books`


@app.command(rich_help_panel=Panel.ADMINISTER)
def verify(
    files: Annotated[
        list[Path] | None, Argument(metavar="[FILE]...", help="Exported files to look up, instead of the workspace.")
    ] = None,
    close: Annotated[bool, Option("--close", help="First close the days that are over.")] = False,
    against: Annotated[Path | None, Option("--against", metavar="FILE", help="Heads that were kept elsewhere.")] = None,
    accept: Annotated[
        list[str] | None,
        Option("--accept", metavar="FILE", help="Take a changed file for right, such as people.csv, or all."),
    ] = None,
    reason: Reason = "",
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Prove that nothing sealed was changed, removed or added.

    With files, it proves that Muster exported them as they are. The exit code is 1 if something was tampered with.
    """
    if files:
        if close or against or accept:
            raise InputError("a file is looked up alone", hint="leave out --close, --against and --accept")
        _verify_exports(open_workbench(workspace), files, as_json=as_json)
        return
    kept = _read_kept(against) if against else None
    workbench = open_workbench(workspace)
    for name in accept or ():
        for each in workbench.records.accept(name, author=author, reason=reason):
            if not as_json:
                say(f"{each} is accepted as it is now; the audit log says so.")
    closed = workbench.records.close(workbench.clock(), workbench.people.known()) if close else []
    findings = workbench.records.verify(against=kept)
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
        _show_findings(findings, len(wrong), sum(len(log.days()) for log in workbench.records.logs), len(heads))
    if wrong:
        raise typer.Exit(1)


def _verify_exports(workbench: Workbench, files: Sequence[Path], *, as_json: bool) -> None:
    """Look exported files up in the audit log; the exit code is 1 unless each is there and the log holds."""
    from engine.records import find_exports

    found = dict(zip(files, find_exports(workbench.records, map(_read_export, files)), strict=True))
    if as_json:
        emit_json(
            {
                "ok": all(each.holds for each in found.values()),
                "files": {str(path): dataclasses.asdict(each) for path, each in found.items()},
            }
        )
    else:
        for path, each in found.items():
            _show_export(workbench, path, each)
        faults = found[files[0]].faults  # of the log, the same for all
        for fault in faults:
            complain(f"{fault.file}:{fault.line} {fault.what}: {fault.detail}")
        if faults:
            complain(
                "the audit log was changed, so it proves nothing about these files → `muster verify` lists all faults"
            )
    if not all(each.holds for each in found.values()):
        raise typer.Exit(1)


def _show_export(workbench: Workbench, path: Path, found: Exported) -> None:
    for row in found.rows:
        what = " ".join(filter(None, (row.action.replace("_", " "), row.subject)))
        detail = row.detail.rpartition(", ")[0]
        when = f"{row.timestamp.astimezone(workbench.config.zone):%Y-%m-%d %H:%M:%S}"
        by = workbench.office.readable(row.author) or "somebody"
        say(f"{path}: as {by} exported it on {when} ({workbench.office.readable(what)}: {detail})")
    if not found.rows:
        complain(
            f"{path}: no export of this workspace has this content: it was changed since, or is from elsewhere"
            " → export the same days again and compare the two files"
        )


def _read_export(path: Path) -> bytes:
    """The content of an exported file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="give a file that Muster exported") from error


@app.command(rich_help_panel=Panel.ADMINISTER)
def heads(
    out: Annotated[Path | None, Option("--out", metavar="FILE", help="Write them to a file.")] = None,
    workspace: Workspace = Path("data"),
) -> None:
    """List how far each log is sealed, to be kept elsewhere.

    Later, `muster verify --against FILE` proves with it that nothing was deleted or rolled back since.
    """
    text = open_workbench(workspace).records.heads_table()
    if out is None:
        sys.stdout.write(text)
        return
    atomic_write(out, text.encode())
    count = len(text.splitlines()) - 1
    say(f"{out}: {counted(count, 'log file')}. Keep it where nobody who can write the workspace can change it.")


def _read_kept(path: Path) -> Kept:
    """Heads that were kept elsewhere: tables as `muster heads` writes them, or what a webhook got, a line each.

    Raises:
        InputError: the file is missing or not of that kind.
    """
    kept = dict[str, list[Head]]()
    try:
        text = path.read_text(encoding="utf-8-sig")
        received = text.lstrip().startswith("{")
        tables = [parse_json(line)["heads"] for line in text.splitlines() if line.strip()] if received else [text]
        for table in tables:
            names, *rows = csv.reader(io.StringIO(table, newline=""), strict=True)
            if tuple(names) != _HEADS:
                raise ValueError(names)
            for name, count, chain in rows:
                head = Head(int(count), chain)
                if head not in (known := kept.setdefault(name, [])):
                    known.append(head)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(
            f"{path}: no heads can be read",
            hint="give a file that `muster heads --out FILE` wrote, or what a webhook got, a line each",
        ) from error
    return kept


def _show_findings(findings: Sequence[Finding], wrong: int, files: int, closed: int) -> None:
    if findings:
        rows = [(finding.file, finding.line or "–", finding.what, finding.detail) for finding in findings]
        table("Findings", ("file", "line", "", "detail"), rows)
    if wrong:
        complain(f"{counted(wrong, 'fault')} → restore the files listed above from a backup")
    else:
        say(f"No row and no sealed file was changed in {counted(files, 'log file')}; closed: {closed}.")


@app.command(rich_help_panel=Panel.ADMINISTER)
def purge(
    apply: Annotated[bool, Option("--apply", help="Erase; without it, the command only counts.")] = False,
    trust_clock: Annotated[bool, Option("--trust-clock", help="The clock is right, although it jumped.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Erase records older than the retention settings allow."""
    rows = open_workbench(workspace).privacy.purge(apply=apply, author=author, trust_clock=trust_clock)
    if as_json:
        emit_json({"applied": apply, "expired": [dataclasses.asdict(row) for row in rows]})
        return
    cells = [(row.what.replace("_", " "), row.days, row.count, row.oldest or "–") for row in rows]
    table("Erased" if apply else "Would be erased", ("records", "kept for days", "too old", "oldest"), cells)
    if not apply and any(row.count for row in rows):
        say("Nothing was erased. To erase, run `muster purge --apply`.")


@app.command(rich_help_panel=Panel.ADMINISTER)
def forget(
    employee_id: EmployeeId,
    yes: Annotated[bool, Option("--yes", help="Do not ask for confirmation.")] = False,
    quick: Annotated[bool, Option("--quick", help="Skip the search for the face in other pictures.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Erase a person's templates, pictures and name.

    Log rows stay, under the bare id. The command writes a receipt.
    """
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, progress=progress)
        if not yes:
            if not sys.stdin.isatty():
                raise InputError(f"nobody can confirm that {employee_id} is to be erased", hint="add --yes")
            templates = len(bench.gallery.current().of(employee_id)[0])
            typed = typer.prompt(
                f"This erases {templates} templates, all pictures and the name. Type the id to confirm"
            )
            if typed != employee_id:
                raise InputError("the typed id is different; nothing was erased", hint="run the command again")
        receipt = bench.privacy.forget(employee_id, author=author, thorough=not quick, progress=progress)
    if as_json:
        emit_json({"forgotten": employee_id, **receipt})
    else:
        _show_receipt(receipt)


def _show_receipt(receipt: Mapping[str, object]) -> None:
    say(
        f"Erased: the name, templates ({receipt['templates']}) and pictures ({receipt['pictures']}). "
        f"Keys destroyed, and with them what backups hold: {receipt['keys_destroyed']}. "
        f"Faces hidden in pictures of others: {receipt['faces_hidden_in_pictures_of_others']}. "
        f"Day sheets rewritten: {receipt['day_sheets']}. Receipt: {receipt['receipt']}"
    )
    machines = receipt["machines_that_have_not_confirmed"]
    if isinstance(machines, list) and machines:
        say(
            f"Not confirmed yet by {', '.join(machines)}: `muster doctor` says so until they have erased their pictures."
        )
    named = receipt["still_named_in"]
    for path in named if isinstance(named, list) else ():
        say(f"{path} still contains the name: erase it there.")
    unread = receipt["not_read"]
    for path in unread if isinstance(unread, list) else ():
        say(f"{path} was not read: look yourself whether it names the person.")


@app.command("export-subject", rich_help_panel=Panel.ADMINISTER)
def export_subject(
    employee_id: EmployeeId,
    out: Annotated[Path, Option("--out", help="ZIP file to write.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Export everything that is stored about a person."""
    with progress_bar(quiet=as_json) as progress:
        counts = open_workbench(workspace, progress=progress).privacy.export_subject(employee_id, out, author=author)
    text = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items())
    answer(as_json, {"file": str(out), **counts}, f"{out}: {text}")
