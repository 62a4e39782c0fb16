"""Sites, logs, people, templates, documents, and who may do what with them."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LOGS = {
    "attendance": "event_id timestamp employee_id event camera method track agreeing_frames voting_frames similarity runner_up "
    "runner_up_similarity margin threshold model gallery_version evidence_image refers_to author reason direction liveness",
    "corrections": "correction_id timestamp day employee_id action time direction value refers_to author reason",
    "coverage": "camera begins ends why detail",
    "incidents": "incident_id timestamp kind camera employee_ids unknown_ids image clean_image before_image after_image classification "
    "people ended similarity threshold model gallery_version state detail refers_to author severity assignee tracks",
    "dossiers": "decision_id timestamp action subject into incidents author reason",
    "sightings": "sighting_id timestamp until camera track state employee_id unknown_id agreeing_frames voting_frames threshold "
    "min_margin candidates similarities votes votes_left_out liveness model gallery_version gallery_size",
    "deliveries": "delivery_id timestamp message_id incident_id rule channel result attempt detail",
    "audit": "timestamp author action subject detail",
    "seals": "timestamp action log day rows head key detail",
}
"""Columns of each log as in CSV files; in the tables their names begin with `c_`, because `day` and `time` are SQL words."""

PEOPLE = {
    "attendance": "employee_id runner_up author",
    "corrections": "employee_id author",
    "incidents": "employee_ids author assignee",
    "dossiers": "subject into author",
    "sightings": "employee_id candidates",
    "audit": "author subject",
}
"""Cells that a pseudonym may replace when a person is forgotten; nothing else in a log ever changes."""

GALLERIES = ("templates", "strangers", "anchors")

COMMON = """
CREATE TABLE muster.sites (
    site text PRIMARY KEY,
    timezone text NOT NULL
);
CREATE TABLE muster.members (
    login text NOT NULL,
    site text NOT NULL REFERENCES muster.sites,
    kind text NOT NULL CHECK (kind IN ('recorder', 'workbench', 'reader')),
    PRIMARY KEY (login, site)
);
CREATE TABLE muster.chains (
    site text NOT NULL REFERENCES muster.sites,
    log text NOT NULL,
    day date NOT NULL,
    recorder text NOT NULL,
    rows integer NOT NULL DEFAULT 0,
    number integer NOT NULL DEFAULT 0,
    head text NOT NULL DEFAULT '',
    mac text NOT NULL DEFAULT '',
    revision integer NOT NULL DEFAULT 0,
    PRIMARY KEY (site, log, day, recorder)
);
CREATE TABLE muster.people (
    site text NOT NULL REFERENCES muster.sites,
    employee_id text NOT NULL,
    name text NOT NULL,
    department text NOT NULL,
    email text NOT NULL,
    enrolled_at text NOT NULL,
    consent_at text NOT NULL,
    active boolean NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (site, employee_id)
);
CREATE TABLE muster.documents (
    site text NOT NULL REFERENCES muster.sites,
    name text NOT NULL,
    version bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (site, name)
);
CREATE TABLE muster.galleries (
    site text NOT NULL REFERENCES muster.sites,
    gallery text NOT NULL,
    model_id text NOT NULL,
    alignment_id text NOT NULL,
    version bigint NOT NULL,
    issued bigint NOT NULL,
    PRIMARY KEY (site, gallery)
);

-- who asks: the sites of their login; whoever owns the tables sees all
CREATE FUNCTION muster.my_sites() RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(array_agg(site), '{}') FROM muster.members WHERE login = session_user $$;

CREATE FUNCTION muster.allowed(of_site text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM muster.members WHERE login = session_user AND site = of_site AND kind <> 'reader')
        OR pg_has_role(session_user, (SELECT tableowner FROM pg_tables WHERE schemaname = 'muster' AND tablename = 'sites'), 'MEMBER')
$$;

