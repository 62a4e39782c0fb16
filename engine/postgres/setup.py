"""Prepare a database: tables, sites, and logins with minimal rights."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Literal, cast, get_args

import psycopg
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Column, Connection, MetaData, Table, Text, func, literal_column, select, text

from engine.errors import ConfigError, InputError
from engine.postgres.connection import Database
from engine.postgres.rows import GALLERIES

Kind = Literal["recorder", "kiosk", "workbench", "reader"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Rights of a login: append rows and read people; also check PINs and see today; everything at its sites; only read."""

_MIGRATING = 5_081_601
"""Key of the lock for migrations."""

_LOGIN = re.compile(r"[a-z_][a-z0-9_-]{0,62}")


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(resources.files("engine.postgres") / "migrations"))
    return config


def versions(connection: Connection) -> tuple[str | None, str | None]:
    """Return the version of the tables (None without tables), and the one this program needs."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": "muster"})
    return context.get_current_revision(), _wanted()


@cache
def _wanted() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


class Outdated(ConfigError):
    """The tables have another version than this program."""


def check_version(connection: Connection, database: Database) -> None:
    """Check that the tables have the version this program needs.

    Raises:
        Outdated: they have another version.
        ConfigError: they do not exist.
    """
    found, wanted = versions(connection)
    if found is None:
        raise ConfigError(f"{database} has no Muster tables", hint="`muster store init` creates them")
    if found != wanted:
        raise Outdated(
            f"{database} has version {found}, this program needs {wanted}",
            hint="run `muster store migrate` with the newer program",
        )


def migrate(database: Database) -> tuple[str | None, str]:
    """Migrate the tables to this program's version; return the versions before and after.

    Raises:
        ConfigError: the login may not create tables and roles, or a newer program has migrated the database.
        StorageError: the login is not the tables' owner, or the database cannot be reached.
    """
    config = _config()
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    with database.work() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
        before, wanted = versions(connection)
        if before is None:
            _check_rights(connection, database)
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS muster"))
        elif before not in known:
            raise ConfigError(
                f"{database} has version {before}, this program needs {wanted}", hint="use the newer program"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after, _ = versions(connection)
    assert after is not None
    return before, after


def _check_rights(connection: Connection, database: Database) -> None:
    """Check that the login may create a schema and roles."""
    found = connection.execute(
        text(
            "SELECT has_database_privilege(current_database(), 'CREATE') AS make, "
            "(SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) AS roles"
        )
    ).one()
    if not (found.make and found.roles):
        raise ConfigError(
            f"{database}: this login may not create tables and roles",
            hint="use the login that owns the database and has CREATEROLE, see docs/database.md",
        )


def zone_of(connection: Connection, site: str) -> str | None:
    """Return a site's time zone; None if the database does not have the site, or does not show it to this login."""
    return connection.execute(text("SELECT timezone FROM muster.sites WHERE site = :site"), {"site": site}).scalar()


def site_zone(database: Database) -> str:
    """Return the time zone of the database's site.

    Raises:
        InputError: the database does not have the site.
    """
    with database.work() as connection:
        zone = zone_of(connection, database.site)
    if zone is None:
        raise InputError(
            f"{database} does not exist", hint="`muster store init` creates a site, `muster store status` lists them"
        )
    return zone


def holdings(database: Database) -> dict[str, object]:
    """Return what the login may know of the site: version, kind of login, sites with their zones, and numbers of rows.

    Raises:
        StorageError: the database does not answer.
    """
    site = {"site": database.site}

    def count(connection: Connection, name: str) -> int | None:
        if not connection.execute(
            text("SELECT has_table_privilege(:name, 'SELECT')"), {"name": f"muster.{name}"}
        ).scalar():
            return None
        rows = select(func.count()).select_from(Table(name, MetaData(schema="muster"), Column("site", Text)))
        return connection.execute(rows.where(literal_column("site") == database.site)).scalar_one()

    with database.work() as connection:
        logs = connection.execute(
            text("SELECT log, sum(rows) FROM muster.chains WHERE site = :site GROUP BY log ORDER BY log"), site
        )
        sites = connection.execute(text("SELECT site, timezone FROM muster.sites ORDER BY site"))
        return {
            "version": versions(connection)[0],
            "kind": connection.execute(text("SELECT muster.my_kind(:site)"), site).scalar_one(),
            "sites": {row.site: row.timezone for row in sites},
            "rows": {name: int(rows) for name, rows in logs},
            "people": count(connection, "people"),
            "templates": {name: count(connection, name) for name in GALLERIES.values()},
        }


