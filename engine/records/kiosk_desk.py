"""Kiosk screens and PINs, given and taken by somebody who is named, and passages by PIN."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.access import Device, DeviceBook
from engine.attendance import PunchRow, Sighting, record_shown
from engine.errors import InputError, StorageError
from engine.records.books import Records
from engine.storage import new_id
from engine.types import Identity, Person

log = logging.getLogger(__name__)


class KioskDesk:
    """Pairs and revokes devices, gives and takes PINs, notes who did, and records who enters one.

    Args:
        records: the books.
        devices: that may speak to the kiosk.
        people: name, department and `active` by id, as they are when called.
        clock: the present.
    """

    def __init__(
        self,
        records: Records,
        devices: DeviceBook,
        people: Callable[[], Mapping[str, Person]],
        clock: Callable[[], datetime],
    ) -> None:
        self._records, self._devices, self._people, self._clock = records, devices, people, clock
        self._names = records.names

    def _now(self) -> datetime:
        return self._clock().astimezone(self._records.zone)

    def _note(self, action: str, subject: str, detail: str, author: str) -> None:
        self._records.audit.note(action, subject, detail, author=author, now=self._clock())

    def pair(self, name: str, scopes: Iterable[str], *, author: str, replace: bool = False) -> tuple[Device, str]:
        """Let a device speak to the kiosk, see `DeviceBook.pair`.

        Raises:
            InputError: the name cannot be one or is taken, or there is no such scope.
            StorageError: it could not be written.
        """
        noted = self._names.author(author)
        # nothing in devices.json is replaced when the author is forgotten
        device, token = self._devices.pair(
            name, scopes, author=self._names.text(author), now=self._now(), replace=replace
        )
        self._note(
            "pair_device", self._names.ids(device.name), f"{device.device_id}: {', '.join(device.scopes)}", noted
        )
        return device, token

    def revoke(self, device_id_or_name: str, *, author: str) -> Device:
        """Let a device speak to the kiosk no more, see `DeviceBook.revoke`.

        Raises:
            InputError: there is no such device, or it was revoked before.
            StorageError: it could not be written.
        """
        noted = self._names.author(author)
        device = self._devices.revoke(device_id_or_name, now=self._now())
        self._note("revoke_device", self._names.ids(device.name), device.device_id, noted)
        return device

    def give_pin(self, employee_id: str, pin: str | None = None, *, author: str) -> str:
        """Give somebody a PIN, in place of the one they had.

        Args:
            employee_id: who.
            pin: six to twelve digits; None: one is made up.
            author: who does this.

        Returns:
            The PIN, which is stored nowhere.

        Raises:
            InputError: nobody is known by that id, or the PIN is too easy to guess.
            StorageError: it could not be written.
        """
        noted = self._names.author(author)
        if employee_id not in self._people():
            raise InputError(f"nobody is known as {employee_id}", hint="`muster people` lists who is")
        pin = self._records.pins.generate() if pin is None else pin
        self._records.pins.put(employee_id, pin, self._now())
        self._note("set_pin", employee_id, "", noted)
        return pin

    def take_pin(self, employee_id: str, *, author: str) -> None:
        """Take somebody's PIN away.

        Raises:
            InputError: they have none.
            StorageError: it could not be written.
        """
        noted = self._names.author(author)
        if not self._records.pins.remove(employee_id):
            raise InputError(f"{employee_id} has no PIN", hint="nothing needs to be done")
        self._note("remove_pin", employee_id, "", noted)

    def meant(self, typed: str) -> str:
        """The id that was typed on keys that begin with capitals: itself, or the only one that differs by these."""
        found = [each for each in self._people() if each.casefold() == typed.casefold()]
        return found[0] if len(found) == 1 else typed

    def punch(self, employee_id: str, pin: str, camera: str, picture: NDArray[np.uint8] | None) -> PunchRow | None:
        """Somebody entered their number and PIN: write the passage down.

        Args:
            employee_id, pin: as typed.
            camera: beside which it was entered.
            picture: (H, W, 3) uint8 RGB, what the camera saw then, kept as evidence; None: it saw nothing.

        Returns:
            The row, `punch` or `seen`; None: they were written down a moment ago.

        Raises:
            InputError: number or PIN is wrong, they are not active, or there were too many wrong tries.
            StorageError: it could not be written.
        """
        now, employee_id = self._clock(), self.meant(employee_id.strip())
        right = self._records.pins.check(employee_id, pin, now)
        person = self._people().get(employee_id)
        if not right or person is None or not person.active:
            raise InputError("number or PIN is wrong", hint="try again, or ask HR")
        # a track of its own: what takes one passage back must not take back the others
        track = f"pin-{new_id(now.astimezone(self._records.zone))}"
        sighting = Sighting(employee_id, now, camera, track, Identity(), "", 0, method="pin")
        try:
            return record_shown(self._records.attendance, sighting, self._people, picture)
        except StorageError as error:
            if picture is None:
                raise
            log.warning("no evidence picture: %s", error)
            return record_shown(self._records.attendance, sighting, self._people, None)
