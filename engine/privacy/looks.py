"""Whether the clock can be believed: a clock that jumps must not make Muster erase what is not old.

Every run of upkeep looks at the clock and keeps the day in `retention.json`. What is too old must have been so at a look on an earlier
day, too. A day that is far from the last one, or before it, is doubted: nothing is erased until the clock has gone on plausibly for
a week, or somebody says that it is right (`muster purge --apply --trust-clock`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pydantic import TypeAdapter

from engine.config.retention import LOOKS_NAME, began_before
from engine.records.books import Records
from engine.storage import FileDocument

log = logging.getLogger(__name__)

NAME = LOOKS_NAME
LONGEST_STEP = timedelta(days=30)
"""A longer pause between two looks is doubted."""
CONVINCING = 7
"""So many days one after the other end the doubt."""


@dataclass(frozen=True)
class Look:
    """What is known of the clock.

    Attributes:
        trusted: the last day that was believed.
        earlier: the day of the look before that; None: there was none, and nothing may be erased.
        strange: days since then that are doubted.
        by_purpose: whether the workspace began under the periods of `RetentionConfig`; else see `engine.config.retention`.
    """

    trusted: date
    earlier: date | None = None
    strange: tuple[date, ...] = ()
    by_purpose: bool = False

    @property
    def doubt(self) -> str:
        """Why the clock is doubted; empty if it is not."""
        if not self.strange:
            return ""
        return f"the clock says {self.strange[-1]}, but the last day known was {self.trusted}: nothing is erased"

    def then(self, today: date) -> Look:
        """What is known after a look on a day."""
        if timedelta(0) <= today - self.trusted <= LONGEST_STEP:
            earlier = self.trusted if today > self.trusted else self.earlier
            return replace(self, trusted=today, earlier=earlier, strange=())
        if self.trusted - today == timedelta(days=1):  # a clock that was set, or a day that begins later
            return replace(self, strange=())
        if self.strange and not timedelta(0) <= today - self.strange[-1] <= timedelta(days=2):
            return replace(self, strange=(today,))
        strange = tuple(dict.fromkeys((*self.strange, today)))
        if len(strange) < CONVINCING or today < self.trusted:
            return replace(self, strange=strange)
        return replace(self, trusted=today, earlier=strange[-2], strange=())


_LOOK = TypeAdapter(Look)


def _document(records: Records) -> FileDocument:
    return FileDocument(records.workspace / NAME, seal=records.seals.of(NAME) if records.seals else None)


def _parsed(content: bytes | None) -> Look | None:
    return None if content is None else _LOOK.validate_json(content)


def _first(records: Records, today: date) -> Look:
    """What the sealed rows say of the clock before the first look."""
    days = [day for each in records.logs for day in each.days()[-1:]]
    return Look(max(days, default=today), by_purpose=not began_before(records.workspace))


def known(records: Records) -> Look:
    """What is known of the clock, today included; nothing is written.

    Raises:
        StorageError: the file cannot be read, or was changed outside of Muster.
    """
    today = records.attendance.day_of(records.clock())
    return (_parsed(_document(records).read()) or _first(records, today)).then(today)


def look(records: Records, *, trust: bool = False) -> Look:
    """Look at the clock and keep what it says.

    Args:
        trust: somebody says that it is right.

    Raises:
        StorageError: the file cannot be read or written, or was changed outside of Muster.
    """
    today, document = records.attendance.day_of(records.clock()), _document(records)
    with document.exclusive():
        before = _parsed(document.read())
        last = before or _first(records, today)
        after = Look(today, by_purpose=last.by_purpose) if trust else last.then(today)
        if after != before:
            document.write(_LOOK.dump_json(after))
    if after.doubt and not (before and before.strange):
        log.error("%s; if it is right, run `muster purge --apply --trust-clock`", after.doubt)
        records.note("clock", "", after.doubt, author="engine")
    return after
