"""PINs of people who are not recognised by their face: `pins.json` in the workspace.

A PIN is short, so slowing guesses down is what protects it: the file counts a person's attempts before they are checked, and after
five wrong ones there is a wait that doubles. PINs are stored as argon2id hashes. Ids without a PIN are counted and answered in
the same way, so that nobody can find out by trying which ids exist.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.access.credentials import FREE_TRIES, CredentialFile, SlowHashes, one_at_a_time, one_more_try
from engine.errors import InputError
from engine.storage import Document
from engine.words import N_

_PIN = re.compile(r"[0-9]{6,12}")
DIGITS = 6
"""Fewest digits of a PIN."""
_STRANGERS = 200
"""How many ids without a PIN have their attempts counted; beyond it, the one tried longest ago is dropped."""


@dataclass(frozen=True)
class _Pin:
    """A row.

    Attributes:
        employee_id: of the person; for an id without a PIN, `?` and part of its SHA-256, since people may type a PIN as their id.
        hash: argon2id; empty: no PIN.
        created_at: when the PIN was set, ISO 8601.
        failures, wait_until: see `engine.access.credentials.one_more_try`.
    """

    employee_id: str
    hash: str = ""
    created_at: str = ""
    failures: int = 0
    wait_until: str = ""


def _loaded(row: dict[str, Any]) -> _Pin:
    return _Pin(**row)


def _trivial(pin: str) -> bool:
    """Return whether all digits are equal, or each is the next one up or down (9 and 0 are neighbours)."""
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    return steps in ({0}, {1}, {9})


@dataclass(frozen=True)
class PinState:
    """What may be known of somebody's PIN.

    Attributes:
        since: when it was set, ISO 8601.
        failures: wrong tries since the last right one.
        waits_until: the PIN is refused until then; None: it is not.
    """

    since: str
    failures: int
    waits_until: datetime | None


class PinBook(CredentialFile[_Pin]):
    """`pins.json`.

    Args:
        digits: fewest digits of a new PIN, and those of one that is made up. PINs that there are stay good.
        tries: wrong tries before the first wait.
    """

    def __init__(self, place: Path | Document, *, digits: int = DIGITS, tries: int = FREE_TRIES) -> None:
        super().__init__(place, "employee_id", _loaded, "restore it, or remove it and set the PINs again")
        self._hashes, self._digits, self._tries = SlowHashes(), digits, tries

    def generate(self) -> str:
        """Return a random PIN that `put` accepts."""
        while _trivial(pin := f"{secrets.randbelow(10**self._digits):0{self._digits}}"):
            pass
        return pin

    def states(self, now: datetime) -> dict[str, PinState]:
        """Return everybody who has a PIN, by id."""
        found = {}
        for key, each in self.all().items():
            until = datetime.fromisoformat(each.wait_until) if each.wait_until else None
            if each.hash:
                found[key] = PinState(each.created_at, each.failures, until if until and until > now else None)
        return found

    def unlock(self, employee_id: str) -> bool:
        """End a person's wait after wrong tries; return whether they have a PIN.

        Raises:
            StorageError: the file cannot be written.
        """
        if not self.has(employee_id):
            return False

        def put(pins: dict[str, _Pin]) -> None:
            if (pin := pins.get(employee_id)) is not None:
                pins[employee_id] = dataclasses.replace(pin, failures=0, wait_until="")

        self._change(put)
        return True

    def has(self, employee_id: str) -> bool:
        """Return whether a person has a PIN."""
        pin = self.all().get(employee_id)
        return pin is not None and bool(pin.hash)

    def any(self) -> bool:
        """Return whether anybody has a PIN."""
        return any(pin.hash for pin in self.all().values())

    def put(self, employee_id: str, pin: str, now: datetime) -> None:
        """Set or replace a person's PIN, and end a wait.

        Raises:
            InputError: the PIN has the wrong form or is too easy to guess.
            StorageError: the file cannot be written.
        """
        if not _PIN.fullmatch(pin) or len(pin) < self._digits:
            raise InputError(f"a PIN has {self._digits} to 12 digits and nothing else", hint="choose another")
        if _trivial(pin):
            raise InputError("the PIN is one digit repeated, or digits in a row", hint="choose another")
        row = _Pin(employee_id, self._hashes.make(pin), now.isoformat(timespec="seconds"))
        self._change(lambda pins: pins.__setitem__(employee_id, row))

    def remove(self, employee_id: str) -> bool:
        """Remove a person's PIN; return whether they had one.

        Raises:
            StorageError: the file cannot be written.
        """
        if not self.has(employee_id):
            return False
        self._change(lambda pins: pins.pop(employee_id, None))
        return True

    def check(self, employee_id: str, pin: str, now: datetime) -> bool:
        """Return whether a PIN, as typed, is a person's; an id without a PIN takes as long and gets the same answer.

        The caller checks whether the person may still come in.

        Raises:
            InputError: there were too many wrong attempts.
            StorageError: the file cannot be written.
        """
        digest = hashlib.sha256(employee_id.encode("utf-8", "replace")).hexdigest()
        counted = stranger = _Pin(f"?{digest[:16]}")
        settled = False

        def count(pins: dict[str, _Pin]) -> None:
            nonlocal counted
            known = pins.get(employee_id, stranger)
            before = known if known.hash else pins.pop(stranger.employee_id, stranger)
            failures, until = one_more_try(
                before.failures, before.wait_until, now, problem=N_("too many wrong PINs"), free=self._tries
            )
            counted = dataclasses.replace(before, failures=failures, wait_until=until)
            pins[counted.employee_id] = counted  # strangers stay in the order of their last attempts
            strangers = [each.employee_id for each in pins.values() if not each.hash]
            for oldest in strangers[:-_STRANGERS]:
                del pins[oldest]

        def settle(pins: dict[str, _Pin]) -> None:
            nonlocal settled
            now_there = pins.get(employee_id)
            # else the PIN was changed or removed meanwhile
            if now_there is not None and now_there.hash == counted.hash:
                pins[employee_id] = dataclasses.replace(now_there, failures=0, wait_until="")
                settled = True

        with one_at_a_time():  # before the attempt is counted
            self._change(count)
            if self._hashes.right(counted.hash, pin if _PIN.fullmatch(pin) else ""):
                self._change(settle)
        return settled
