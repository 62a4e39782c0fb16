"""Where a workspace's seal key lies: in the user's configuration, so that whoever can write the workspace cannot forge its seals.

The workspace names its key in `seal.id`. Keys of workspaces made before lie in the workspace (`seal.key`) and stay in use. Witnesses,
copies of the running heads, lie beside the keys in either case (`engine.storage.logs.witnesses`).

A workspace that holds sealed rows never gets another key by itself: whoever loses the folder of keys is told, instead of going on with a
new key under which all that came before looks forged.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from engine.errors import StorageError
from engine.storage.files import atomic_write, locked, storage_errors
from engine.storage.logs.seals import Sealer
from engine.storage.logs.witnesses import MARKER, Mark, Witnesses, copy_heads, key_folder

log = logging.getLogger(__name__)


class KeyMissing(StorageError):
    """The seal key of a workspace that is sealed is gone."""


def sealer_of(workspace: Path, chosen: Path | None = None) -> Sealer:
    """The sealer of a workspace.

    Args:
        chosen: the setting `seal_key`; one key can serve several workspaces.
    """
    return _WorkspaceSealer(workspace, chosen)


class _WorkspaceSealer(Sealer):
    """A sealer whose key the settings choose, or lies in the workspace, or is named by it; made on first use, by whichever process is
    first.
    """

    def __init__(self, workspace: Path, chosen: Path | None) -> None:
        self._workspace, self._chosen, self._inside = workspace, chosen, workspace / "seal.key"
        self._new = secrets.token_hex(8)
        super().__init__(key_folder() / f"{self._new}.key")
        self._kept = Witnesses(workspace, self._new)

    @property
    def _outside(self) -> bool:
        return self._chosen is None and not self._inside.exists()

    @property
    def key_path(self) -> Path:
        if not self._outside:
            return self._chosen or self._inside
        return key_folder() / f"{self._kept.mark().name or self._new}.key"

    def _folder(self) -> Path:
        return self._kept.folder(names_key=self._outside)

    def settle(self) -> None:
        self._key  # noqa: B018 - made by now, or known to be gone
        try:
            self._kept.settle(names_key=self._outside)
        except StorageError as error:
            log.warning("the witnesses of %s cannot be kept: %s", self._workspace, error)
            self.no_witnesses()

    def _made(self) -> bytes:
        if is_sealed(self._workspace):
            names_it = self._chosen or self._kept.mark().name
            gone = (
                f"there is no {self.key_path}" if names_it else f"{self._workspace / MARKER} does not name it any more"
            )
            raise KeyMissing(
                f"the seal key of {self._workspace} is gone: {gone}",
                hint="put it back from your copy of the folder of keys, or set MUSTER_KEYS to where that lies; "
                "to begin new seals without it: `muster keys begin --author … --reason …`",
            )
        return self._make()

    def _make(self) -> bytes:
        if self._chosen is not None:
            return super()._make()
        with locked(self._workspace / MARKER):
            if (key := self._read()) is not None:  # another process was faster
                return key
            key = secrets.token_bytes(32)
            text = (key.hex() + "\n").encode()
            try:
                atomic_write(key_folder() / f"{self._new}.key", text, mode=0o600)
            except StorageError as error:
                log.warning("%s; the seal key is kept in the workspace", error)
                atomic_write(self._inside, text, mode=0o600)
            else:
                self._kept.write(Mark(self._new))
        return key


def is_sealed(workspace: Path) -> bool:
    """Whether a workspace holds anything that was sealed with a key, or names one."""
    if (workspace / MARKER).exists() or (workspace / "state.seals").exists():
        return True
    with storage_errors(workspace):
        return any(path.stat().st_size for path in (workspace / "log").glob("*.csv"))


def set_witnesses_aside(workspace: Path, chosen: Path | None = None) -> None:
    """Rename the witnesses of what lay here before, so that a backup put in its place is not taken for a roll-back.

    Raises:
        StorageError: they cannot be renamed.
    """
    folder = sealer_of(workspace, chosen).witnesses
    with storage_errors(workspace):
        if folder is not None and folder.is_dir():
            folder.rename(folder.with_name(f"{folder.name}.before-{secrets.token_hex(4)}"))


def give_witnesses(workspace: Path, chosen: Path | None = None) -> None:
    """Copy the running heads beside the key, for a workspace that Muster itself put where it lies now.

    Without them nobody would miss what is deleted before the next row of the same log. If nothing can be written there, as when the
    key lies in the workspace, it is said and the workspace goes on without.
    """
    sealer = sealer_of(workspace, chosen)
    try:
        sealer.settle()
        if sealer.witnesses is not None:
            copy_heads(workspace, sealer.witnesses)
    except StorageError as error:
        log.warning("the witnesses of %s cannot be written: %s", workspace, error)
