"""Which devices may use the kiosk's API, and what each may do: `devices.json` in the workspace.

A device is a screen at the door or another program. It sends a token. A program's is printed when it is paired. A screen gets its token for
a code that is good once and for ten minutes, so that whoever finds the link later has nothing.
"""

from __future__ import annotations

import dataclasses
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from engine.access.bearers import BearerBook, Kind, chosen, loaded, new_token
from engine.access.credentials import digest
from engine.errors import InputError
from engine.storage import Document

SCOPES: Mapping[str, str] = {
    "screen": "show the kiosk's page, its pictures and events",
    "status": "read the state of the camera and the server",
    "attendance": "read who came today, by name",
    "recognise": "send pictures and get names back",
    "pin": "let people enter their PIN or show a badge",
    "metrics": "read the figures for monitoring",
}
"""What each scope allows."""

SCREEN_SCOPES = ("screen", "status", "pin")
"""What a screen at the door needs."""

CODE_LIFE = timedelta(minutes=10)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter looks like a digit
_ALIKE = str.maketrans("OIL", "011", "- ")
_CODE_LENGTH = 10  # 50 bits: nobody guesses them in ten minutes


@dataclass(frozen=True)
class Device:
    """A paired device.

    Attributes:
        device_id: eight hexadecimal digits.
        name: chosen by its owner.
        scopes: allowed, of `SCOPES`.
        hash: SHA-256 of its token, hexadecimal; empty: its code has not been used.
        created_at: time of pairing, ISO 8601.
        author: the user who paired it; may be empty.
        revoked_at: time of revocation, ISO 8601; empty while the device is allowed.
        code: SHA-256 of the code that pairs it, hexadecimal; empty when there is none. code_until: its end, ISO 8601.
        used_on: last day on which a screen was seen, ISO 8601; empty: not noted.
    """

    device_id: str
    name: str
    scopes: tuple[str, ...]
    hash: str
    created_at: str
    author: str
    revoked_at: str = ""
    code: str = ""
    code_until: str = ""
    used_on: str = ""

    def awaited(self, now: datetime) -> bool:
        """Return whether its code can still be used."""
        if not self.code or self.revoked_at:
            return False
        until = datetime.fromisoformat(self.code_until)
        return until - CODE_LIFE <= now < until  # a later end was written by a wrong clock

    def unused_days(self, today: date) -> int:
        """Return for how many days the screen was not seen."""
        return (today - date.fromisoformat(self.used_on)).days if self.used_on else 0

    def may(self, scope: str) -> bool:
        """Return whether the device has a scope and is not revoked.

        Raises:
            KeyError: there is no such scope.
        """
        if scope not in SCOPES:
            raise KeyError(scope)
        return not self.revoked_at and scope in self.scopes

    def revoked(self, at: str) -> Device:
        """The same, no longer allowed from a moment on (ISO 8601)."""
        return dataclasses.replace(self, revoked_at=at)


def _checked(device: Device) -> Device:
    for text in filter(None, (device.code_until, device.used_on)):
        datetime.fromisoformat(text)
    device.code.encode("ascii")
    return device


_DEVICE = Kind(
    key="device_id",
    what="device",
    paired="paired device",
    lists="`muster kiosk devices` lists them by name and id",
    remedy="restore it, or remove it and pair the devices again",
    load=lambda stored: _checked(Device(**loaded(stored, "scopes"))),
)


class DeviceBook(BearerBook[Device]):
    """`devices.json`: all devices by id, revoked ones included, oldest first."""

    def __init__(self, place: Path | Document) -> None:
        super().__init__(place, _DEVICE)

    def pair(
        self, name: str, scopes: Iterable[str], *, author: str, now: datetime, replace: bool = False
    ) -> tuple[Device, str]:
        """Pair a device.

        Args:
            scopes: to allow; at least one.
            replace: revoke a device of that name; delete those of that name that were revoked before (the audit log keeps them).

        Returns:
            The device, and its token `muster_<device_id>_<secret>`, which is stored nowhere.

        Raises:
            InputError: the name cannot be used or is taken, or a scope does not exist.
            StorageError: the file cannot be written.
        """
        name, wanted = self.named(name), chosen(scopes, SCOPES, name)
        stamp = now.isoformat(timespec="seconds")
        return self.issue(
            name, lambda key, digest: Device(key, name, wanted, digest, stamp, author), at=stamp, replace=replace
        )

    def invite(
        self, name: str, scopes: Iterable[str], *, author: str, now: datetime, replace: bool = False
    ) -> tuple[Device, str]:
        """Announce a screen, which gets its token by `admit`; for the arguments and errors see `pair`.

        Returns:
            The device, and its code, `XXXXX-XXXXX`, which is stored nowhere.
        """
        name, wanted = self.named(name), chosen(scopes, SCOPES, name)
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        stamp, until = now.isoformat(timespec="seconds"), (now + CODE_LIFE).isoformat(timespec="seconds")
        device, _ = self.issue(
            name,
            lambda key, _: Device(key, name, wanted, "", stamp, author, code=digest(code), code_until=until),
            at=stamp,
            replace=replace,
        )
        return device, f"{code[:5]}-{code[5:]}"

    def admit(self, code: str, *, now: datetime) -> tuple[Device, str] | None:
        """Exchange a code, as typed, for the device's token; None: it was used before, is over, or there is no such code.

        Raises:
            StorageError: the file cannot be read or written, or is damaged.
        """
        plain = code[: 5 * _CODE_LENGTH].upper().translate(_ALIKE)
        meant = digest(plain) if plain and set(plain) <= set(_ALPHABET) else ""
        admitted: list[tuple[Device, str]] = []

        def awaited(devices: Mapping[str, Device]) -> Device | None:
            same = (each for each in devices.values() if hmac.compare_digest(each.code, meant))
            return next((each for each in same if each.awaited(now)), None)

        def put(devices: dict[str, Device]) -> None:
            if (device := awaited(devices)) is not None:
                token = new_token(device.device_id)
                day = now.date().isoformat()
                found = dataclasses.replace(device, hash=digest(token), code="", code_until="", used_on=day)
                devices[device.device_id] = found
                admitted.append((found, token))

        if awaited(self.all()) is not None:  # guesses do not wait for the file's lock
            self._change(put)
        return admitted[0] if admitted else None

    def rename(self, device_id: str, name: str) -> Device:
        """Give a device that is not revoked another name.

        Raises:
            InputError: there is no such device, or the name cannot be used or is taken.
            StorageError: the file cannot be read or written, or is damaged.
        """
        name, renamed = self.named(name), list[Device]()

        def put(devices: dict[str, Device]) -> None:
            valid = {key: each for key, each in devices.items() if not each.revoked_at}
            if device_id not in valid:
                raise InputError(f"there is no paired device {device_id!r}", hint=_DEVICE.lists)
            if any(key != device_id and each.name.casefold() == name.casefold() for key, each in valid.items()):
                raise InputError(f"the device {name!r} already exists", hint="choose another name")
            devices[device_id] = dataclasses.replace(valid[device_id], name=name)
            renamed.append(devices[device_id])

        self._change(put)
        return renamed[0]

    def seen(self, device_id: str, day: date) -> None:
        """Note that a screen was used on a day.

        Raises:
            StorageError: the file cannot be read or written, or is damaged.
        """

        def put(devices: dict[str, Device]) -> None:
            if (device := devices.get(device_id)) is not None:
                devices[device_id] = dataclasses.replace(device, used_on=day.isoformat())

        self._change(put)
