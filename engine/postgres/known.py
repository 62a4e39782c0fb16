"""Local copies of what a camera's recorder needs to start while the database is away: people, templates, the threshold in force."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import StorageError
from engine.gallery import Gallery, GalleryFile
from engine.people import PeopleFile, Person
from engine.storage import FileDocument, storage_errors

__all__ = ["Known"]

_GALLERIES = ("people", "strangers", "anchors")
_THRESHOLD = "calibration.json"


class Known:
    """Copies from the database, none older than the version recorded for it.

    Args:
        folder: `known/` of the workspace.
        place: identifies database and site; copies from another place are ignored.
    """

    NAMES = frozenset({"people", _THRESHOLD, *(f"gallery/{name}" for name in _GALLERIES)})

    def __init__(self, folder: Path, place: str) -> None:
        self._folder, self._place = folder, place
        self._index = FileDocument(folder / "versions.json", mode=0o600)
        self._people = PeopleFile(folder / "people.csv")
        self._galleries = {name: GalleryFile(folder / f"{name}.safetensors") for name in _GALLERIES}
        self._threshold = FileDocument(folder / _THRESHOLD, mode=0o600)
        self._noted: tuple[object, Mapping[str, int]] | None = None

    def versions(self) -> dict[str, int] | None:
        """Return the versions by name; None without copies of this site.

        Raises:
            StorageError: the file is damaged.
        """
        content = self._index.read()
        try:
            found = json.loads(content or "{}")
            if found.get("place") != self._place:
                return None
            return {str(name): int(version) for name, version in found["versions"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{self._index.title} is damaged ({error})", hint="remove it: Muster creates it again"
            ) from error

    def people(self) -> dict[str, Person]:
        """Return everybody by id."""
        return self._people.load()

    def gallery(self, name: str) -> Gallery:
        """Return a gallery."""
        return Gallery.from_file(self._galleries[name].path)

    def document(self, name: str) -> bytes | None:
        """Return a document."""
        assert name == _THRESHOLD
        return self._threshold.read()

    def follow(
        self,
        versions: Mapping[str, int],
        people: Callable[[], Mapping[str, Person]],
        gallery: Callable[[str], Gallery],
        document: Callable[[str], bytes | None],
    ) -> None:
        """Copy what changed.

        Args:
            versions: of everything in the database.
            people, gallery, document: read from the database.

        Raises:
            StorageError: the database cannot be read, or a copy cannot be written.
        """
        wanted = {name: version for name, version in versions.items() if name in self.NAMES}
        if self._noted == (self._index.stamp(), wanted):
            return
        noted = None
        with self._index.exclusive():  # another camera's process may copy at the same time
            with contextlib.suppress(StorageError):  # a damaged file is written again
                noted = self.versions()
            for name in sorted(self.NAMES):
                if noted is None or wanted.get(name) != noted.get(name):
                    self._copy(name, name in wanted, people, gallery, document)
            # recorded last, so that forgotten people are gone by then
            self._index.write(json.dumps({"place": self._place, "versions": wanted}, indent=1, sort_keys=True).encode())
            self._noted = (self._index.stamp(), wanted)

    def _copy(
        self,
        name: str,
        there: bool,
        people: Callable[[], Mapping[str, Person]],
        gallery: Callable[[str], Gallery],
        document: Callable[[str], bytes | None],
    ) -> None:
        kind, _, which = name.partition("/")
        content = document(name) if name == _THRESHOLD and there else None
        if name == "people":
            self._people.save({}, people())
        elif kind == "gallery" and there:
            found = gallery(which)
            self._galleries[which].save(found, found)
        elif content is not None:
            self._threshold.write(content)
        else:
            path = self._galleries[which].path if kind == "gallery" else self._threshold.path
            with storage_errors(path):
                path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove all copies.

        Raises:
            StorageError: the folder cannot be removed.
        """
        with storage_errors(self._folder):
            if self._folder.exists():
                shutil.rmtree(self._folder)
