"""Options and helpers that the commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from typer import Argument, Option

from engine.errors import InputError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.operations.reach import Reach
    from engine.workbench import Workbench


class Panel(StrEnum):
    """Panels of `muster --help`."""

    START = "Start"
    RECOGNISE = "Recognise"
    ATTENDANCE = "Attendance"
    SECURITY = "Security"
    ADMINISTER = "Administer"
    MEASURE = "Measure"


Workspace = Annotated[
    Path, Option("--workspace", envvar="MUSTER_WORKSPACE", help="Folder of people, gallery, logs and pictures.")
]
ServedWorkspace = Annotated[
    Path | None,
    Option(
        "--workspace",
        show_default="MUSTER_WORKSPACE, else data; data/sample with --sample",
        help="Folder of people, gallery, logs and pictures.",
    ),
]
Sample = Annotated[bool, Option("--sample", help="Look around with made-up people and punches.")]
Author = Annotated[str, Option(envvar="MUSTER_AUTHOR", show_default=False, help="Your name; the logs record it.")]
Reason = Annotated[str, Option(show_default=False, help="Why; the logs record it.")]
Json = Annotated[bool, Option("--json", help="Print JSON.")]
Csv = Annotated[bool, Option("--csv", help="Print CSV.")]
Html = Annotated[Path | None, Option(help="Write a printable page to this file.")]
Day = Annotated[str | None, Option(show_default="today", help="Working day, YYYY-MM-DD.")]
Month = Annotated[str | None, Option(help="Payroll month instead of a day, YYYY-MM.")]
From = Annotated[str | None, Option("--from", help="First day of a period, such as a payroll period; with --until.")]
Until = Annotated[str | None, Option("--until", help="Last day of the period, included.")]
EmployeeId = Annotated[str, Argument(help="Employee id.")]
Host = Annotated[str, Option(help="Address to listen on; 0.0.0.0 accepts other machines.")]
TlsMode = Annotated[
    Literal["self-signed"] | None,
    Option("--tls", show_default="plain HTTP", help="Speak TLS, with a certificate of this machine's own authority."),
]
TlsCert = Annotated[
    Path | None, Option(metavar="FILE", show_default=False, help="Speak TLS with this chain of certificates (PEM).")
]
TlsKey = Annotated[Path | None, Option(metavar="FILE", show_default=False, help="The key of --tls-cert (PEM).")]
RootPath = Annotated[
    str | None, Option(metavar="PATH", show_default=False, help="Path below which a proxy shows the server, /muster.")
]
Port = Annotated[int, Option(min=1, max=65535, help="TCP port to listen on.")]


def open_workbench(
    workspace: Path,
    config: Config | None = None,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    begin: bool = False,
) -> Workbench:
    """Open a workspace.

    Args:
        config: its settings; default: read them from the workspace.
        progress: called with (activity, done, total) while models load.
        begin: the command may begin a new workspace; others refuse a folder that does not exist, which is a typing error.

    Raises:
        InputError: there is no such workspace.
    """
    from engine.config import load_config
    from engine.models import no_progress
    from engine.workbench import Workbench

    config = config or load_config(workspace)
    if not (begin or workspace.is_dir() or config.store):
        raise InputError(
            f"there is no workspace {workspace}",
            hint="name one with --workspace, or begin this one: `muster serve`, `muster enrol` and `muster staff import` do",
        )
    return Workbench(workspace, config, progress=progress or no_progress)


def served_workspace(given: Path | None, *, sample: bool) -> Path:
    """The workspace of a command that can serve the sample, see `ServedWorkspace`."""
    return given or Path("data/sample" if sample else os.environ.get("MUSTER_WORKSPACE") or "data")


def parse_day(text: str) -> date:
    """A calendar day.

    Raises:
        InputError: the text is not a day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a day", hint="write it as 2026-11-22") from error


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """An ISO 8601 time; without an offset it is the workplace's local time.

    Args:
        text: what the user typed; None stays None.
        zone: the workplace's time zone.

    Raises:
        InputError: the text is not a time.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a time", hint="write it as 2026-11-22T08:55:00+01:00") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def moment_or_clock(text: str | None, zone: ZoneInfo) -> datetime | time | None:
    """A time of day such as 08:57, or a moment as for `moment`.

    Raises:
        InputError: the text is neither.
    """
    if text is None:
        return None
    try:
        if "T" in text or " " in text:
            return moment(text, zone)
        found = time.fromisoformat(text)
    except (ValueError, InputError) as error:
        raise InputError(f"{text!r} is not a time", hint="write it as 08:57 or 2026-11-22T08:57") from error
    if found.tzinfo is not None:
        raise InputError(f"{text!r} has an offset but no date", hint="write it as 08:57 or 2026-11-22T08:57+01:00")
    return found


def tell_reach(reach: Reach, host: str, port: int) -> None:
    """Print where other machines reach a server, and what they must know of its certificate."""
    from engine.cli.output import say
    from engine.operations.tls import fingerprint

    if elsewhere := reach.elsewhere(host, port):
        say(f"From other machines: {elsewhere}")
    certificates = reach.certificates()
    if certificates is not None and certificates.authority is not None:
        say(f"Devices must trust this machine's authority once: {reach.address(host, port)}/trust")
        say(f"Its fingerprint (SHA-256): {fingerprint(certificates.authority)}")


def author_of(bench: Workbench, given: str = "") -> str:
    """Who uses a command, as the logs name them: as given, or else as the environment says; may be empty."""
    return bench.records.names.author(given or os.environ.get("MUSTER_AUTHOR", ""))


def note_export(
    bench: Workbench,
    what: str,
    detail: str,
    content: bytes,
    employee_id: str = "",
    *,
    action: str = "export_sheet",
    author: str = "",
) -> None:
    """Record in the audit log that a command hands a file on, see `engine.records.exports`.

    Raises:
        StorageError: the log cannot be written.
    """
    from engine.records import note_export

    by = author_of(bench, author)
    told = f"{what}, {detail}" if employee_id else detail
    note_export(bench.records, action, employee_id or what, told, content, author=by)


def hand_out(bench: Workbench, text: str, what: str, detail: str, employee_id: str = "", *, author: str = "") -> None:
    """Write a table to standard output, which somebody may lead into a file; the audit log keeps it like any export.

    Raises:
        StorageError: the log cannot be written.
    """
    note_export(bench, what, detail, text.encode(), employee_id, author=author)
    sys.stdout.write(text)
