"""Append-only logs whose rows are sealed, so that nobody changes one unnoticed."""

from engine.logs.check import Finding, Head
from engine.logs.days import DayLog, FileLogs, Journal, Logs, WholeLog
from engine.logs.rows import RowType, TypedDayLog, TypedLog
from engine.logs.sealed import SealedFile
from engine.logs.seals import PSEUDONYM, Sealer

__all__ = [
    "PSEUDONYM",
    "DayLog",
    "FileLogs",
    "Finding",
    "Head",
    "Journal",
    "Logs",
    "RowType",
    "SealedFile",
    "Sealer",
    "TypedDayLog",
    "TypedLog",
    "WholeLog",
]
