"""Galleries on disk or in a database, read and changed by several processes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from engine.errors import GalleryMismatch, Unreachable
from engine.gallery.sealed import (
    MAGIC,
    destroy_keys,
    from_sealed,
    keys_in,
    model_of_sealed,
    retire_keys,
    sealed,
    to_sealed,
)
from engine.gallery.templates import Gallery
from engine.storage import FileDocument, atomic_write, parse_json, storage_errors
from engine.storage.state import FileSeal
from engine.storage.vault import Vault

log = logging.getLogger(__name__)


class GalleryKeep(Protocol):
    """Where a gallery's templates are stored."""

    @property
    def title(self) -> str:
        """Name for error messages."""

    def stamp(self) -> object:
        """Return a value that changes with the content; None if there is no gallery yet.

        Raises:
            StorageError: the storage cannot be read. This must not count as "nobody is enrolled": the next change would
                overwrite everybody.
        """

    def made_with(self) -> str | None:
        """Return the model of the stored gallery; None if there is no gallery.

        Raises:
            StorageError: the storage cannot be read.
        """

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the lock over a read and the write that depends on it."""

    def load(self, before: Gallery) -> Gallery:
        """Load the gallery, whatever its model.

        Args:
            before: the gallery that was loaded last; empty at first.

        Raises:
            StorageError: the gallery cannot be read.
        """

    def save(self, before: Gallery, after: Gallery) -> None:
        """Replace the gallery that was loaded with another; call it within `exclusive()`."""

    def keep_aside(self, gallery: Gallery) -> Path | None:
        """Keep a gallery that one of another model is about to replace; return its path, or None if it is not kept."""

    def aside(self) -> list[Path]:
        """Return the files that `keep_aside` wrote."""

    def change_aside(self, change: Callable[[Gallery], Gallery]) -> None:
        """Change the galleries that `keep_aside` wrote."""


class GalleryFile(FileDocument):
    """A gallery in a file: encrypted (`engine.gallery.sealed`), or in the safetensors format.

    When a gallery of another model replaces it, the old file stays beside it as `people.<model>+<alignment>.safetensors`. If the file is
    sealed, a hash of each person's templates lies beside it, too, so that a change from outside costs only those whom it concerns.

    Args:
        path: the file; galleries of before encryption have this name, too.
        vault: encrypts; default: the file is not encrypted.
        seal: of the file; default: the file is not sealed.
    """

    def __init__(self, path: Path, vault: Vault | None = None, seal: FileSeal | None = None) -> None:
        super().__init__(path)
        self._vault = vault or Vault(path.parent.parent, at_rest=False)
        self._gallery_seal = seal
        self._fault = ""
        self.set_aside: tuple[str, ...] = ()
        """Ids of people whose templates were changed outside of Muster, as of the last `load`."""

    @property
    def _parts_path(self) -> Path:
        return self.path.with_name(f".{self.path.stem}.parts")

    def load(self, before: Gallery) -> Gallery:
        del before
        return self._load(self.path)

    def _load(self, path: Path) -> Gallery:
        seal = self._gallery_seal
        if path != self.path or seal is None:
            with storage_errors(path):
                content: bytes | None = path.read_bytes()
            return self._parsed(path, content or b"")
        content, self._fault = seal.examined(self._bytes)
        gallery = self._parsed(path, content or b"", tolerant=bool(self._fault))
        aside = self._changed(gallery, seal) if self._fault else ()
        if aside and aside != self.set_aside:
            error = seal.error(f"{self._fault}; the templates of {len(aside)} people are set aside")
            log.error("%s: %s", error, ", ".join(aside[:20]))
        self.set_aside = aside
        return gallery.without(aside)

    def _parsed(self, path: Path, content: bytes, *, tolerant: bool = False) -> Gallery:
        if content.startswith(MAGIC):
            return from_sealed(path, self._vault, content, tolerant=tolerant)
        return Gallery.from_bytes(content, str(path))

    def _changed(self, gallery: Gallery, seal: FileSeal) -> tuple[str, ...]:
        """Return whose templates are not those that Muster wrote; everybody's if nothing tells."""
        try:
            content = self._parts_path.read_bytes()
            known = parse_json(content) if seal.accepts_parts(hashlib.sha256(content).hexdigest()) else {}
        except (OSError, ValueError):
            known = {}
        found = {person: gallery.digest_of(person) for person in gallery.people}
        return tuple(person for person in {**known, **found} if known.get(person) != found.get(person))

    def made_with(self) -> str | None:
        """Return the model in the file's header."""
        if not self.path.exists():
            return None
        return model_of_sealed(self.path) if sealed(self.path) else Gallery.model_of(self.path)

    def save(self, before: Gallery, after: Gallery) -> None:
        """See `GalleryKeep.save`.

        Raises:
            StorageError: the file cannot be written.
            Tampered: it was changed outside of Muster, and holds people who were enrolled.
        """
        retired = retire_keys(before, after, self.path, self._vault)
        self._write(self.path, after)
        destroy_keys(after, self.path, self._vault, retired=retired)

    def _write(self, path: Path, gallery: Gallery) -> None:
        at_rest, seal = self._vault.at_rest, self._gallery_seal
        if path != self.path or seal is None:
            atomic_write(path, to_sealed(gallery, path, self._vault) if at_rest else gallery.to_bytes())
            return
        if not self.path.exists():
            self._fault = seal.examined(self._bytes)[1]
        if self._fault:
            if self.path.stem == "people":
                raise seal.error(self._fault)
            self._keep_changed()
        content = to_sealed(gallery, path, self._vault) if at_rest else gallery.to_bytes()
        parts = _parts_of(gallery)
        with seal.replacing(content, hashlib.sha256(parts).hexdigest()):
            atomic_write(self._parts_path, parts)
            atomic_write(path, content)
        self._fault = ""

    def _keep_changed(self) -> None:
        """Keep a changed file as evidence: cameras must go on writing what they see."""
        content = self._bytes()
        if content is not None:
            digest = hashlib.sha256(content).hexdigest()[:8]
            kept = self.path.with_name(f"{self.path.stem}.changed-{digest}{self.path.suffix}")
            atomic_write(kept, content)
            log.error("%s was changed outside of Muster; it is kept as %s", self.path, kept.name)

    def accept(self) -> None:
        """Take the file as it is now for written by Muster.

        Raises:
            StorageError: it cannot be read or written.
        """
        if self._gallery_seal is None:
            return
        with self.exclusive():
            content, digest = self._bytes(), ""
            if content is not None:
                parts = _parts_of(self._parsed(self.path, content))
                atomic_write(self._parts_path, parts)
                digest = hashlib.sha256(parts).hexdigest()
            self._gallery_seal.seals.accept(self._gallery_seal.name, digest)

    def keep_aside(self, gallery: Gallery) -> Path:
        """Write the gallery to a file beside this one, named after its model."""
        kept = self.path.with_name(f"{self.path.stem}.{'+'.join(gallery.recipe)}{self.path.suffix}")
        self._write(kept, gallery)
        return kept

    def aside(self) -> list[Path]:
        """Return the files beside this one."""
        return sorted(self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}"))

    def change_aside(self, change: Callable[[Gallery], Gallery]) -> None:
        """Change the files beside this one."""
        for path in self.aside():
            with self.exclusive():
                before = self._load(path)
                if (after := change(before)) is not before:
                    self._write(path, after)

    def convert(self) -> int:
        """Write this file and those beside it anew, encrypted or not as the settings say; return how many were otherwise.

        Raises:
            StorageError: a file cannot be read or written; a second attempt continues.
        """
        count = 0
        for path in [self.path, *self.aside()]:
            with self.exclusive():
                if path.exists() and (sealed(path) != self._vault.at_rest or self._outdated(path)):
                    self._write(path, self._load(path))
                    count += 1
        return count

    def _outdated(self, path: Path) -> bool:
        return sealed(path) and any(map(self._vault.ring.is_old, keys_in(path)))


