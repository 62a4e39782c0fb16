"""`muster doctor`: is this machine ready?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from engine.cli.context import Json, Panel, Workspace
from engine.cli.output import emit_json, table

app = typer.Typer()


@app.command(rich_help_panel=Panel.START)
def doctor(
    camera: Annotated[list[str] | None, Option(help="Also try this camera (number or URL); repeatable.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Check models, workspace, cameras and versions.

    For each fault, the table says what to do. The exit code is 1 if there is one.
    """
    from engine.operations.doctor import examine

    checks = examine(workspace, camera or [])
    passed = all(check.ok for check in checks)
    if as_json:
        rows = [{"what": check.what, "ok": check.ok, "found": check.line} for check in checks]
        emit_json({"ok": passed, "checks": rows})
    else:
        cells = [(check.what, "ok" if check.ok else "WRONG", check.line) for check in checks]
        table("Doctor", ("", "", "found"), cells)
    if not passed:
        raise typer.Exit(1)
