"""`muster report send`, `muster report scheduled`: reports by e-mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Workspace, open_workbench
from engine.cli.output import counted, emit_json, note, say, table
from engine.cli.span import working_day

if TYPE_CHECKING:
    from engine.operations.mailing import Planned

app = typer.Typer()


@app.command()
def send(
    name: Annotated[str, Argument(help="Name of the scheduled report.")],
    day: Annotated[
        str | None, Option(show_default="today", help="Send what was due last on this day, YYYY-MM-DD.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Print the message, and send nothing.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Send a scheduled report now, even if it was sent before.

    The exit code is 1 if an address could not be reached; its message waits and is tried again.
    """
    from datetime import datetime, time, timedelta

    from engine.operations.mailing import ReportMail, recipients
    from engine.operations.schedule import last_run

    mail = ReportMail(open_workbench(workspace))
    report, now = mail.report(name), mail.now
    if day is not None:
        now = datetime.combine(working_day(day) + timedelta(days=1), time(), now.tzinfo) - timedelta(seconds=1)
    run = last_run(report, now, mail.zone)
    if dry_run:
        written = mail.letter(report, run.first, run.last)
        files = {each: len(content) for each, content in written.files.items()}
        if as_json:
            emit_json({"to": recipients(report), "subject": written.title, "text": written.body, "files": files})
            return
        say(f"To: {', '.join(recipients(report))}\nSubject: {written.title}\n\n{written.body}\n")
        for each, size in files.items():
            say(f"Attached: {each}, {max(1, round(size / 1000))} kB")
        note("Nothing was sent.")
        return
    mail.check()
    deliveries = mail.send(report, run, author)
    if as_json:
        emit_json([vars(each) for each in deliveries])
    elif not deliveries:
        say("Another process is delivering now; the report waits for it.")
    else:
        rows = [(each.rule, each.channel, each.result, each.attempt, each.detail) for each in deliveries]
        table(f"Report {name}, {run.first} to {run.last}", ("report", "channel", "result", "attempt", "detail"), rows)
    if any(each.result != "delivered" for each in deliveries):
        raise typer.Exit(1)


@app.command()
def scheduled(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the scheduled reports with their last and next one."""
    from engine.operations.mailing import ReportMail

    plan = ReportMail(open_workbench(workspace)).plan()
    if as_json:
        emit_json([_json(each) for each in plan])
        return
    if not plan:
        say("There are no scheduled reports. To add one, see docs/notifications.md.")
        return
    rows = []
    for each in plan:
        following = each.following
        rows.append(
            (
                each.report.name,
                each.report.every,
                ", ".join(each.recipients),
                f"{following.due:%a %Y-%m-%d %H:%M}: {following.first} to {following.last}",
                _last(each),
            )
        )
    table("Scheduled reports", ("report", "every", "to", "next", "last"), rows)
    for each in plan:
        if each.unknown_departments:
            note(f"{each.report.name}: nobody works in {', '.join(each.unknown_departments)}; check the spelling.")


def _last(each: Planned) -> str:
    if each.queued is None:
        return "none yet"
    counts = {"delivered": each.delivered, "waiting": each.waiting, "given up": each.given_up}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{each.queued:%a %Y-%m-%d %H:%M}: {each.first} to {each.last} ({told or counted(0, 'message')})"


def _json(each: Planned) -> dict[str, object]:
    return {
        "name": each.report.name,
        "every": each.report.every,
        "to": each.recipients,
        "departments": each.report.departments,
        "unknown_departments": each.unknown_departments,
        "next": {"due": each.following.due, "first": each.following.first, "last": each.following.last},
        "last": {"queued": each.queued, "first": each.first, "last": each.last} if each.queued else None,
        "delivered": each.delivered,
        "waiting": each.waiting,
        "given_up": each.given_up,
    }
