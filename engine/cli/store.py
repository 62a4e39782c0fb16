"""`muster store`: keep a workspace in a database instead of files."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast
from zoneinfo import ZoneInfo

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Workspace, open_workbench
from engine.cli.output import complain, counted, emit_json, note, progress_bar, say, table
from engine.errors import InputError, MusterError, StorageError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.postgres import Backlog
    from engine.postgres.comparing import Comparison
    from engine.postgres.connection import Database
    from engine.postgres.copying import Copied
    from engine.postgres.database import DatabaseStore
    from engine.postgres.sides import Side
    from engine.workbench import Workbench

app = typer.Typer(name="store", help="Keep a workspace in a database instead of files.", no_args_is_help=True)

_PATIENCE_S = 20.0
"""How long `drain` waits for another process that empties the spool, seconds."""
_Site = Annotated[str | None, Option(show_default="from the settings", help="Name of the site.")]
_Login = Annotated[str, Argument(help="Login of the database.")]


class Direction(StrEnum):
    """Direction of a copy."""

    TO_DATABASE = "to-database"
    TO_FILES = "to-files"


@contextmanager
def _database(workspace: Path, site: str | None = None) -> Iterator[tuple[Database, Config]]:
    from engine.config import load_config
    from engine.postgres import connect

    config = load_config(workspace) if site is None else load_config(workspace, site=site)
    with closing(connect(workspace, config)) as database:
        yield database, config


@contextmanager
def _bench(workspace: Path) -> Iterator[tuple[Workbench, DatabaseStore]]:
    """Open the workspace in its database."""
    from engine.config import load_config
    from engine.postgres import connect

    config = load_config(workspace)
    connect(workspace, config).close()
    bench = open_workbench(workspace, config)
    with closing(cast("DatabaseStore", bench.store)) as store:
        yield bench, store


@app.command()
def init(workspace: Workspace = Path("data")) -> None:
    """Create the tables and register the site.

    Running it again changes nothing.
    """
    with _database(workspace) as (database, config):
        from engine.postgres import setup

        _say_version(database, *setup.migrate(database))
        made = setup.add_site(database, config.timezone)
    say(f"site {config.site} in {config.timezone}: {'registered' if made else 'already registered'}")


@app.command()
def migrate(workspace: Workspace = Path("data")) -> None:
    """Upgrade the tables to this version of Muster.

    Older versions then refuse to work with them. Templates of the workspace's site that are plain are encrypted.
    """
    with _database(workspace) as (database, _):
        from engine.postgres import setup

        _say_version(database, *setup.migrate(database))
        with database.work() as connection:
            there = setup.zone_of(connection, database.site) is not None
    if there:
        with _bench(workspace) as (bench, store):
            if count := store.convert_templates():
                say(f"Templates {'encrypted' if bench.config.encryption.at_rest else 'decrypted'}: {count}")


def _say_version(database: Database, before: str | None, after: str) -> None:
    change = after if before == after else f"{before or 'none'} → {after}"
    say(f"{database}: version {change}")


@app.command()
def status(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Show the database's rows, its sites and the spool.

    The spool holds rows that could not be written because the database was away.
    """
    with _bench(workspace) as (bench, store):
        waiting = store.backlog()
        if not as_json:
            _say_waiting(waiting)
        from engine.postgres import setup

        found = setup.holdings(store.database)
        machines = bench.privacy.unconfirmed()
        if as_json:
            backlog = {
                "rows": waiting.rows,
                "bytes": waiting.size,
                "since": waiting.since,
                "problem": waiting.problem,
                "refused": waiting.refused,
            }
            emit_json(
                {
                    "database": str(store.database),
                    "site": bench.config.site,
                    **found,
                    "backlog": backlog,
                    "unconfirmed": machines,
                }
            )
            return
    say(f"{store.database}, version {found['version']}, as {found['kind']}")
    sites = cast("dict[str, str]", found["sites"])
    for machine, since in machines.items():
        complain(f"{machine} may still hold pictures of people erased since {since:%Y-%m-%d %H:%M}")
    say(f"sites: {', '.join(f'{name} ({zone})' for name, zone in sites.items())}")
    logged, templates = cast("dict[str, int]", found["rows"]), cast("dict[str, int]", found["templates"])
    rows = {**logged, "people": found["people"], **templates}
    table("Rows", ("kind", "rows"), [(name, "–" if count is None else count) for name, count in rows.items()])


