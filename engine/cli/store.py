"""`muster store …`: prepares the database, lets logins in, copies a workspace there and back, and proves that both are equal."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast
from zoneinfo import ZoneInfo

import typer

from engine.audit import Audit
from engine.cli.context import Author, Json, Workspace
from engine.cli.output import console, emit_json, note, progress_bar, table
from engine.config import Config, load_config
from engine.errors import InputError, MusterError, StorageError
from engine.logs import Sealer
from engine.store import Backlog, connect, open_database
from engine.workbench import Workbench

if TYPE_CHECKING:
    from engine.store.connection import Database
    from engine.store.database import DatabaseStore
    from engine.store.sides import Side

__all__ = ["app", "side_of"]

app = typer.Typer(
    help="A database in place of files: prepare it, let logins in, copy a workspace there and back.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip

_PATIENCE_S = 20.0
"""While another process hands the spool over."""
_Site = Annotated[str | None, typer.Option(help="Which site; default: the one in the settings.")]
_Login = Annotated[str, typer.Argument(help="Name of the login.")]


class Direction(StrEnum):
    """Which way a copy goes."""

    TO_DATABASE = "to-database"
    TO_FILES = "to-files"


@contextmanager
def _database(workspace: Path, site: str | None = None) -> Iterator[tuple[Database, Config]]:
    config = load_config(workspace)
    if site is not None:
        config = load_config(workspace, site=site)
    database = connect(workspace, config)
    try:
        yield database, config
    finally:
        database.close()


@contextmanager
def _bench(workspace: Path) -> Iterator[tuple[Workbench, DatabaseStore]]:
    """The workspace in its database."""
    config = load_config(workspace)
    connect(workspace, config).close()
    bench = Workbench(workspace, config)
    store = cast("DatabaseStore", bench.store)
    try:
        yield bench, store
    finally:
        store.close()


# --------------------------------------------------------------------------------------------- preparing


@app.command()
def init(workspace: Workspace = Path("data")) -> None:
    """Make the tables, and the site of the settings known; done again, it changes nothing."""
    with _database(workspace) as (database, config):
        from engine.store import setup  # noqa: PLC0415 - an extra

        _say_version(database, *setup.migrate(database))
        made = setup.add_site(database, config.timezone)
    console.print(f"site {config.site} in {config.timezone}: {'made' if made else 'known'}", markup=False)


@app.command()
def migrate(workspace: Workspace = Path("data")) -> None:
    """Bring the tables to this program's version; older programs refuse to work with them from then on."""
    with _database(workspace) as (database, _):
        from engine.store import setup  # noqa: PLC0415 - an extra

        _say_version(database, *setup.migrate(database))


def _say_version(database: Database, before: str | None, after: str) -> None:
    told = f"version {after}" if before == after else f"version {before or 'none'} → {after}"
    console.print(f"{database}: {told}", markup=False)


# --------------------------------------------------------------------------------------------- status


