"""Where a workspace's seal key lies: in the user's configuration, so that whoever can write the workspace cannot forge its seals.

The workspace names its key in `seal.id`. Keys of workspaces made before lie in the workspace (`seal.key`) and stay in use. Witnesses,
copies of the running heads, lie beside the keys in either case.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from pathlib import Path

import platformdirs

from engine.errors import StorageError
from engine.storage.files import atomic_write, locked, storage_errors
from engine.storage.logs.seals import Sealer

log = logging.getLogger(__name__)


def key_folder() -> Path:
    """The user's folder of seal keys; `MUSTER_KEYS` overrides it."""
    override = os.environ.get("MUSTER_KEYS")
    return Path(override) if override else platformdirs.user_config_path("muster") / "keys"


def sealer_of(workspace: Path, chosen: Path | None = None) -> Sealer:
    """The sealer of a workspace.

    Args:
        chosen: the setting `seal_key`; one key can serve several workspaces.
    """
    inside = workspace / "seal.key"
    if chosen is not None or inside.exists():
        return Sealer(chosen or inside, _witnesses(workspace))
    return _OutsideSealer(workspace)


def _witnesses(workspace: Path) -> Path:
    """A folder for each place: copies of a workspace go on independently, with the same key."""
    place = hashlib.sha256(str(workspace.resolve()).encode()).hexdigest()[:8]
    return key_folder() / "heads" / f"{workspace.resolve().name}-{place}"


def set_witnesses_aside(workspace: Path) -> None:
    """Rename the witnesses of what lay here before, so that a backup put in its place is not taken for a roll-back.

    Raises:
        StorageError: they cannot be renamed.
    """
    witnesses = _witnesses(workspace)
    with storage_errors(witnesses):
        if witnesses.is_dir():
            witnesses.rename(witnesses.with_name(f"{witnesses.name}.before-{secrets.token_hex(4)}"))


def give_witnesses(workspace: Path) -> None:
    """Copy the running heads beside the key, for a workspace that Muster itself moved to where it lies now.

    Without them nobody would miss what is deleted before the next row of the same log. If nothing can be written there, as when the
    key lies in the workspace, it is said and the workspace goes on without.
    """
    witnesses = _witnesses(workspace)
    for path in (*sorted((workspace / "log" / ".heads").glob("*.csv")), workspace / "state.seals"):
        try:
            atomic_write(witnesses / path.name, path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, StorageError) as error:
            log.warning("the witness of %s cannot be written: %s", path.name, error)
            return


class _OutsideSealer(Sealer):
    """A sealer whose key is named by the workspace; both are made on first use, by whichever process is first."""

    def __init__(self, workspace: Path) -> None:
        self._workspace, self._marker = workspace, workspace / "seal.id"
        super().__init__(key_folder() / f"{secrets.token_hex(8)}.key", _witnesses(workspace))

    @property
    def key_path(self) -> Path:
        try:
            name = self._marker.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            name = ""
        return key_folder() / f"{name}.key" if name.isalnum() else self._key_path

    def _made(self) -> bytes:
        with locked(self._marker):
            try:
                key = super()._made()
            except StorageError as error:
                log.warning("%s; the seal key is kept in the workspace", error)
                self._key_path = self._workspace / "seal.key"
                return super()._made()
            if self.key_path == self._key_path:
                atomic_write(self._marker, f"{self._key_path.stem}\n".encode("ascii"))
        return key
