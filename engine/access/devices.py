"""Which devices may speak to the kiosk, and what each may do there: `devices.json` in the workspace.

A device is a screen at the door or another program. It shows a token that was printed once, when it was paired. The file holds
the token's SHA-256 alone: behind it are 256 random bits, which nobody can guess, so a slow hash as for passwords would protect
nothing and cost every request. What scopes there are is one table, here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.access.credentials import CredentialFile
from engine.errors import InputError
from engine.storage import Document, clean_text, document

__all__ = ["SCOPES", "SCREEN_SCOPES", "Device", "DeviceBook"]

SCOPES: Mapping[str, str] = {
    "screen": "show the kiosk's page, its pictures and events",
    "status": "read the state of the camera and the server",
    "attendance": "read who came today, by name",
    "recognise": "send pictures and get names back",
    "pin": "let people enter their PIN",
    "metrics": "read the figures for monitoring",
}
"""Scope → what it allows."""

SCREEN_SCOPES = ("screen", "status", "pin")
"""What a screen at the door needs."""

_NAME_LIMIT = 60
_TOKEN = re.compile(r"muster_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Device:
    """A device that was paired.

    Attributes:
        device_id: eight hexadecimal digits.
        name: as its owner calls it.
        scopes: what it may do, of `SCOPES`.
        hash: SHA-256 of its token, hexadecimal.
        created_at: when it was paired, ISO 8601.
        author: who paired it; may be empty.
        revoked_at: since when it may do nothing, ISO 8601; empty: it may.
    """

    device_id: str
    name: str
    scopes: tuple[str, ...]
    hash: str
    created_at: str
    author: str
    revoked_at: str = ""

    def may(self, scope: str) -> bool:
        """Whether it may do something.

        Raises:
            KeyError: there is no such scope.
        """
        if scope not in SCOPES:
            raise KeyError(scope)
        return not self.revoked_at and scope in self.scopes


def _loaded(row: dict[str, Any]) -> Device:
    scopes = row["scopes"]
    texts = [value for key, value in row.items() if key != "scopes"]
    if not isinstance(scopes, list) or not all(isinstance(text, str) for text in (*scopes, *texts)):
        raise TypeError("a device has a list of scopes, and else texts")
    row["hash"].encode("ascii")  # a UnicodeEncodeError, which is a ValueError: it cannot be compared
    return Device(**{**row, "scopes": tuple(scopes)})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class DeviceBook:
    """`devices.json`, read and changed by several processes.

    Args:
        place: the file, or what stands for it.
    """

    def __init__(self, place: Path | Document) -> None:
        self.document = document(place, mode=0o600)
        self._file = CredentialFile(
            self.document, "device_id", _loaded, "restore it, or remove it and pair the devices anew"
        )

    def all(self) -> dict[str, Device]:
        """Every device by its id, revoked ones too, oldest first; read again only when the file changed.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        return self._file.all()

    def pair(
        self, name: str, scopes: Iterable[str], *, author: str, now: datetime, replace: bool = False
    ) -> tuple[Device, str]:
        """Let a device in.

        Args:
            name: to know it by.
            scopes: what it may do; at least one.
            author: who pairs it.
            now: the present, timezone-aware.
            replace: a device of that name is revoked, and of those revoked before only the audit log still tells.

        Returns:
            The device, and its token `muster_<device_id>_<secret>`, which is stored nowhere.

        Raises:
            InputError: the name cannot be one or is taken, or there is no such scope.
            StorageError: it could not be written.
        """
        name = clean_text(name, what="device's name", limit=_NAME_LIMIT)
        wanted = set(scopes)
        if unknown := sorted(wanted - SCOPES.keys()):
            raise InputError(f"there is no scope {unknown[0]!r}", hint=f"choose of {', '.join(SCOPES)}")
        if not wanted:
            raise InputError(f"{name} would be allowed nothing", hint=f"give a scope of {', '.join(SCOPES)}")
        device_id = secrets.token_hex(4)
        token = f"muster_{device_id}_{secrets.token_urlsafe(32)}"
        ordered = tuple(scope for scope in SCOPES if scope in wanted)
        device = Device(device_id, name, ordered, _digest(token), now.isoformat(timespec="seconds"), author)

        def put(devices: dict[str, Device]) -> None:
            for other in [each for each in devices.values() if each.name.casefold() == name.casefold()]:
                if replace and other.revoked_at:
                    del devices[other.device_id]
                elif replace:
                    devices[other.device_id] = dataclasses.replace(other, revoked_at=device.created_at)
                elif not other.revoked_at:
                    hint = "choose another name, or revoke that one first"
                    raise InputError(f"there is a device {other.name!r} already", hint=hint)
            devices[device_id] = device

        self._file.change(put)
        return device, token

    def check(self, token: str) -> Device | None:
        """The device that a token belongs to; None: no device that may do anything, whatever the text is.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        form = _TOKEN.fullmatch(token)
        if form is None:
            return None
        device = self.all().get(form[1])
        if device is None or not hmac.compare_digest(device.hash, _digest(token)) or device.revoked_at:
            return None
        return device

    def revoke(self, device_id_or_name: str, *, now: datetime) -> Device:
        """Let a device do nothing any more, from its next request on.

        Args:
            device_id_or_name: its id or else its name.
            now: the present, timezone-aware.

        Returns:
            The device as it is now.

        Raises:
            InputError: there is no such device, or it was revoked before.
            StorageError: it could not be written.
        """
        wanted = device_id_or_name.strip()
        revoked: list[Device] = []

        def put(devices: dict[str, Device]) -> None:
            active = {key: device for key, device in devices.items() if not device.revoked_at}
            named = [each for each in active.values() if each.name.casefold() == wanted.casefold()]
            found = active.get(wanted) or next(iter(named), None)
            if found is None:
                raise InputError(
                    f"there is no paired device {wanted!r}", hint="`muster kiosk devices` lists them by name and id"
                )
            revoked.append(dataclasses.replace(found, revoked_at=now.isoformat(timespec="seconds")))
            devices[found.device_id] = revoked[0]

        self._file.change(put)
        return revoked[0]