@app.command()
def status(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """What stands in the database, which sites this login sees, and what waits in the spool."""
    with _bench(workspace) as (bench, store):
        waiting = store.backlog()
        if not as_json:
            _say_waiting(waiting)
        from engine.store import setup  # noqa: PLC0415 - an extra

        found = setup.holdings(store.database)
        if as_json:
            backlog = {"rows": waiting.rows, "bytes": waiting.size, "since": waiting.since, "problem": waiting.problem}
            emit_json({"database": str(store.database), "site": bench.config.site, **found, "backlog": backlog})
            return
    console.print(f"{store.database}, version {found['version']}, as {found['kind']}", markup=False)
    sites = cast("dict[str, str]", found["sites"])
    console.print(f"sites: {', '.join(f'{name} ({zone})' for name, zone in sites.items())}", markup=False)
    rows = (
        cast("dict[str, int]", found["rows"]) | {"people": found["people"]} | cast("dict[str, int]", found["templates"])
    )
    table("Rows", ("of", "rows"), [(name, "–" if count is None else count) for name, count in rows.items()])


def _say_waiting(waiting: Backlog) -> None:
    if not waiting.rows:
        console.print("nothing waits in the spool", markup=False)
        return
    since = f" since {waiting.since:%Y-%m-%d %H:%M}" if waiting.since else ""
    console.print(f"{waiting.rows} rows wait in the spool{since}, {waiting.size} bytes", markup=False)


@app.command()
def drain(workspace: Workspace = Path("data")) -> None:
    """Hand over now what waits in the spool; exit 9 when it cannot be."""
    with _bench(workspace) as (_, store):
        before = store.backlog().rows
        until = time.monotonic() + _PATIENCE_S
        while left := store.backlog().rows:
            store.drain()
            if store.backlog().rows >= left:  # another process is at it
                if time.monotonic() > until:
                    raise StorageError(
                        f"{left} rows still wait", hint="another process of this workspace hands them over"
                    )
                time.sleep(0.2)
    console.print(f"{before} rows handed over" if before else "nothing waits in the spool", markup=False)


# --------------------------------------------------------------------------------------------- logins


@app.command()
def grant(
    login: _Login,
    kind: Annotated[str, typer.Option("--as", help="recorder, workbench or reader.")],
    site: _Site = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the login's password from standard input, one line.")
    ] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Let a login work on a site; it is made when there is none."""
    with _database(workspace, site) as (database, config):
        from engine.store import setup  # noqa: PLC0415 - an extra

        if kind not in setup.KINDS:
            raise InputError(f"{kind!r} is nothing that a login can be", hint=f"one of {', '.join(setup.KINDS)}")
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
        if password == "":
            raise InputError("the password is empty", hint="write it on one line to standard input")
        zone = setup.site_zone(database)
        made = setup.grant(database, login, kind, password)
        _audit(workspace, config, zone, "grant", login, kind, author)
        address = database.url.set(username=login, password=None).render_as_string()
    console.print(f"{login} is {'a new' if made else 'a'} {kind} of {config.site}", markup=False)
    console.print(f'in its muster.toml: store = "{address}" and site = "{config.site}"', markup=False)


@app.command()
def revoke(login: _Login, site: _Site = None, author: Author = "", workspace: Workspace = Path("data")) -> None:
    """Let a login work on a site no more, from its next request on."""
    with _database(workspace, site) as (database, config):
        from engine.store import setup  # noqa: PLC0415 - an extra

        zone = setup.site_zone(database)
        setup.revoke(database, login)
        _audit(workspace, config, zone, "revoke", login, "", author)
    console.print(f"{login} may do nothing at {config.site} any more", markup=False)


def _audit(workspace: Path, config: Config, zone: str, action: str, login: str, detail: str, author: str) -> None:
    """Note it in the site's audit log."""
    sealer = Sealer(config.seal_key or workspace / "seal.key")
    store = open_database(workspace, config.model_copy(update={"timezone": zone}), sealer, lambda: datetime.now(UTC))
    try:
        Audit(ZoneInfo(zone), store.logs).note(action, login, detail, author=author, now=datetime.now(UTC))
    finally:
        store.close()


# --------------------------------------------------------------------------------------------- copying


def side_of(bench: Workbench) -> Side:
    """Everything that a workbench's store holds, to be copied or compared."""
    from engine.store.sides import side  # noqa: PLC0415 - an extra

    logs = [*(log.shelf for log in bench.records.logs), bench.audit.file.shelf]
    galleries = {"people": bench.gallery, "strangers": bench.strangers, "anchors": bench.anchors}
    return side(bench.store, logs, bench.attendance.log.journal, galleries, bench.verify)


@contextmanager
def _sides(workspace: Path) -> Iterator[tuple[Side, Side]]:
    """Files and database of a workspace; nobody else copies meanwhile."""
    with _bench(workspace) as (bench, store):
        waiting = store.backlog()
        if waiting.rows:
            raise StorageError(
                f"{waiting.rows} rows wait in the spool", hint="hand them over first: `muster store drain`"
            )
        if not store.writes_sheets:
            with store.database.work():
                pass  # or it is said why it cannot be reached
            raise InputError(
                f"a {store.database.kind} may not copy or compare",
                hint="use the address of the database's owner, or of a workbench",
            )
        files = Workbench(workspace, bench.config.model_copy(update={"store": ""}))
        with store.database.locked("copy"):
            yield side_of(files), side_of(bench)


@app.command()
def copy(
    direction: Annotated[Direction, typer.Argument(help="Which way.")],
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Copy a workspace's rows, people and templates into the database, or back; done again, it goes on where it ended."""
    with progress_bar(quiet=as_json) as progress, _sides(workspace) as (files, database):
        from engine.store.copying import Copied, copy  # noqa: PLC0415 - an extra

        source, target = (files, database) if direction is Direction.TO_DATABASE else (database, files)
        done = Copied()
        began = time.monotonic()
        try:
            copy(source, target, progress, done)
        except (MusterError, KeyboardInterrupt):
            if done.total:
                note(
                    f"{done.there + done.rows} of {done.total} rows stand in {target.title}; done again, the copy goes on from there"
                )
            raise
    if as_json:
        emit_json(dataclasses.asdict(done))
        return
    rate = f", {done.rows / max(time.monotonic() - began, 1e-3):.0f} a second" if done.rows >= 1000 else ""
    console.print(f"{done.rows} rows copied to {target.title}{rate}; {done.there} stood there already", markup=False)
    if done.dropped:
        console.print(f"{done.dropped} chains of days whose time is over were taken out there", markup=False)
    console.print(f"{done.people} people, {done.templates} templates, {done.documents} documents", markup=False)
    console.print("pictures, day sheets, outbox and receipts stay in the folder", markup=False)


@app.command()
def verify(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Prove that files and database hold the same; exit 1 when they do not."""
    with progress_bar(quiet=as_json) as progress, _sides(workspace) as (files, database):
        from engine.store.comparing import compare  # noqa: PLC0415 - an extra

        found = compare(files, database, progress)
    if as_json:
        emit_json({"equal": not found.total, **dataclasses.asdict(found)})
    else:
        if found.differences:
            rows = [(each.where, each.row or "–", each.column, each.files, each.database) for each in found.differences]
            table("What differs", ("where", "row", "column", "files", "database"), rows)
        told = ", ".join(f"{count} {what}" for what, count in found.counts.items())
        console.print(f"compared: {told}", markup=False)
        if found.administration:
            console.print(
                f"{found.administration} rows of the audit log tell who was let into the database", markup=False
            )
        if wrong := [each for each in found.findings if not each.harmless]:
            console.print(f"both hold {len(wrong)} faults that `muster verify` names", markup=False)
        if not found.total:
            console.print("files and database are equal", markup=False)
        else:
            _complain(found.total)
    if found.total:
        raise typer.Exit(1)


def _complain(total: int) -> None:
    differences = f"{total} difference{'s' * (total != 1)}"
    print(f"muster: {differences} → copy again, or find out who wrote meanwhile", file=sys.stderr)  # noqa: T201