CREATE FUNCTION muster.my_kind(of_site text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT kind FROM muster.members WHERE login = session_user AND site = of_site),
        CASE WHEN muster.allowed(of_site) THEN 'owner' ELSE '' END)
$$;

-- Before rows are appended to a chain: how far it is sealed, and which of the rows stand there already. Holds the chain
-- until the transaction ends.
CREATE FUNCTION muster.begin_append(of_site text, of_log text, of_day date, of_recorder text, ids text[])
RETURNS TABLE (rows integer, number integer, head text, mac text, known text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE found_ids text[];
BEGIN
    IF NOT muster.allowed(of_site) THEN RAISE insufficient_privilege USING MESSAGE = 'not a site of this login'; END IF;
    INSERT INTO muster.chains (site, log, day, recorder) VALUES (of_site, of_log, of_day, of_recorder) ON CONFLICT DO NOTHING;
    PERFORM FROM muster.chains c WHERE (c.site, c.log, c.day, c.recorder) = (of_site, of_log, of_day, of_recorder) FOR UPDATE;
    EXECUTE format('SELECT coalesce(array_agg(row_id), ''{}'') FROM muster.%I WHERE site = $1 AND row_id = ANY ($2)', of_log)
        INTO found_ids USING of_site, ids;
    RETURN QUERY SELECT c.rows, c.number, c.head, c.mac, found_ids FROM muster.chains c
        WHERE (c.site, c.log, c.day, c.recorder) = (of_site, of_log, of_day, of_recorder);
END $$;

-- After them: the keyed hash over the new head, without which rows at the end could vanish unnoticed.
CREATE FUNCTION muster.end_append(of_site text, of_log text, of_day date, of_recorder text, of_number integer, of_mac text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT muster.allowed(of_site) THEN RAISE insufficient_privilege USING MESSAGE = 'not a site of this login'; END IF;
    UPDATE muster.chains c SET mac = of_mac
        WHERE (c.site, c.log, c.day, c.recorder, c.number) = (of_site, of_log, of_day, of_recorder, of_number);
    IF NOT FOUND THEN RAISE EXCEPTION 'no row % was appended', of_number; END IF;
END $$;

-- Every log table: a row follows on the one before it, and its chain tells how far it goes.
CREATE FUNCTION muster.grown() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE part record;
BEGIN
    FOR part IN SELECT site, day, recorder, min(position) AS first, max(position) AS last, count(*) AS added
                FROM added GROUP BY site, day, recorder LOOP
        UPDATE muster.chains c SET rows = part.last,
            (number, head) = (SELECT coalesce(substring(a.seal FROM '^([1-9][0-9]{0,8})[.]')::integer, c.number),
                                     coalesce(substring(a.seal FROM '^[0-9]+[.][0-9a-f]+[.]([0-9a-f]+)$'), '')
                              FROM added a WHERE (a.site, a.day, a.recorder, a.position) = (part.site, part.day, part.recorder, part.last))
            WHERE (c.site, c.log, c.day, c.recorder) = (part.site, TG_TABLE_NAME, part.day, part.recorder)
                AND c.rows = part.first - 1 AND part.added = part.last - part.first + 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'rows must follow on those before: % % %', TG_TABLE_NAME, part.day, part.recorder;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION muster.altered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE muster.chains c SET revision = c.revision + 1
        FROM (SELECT DISTINCT site, day, recorder FROM gone) g
        WHERE (c.site, c.log, c.day, c.recorder) = (g.site, TG_TABLE_NAME, g.day, g.recorder);
    RETURN NULL;
END $$;

-- What a recorder must know before it writes: not more, and of no more than four days at a time.
CREATE FUNCTION muster.told_of_person(of_site text, person text, days date[])
RETURNS TABLE (event_id text, "timestamp" text, employee_id text, event text, camera text, method text, track text, refers_to text,
    direction text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT muster.allowed(of_site) OR cardinality(days) > 4 THEN
        RAISE insufficient_privilege USING MESSAGE = 'not a site of this login, or too many days';
    END IF;
    RETURN QUERY SELECT a.c_event_id, a.c_timestamp, a.c_employee_id, a.c_event, a.c_camera, a.c_method, a.c_track, a.c_refers_to,
        a.c_direction FROM muster.attendance a WHERE a.site = of_site AND a.c_employee_id = person AND a.day = ANY (days)
        ORDER BY a.day, a.seq;
END $$;

CREATE FUNCTION muster.told_of_stranger(of_site text, stranger text, days date[])
RETURNS TABLE (incident_id text, "timestamp" text, kind text, camera text, unknown_ids text, ended text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT muster.allowed(of_site) OR cardinality(days) > 4 THEN
        RAISE insufficient_privilege USING MESSAGE = 'not a site of this login, or too many days';
    END IF;
    RETURN QUERY SELECT a.c_incident_id, a.c_timestamp, a.c_kind, a.c_camera, a.c_unknown_ids, a.c_ended
        FROM muster.incidents a WHERE a.site = of_site AND a.day = ANY (days) AND a.c_unknown_ids = stranger
        ORDER BY a.day, a.seq;
END $$;

CREATE FUNCTION muster.told_incident(of_site text, id text)
RETURNS TABLE (incident_id text, "timestamp" text, kind text, camera text, unknown_ids text, ended text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT muster.allowed(of_site) THEN RAISE insufficient_privilege USING MESSAGE = 'not a site of this login'; END IF;
    RETURN QUERY SELECT a.c_incident_id, a.c_timestamp, a.c_kind, a.c_camera, a.c_unknown_ids, a.c_ended
        FROM muster.incidents a WHERE a.site = of_site AND a.row_id = id;
END $$;

-- The list of strangers is kept by recorders; every other gallery by workbenches alone.
CREATE FUNCTION muster.gallery_changed(of_site text, of_gallery text, model text, alignment text, before bigint, after bigint,
    numbers bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT muster.allowed(of_site) OR (of_gallery <> 'strangers' AND EXISTS (
        SELECT FROM muster.members WHERE login = session_user AND site = of_site AND kind = 'recorder')) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this gallery is not this login''s to change';
    END IF;
    INSERT INTO muster.galleries VALUES (of_site, of_gallery, model, alignment, 0, 0) ON CONFLICT DO NOTHING;
    UPDATE muster.galleries g SET version = after, issued = numbers, model_id = model, alignment_id = alignment
        WHERE (g.site, g.gallery, g.version) = (of_site, of_gallery, before);
    IF NOT FOUND THEN RAISE serialization_failure USING MESSAGE = 'the gallery was changed by somebody else meanwhile'; END IF;
END $$;

CREATE FUNCTION muster.told() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('muster', NEW.site);
    RETURN NULL;
END $$;
CREATE TRIGGER told AFTER INSERT OR UPDATE ON muster.documents FOR EACH ROW EXECUTE FUNCTION muster.told();
CREATE TRIGGER told AFTER INSERT OR UPDATE ON muster.galleries FOR EACH ROW EXECUTE FUNCTION muster.told();

DO $$ BEGIN
    CREATE ROLE muster_recorder NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE ROLE muster_workbench NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
    CREATE ROLE muster_reader NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA muster FROM PUBLIC;
GRANT USAGE ON SCHEMA muster TO muster_recorder, muster_workbench, muster_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA muster TO muster_recorder, muster_workbench;
GRANT EXECUTE ON FUNCTION muster.my_sites(), muster.my_kind(text), muster.allowed(text) TO muster_reader;
GRANT SELECT ON muster.alembic_version TO muster_recorder, muster_workbench, muster_reader;
"""


def _site_rule(table: str) -> str:
    """Return SQL that lets only the owner read and write rows of sites that are not the login's."""
    return f"""
ALTER TABLE muster.{table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_sites ON muster.{table} USING (site = ANY ((SELECT muster.my_sites())::text[]));
"""


def log_table(name: str, columns: str, people: str) -> str:
    """Return SQL that makes the table of a log; `people`: columns that a pseudonym may replace."""
    cells = "\n".join(f"    c_{column} text NOT NULL DEFAULT ''," for column in columns.split())
    changes = ", ".join(f"c_{column}" for column in people.split())
    return f"""
CREATE TABLE muster.{name} (
    site text NOT NULL REFERENCES muster.sites,
    day date NOT NULL,
    recorder text NOT NULL,
    position integer NOT NULL,
    row_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
{cells}
    seal text NOT NULL,
    PRIMARY KEY (site, day, recorder, position),
    UNIQUE (site, row_id)
);
CREATE TRIGGER grown AFTER INSERT ON muster.{name} REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION muster.grown();
CREATE TRIGGER altered AFTER UPDATE ON muster.{name} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION muster.altered();
CREATE TRIGGER erased AFTER DELETE ON muster.{name} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION muster.altered();
{_site_rule(name)}
GRANT INSERT ON muster.{name} TO muster_recorder;
GRANT SELECT, INSERT, DELETE ON muster.{name} TO muster_workbench;
{f"GRANT UPDATE ({changes}) ON muster.{name} TO muster_workbench;" if changes else ""}
GRANT SELECT ON muster.{name} TO muster_reader;
"""


def _gallery(name: str) -> str:
    return f"""
CREATE TABLE muster.{name} (
    site text NOT NULL REFERENCES muster.sites,
    template_id text NOT NULL,
    person text NOT NULL,
    quality double precision NOT NULL,
    embedding bytea NOT NULL,
    added bigint NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (site, template_id)
);
CREATE INDEX {name}_order ON muster.{name} (site, seq);
{_site_rule(name)}
GRANT SELECT, INSERT, UPDATE, DELETE ON muster.{name} TO muster_workbench;
GRANT SELECT ON muster.{name} TO muster_recorder;
"""


RIGHTS = """
CREATE INDEX attendance_person ON muster.attendance (site, c_employee_id, day);
CREATE INDEX incidents_stranger ON muster.incidents (site, c_unknown_ids, day) WHERE c_unknown_ids <> '';
CREATE INDEX people_order ON muster.people (site, seq);

GRANT SELECT ON muster.sites TO muster_recorder, muster_workbench, muster_reader;
GRANT SELECT ON muster.chains TO muster_recorder, muster_workbench, muster_reader;
GRANT DELETE, INSERT, UPDATE ON muster.chains TO muster_workbench;
GRANT SELECT ON muster.people TO muster_recorder, muster_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON muster.people TO muster_workbench;
GRANT SELECT ON muster.galleries TO muster_recorder, muster_workbench;
GRANT SELECT, INSERT, UPDATE ON muster.documents TO muster_workbench;
-- of documents a recorder sees which threshold is in force, and that people changed; of logs what was decided about strangers
GRANT SELECT ON muster.documents TO muster_recorder;
CREATE POLICY of_recorders ON muster.documents AS RESTRICTIVE TO muster_recorder USING (name IN ('people', 'calibration.json'));
GRANT SELECT ON muster.dossiers TO muster_recorder;
GRANT INSERT, DELETE ON muster.strangers TO muster_recorder;
REVOKE SELECT ON muster.sightings FROM muster_reader;
"""


def upgrade() -> None:
    """Create everything."""
    whole = (
        COMMON,
        *(log_table(name, columns, PEOPLE.get(name, "")) for name, columns in LOGS.items()),
        *map(_gallery, GALLERIES),
        *map(_site_rule, ("sites", "chains", "people", "documents", "galleries")),
        RIGHTS,
    )
    # several statements at once, with percent signs that are not the driver's
    connection = op.get_bind().execution_options(no_parameters=True)
    for part in whole:
        connection.exec_driver_sql(part)


def downgrade() -> None:
    """Refuse: this is the first step."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
