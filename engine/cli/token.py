"""`muster token`: tokens with which other programs read attendance."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Workspace, open_workbench, parse_day
from engine.cli.output import emit_json, say, table
from engine.cli.users import warn_departments

app = typer.Typer(name="token", help="Let programs such as payroll read attendance.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, Argument(help="Name of the token, such as payroll.")],
    scope: Annotated[
        list[str], Option(help="What the program may read: sheets:read, people:read or incidents:read; repeatable.")
    ],
    department: Annotated[
        list[str] | None,
        Option(show_default="everybody", help="Department whose people the program may see; repeatable."),
    ] = None,
    until: Annotated[
        str | None, Option(show_default="no end", help="Last day on which the token is valid, YYYY-MM-DD.")
    ] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Make a token for the REST interface of the workbench.

    The command prints the token. It is not shown again.
    """
    bench = open_workbench(workspace)
    last = parse_day(until) if until else None
    row, token = bench.token_desk.add(name, scope, departments=department or (), until=last, author=author)
    warn_departments(bench, row.departments)
    if as_json:
        shown = {"token_id": row.token_id, "name": row.name, "scopes": row.scopes, "departments": row.departments}
        emit_json({**shown, "until": row.until, "token": token})
        return
    people = f"people of {', '.join(row.departments)}" if row.departments else "everybody"
    say(f"{row.name} ({row.token_id}) may use {', '.join(row.scopes)} for {people}{_end(row.until)}.")
    say(f"Send this with every request: Authorization: Bearer {token}")
    say("The token is shown only now. To withdraw it, use `muster token revoke`.")


def _end(until: str) -> str:
    return f", until {until}" if until else ""


@app.command("list")
def list_tokens(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List tokens and what they may read."""
    bench = open_workbench(workspace)
    found, today = list(bench.tokens.all().values()), bench.records.now().date()
    if as_json:
        rows = [{**dataclasses.asdict(row), "expired": row.expired(today)} for row in found]
        emit_json([{key: value for key, value in row.items() if key != "hash"} for row in rows])
        return
    cells = [
        (
            *(row.name, row.token_id, ", ".join(row.scopes), ", ".join(row.departments) or "all"),
            *(row.created_at[:16], row.until or "–"),
            "revoked" if row.revoked_at else "expired" if row.expired(today) else "valid",
        )
        for row in found
    ]
    table("Tokens", ("name", "id", "may use", "departments", "since", "until", "state"), cells)


@app.command()
def revoke(
    token: Annotated[str, Argument(help="Name or id of the token.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Withdraw a token, from its next request on."""
    row = open_workbench(workspace).token_desk.revoke(token, author=author)
    say(f"{row.name} ({row.token_id}) can no longer read anything.")