def add_site(database: Database, timezone: str) -> bool:
    """Create the database's site; return False if it exists.

    Raises:
        ConfigError: it exists with another time zone.
    """
    with database.work() as connection:
        row = {"site": database.site, "timezone": timezone}
        made = connection.execute(
            text("INSERT INTO muster.sites VALUES (:site, :timezone) ON CONFLICT DO NOTHING"), row
        )
        zone = zone_of(connection, database.site)
    if zone != timezone:
        raise ConfigError(
            f"{database} has the time zone {zone}, not {timezone}",
            hint="written days cannot move to another zone: use another site",
        )
    return made.rowcount == 1


def _checked(login: str) -> str:
    if not _LOGIN.fullmatch(login) or login.startswith(("pg_", "muster_")):
        raise InputError(
            f"{login!r} cannot be a login", hint="use lower-case letters, digits, - and _; not pg_… or muster_…"
        )
    return login


def grant(database: Database, login: str, kind: Kind, password: str | None = None, recorder: str | None = None) -> bool:
    """Give a login access to the database's site.

    Args:
        database: opened with a login that may create logins.
        login: created if missing.
        password: to set; None: it signs in otherwise (certificate, peer). The server gets only the verifier made from it.
        recorder: name of the chains that a recorder or kiosk may append to; None: that of its first row.

    Returns:
        Whether the login was created.

    Raises:
        InputError: the name cannot be a login, the login is of another kind at another site, or another login has the recorder's name.
        StorageError: the opening login may not do this.
    """
    login, site = _checked(login), database.site
    row = {"login": login, "site": site, "kind": kind, "recorder": recorder if kind in {"recorder", "kiosk"} else None}
    with database.work() as connection:
        raw = connection.connection.cursor()
        there = connection.execute(
            text("SELECT count(*) FROM pg_roles WHERE rolname = :login"), {"login": login}
        ).scalar()
        kinds = connection.execute(
            text("SELECT DISTINCT kind FROM muster.members WHERE login = :login"), {"login": login}
        )
        if (found := set(kinds.scalars())) and found != {kind}:
            raise InputError(f"{login} is already a {', '.join(found)}", hint="revoke it first, or use another login")
        same = "SELECT login FROM muster.members WHERE site = :site AND recorder = :recorder AND login <> :login"
        if (other := connection.execute(text(same), row).scalar()) is not None:
            raise InputError(
                f"{other} is already the recorder {recorder}", hint="revoke it first, or use another name: --recorder"
            )
        if not there:
            raw.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
        if password is not None:
            driver = cast("psycopg.Connection[tuple[object, ...]]", connection.connection.driver_connection)
            # made here: the statement, which the server may log, holds no password
            verifier = driver.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
            raw.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(verifier)))
        raw.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(_role(connection, kind)), sql.Identifier(login)))
        connection.execute(
            text(
                "INSERT INTO muster.members (login, site, kind, recorder) VALUES (:login, :site, :kind, :recorder) "
                "ON CONFLICT (login, site) DO UPDATE SET recorder = coalesce(EXCLUDED.recorder, members.recorder)"
            ),
            row,
        )
    return not there


def _role(connection: Connection, kind: str) -> str:
    """Return the role of a kind of login in this database."""
    found: str = connection.execute(
        text("SELECT role FROM muster.roles WHERE kind = :kind"), {"kind": kind}
    ).scalar_one()
    return found


def revoke(database: Database, login: str) -> None:
    """Withdraw a login's access to the database's site; without any site it keeps no rights at all.

    Raises:
        InputError: it had no access.
    """
    login = _checked(login)
    with database.work() as connection:
        row = {"login": login, "site": database.site}
        gone = connection.execute(
            text("DELETE FROM muster.members WHERE login = :login AND site = :site RETURNING kind"), row
        )
        kind = gone.scalar()
        machines = connection.execute(text("DELETE FROM muster.machines WHERE login = :login AND site = :site"), row)
        if kind is None and machines.rowcount:  # the owner's: it keeps its rights, and its machines are not waited for
            return
        if kind is None:
            raise InputError(f"{login} has no rights at {database.site}")
        if not connection.execute(text("SELECT count(*) FROM muster.members WHERE login = :login"), row).scalar():
            raw = connection.connection.cursor()
            role = _role(connection, kind)
            raw.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(login)))
