"""Where a workspace is kept: files are the default; the database's modules are loaded when the settings name one.

Not here: what rows mean. Files and their logs: `engine.storage`.
"""

from engine.postgres.opening import connect, open_database, open_store
from engine.postgres.spool import Backlog

__all__ = [
    "Backlog",
    "connect",
    "open_database",
    "open_store",
]