def _parts_of(gallery: Gallery) -> bytes:
    return json.dumps({person: gallery.digest_of(person) for person in gallery.people}).encode()


class GalleryStore:
    """A gallery that several processes read and change.

    Args:
        place: the safetensors file, or another storage.
        model_id, alignment_id, dimension: what its embeddings must be.
    """

    def __init__(self, place: Path | GalleryKeep, model_id: str, alignment_id: str, dimension: int) -> None:
        self.keep = GalleryFile(place) if isinstance(place, Path) else place
        self._empty = Gallery.empty(model_id, alignment_id, dimension)
        self._stamp: object = self  # not read yet
        self._current = self._empty

    def current(self) -> Gallery:
        """Return the gallery; read it again only if it changed.

        While a database is away, the last gallery read stays in use, so that cameras keep working.

        Raises:
            GalleryMismatch: another model or alignment made the templates.
            StorageError: the gallery cannot be read.
        """
        stamp = self.keep.stamp()
        if stamp != self._stamp:
            try:
                gallery = self._empty if stamp is None else self.keep.load(self._current)
            except Unreachable:
                if self._stamp is self:
                    raise
                return self._current
            if gallery.recipe != self.recipe:
                (found, aligned), (model_id, alignment_id) = gallery.recipe, self.recipe
                raise GalleryMismatch(
                    f"{self.keep.title} was made with {found} and {aligned}, but the settings say {model_id} and {alignment_id}",
                    hint="run `muster archive reembed`, set embedding.model back, or use another workspace",
                )
            self._current, self._stamp = gallery.succeed(self._current), stamp
        return self._current

    @property
    def recipe(self) -> tuple[str, str]:
        """Model and alignment from the settings."""
        return self._empty.recipe

    def stored(self) -> Gallery | None:
        """Return the stored gallery, whatever its model; None if there is none."""
        return None if self.keep.stamp() is None else self.keep.load(self._empty)

    def supersede(self, before: Gallery, after: Gallery) -> Path | None:
        """Replace a gallery of another model with one of the settings' model; the old one is kept aside if the storage can do so.

        Args:
            before: the gallery that `stored` returned.
            after: a gallery of this store's recipe.

        Returns:
            Path of the old gallery; None if it is not kept.

        Raises:
            GalleryMismatch: the gallery changed meanwhile; nothing was replaced.
            StorageError: the gallery cannot be written.
        """
        if after.recipe != self.recipe:
            raise ValueError(f"expected a gallery of {self.recipe}, got one of {after.recipe}")
        with self.keep.exclusive():
            now = self.stored()
            if now is None or (now.recipe, now.version) != (before.recipe, before.version):
                raise GalleryMismatch(f"{self.keep.title} has changed meanwhile", hint="run the command again")
            kept = self.keep.keep_aside(now)
            self.keep.save(now, after)
            self._stamp = self
        return kept

    def kept_aside(self) -> list[Path]:
        """Return the files of superseded galleries of other models."""
        return self.keep.aside()

    def scrub(self, person: str, template_ids: Iterable[str] = ()) -> None:
        """Remove a person, and templates, from superseded galleries too, so that erased data does not survive in a copy."""
        gone = set(template_ids)
        self.keep.change_aside(lambda gallery: gallery.remove(person).remove_templates(gone))

    def drop_aside(self) -> int:
        """Delete the superseded galleries; return how many there were."""
        old = self.kept_aside()
        for path in old:
            with storage_errors(path):
                path.unlink(missing_ok=True)
        return len(old)

    def update(self, change: Callable[[Gallery], Gallery]) -> Gallery:
        """Apply a change under the lock and make it durable."""
        with self.keep.exclusive():
            self._stamp = self  # read again: two changes within a clock tick may have the same stamp
            before = self.current()
            after = change(before)
            if after is not before:
                self.keep.save(before, after)
                self._current, self._stamp = after.succeed(before), self.keep.stamp()
            return after
