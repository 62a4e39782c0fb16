"""Passages by badge: kiosks read the badges' hashes, and recorders and kiosks write rows with the method `badge`."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WRITE = """
CREATE OR REPLACE FUNCTION muster.as_recorders_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE wrong text;
BEGIN
    IF NOT EXISTS (SELECT FROM (SELECT DISTINCT site FROM added) a WHERE muster.records(a.site)) THEN RETURN NULL; END IF;
    IF TG_TABLE_NAME = 'attendance' THEN
        SELECT a.row_id INTO wrong FROM added a
            WHERE a.c_author NOT IN ('', 'engine') OR a.c_method NOT IN ('', 'face', 'pin', 'badge')
            OR a.c_refers_to <> '' AND NOT EXISTS (SELECT FROM muster.attendance o
                WHERE (o.site, o.row_id, o.recorder) = (a.site, a.c_refers_to, a.recorder));
    ELSE
        SELECT a.row_id INTO wrong FROM added a WHERE a.c_author <> 'engine';
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('%s is no row that a recorder writes', wrong);
    END IF;
    RETURN NULL;
END $$
"""
_READ = ("people", "calibration.json", "pins.json", "badges.json", "devices.json", "leave.csv", "employment.csv")


def upgrade() -> None:
    """Let kiosks read the badges; only workbenches issue and revoke them."""
    connection = op.get_bind().execution_options(no_parameters=True)
    quote = connection.dialect.identifier_preparer.quote_identifier
    kiosk = quote(connection.exec_driver_sql("SELECT role FROM muster.roles WHERE kind = 'kiosk'").scalar_one())
    names = ", ".join(f"'{name}'" for name in _READ)
    connection.exec_driver_sql(_WRITE)
    connection.exec_driver_sql("DROP POLICY of_kiosks ON muster.documents")
    connection.exec_driver_sql(
        f"CREATE POLICY of_kiosks ON muster.documents AS RESTRICTIVE FOR SELECT TO {kiosk} USING (name IN ({names}))"
    )


def downgrade() -> None:
    """Refuse: passages by badge would be rows that no recorder may write."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
