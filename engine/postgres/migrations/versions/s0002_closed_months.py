"""Closed months: who closed them, and the sheets that were sealed."""

from __future__ import annotations

from alembic import op

from engine.postgres.migrations.versions.s0001_first import log_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LOGS = {
    "closings": ("closing_id timestamp action first last rows sha256 unsettled refers_to author reason", "author"),
    "closed_days": (
        "row_id closing_id day employee_id corrected_by approved_by sheet",
        "employee_id corrected_by approved_by",
    ),
}
"""Columns of each log, and those that a pseudonym may replace."""


def upgrade() -> None:
    """Create the logs; recorders do not close months."""
    connection = op.get_bind().execution_options(no_parameters=True)
    for name, (columns, people) in LOGS.items():
        connection.exec_driver_sql(log_table(name, columns, people))
        connection.exec_driver_sql(f"REVOKE INSERT ON muster.{name} FROM muster_recorder")


def downgrade() -> None:
    """Refuse: closed sheets would be lost."""
    raise NotImplementedError("copy the sites back to files, then drop the schema")
