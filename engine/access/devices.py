"""Which devices may use the kiosk's API, and what each may do: `devices.json` in the workspace.

A device is a screen at the door or another program. It sends a token that was printed once, when it was paired. The file holds
only the token's SHA-256: nobody can guess its 256 random bits, so a slow hash would protect nothing and cost every request.
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
from engine.storage import Document, clean_text

SCOPES: Mapping[str, str] = {
    "screen": "show the kiosk's page, its pictures and events",
    "status": "read the state of the camera and the server",
    "attendance": "read who came today, by name",
    "recognise": "send pictures and get names back",
    "pin": "let people enter their PIN",
    "metrics": "read the figures for monitoring",
}
"""What each scope allows."""

SCREEN_SCOPES = ("screen", "status", "pin")
"""What a screen at the door needs."""

_NAME_LIMIT = 60
_TOKEN = re.compile(r"muster_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Device:
    """A paired device.

    Attributes:
        device_id: eight hexadecimal digits.
        name: chosen by its owner.
        scopes: allowed, of `SCOPES`.
        hash: SHA-256 of its token, hexadecimal.
        created_at: time of pairing, ISO 8601.
        author: the user who paired it; may be empty.
        revoked_at: time of revocation, ISO 8601; empty while the device is allowed.
    """

    device_id: str
    name: str
    scopes: tuple[str, ...]
    hash: str
    created_at: str
    author: str
    revoked_at: str = ""

    def may(self, scope: str) -> bool:
        """Return whether the device has a scope and is not revoked.

        Raises:
            KeyError: there is no such scope.
        """
        if scope not in SCOPES:
            raise KeyError(scope)
        return not self.revoked_at and scope in self.scopes


def _loaded(stored: dict[str, Any]) -> Device:
    scopes = stored["scopes"]
    texts = [value for key, value in stored.items() if key != "scopes"]
    if not isinstance(scopes, list) or not all(isinstance(text, str) for text in (*scopes, *texts)):
        raise TypeError("a device has a list of scopes and otherwise texts")
    stored["hash"].encode("ascii")  # compare_digest takes ASCII only; a UnicodeEncodeError is a ValueError
    return Device(**{**stored, "scopes": tuple(scopes)})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class DeviceBook(CredentialFile[Device]):
    """`devices.json`: all devices by id, revoked ones included, oldest first."""

    def __init__(self, place: Path | Document) -> None:
        super().__init__(place, "device_id", _loaded, "restore it, or remove it and pair the devices again")

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
        name = clean_text(name, what="device's name", limit=_NAME_LIMIT)
        wanted = set(scopes)
        if unknown := sorted(wanted - SCOPES.keys()):
            raise InputError(f"there is no scope {unknown[0]!r}", hint=f"choose from {', '.join(SCOPES)}")
        if not wanted:
            raise InputError(f"{name} has no scope", hint=f"choose from {', '.join(SCOPES)}")
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
                    hint = "choose another name, or revoke that device first"
                    raise InputError(f"the device {other.name!r} already exists", hint=hint)
            devices[device_id] = device

        self._change(put)
        return device, token

    def check(self, token: str) -> Device | None:
        """Return the device of a token; None for a revoked device or any other text.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        form = _TOKEN.fullmatch(token)
        device = self.all().get(form[1]) if form else None
        if device is None or not hmac.compare_digest(device.hash, _digest(token)) or device.revoked_at:
            return None
        return device

    def revoke(self, device_id_or_name: str, *, now: datetime) -> Device:
        """Revoke the device of an id or else a name, from its next request on.

        Raises:
            InputError: there is no such device, or it is revoked already.
            StorageError: the file cannot be written.
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

        self._change(put)
        return revoked[0]
