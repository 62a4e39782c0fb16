"""Requests of people about their own days and leave."""

from __future__ import annotations

from alembic import op

from engine.postgres.migrations.versions.s0001_first import log_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = "request_id timestamp action employee_id kind first last time until direction event_id value share half refers_to author reason"
PEOPLE = "employee_id author"
"""Columns that a pseudonym may replace."""


def upgrade() -> None:
    """Create the log; only workbenches take requests and decide."""
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(log_table("requests", COLUMNS, PEOPLE))
    quote = connection.dialect.identifier_preparer.quote_identifier
    workbench = quote(connection.exec_driver_sql("SELECT role FROM muster.roles WHERE kind = 'workbench'").scalar_one())
    cells = ", ".join(f"c_{column}" for column in PEOPLE.split())
    statements = [
        # the roles of the whole server, see 0003
        "REVOKE ALL ON muster.requests FROM muster_recorder, muster_workbench, muster_reader",
        f"GRANT SELECT, INSERT, DELETE ON muster.requests TO {workbench}",
        f"GRANT UPDATE ({cells}) ON muster.requests TO {workbench}",
    ]
    connection.exec_driver_sql(";\n".join(statements))


def downgrade() -> None:
    """Refuse: requests would be lost."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
