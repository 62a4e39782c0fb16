"""`muster requests`: what people ask for about their own days and leave, and what is decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Panel, Workspace, open_workbench
from engine.cli.output import answer as told
from engine.cli.output import emit_json, say, table

app = typer.Typer(name="requests", no_args_is_help=True, help="Decide about corrections and leave that people ask for.")

RequestId = Annotated[str, Argument(help="Id of the request, as in `muster requests list`.", show_default=False)]


@app.command("list", rich_help_panel=Panel.ATTENDANCE)
def requests(
    everything: Annotated[bool, Option("--all", help="Also those that are decided or withdrawn.")] = False,
    person: Annotated[str, Option(help="Only of this person.", show_default=False)] = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List the open requests, the oldest first."""
    from engine.attendance import REQUEST
    from engine.records.request_desk import told as asked_for

    bench = open_workbench(workspace)
    found = bench.requests.all()[::-1] if everything else bench.requests.open()
    found = [each for each in found if not person or each.asked.employee_id == person]
    if as_json:
        emit_json(
            [
                REQUEST.texts(each.asked)
                | {"state": each.state, "decisions": [REQUEST.texts(row) for row in each.decisions]}
                for each in found
            ]
        )
        return
    if not found:
        say("Nobody has asked for anything." if everything else "No request is open.")
        return
    rows = [
        (
            each.id,
            each.asked.employee_id,
            asked_for(each.asked),
            bench.office.readable(each.asked.reason),
            each.state,
            each.decision.author if each.decision else "",
            bench.office.readable(each.decision.reason) if each.decision else "",
        )
        for each in found
    ]
    table("Requests", ("request", "person", "asks for", "reason", "state", "decided by", "word"), rows)


@app.command(rich_help_panel=Panel.ATTENDANCE)
def approve(
    request: RequestId,
    author: Author,
    word: Annotated[str, Option(help="For the person to read.", show_default=False)] = "",
    beyond: Annotated[bool, Option("--beyond", help="Also if no days of this kind of leave are left.")] = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Approve a request: write the correction or the leave."""
    from engine.attendance import REQUEST
    from engine.records.request_desk import told as asked_for

    made = open_workbench(workspace).requests.approve(request, author=author, word=word, beyond=beyond)
    assert made.decision is not None
    told(as_json, REQUEST.texts(made.decision), f"Approved for {made.asked.employee_id}: {asked_for(made.asked)}.")


@app.command(rich_help_panel=Panel.ATTENDANCE)
def decline(
    request: RequestId,
    author: Author,
    word: Annotated[str, Option(help="Why; the person reads it.", show_default=False)],
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Decline a request."""
    from engine.attendance import REQUEST
    from engine.records.request_desk import told as asked_for

    made = open_workbench(workspace).requests.decline(request, author=author, word=word)
    assert made.decision is not None
    told(as_json, REQUEST.texts(made.decision), f"Declined for {made.asked.employee_id}: {asked_for(made.asked)}.")


@app.command(rich_help_panel=Panel.ATTENDANCE)
def reopen(request: RequestId, author: Author, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Take a decision back: what it wrote is revoked."""
    from engine.attendance import REQUEST

    made = open_workbench(workspace).requests.reopen(request, author=author)
    told(as_json, REQUEST.texts(made.decisions[-1]), f"The request of {made.asked.employee_id} is open again.")
