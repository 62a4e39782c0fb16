"""The books of a workspace, and what is done with them: corrections and reviews, disclosure and erasure, retention, verification."""

from engine.records.books import Records, verify
from engine.records.disclosure import export_subject
from engine.records.erasure import forget
from engine.records.office import Office, Suggestion
from engine.records.retention import Expired, purge
from engine.records.upkeep import upkeep

__all__ = ["Expired", "Office", "Records", "Suggestion", "export_subject", "forget", "purge", "upkeep", "verify"]
