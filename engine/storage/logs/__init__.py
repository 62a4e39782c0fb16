"""Append-only logs with sealed rows, so that no change goes unnoticed."""

from engine.storage.logs.check import Finding, Head
from engine.storage.logs.days import DayLog, FileLogs, Heads, Journal, Kept, Logs, WholeLog
from engine.storage.logs.keys import KeyMissing, give_witnesses, sealer_of, set_witnesses_aside
from engine.storage.logs.rows import RowType, TypedDayLog, TypedLog
from engine.storage.logs.sealed import SealedFile
from engine.storage.logs.seals import PSEUDONYM, Sealer
from engine.storage.logs.witnesses import key_folder

__all__ = [
    "PSEUDONYM",
    "DayLog",
    "FileLogs",
    "Finding",
    "Head",
    "Heads",
    "Journal",
    "Kept",
    "KeyMissing",
    "Logs",
    "RowType",
    "SealedFile",
    "Sealer",
    "TypedDayLog",
    "TypedLog",
    "WholeLog",
    "give_witnesses",
    "key_folder",
    "sealer_of",
    "set_witnesses_aside",
]
