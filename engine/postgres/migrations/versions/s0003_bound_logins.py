"""Logins that are bound to their recorder, kiosks, and roles of this database alone.

The roles of earlier versions belong to the whole server, so that a grant in one database gave rights in all. They lose theirs here.
"""

# ruff: noqa: S608 - names of roles and tables, none of them from outside
from __future__ import annotations

import hashlib

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = ("recorder", "kiosk", "workbench", "reader")
WRITTEN = ("attendance", "coverage", "incidents", "sightings", "deliveries", "audit")
"""The logs that recorders and kiosks append to."""
READ_ONLY = ("corrections", "dossiers", "seals", "closings", "closed_days")
SHOWN = ("attendance", "corrections", "coverage", "closed_days")
"""Logs of which a kiosk sees the last days: who came today, and whether they were late."""
_LONGEST = 63

COMMON = """
CREATE TABLE muster.roles (kind text PRIMARY KEY, role text NOT NULL);
ALTER TABLE muster.members DROP CONSTRAINT members_kind_check;
ALTER TABLE muster.members ADD CONSTRAINT members_kind_check CHECK (kind IN ('recorder', 'kiosk', 'workbench', 'reader'));
-- the chains that a recorder or kiosk may append to; NULL: it is bound by its first row
ALTER TABLE muster.members ADD COLUMN recorder text;
CREATE UNIQUE INDEX members_recorder ON muster.members (site, recorder);
CREATE TABLE muster.asked (login text, site text, since timestamptz NOT NULL, calls integer NOT NULL, PRIMARY KEY (login, site));
-- who added a stranger's template: recorders remove no other's
ALTER TABLE muster.strangers ADD COLUMN recorder text NOT NULL DEFAULT '';

-- A program of an earlier version writes nothing here: it is told to wait, and keeps its rows until it is upgraded.
CREATE OR REPLACE FUNCTION muster.begin_append(of_site text, of_log text, of_day date, of_recorder text, ids text[])
RETURNS TABLE (rows integer, number integer, head text, mac text, known text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE cannot_connect_now USING MESSAGE = 'the tables are newer than this program: upgrade it';
END $$;

CREATE FUNCTION muster.my_recorder(of_site text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT recorder FROM muster.members WHERE login = session_user AND site = of_site $$;

CREATE FUNCTION muster.records(of_site text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT EXISTS (SELECT FROM muster.members WHERE login = session_user AND site = of_site AND kind IN ('recorder', 'kiosk')) $$;

CREATE FUNCTION muster.today(of_site text) RETURNS date LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT (now() AT TIME ZONE timezone)::date FROM muster.sites WHERE site = of_site $$;

-- Whether this login may append to a chain. A recorder is bound by its first row, unless whoever granted named its chains.
CREATE FUNCTION muster.check_chain(of_site text, of_log text, of_recorder text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT muster.allowed(of_site) THEN RAISE insufficient_privilege USING MESSAGE = 'not a site of this login'; END IF;
    IF NOT has_table_privilege(session_user, format('muster.%I', of_log), 'INSERT') THEN
        RAISE insufficient_privilege USING MESSAGE = format('permission denied: this login does not append to %s', of_log);
    END IF;
    IF NOT muster.records(of_site) THEN RETURN; END IF;
    IF muster.my_recorder(of_site) IS NULL THEN
        UPDATE muster.members m SET recorder = of_recorder WHERE m.login = session_user AND m.site = of_site
            AND NOT EXISTS (SELECT FROM muster.members o WHERE o.site = of_site AND o.recorder = of_recorder);
    END IF;
    IF muster.my_recorder(of_site) IS DISTINCT FROM of_recorder THEN
        RAISE insufficient_privilege USING MESSAGE = format('permission denied: this login is not the recorder %s', of_recorder);
    END IF;
END $$;

CREATE FUNCTION muster.begin_rows(of_site text, of_log text, of_day date, of_recorder text, ids text[])
RETURNS TABLE (rows integer, number integer, head text, mac text, known text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE found_ids text[];
BEGIN
    PERFORM muster.check_chain(of_site, of_log, of_recorder);
    INSERT INTO muster.chains (site, log, day, recorder) VALUES (of_site, of_log, of_day, of_recorder) ON CONFLICT DO NOTHING;
    PERFORM FROM muster.chains c WHERE (c.site, c.log, c.day, c.recorder) = (of_site, of_log, of_day, of_recorder) FOR UPDATE;
    EXECUTE format('SELECT coalesce(array_agg(row_id), ''{}'') FROM muster.%I WHERE site = $1 AND row_id = ANY ($2)', of_log)
        INTO found_ids USING of_site, ids;
    RETURN QUERY SELECT c.rows, c.number, c.head, c.mac, found_ids FROM muster.chains c
        WHERE (c.site, c.log, c.day, c.recorder) = (of_site, of_log, of_day, of_recorder);
END $$;

CREATE OR REPLACE FUNCTION muster.end_append(of_site text, of_log text, of_day date, of_recorder text, of_number integer, of_mac text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM muster.check_chain(of_site, of_log, of_recorder);
    UPDATE muster.chains c SET mac = of_mac
        WHERE (c.site, c.log, c.day, c.recorder, c.number) = (of_site, of_log, of_day, of_recorder, of_number);
    IF NOT FOUND THEN RAISE EXCEPTION 'no row % was appended', of_number; END IF;
END $$;

-- What recorders and kiosks write: what a camera or a PIN shows. What people decide is not theirs, nor the rows of another recorder.
CREATE FUNCTION muster.as_recorders_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE wrong text;
BEGIN
    IF NOT EXISTS (SELECT FROM (SELECT DISTINCT site FROM added) a WHERE muster.records(a.site)) THEN RETURN NULL; END IF;
    IF TG_TABLE_NAME = 'attendance' THEN
        SELECT a.row_id INTO wrong FROM added a WHERE a.c_author NOT IN ('', 'engine') OR a.c_method NOT IN ('', 'face', 'pin')
            OR a.c_refers_to <> '' AND NOT EXISTS (SELECT FROM muster.attendance o
                WHERE (o.site, o.row_id, o.recorder) = (a.site, a.c_refers_to, a.recorder));
    ELSE
        SELECT a.row_id INTO wrong FROM added a WHERE a.c_author <> 'engine';
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('%s is no row that a recorder writes', wrong);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION muster.own_stranger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.recorder = CASE WHEN muster.records(NEW.site) THEN coalesce(muster.my_recorder(NEW.site), session_user) ELSE '' END;
    RETURN NEW;
END $$;
CREATE TRIGGER own_stranger BEFORE INSERT ON muster.strangers FOR EACH ROW EXECUTE FUNCTION muster.own_stranger();

CREATE OR REPLACE FUNCTION muster.gallery_changed(of_site text, of_gallery text, model text, alignment text, before bigint,
    after bigint, numbers bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT muster.allowed(of_site) OR (of_gallery <> 'strangers' AND muster.records(of_site)) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this gallery is not this login''s to change';
    END IF;
    INSERT INTO muster.galleries VALUES (of_site, of_gallery, model, alignment, 0, 0) ON CONFLICT DO NOTHING;
    IF muster.records(of_site) AND EXISTS (SELECT FROM muster.galleries g WHERE (g.site, g.gallery) = (of_site, of_gallery)
        AND g.version > 0 AND ((g.model_id, g.alignment_id) <> (model, alignment) OR numbers NOT BETWEEN g.issued AND g.issued + 100
            OR after NOT BETWEEN before + 1 AND before + 100)) THEN
        RAISE insufficient_privilege USING MESSAGE = 'a recorder adds strangers, and permission to change more is denied';
    END IF;
    UPDATE muster.galleries g SET version = after, issued = numbers, model_id = model, alignment_id = alignment
        WHERE (g.site, g.gallery, g.version) = (of_site, of_gallery, before);
    IF NOT FOUND THEN RAISE serialization_failure USING MESSAGE = 'the gallery was changed by somebody else meanwhile'; END IF;
END $$;

-- Questions of recorders: about these days alone, and no more in an hour than a busy entrance needs.
CREATE FUNCTION muster.check_question(of_site text, days date[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE today date; asked integer;
BEGIN
    IF NOT muster.allowed(of_site) OR cardinality(days) > 4 THEN
        RAISE insufficient_privilege USING MESSAGE = 'not a site of this login, or too many days';
    END IF;
    IF NOT muster.records(of_site) THEN RETURN; END IF;
    today = muster.today(of_site);
    IF EXISTS (SELECT FROM unnest(days) d WHERE d NOT BETWEEN today - 3 AND today + 2) THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied: a recorder asks about the present days';
    END IF;
    INSERT INTO muster.asked AS a VALUES (session_user, of_site, now(), 1) ON CONFLICT (login, site) DO UPDATE
        SET calls = CASE WHEN a.since < now() - interval '1 hour' THEN 1 ELSE a.calls + 1 END,
            since = CASE WHEN a.since < now() - interval '1 hour' THEN now() ELSE a.since END
        RETURNING calls INTO asked;
    IF asked > 6000 THEN
        RAISE configuration_limit_exceeded USING MESSAGE = 'this recorder asked too many questions within an hour';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION muster.told_of_person(of_site text, person text, days date[])
RETURNS TABLE (event_id text, "timestamp" text, employee_id text, event text, camera text, method text, track text, refers_to text,
    direction text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM muster.check_question(of_site, days);
    RETURN QUERY SELECT a.c_event_id, a.c_timestamp, a.c_employee_id, a.c_event, a.c_camera, a.c_method, a.c_track, a.c_refers_to,
        a.c_direction FROM muster.attendance a WHERE a.site = of_site AND a.c_employee_id = person AND a.day = ANY (days)
        ORDER BY a.day, a.seq;
END $$;

CREATE OR REPLACE FUNCTION muster.told_of_stranger(of_site text, stranger text, days date[])
RETURNS TABLE (incident_id text, "timestamp" text, kind text, camera text, unknown_ids text, ended text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM muster.check_question(of_site, days);
    RETURN QUERY SELECT a.c_incident_id, a.c_timestamp, a.c_kind, a.c_camera, a.c_unknown_ids, a.c_ended
        FROM muster.incidents a WHERE a.site = of_site AND a.day = ANY (days) AND a.c_unknown_ids = stranger
        ORDER BY a.day, a.seq;
END $$;

CREATE OR REPLACE FUNCTION muster.told_incident(of_site text, id text)
RETURNS TABLE (incident_id text, "timestamp" text, kind text, camera text, unknown_ids text, ended text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM muster.check_question(of_site, '{}');
    RETURN QUERY SELECT a.c_incident_id, a.c_timestamp, a.c_kind, a.c_camera, a.c_unknown_ids, a.c_ended
        FROM muster.incidents a WHERE a.site = of_site AND a.row_id = id
            AND (NOT muster.records(of_site) OR a.recorder = muster.my_recorder(of_site));
END $$;
"""


