"""`muster badge`: badges for people who identify themselves without their face."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, EmployeeId, Json, Panel, Workspace, open_workbench
from engine.cli.output import emit_json, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.workbench import Workbench

app = typer.Typer()
badge_app = typer.Typer(name="badge", no_args_is_help=True, help="Badges for people without a face.")
app.add_typer(badge_app, rich_help_panel=Panel.RECOGNISE)
_Out = Annotated[Path | None, Option("--out", metavar="FILE", show_default=False, help="Write the card (HTML).")]


@badge_app.command()
def issue(
    employee_id: EmployeeId,
    name: Annotated[str, Option(show_default=False, help="Add the person under this name if there is none.")] = "",
    card_stdin: Annotated[
        bool, Option("--card-stdin", help="Read the number of a card from standard input, as its reader types it.")
    ] = False,
    out: _Out = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Give somebody a badge.

    Without a card, Muster makes up a code and prints it once, or writes a card with a QR code. The person needs no face.
    """
    if card_stdin and out is not None:
        raise InputError("a card that people have already needs no printing", hint="leave --out or --card-stdin out")
    bench = open_workbench(workspace)
    number = sys.stdin.readline().rstrip("\r\n") if card_stdin else None
    badge, code = bench.kiosk.issue_badge(employee_id, number, author=author, name=name)
    if out is not None:
        _write(bench, out, code, badge.employee_id)
    if as_json:
        told = {} if card_stdin else {"code": code}
        emit_json({"badge_id": badge.badge_id, "employee_id": badge.employee_id, "kind": badge.kind, **told})
    elif card_stdin:
        say(f"{badge.employee_id}: the card is badge {badge.badge_id}")
    elif out is not None:
        say(f"{badge.employee_id}: badge {badge.badge_id} is in {out}, and the code nowhere else")
    else:
        say(f"{badge.employee_id}: badge {badge.badge_id}, code {code}, shown only now")


@badge_app.command("print")
def print_card(
    employee_id: EmployeeId,
    out: Annotated[Path, Option("--out", metavar="FILE", help="Write the card (HTML).")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Write a card with a new QR code.

    It takes the place of the person's earlier ones, because Muster keeps no codes.
    """
    bench = open_workbench(workspace)
    old = [each for each in bench.badges.of(employee_id) if each.kind == "qr" and not each.revoked_at]
    badge, code = bench.kiosk.issue_badge(employee_id, author=author)
    _write(bench, out, code, employee_id)
    for each in old:
        bench.kiosk.revoke_badge(each.badge_id, author=author)
    say(f"{employee_id}: badge {badge.badge_id} is in {out}; {len(old)} earlier ones are revoked")


def _write(bench: Workbench, out: Path, code: str, employee_id: str) -> None:
    from engine.reports.badge import badge_card
    from engine.storage import atomic_write

    name = bench.people.known()[employee_id].name
    atomic_write(out, badge_card(code, name, employee_id, bench.config.organisation).encode(), mode=0o600)


@badge_app.command()
def revoke(
    badge_id: Annotated[str, Argument(help="Id of the badge, see `muster badge list`.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Revoke a badge, from its next use on."""
    badge = open_workbench(workspace).kiosk.revoke_badge(badge_id, author=author)
    say(f"{badge.employee_id}: badge {badge.badge_id} is revoked")


@badge_app.command("list")
def list_badges(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List badges, revoked ones included."""
    found = open_workbench(workspace).badges.all().values()
    if as_json:
        columns = ("badge_id", "employee_id", "kind", "created_at", "author", "revoked_at")
        emit_json([{name: getattr(each, name) for name in columns} for each in found])
        return
    rows = [
        (
            each.employee_id,
            each.badge_id,
            each.kind,
            each.created_at[:16],
            f"revoked {each.revoked_at[:16]}" if each.revoked_at else "good",
        )
        for each in found
    ]
    table("Badges", ("person", "badge", "kind", "since", "state"), rows)
