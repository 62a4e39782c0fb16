"""Kiosk devices and PINs, changed by a named author; punches by PIN; and what people say at the kiosk about their own passage."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.access import Badge, Device, DeviceBook
from engine.attendance import Direction, PunchRow, Sighting, record_shown, valid_rows
from engine.config.ids import nobody_has
from engine.errors import InputError, StorageError
from engine.imaging import read_image
from engine.incidents import IncidentKind, IncidentRow
from engine.incidents.notifications import Outbox
from engine.people.store import clean_id, clean_name
from engine.records.books import Records
from engine.storage import new_id
from engine.types import Event, EventKind, Identity, Person, Severity

log = logging.getLogger(__name__)


class KioskDesk:
    """Pairs and revokes devices, sets and removes PINs, and records punches by PIN."""

    def __init__(self, records: Records, devices: DeviceBook, outbox: Outbox) -> None:
        self._records, self._devices, self._outbox = records, devices, outbox

    def pair(self, name: str, scopes: Iterable[str], *, author: str, replace: bool = False) -> tuple[Device, str]:
        """Pair a device, see `DeviceBook.pair`.

        Raises:
            InputError: the name is invalid or taken, or a scope does not exist.
            StorageError: the device cannot be written.
        """
        records, names = self._records, self._records.names
        noted = names.author(author)
        # nothing in devices.json is replaced when the author is forgotten
        device, token = self._devices.pair(name, scopes, author=names.text(author), now=records.now(), replace=replace)
        detail = f"{device.device_id}: {', '.join(device.scopes)}"
        records.note("pair_device", names.ids(device.name), detail, author=noted)
        return device, token

    def invite(self, name: str, scopes: Iterable[str], *, author: str, replace: bool = False) -> tuple[Device, str]:
        """Announce a screen and return its code, see `DeviceBook.invite`.

        Raises:
            InputError: the name is invalid or taken, or a scope does not exist.
            StorageError: the device cannot be written.
        """
        records, names = self._records, self._records.names
        noted = names.author(author)
        device, code = self._devices.invite(name, scopes, author=names.text(author), now=records.now(), replace=replace)
        detail = f"{device.device_id}: {', '.join(device.scopes)}"
        records.note("invite_device", names.ids(device.name), detail, author=noted)
        return device, code

    def admit(self, code: str) -> tuple[Device, str] | None:
        """Exchange a code for a device's token, see `DeviceBook.admit`.

        Raises:
            StorageError: the device cannot be read or written.
        """
        admitted = self._devices.admit(code, now=self._records.now())
        if admitted is not None:
            device = admitted[0]
            names = self._records.names
            self._records.note("pair_device", names.ids(device.name), device.device_id, author=device.author)
        return admitted

    def revoke(self, device_id_or_name: str, *, author: str) -> Device:
        """Revoke a device's access, see `DeviceBook.revoke`.

        Raises:
            InputError: there is no such device, or it was revoked before.
            StorageError: the change cannot be written.
        """
        names = self._records.names
        noted = names.author(author)
        device = self._devices.revoke(device_id_or_name, now=self._records.now())
        self._records.note("revoke_device", names.ids(device.name), device.device_id, author=noted)
        return device

    def rename(self, device_id: str, name: str, *, author: str) -> Device:
        """Give a device another name, see `DeviceBook.rename`.

        Raises:
            InputError: there is no such device, or the name cannot be used or is taken.
            StorageError: the change cannot be written.
        """
        names = self._records.names
        noted = names.author(author)
        before = self._devices.all().get(device_id)
        device = self._devices.rename(device_id, name)
        detail = f"{device_id}: before {names.ids(before.name) if before else '?'}"
        self._records.note("rename_device", names.ids(device.name), detail, author=noted)
        return device

    def give_pin(self, employee_id: str, pin: str | None = None, *, author: str) -> str:
        """Set a person's PIN, which replaces the old one.

        Args:
            pin: its digits; None: generate one.

        Returns:
            The PIN, which Muster does not store.

        Raises:
            InputError: the person is unknown, or the PIN is too easy to guess.
            StorageError: the PIN cannot be written.
        """
        records = self._records
        noted = records.names.author(author)
        if employee_id not in records.people.known():
            raise nobody_has(employee_id, records.people.known())
        pin = records.pins.generate() if pin is None else pin
        records.pins.put(employee_id, pin, records.now())
        records.note("set_pin", employee_id, "", author=noted)
        return pin

    def take_pin(self, employee_id: str, *, author: str) -> None:
        """Remove a person's PIN.

        Raises:
            InputError: the person has no PIN.
            StorageError: the change cannot be written.
        """
        noted = self._records.names.author(author)
        if not self._records.pins.remove(employee_id):
            raise InputError(f"{employee_id} has no PIN", hint="nothing needs to be done")
        self._records.note("remove_pin", employee_id, "", author=noted)

    def unlock_pin(self, employee_id: str, *, author: str) -> None:
        """End a person's wait after wrong PINs.

        Raises:
            InputError: the person has no PIN.
            StorageError: the change cannot be written.
        """
        noted = self._records.names.author(author)
        if not self._records.pins.unlock(employee_id):
            raise InputError(f"{employee_id} has no PIN", hint="give one")
        self._records.note("unlock_pin", employee_id, "", author=noted)

    def meant(self, typed: str) -> str:
        """Return the id that differs from the typed one only in case, if there is exactly one; else what was typed."""
        found = [each for each in self._records.people.known() if each.casefold() == typed.casefold()]
        return found[0] if len(found) == 1 else typed

    def punch(self, employee_id: str, pin: str, camera: str, picture: NDArray[np.uint8] | None) -> PunchRow | None:
        """Record the passage of somebody who entered an id and a PIN.

        Args:
            employee_id, pin: as typed.
            camera: beside the kiosk.
            picture: (H, W, 3) uint8 RGB from the camera, kept as evidence; None: it has none.

        Returns:
            The row, `punch` or `seen`; None if the person was recorded a moment ago.

        Raises:
            InputError: id or PIN is wrong, the person is inactive, or there were too many wrong attempts.
            StorageError: the row cannot be written.
        """
        records, employee_id = self._records, self.meant(employee_id.strip())
        now = records.clock()
        right = records.pins.check(employee_id, pin, now)
        person = records.people.known().get(employee_id)
        if not right or person is None or not person.active:
            raise InputError("number or PIN is wrong", hint="try again, or ask HR")
        return self._passed(employee_id, now, camera, picture, "pin")

    def _passed(
        self,
        employee_id: str,
        now: datetime,
        camera: str,
        picture: NDArray[np.uint8] | None,
        method: Literal["pin", "badge"],
    ) -> PunchRow | None:
        records = self._records
        # a track of its own, so that a retraction concerns this passage alone
        track = f"{method}-{new_id(now.astimezone(records.zone))}"
        sighting = Sighting(employee_id, now, camera, track, Identity(), "", 0, method=method)
        try:
            return record_shown(records.attendance, sighting, records.people.known, picture)
        except StorageError as error:
            if picture is None:
                raise
            log.warning("no evidence picture: %s", error)
            return record_shown(records.attendance, sighting, records.people.known, None)

    def issue_badge(
        self, employee_id: str, number: str | None = None, *, author: str, name: str = ""
    ) -> tuple[Badge, str]:
        """Give a person a badge, see `BadgeBook.issue`; from then on they are expected, with or without a face.

        Args:
            name: adds the person if there is none of that id.

        Raises:
            InputError: the person is unknown or inactive, or the number cannot be used.
            StorageError: the badge cannot be written.
        """
        records = self._records
        noted, now = records.names.author(author), records.now()
        person = records.people.known().get(employee_id)
        if person is not None and name.strip() and person.name.casefold() != name.strip().casefold():
            raise InputError(f"{employee_id} is somebody else's id", hint="choose another id, or leave the name out")
        if person is None and name.strip():
            person = Person(clean_id(employee_id), clean_name(name))
        if person is None:
            raise nobody_has(employee_id, records.people.known())
        if not person.active:
            raise InputError(f"{employee_id} is inactive", hint="set the person active first")
        badge, code = records.badges.issue(person.employee_id, number, author=records.names.text(author), now=now)
        if not person.enrolled_at:
            records.people.put(replace(person, enrolled_at=now.isoformat(timespec="seconds")))
        records.note("issue_badge", person.employee_id, f"{badge.kind} {badge.badge_id}", author=noted)
        return badge, code

    def revoke_badge(self, badge_id: str, *, author: str) -> Badge:
        """Revoke a badge, see `BadgeBook.revoke`.

        Raises:
            InputError: there is no such badge, or it was revoked before.
            StorageError: the change cannot be written.
        """
        noted = self._records.names.author(author)
        badge = self._records.badges.revoke(badge_id, now=self._records.now())
        self._records.note("revoke_badge", badge.employee_id, badge.badge_id, author=noted)
        return badge

    def punch_by_badge(self, code: str, camera: str, picture: NDArray[np.uint8] | None) -> tuple[str, PunchRow | None]:
        """Record the passage of somebody who showed a badge.

        Args:
            code, camera, picture: as read; see `punch`.

        Returns:
            Whose badge it is, and the row; None if the person was recorded a moment ago.

        Raises:
            InputError: the badge is not known, is revoked (security is told), or its owner is inactive.
            StorageError: the row cannot be written.
        """
        records, now = self._records, self._records.clock()
        badge = records.badges.find(code)
        person = records.people.known().get(badge.employee_id) if badge else None
        if badge is None or badge.revoked_at or person is None or not person.active:
            if badge is not None:
                self._tell_replay(badge, camera, picture, now)
            raise InputError("this badge is not good", hint="use the PIN, or tell reception")
        return badge.employee_id, self._passed(badge.employee_id, now, camera, picture, "badge")

    def _tell_replay(self, badge: Badge, camera: str, picture: NDArray[np.uint8] | None, now: datetime) -> None:
        """Tell security of a badge that is good no more, once in a while."""
        incidents, day = self._records.incidents, self._records.attendance.day_of(now)
        track = f"badge-{badge.badge_id}"
        told = [row for row in incidents.log.read(day, day) if row.kind is IncidentKind.BADGE and track in row.tracks]
        if any(now - row.timestamp < _TOLD_AGAIN for row in told):
            return
        people, detail = (badge.employee_id,), "a badge was shown that is revoked, or whose owner is inactive"
        event = Event(EventKind.BADGE, now, camera, employee_ids=people, severity=Severity.HIGH, detail=detail)
        pictures = {} if picture is None else {"image": picture}
        row = incidents.record(event, pictures, tracks=[track], ahead=self._outbox.announce)
        if row is not None:
            self._outbox.submit(row)

    def turn(self, passage: PunchRow, direction: Direction) -> PunchRow:
        """Write in which direction a passage went, as the person says who has just been greeted.

        Returns:
            The passage as it counts now.

        Raises:
            InputError: the passage does not count any more.
            StorageError: the row cannot be written.
        """
        records = self._records
        records.attendance.turn(passage, direction, records.clock(), records.people.known())
        return self._standing(passage)

    def deny(self, passage: PunchRow) -> IncidentRow | None:
        """Take a passage back because whoever was greeted says that they are somebody else, and tell security.

        The incident comes first, with the passage's picture: nothing is taken back that nobody is told of.

        Raises:
            InputError: the passage does not count any more.
            StorageError: incident or row cannot be written.
        """
        records = self._records
        row, now = self._standing(passage), records.clock()
        picture = records.inside(row.evidence_image)
        pictures = {} if picture is None else {"image": read_image(picture)}
        event = Event(
            EventKind.WRONG_NAME,
            row.timestamp,
            row.camera,
            employee_ids=(row.employee_id,),
            severity=Severity.MEDIUM,
            detail=_DENIED,
        )
        told = records.incidents.record(event, pictures, tracks=[row.track], ahead=self._outbox.announce)
        wanted = PunchRow("", now, row.employee_id, "retract", row.camera, track=row.track, reason=_DENIED)
        records.attendance.retract(wanted, records.people.known())
        if told is not None:
            self._outbox.submit(told)
        return told

    def _standing(self, passage: PunchRow) -> PunchRow:
        """A passage as it counts now.

        Raises:
            InputError: it does not.
        """
        log, day = self._records.attendance.log, passage.timestamp.date()
        rows = valid_rows(log.about(passage.employee_id, day, day + timedelta(days=1)))
        found = next((row for row in rows if row.event_id == passage.event_id), None)
        if found is None:
            raise InputError("the passage was taken back", hint="step before the camera again, or use the PIN")
        return found


_TOLD_AGAIN = timedelta(minutes=10)
_DENIED = "the person said at the kiosk that this is somebody else"
