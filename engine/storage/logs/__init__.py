"""Append-only logs with sealed rows, so that no change goes unnoticed."""

from engine.storage.logs.check import Finding, Head
from engine.storage.logs.days import DayLog, FileLogs, Heads, Journal, Logs, WholeLog
from engine.storage.logs.keys import give_witnesses, key_folder, sealer_of, set_witnesses_aside
from engine.storage.logs.rows import RowType, TypedDayLog, TypedLog
from engine.storage.logs.sealed import SealedFile
from engine.storage.logs.seals import PSEUDONYM, Sealer

__all__ = [
    "PSEUDONYM",
    "DayLog",
    "FileLogs",
    "Finding",
    "Head",
    "Heads",
    "Journal",
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