def _say_waiting(waiting: Backlog) -> None:
    if waiting.refused:
        complain(f"The database refused {counted(waiting.refused, 'row')} → see spool/refused.csv")
    if not waiting.rows:
        say("The spool is empty.")
        return
    since = f" since {waiting.since:%Y-%m-%d %H:%M}" if waiting.since else ""
    say(f"The spool holds {counted(waiting.rows, 'row')}{since}, {waiting.size} bytes.")


@app.command()
def drain(
    again: Annotated[bool, Option("--again", help="Also try rows again that the database refused.")] = False,
    workspace: Workspace = Path("data"),
) -> None:
    """Write the rows of the spool to the database now.

    The exit code is 9 if that fails.
    """
    with _bench(workspace) as (_, store):
        if again:
            store.spool.take_back()
        before = store.backlog().rows
        until = time.monotonic() + _PATIENCE_S
        while left := store.backlog().rows:
            store.drain()
            if store.backlog().rows >= left:  # another process holds the spool
                if time.monotonic() > until:
                    hint = "wait for the other process that writes them"
                    raise StorageError(f"the spool still holds {counted(left, 'row')}", hint=hint)
                time.sleep(0.2)
        refused = store.backlog().refused
    say(f"Wrote {counted(before, 'row')} to the database." if before else "The spool is empty.")
    if refused:
        raise StorageError(
            f"the database refused {counted(refused, 'row')}",
            hint=f"see {workspace / 'spool' / 'refused.csv'} for the reasons",
        )