def _role(kind: str, database: str) -> str:
    """The role of a kind of login, named after the database."""
    name = f"muster_{kind}@{database}"
    if len(name.encode()) <= _LONGEST:
        return name
    return f"muster_{kind}@{hashlib.sha256(database.encode()).hexdigest()[:16]}"


def upgrade() -> None:
    """Create the roles and give them their rights; take those of the server's roles."""
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(COMMON)
    database = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    quote = connection.dialect.identifier_preparer.quote_identifier
    roles = {kind: quote(_role(kind, database)) for kind in KINDS}
    for kind, role in roles.items():
        text = _role(kind, database).replace("'", "''")
        connection.exec_driver_sql(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            f"INSERT INTO muster.roles VALUES ('{kind}', '{text}');"
        )
    connection.exec_driver_sql(_rights(roles))
    # the logins that there are
    for login, kind in connection.exec_driver_sql("SELECT DISTINCT login, kind FROM muster.members").all():
        connection.exec_driver_sql(f"GRANT {roles[kind]} TO {quote(login)}")


def _rights(roles: dict[str, str]) -> str:
    recorder, kiosk, workbench, reader = (roles[kind] for kind in KINDS)
    both, everybody = f"{recorder}, {kiosk}", ", ".join(roles.values())
    before = "muster_recorder, muster_workbench, muster_reader"
    logs = ", ".join(f"muster.{name}" for name in {**dict.fromkeys(WRITTEN), **dict.fromkeys(READ_ONLY)})
    written = ", ".join(f"muster.{name}" for name in WRITTEN)
    galleries = "muster.templates, muster.strangers, muster.anchors"
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA muster FROM {before}",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA muster FROM {before}, PUBLIC",
        f"REVOKE ALL ON SCHEMA muster FROM {before}",
        f"GRANT USAGE ON SCHEMA muster TO {everybody}",
        f"GRANT SELECT ON muster.alembic_version, muster.sites, muster.chains TO {everybody}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA muster TO {both}, {workbench}",
        f"GRANT EXECUTE ON FUNCTION muster.my_sites(), muster.my_kind(text), muster.allowed(text) TO {reader}",
        # an earlier program meets the function that tells it to wait
        f"GRANT EXECUTE ON FUNCTION muster.begin_append(text, text, date, text, text[]) TO {everybody}",
        f"GRANT SELECT, INSERT, DELETE ON {logs} TO {workbench}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {galleries}, muster.people TO {workbench}",
        f"GRANT SELECT, INSERT, UPDATE ON muster.documents TO {workbench}",
        f"GRANT SELECT ON muster.galleries TO {workbench}, {both}",
        f"GRANT INSERT, UPDATE, DELETE ON muster.chains TO {workbench}",
        f"GRANT SELECT ON {logs}, muster.people TO {reader}",
        f"REVOKE SELECT ON muster.sightings FROM {reader}",
        f"GRANT INSERT ON {written} TO {both}",
        f"GRANT SELECT ON {galleries}, muster.people, muster.documents, muster.dossiers TO {both}",
        f"GRANT INSERT, DELETE ON muster.strangers TO {both}",
        f"GRANT SELECT ON muster.closings, muster.seals, {', '.join(f'muster.{name}' for name in SHOWN)} TO {kiosk}",
        f"GRANT INSERT, UPDATE ON muster.documents TO {kiosk}",
        "DROP POLICY of_recorders ON muster.documents",
        f"CREATE POLICY of_recorders ON muster.documents AS RESTRICTIVE TO {recorder} "
        "USING (name IN ('people', 'calibration.json'))",
        f"CREATE POLICY of_kiosks ON muster.documents AS RESTRICTIVE FOR SELECT TO {kiosk} USING (name IN "
        "('people', 'calibration.json', 'pins.json', 'devices.json', 'leave.csv', 'employment.csv'))",
        f"CREATE POLICY added_by_kiosks ON muster.documents AS RESTRICTIVE FOR INSERT TO {kiosk} WITH CHECK (name = 'pins.json')",
        f"CREATE POLICY changed_by_kiosks ON muster.documents AS RESTRICTIVE FOR UPDATE TO {kiosk} USING (name = 'pins.json')",
        f"CREATE POLICY own_strangers ON muster.strangers AS RESTRICTIVE FOR DELETE TO {both} "
        "USING (recorder = coalesce(muster.my_recorder(site), session_user))",
        *(
            f"CREATE POLICY of_own_chains ON muster.{name} AS RESTRICTIVE FOR INSERT TO {both} "
            "WITH CHECK (recorder = muster.my_recorder(site))"
            for name in WRITTEN
        ),
        *(
            f"CREATE POLICY of_these_days ON muster.{name} AS RESTRICTIVE FOR SELECT TO {kiosk} "
            "USING (day BETWEEN (SELECT min(muster.today(s.site)) FROM muster.sites s) - 3 "
            "AND (SELECT max(muster.today(s.site)) FROM muster.sites s) + 2)"
            for name in SHOWN
        ),
        *(
            f"CREATE TRIGGER as_recorders_write AFTER INSERT ON muster.{name} REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION muster.as_recorders_write()"
            for name in ("attendance", "incidents", "audit")
        ),
    ]
    for name, columns in PSEUDONYMOUS.items():
        cells = ", ".join(f"c_{column}" for column in columns.split())
        statements.append(f"GRANT UPDATE ({cells}) ON muster.{name} TO {workbench}")
    return ";\n".join(statements)


PSEUDONYMOUS = {
    "attendance": "employee_id runner_up author",
    "corrections": "employee_id author",
    "incidents": "employee_ids author assignee",
    "dossiers": "subject into author",
    "sightings": "employee_id candidates",
    "audit": "author subject",
    "closings": "author",
    "closed_days": "employee_id corrected_by approved_by",
}
"""Cells that a pseudonym may replace, as before."""


def downgrade() -> None:
    """Refuse: logins would be free again to write as any recorder."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
