"""Answers of the confirm queue."""

from __future__ import annotations

from alembic import op

from engine.postgres.migrations.versions.s0001_first import log_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    "answer_id timestamp question kind employee_id answer camera track seen_at similarity threshold model picture template "
    "author"
)
PEOPLE = "employee_id author"
"""Columns that a pseudonym may replace."""


def upgrade() -> None:
    """Create the log; only workbenches ask and read."""
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(log_table("answers", COLUMNS, PEOPLE))
    quote = connection.dialect.identifier_preparer.quote_identifier
    workbench = quote(connection.exec_driver_sql("SELECT role FROM muster.roles WHERE kind = 'workbench'").scalar_one())
    cells = ", ".join(f"c_{column}" for column in PEOPLE.split())
    statements = [
        # the roles of the whole server, see 0003
        "REVOKE ALL ON muster.answers FROM muster_recorder, muster_workbench, muster_reader",
        f"GRANT SELECT, INSERT, DELETE ON muster.answers TO {workbench}",
        f"GRANT UPDATE ({cells}) ON muster.answers TO {workbench}",
    ]
    connection.exec_driver_sql(";\n".join(statements))


def downgrade() -> None:
    """Refuse: answers would be lost."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
