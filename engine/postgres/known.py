"""Local copies of what a camera's recorder needs to start while the database is away: people, templates, the threshold in force."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import StorageError
from engine.gallery import Gallery
from engine.people import PeopleFile, Person
from engine.storage import FileDocument, atomic_write, parse_json, storage_errors
from engine.storage.vault import Vault

_THRESHOLD = "calibration.json"
_FILES = {
    "people": "people.csv",
    _THRESHOLD: _THRESHOLD,
    **{f"gallery/{name}": f"{name}.safetensors" for name in ("people", "strangers", "anchors")},
}


class Known:
    """Copies from the database, none older than the version recorded for it.

    Args:
        folder: `known/` of the workspace.
        place: identifies database and site; copies from another place are ignored.
        vault: encrypts galleries; default: they are not encrypted.
    """

    NAMES = _FILES.keys()

    def __init__(self, folder: Path, place: str, vault: Vault | None = None) -> None:
        self._folder, self._place = folder, place
        self._vault = vault or Vault(folder.parent, at_rest=False)
        self._index = FileDocument(folder / "versions.json", mode=0o600)
        self._noted: tuple[object, Mapping[str, int]] | None = None

    @property
    def there(self) -> bool:
        """Whether there are copies."""
        return self._folder.exists()

    def versions(self) -> dict[str, int] | None:
        """Return the versions by name; None without copies of this site.

        Raises:
            StorageError: the file is damaged.
        """
        content = self._index.read()
        try:
            found = parse_json(content or "{}")
            if found.get("place") != self._place:
                return None
            return {str(name): int(version) for name, version in found["versions"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{self._index.title} is damaged ({error})", hint="remove it: Muster creates it again"
            ) from error

    def people(self) -> dict[str, Person]:
        """Return everybody by id."""
        return PeopleFile(self._folder / _FILES["people"]).load()

    def gallery(self, name: str) -> Gallery:
        """Return a gallery."""
        path = self._folder / _FILES[f"gallery/{name}"]
        with storage_errors(path):
            content = self._vault.read(path)
        return Gallery.from_bytes(content, str(path))

    def document(self, name: str) -> bytes | None:
        """Return a document."""
        return FileDocument(self._folder / _FILES[name]).read()

    def follow(self, versions: Mapping[str, int], content: Callable[[str], bytes | None]) -> None:
        """Copy what changed.

        Args:
            versions: of everything in the database.
            content: reads people, a gallery or a document from the database, as the bytes of a file.

        Raises:
            StorageError: the database cannot be read, or a copy cannot be written.
        """
        wanted = {name: version for name, version in versions.items() if name in _FILES}
        if self._noted == (self._index.stamp(), wanted):
            return
        noted = None
        with self._index.exclusive():  # another camera's process may copy at the same time
            with contextlib.suppress(StorageError):  # a damaged file is written again
                noted = self.versions()
            for name in sorted(_FILES):
                if noted is None or wanted.get(name) != noted.get(name):
                    self._copy(self._folder / _FILES[name], content(name) if name in wanted else None)
            # recorded last, so that forgotten people are gone by then
            self._index.write(json.dumps({"place": self._place, "versions": wanted}, indent=1, sort_keys=True).encode())
            self._noted = (self._index.stamp(), wanted)

    def _copy(self, path: Path, content: bytes | None) -> None:
        if content is None:
            self._vault.erase(path)
        elif path.suffix == ".safetensors":  # with a new key, so that older copies do not tell of who was erased
            self._vault.write_anew(path, content)
        else:
            atomic_write(path, content, mode=0o600 if path.name == _THRESHOLD else 0o640)

    def forget(self) -> None:
        """Remove all copies.

        Raises:
            StorageError: the folder cannot be removed.
        """
        for name in _FILES.values():
            self._vault.erase(self._folder / name)
        with storage_errors(self._folder):
            if self._folder.exists():
                shutil.rmtree(self._folder)
