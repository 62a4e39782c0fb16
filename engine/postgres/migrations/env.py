"""Run by Alembic: migrate the database of the given connection to the newest step."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="muster", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
