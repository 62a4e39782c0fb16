"""Prepares a database: its tables, its sites, and logins that may do no more than they must."""

from __future__ import annotations

import re
from importlib import resources
from typing import Literal, get_args

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Column, Connection, MetaData, Table, Text, func, literal_column, select, text

from engine.errors import ConfigError, InputError
from engine.postgres.connection import Database
from engine.postgres.rows import GALLERIES

__all__ = [
    "KINDS",
    "Kind",
    "add_site",
    "check_version",
    "grant",
    "holdings",
    "migrate",
    "revoke",
    "site_zone",
    "versions",
]

Kind = Literal["recorder", "workbench", "reader"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What a login may do: append and read people; everything of its sites; read alone."""

_MIGRATING = 5_081_601
"""Key of the lock under which tables are made."""

_LOGIN = re.compile(r"[a-z_][a-z0-9_-]{0,62}")


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(resources.files("engine.postgres") / "migrations"))
    return config


def versions(connection: Connection) -> tuple[str | None, str | None]:
    """Of the tables (None: there are none), and what this program was made for."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": "muster"})
    return context.get_current_revision(), ScriptDirectory.from_config(_config()).get_current_head()


def check_version(connection: Connection, database: Database) -> None:
    """See that the tables are those that this program was made for.

    Raises:
        ConfigError: they are not.
    """
    found, wanted = versions(connection)
    if found is None:
        raise ConfigError(f"{database} holds no tables of Muster", hint="`muster store init` makes them")
    if found != wanted:
        raise ConfigError(
            f"{database} is of version {found}, this program of {wanted}",
            hint="run `muster store migrate` with the newer program",
        )


def migrate(database: Database) -> tuple[str | None, str]:
    """Bring the tables to this program's version; from which to which.

    Raises:
        ConfigError: the login may not make tables and roles, or a newer program has been here.
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
                f"{database} is of version {before}, this program of {wanted}", hint="use the newer program"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after, _ = versions(connection)
    assert after is not None
    return before, after


def _check_rights(connection: Connection, database: Database) -> None:
    """See that the login may make a schema and roles."""
    found = connection.execute(
        text(
            "SELECT has_database_privilege(current_database(), 'CREATE') AS make, "
            "(SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) AS roles"
        )
    ).one()
    if not (found.make and found.roles):
        raise ConfigError(
            f"{database}: this login may not make tables and roles",
            hint="use the login that owns the database and has CREATEROLE, see docs/database.md",
        )


def site_zone(database: Database) -> str:
    """The time zone of the database's site.

    Raises:
        InputError: it is not known there.
    """
    with database.work() as connection:
        row = {"site": database.site}
        zone: str | None = connection.execute(
            text("SELECT timezone FROM muster.sites WHERE site = :site"), row
        ).scalar()
    if zone is None:
        raise InputError(
            f"{database} is not known there", hint="`muster store init` makes a site, `muster store status` lists them"
        )
    return zone


def holdings(database: Database) -> dict[str, object]:
    """What the site holds, as far as the login may know: version, its kind, sites with their zones, and how many rows of what.

    Raises:
        StorageError: the database gives no answer.
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
    """Make the database's site known; False: it was.

    Raises:
        ConfigError: it is known with another time zone.
    """
    with database.work() as connection:
        row = {"site": database.site, "timezone": timezone}
        made = connection.execute(
            text("INSERT INTO muster.sites VALUES (:site, :timezone) ON CONFLICT DO NOTHING"), row
        )
        zone = connection.execute(text("SELECT timezone FROM muster.sites WHERE site = :site"), row).scalar()
    if zone != timezone:
        raise ConfigError(
            f"{database} is in {zone} already, not in {timezone}",
            hint="days that were written cannot be moved; use another site",
        )
    return made.rowcount == 1


def _checked(login: str) -> str:
    if not _LOGIN.fullmatch(login) or login.startswith(("pg_", "muster_")):
        raise InputError(
            f"{login!r} cannot be a login", hint="use small letters, digits, - and _; not pg_… or muster_…"
        )
    return login


def grant(database: Database, login: str, kind: Kind, password: str | None = None) -> bool:
    """Let a login work on the database's site.

    Args:
        database: opened by somebody who may make logins.
        login: its name; it is made when there is none.
        kind: what it may do.
        password: of a login that is made; None: it signs in otherwise (certificate, peer).

    Returns:
        Whether it was made.

    Raises:
        InputError: that cannot be a login, or it is of another kind at another site.
        StorageError: who asks may not.
    """
    login, site = _checked(login), database.site
    with database.work() as connection:
        raw = connection.connection.cursor()
        there = connection.execute(
            text("SELECT count(*) FROM pg_roles WHERE rolname = :login"), {"login": login}
        ).scalar()
        kinds = connection.execute(
            text("SELECT DISTINCT kind FROM muster.members WHERE login = :login"), {"login": login}
        )
        if (found := set(kinds.scalars())) and found != {kind}:
            raise InputError(f"{login} is a {', '.join(found)} already", hint="revoke it first, or use another login")
        if not there:
            raw.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
        if password is not None:
            raw.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(password)))
        raw.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(f"muster_{kind}"), sql.Identifier(login)))
        connection.execute(
            text("INSERT INTO muster.members VALUES (:login, :site, :kind) ON CONFLICT DO NOTHING"),
            {"login": login, "site": site, "kind": kind},
        )
    return not there


def revoke(database: Database, login: str) -> None:
    """Let a login work on the database's site no more; without any site it keeps no right at all.

    Raises:
        InputError: it could not before.
    """
    login = _checked(login)
    with database.work() as connection:
        row = {"login": login, "site": database.site}
        gone = connection.execute(
            text("DELETE FROM muster.members WHERE login = :login AND site = :site RETURNING kind"), row
        )
        kind = gone.scalar()
        if kind is None:
            raise InputError(f"{login} has no rights at {database.site}")
        if not connection.execute(text("SELECT count(*) FROM muster.members WHERE login = :login"), row).scalar():
            raw = connection.connection.cursor()
            raw.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(f"muster_{kind}"), sql.Identifier(login)))
