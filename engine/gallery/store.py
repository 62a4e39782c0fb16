"""Galleries on disk or in a database, read and changed by several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from engine.errors import GalleryMismatch, Unreachable
from engine.gallery.templates import Gallery
from engine.storage import FileDocument, atomic_write, storage_errors


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


class GalleryFile(FileDocument):
    """A gallery in a safetensors file.

    When a gallery of another model replaces it, the old file stays beside it as `people.<model>+<alignment>.safetensors`.
    """

    def load(self, before: Gallery) -> Gallery:
        del before
        return Gallery.from_file(self.path)

    def made_with(self) -> str | None:
        """Return the model in the file's header."""
        return Gallery.model_of(self.path) if self.path.exists() else None

    def save(self, before: Gallery, after: Gallery) -> None:
        del before
        self.write(after.to_bytes())

    def keep_aside(self, gallery: Gallery) -> Path:
        """Write the gallery to a file beside this one, named after its model."""
        kept = self.path.with_name(f"{self.path.stem}.{'+'.join(gallery.recipe)}{self.path.suffix}")
        atomic_write(kept, gallery.to_bytes())
        return kept

    def aside(self) -> list[Path]:
        """Return the files beside this one."""
        return sorted(self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}"))


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
        for path in self.kept_aside():
            with self.keep.exclusive():
                before = Gallery.from_file(path)
                after = before.remove(person).remove_templates(gone)
                if after is not before:
                    atomic_write(path, after.to_bytes())

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
