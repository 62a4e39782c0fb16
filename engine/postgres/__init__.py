"""Opens the store of a workspace: files by default, or the PostgreSQL database in the settings, loaded only then.

Not here: what rows mean, and files and their logs (`engine.storage`).
"""

from engine.postgres.opening import connect, open_database, open_store
from engine.postgres.spool import Backlog

__all__ = [
    "Backlog",
    "connect",
    "open_database",
    "open_store",
]
