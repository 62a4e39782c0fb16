"""The list of people who were erased, which every machine follows, and which machines have confirmed."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("erasures", "erased_things", "machines", "confirmations")

COMMON = """
CREATE TABLE muster.erasures (
    site text NOT NULL REFERENCES muster.sites,
    erasure_id text NOT NULL,
    pseudonym text NOT NULL,
    erased_at timestamptz NOT NULL,
    published timestamptz NOT NULL DEFAULT now(),
    complete boolean NOT NULL DEFAULT false,  -- its things are listed
    seq bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (site, erasure_id)
);
CREATE INDEX erasures_order ON muster.erasures (site, seq);
-- pictures and incidents of theirs, by the recorder that wrote them; without one they may be anywhere
CREATE TABLE muster.erased_things (
    site text NOT NULL,
    erasure_id text NOT NULL,
    recorder text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('picture', 'incident')),
    name text NOT NULL,
    PRIMARY KEY (site, erasure_id, recorder, kind, name),
    FOREIGN KEY (site, erasure_id) REFERENCES muster.erasures ON DELETE CASCADE
);
CREATE TABLE muster.machines (
    site text NOT NULL REFERENCES muster.sites,
    login text NOT NULL DEFAULT session_user,
    machine text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, login, machine)
);
CREATE TABLE muster.confirmations (
    site text NOT NULL REFERENCES muster.sites,
    erasure_id text NOT NULL,
    login text NOT NULL DEFAULT session_user,
    machine text NOT NULL,
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    detail text NOT NULL,
    PRIMARY KEY (site, erasure_id, login, machine)
);
ALTER TABLE muster.members ADD COLUMN granted_at timestamptz NOT NULL DEFAULT now();
CREATE TRIGGER told AFTER INSERT OR UPDATE ON muster.erasures FOR EACH ROW EXECUTE FUNCTION muster.told();

-- Machines that have not confirmed. A recorder or kiosk that never came counts from its grant on; one that was revoked does not.
CREATE FUNCTION muster.unconfirmed(of_site text) RETURNS TABLE (erasure_id text, machine text, erased_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT muster.allowed(of_site) OR muster.records(of_site) THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied: not for this login';
    END IF;
    RETURN QUERY
        WITH there AS (
            SELECT m.login, m.machine, m.since FROM muster.machines m WHERE m.site = of_site AND (
                EXISTS (SELECT FROM muster.members b WHERE (b.site, b.login) = (m.site, m.login))
                OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = m.login AND pg_has_role(r.oid,
                    (SELECT tableowner FROM pg_tables WHERE schemaname = 'muster' AND tablename = 'sites'), 'MEMBER')))
            UNION ALL
            SELECT b.login, coalesce(b.recorder, b.login), b.granted_at FROM muster.members b
                WHERE b.site = of_site AND b.kind IN ('recorder', 'kiosk')
                AND NOT EXISTS (SELECT FROM muster.machines m WHERE (m.site, m.login) = (b.site, b.login)))
        SELECT e.erasure_id, t.machine, e.erased_at FROM muster.erasures e, there t
            WHERE e.site = of_site AND e.complete AND t.since <= e.published AND NOT EXISTS (SELECT FROM muster.confirmations c
                WHERE (c.site, c.erasure_id, c.login, c.machine) = (e.site, e.erasure_id, t.login, t.machine))
            ORDER BY e.seq, t.machine;
END $$;
"""


def upgrade() -> None:
    """Create the tables; recorders and kiosks see pseudonyms, and of what was erased only what they may hold themselves."""
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(COMMON)
    quote = connection.dialect.identifier_preparer.quote_identifier
    roles = {
        kind: quote(role) for kind, role in connection.exec_driver_sql("SELECT kind, role FROM muster.roles").all()
    }
    both, workbench = f"{roles['recorder']}, {roles['kiosk']}", roles["workbench"]
    statements = [
        *(
            f"ALTER TABLE muster.{name} ENABLE ROW LEVEL SECURITY;"
            f"CREATE POLICY own_sites ON muster.{name} USING (site = ANY ((SELECT muster.my_sites())::text[]))"
            for name in TABLES
        ),
        f"GRANT SELECT ON muster.erasures, muster.erased_things TO {both}, {workbench}",
        f"GRANT INSERT ON muster.erasures, muster.erased_things TO {workbench}",
        f"GRANT UPDATE (complete) ON muster.erasures TO {workbench}",
        f"GRANT INSERT (site, machine) ON muster.machines TO {both}, {workbench}",
        f"GRANT INSERT (site, erasure_id, machine, detail) ON muster.confirmations TO {both}, {workbench}",
        f"CREATE POLICY own_things ON muster.erased_things AS RESTRICTIVE FOR SELECT TO {both} "
        "USING (recorder IN ('', muster.my_recorder(site)))",
        "REVOKE ALL ON FUNCTION muster.unconfirmed(text) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION muster.unconfirmed(text) TO {workbench}",
    ]
    connection.exec_driver_sql(";\n".join(statements))


def downgrade() -> None:
    """Refuse: erased people would come back with rows and pictures of other machines."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
