"""Which devices may use the kiosk's API, and what each may do: `devices.json` in the workspace.

A device is a screen at the door or another program. It sends a token that was printed once, when it was paired.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.access.bearers import BearerBook, Kind, chosen, loaded
from engine.storage import Document

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

    def revoked(self, at: str) -> Device:
        """The same, no longer allowed from a moment on (ISO 8601)."""
        return dataclasses.replace(self, revoked_at=at)


_DEVICE = Kind(
    key="device_id",
    what="device",
    paired="paired device",
    lists="`muster kiosk devices` lists them by name and id",
    remedy="restore it, or remove it and pair the devices again",
    load=lambda stored: Device(**loaded(stored, "scopes")),
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