@app.command()
def grant(
    login: _Login,
    kind: Annotated[str, Option("--as", help="Role: recorder, kiosk, workbench or reader.")],
    site: _Site = None,
    recorder: Annotated[
        str | None,
        Option(show_default="the login", help="Name of the recorder or kiosk, the only one it may write as."),
    ] = None,
    password_stdin: Annotated[bool, Option("--password-stdin", help="Read the password from standard input.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Give a login access to a site.

    A login that does not exist is created.
    """
    with _database(workspace, site) as (database, config):
        from engine.postgres import setup

        if kind not in setup.KINDS:
            raise InputError(f"{kind!r} is not a role of a login", hint=f"use one of {', '.join(setup.KINDS)}")
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
        if password == "":
            raise InputError("the password is empty", hint="write it on one line to standard input")
        zone = setup.site_zone(database)
        own = recorder or login
        made = setup.grant(database, login, kind, password, own)
        _audit(workspace, config, zone, "grant", login, kind, author)
        address = database.url.set(username=login, password=None).render_as_string()
    say(f"{login} is {'a new' if made else 'a'} {kind} of {config.site}.")
    say("Put this into its muster.toml:")
    say(f'store = "{address}"\nsite = "{config.site}"')
    if kind in {"recorder", "kiosk"}:
        say(f'recorder = "{own}"')


@app.command()
def revoke(login: _Login, site: _Site = None, author: Author = "", workspace: Workspace = Path("data")) -> None:
    """Withdraw a login's access to a site."""
    with _database(workspace, site) as (database, config):
        from engine.postgres import setup

        zone = setup.site_zone(database)
        setup.revoke(database, login)
        _audit(workspace, config, zone, "revoke", login, "", author)
    say(f"{login} no longer has access to {config.site}.")


def _audit(workspace: Path, config: Config, zone: str, action: str, login: str, detail: str, author: str) -> None:
    """Write the change to the site's audit log."""
    from engine.access import Audit
    from engine.postgres import open_database
    from engine.storage.logs import sealer_of

    sealer = sealer_of(workspace, config.seal_key)
    store = open_database(workspace, config.model_copy(update={"timezone": zone}), sealer, lambda: datetime.now(UTC))
    with closing(store):
        Audit(ZoneInfo(zone), store.logs).note(action, login, detail, author=author, now=datetime.now(UTC))


def side_of(bench: Workbench) -> Side:
    """All rows, people and templates of a workbench's store, to copy or compare."""
    from engine.postgres.sides import Side

    local = {log.shelf.name for log in bench.records.local_logs}  # they stay in files, whatever holds the others
    logs = [*(log.shelf for log in bench.records.logs if log.shelf.name not in local), bench.audit.raw.shelf]
    galleries = {"people": bench.gallery, "strangers": bench.strangers, "anchors": bench.anchors}
    return Side(bench.store, logs, bench.attendance.log.raw.journal, galleries, bench.records.verify)


@contextmanager
def _sides(workspace: Path) -> Iterator[tuple[Side, Side]]:
    """The files and the database of a workspace, locked against other copies."""
    with _bench(workspace) as (bench, store):
        waiting = store.backlog()
        if waiting.rows:
            hint = "write them first: `muster store drain`"
            raise StorageError(f"the spool still holds {counted(waiting.rows, 'row')}", hint=hint)
        if not store.writes_sheets:
            with store.database.work():
                pass  # raises if the database cannot be reached
            hint = "use the login of the database's owner, or of a workbench"
            raise InputError(f"a {store.database.kind} may not copy or compare", hint=hint)
        files = open_workbench(workspace, bench.config.model_copy(update={"store": ""}), begin=True)
        with store.database.locked("copy"):
            yield side_of(files), side_of(bench)


@app.command()
def copy(
    direction: Annotated[Direction, Argument(help="Direction.")],
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Copy a workspace into the database, or back.

    This copies rows, people and templates. If it was interrupted, run it again: it continues where it stopped.
    """
    from engine.postgres.copying import Copied, copy

    done = Copied()
    began = time.monotonic()
    with progress_bar(quiet=as_json) as progress, _sides(workspace) as (files, database):
        source, target = (files, database) if direction is Direction.TO_DATABASE else (database, files)
        began = time.monotonic()
        try:
            copy(source, target, progress, done)
        except (MusterError, KeyboardInterrupt):
            if done.total:
                note(f"{done.there + done.rows} of {done.total} rows are in {target.title}; run again to continue")
            raise
    if as_json:
        emit_json(dataclasses.asdict(done))
    else:
        _show_copied(done, target.title, time.monotonic() - began)


def _show_copied(done: Copied, target: str, seconds: float) -> None:
    rate = f", {done.rows / max(seconds, 1e-3):.0f} per second" if done.rows >= 1000 else ""
    say(f"Copied {counted(done.rows, 'row')} to {target}{rate}; already there: {done.there}")
    if done.dropped:
        say(f"Removed {counted(done.dropped, 'expired day')} there")
    others = (counted(done.templates, "template"), counted(done.documents, "document"))
    say(", ".join((counted(done.people, "person", "people"), *others)))
    say("Pictures, day sheets, outbox and receipts stay in the folder.")


@app.command()
def verify(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Prove that files and database hold the same.

    The exit code is 1 if they differ.
    """
    from engine.postgres.comparing import compare

    with progress_bar(quiet=as_json) as progress, _sides(workspace) as (files, database):
        found = compare(files, database, progress)
    if as_json:
        emit_json({"equal": not found.total, **dataclasses.asdict(found)})
    else:
        _show_comparison(found)
    if found.total:
        raise typer.Exit(1)


def _show_comparison(found: Comparison) -> None:
    if found.differences:
        rows = [(each.where, each.row or "–", each.column, each.files, each.database) for each in found.differences]
        table("Differences", ("where", "row", "column", "files", "database"), rows)
    say("Compared: " + ", ".join(f"{count} {what}" for what, count in found.counts.items()))
    if found.administration:
        say(f"Not compared: {counted(found.administration, 'row')} of the audit log about database access.")
    if wrong := [each for each in found.findings if not each.harmless]:
        say(f"Both hold {counted(len(wrong), 'fault')}; `muster verify` lists them.")
    if found.total:
        complain(f"{counted(found.total, 'difference')} → copy again, or find out who wrote meanwhile")
    else:
        say("Files and database are equal.")
