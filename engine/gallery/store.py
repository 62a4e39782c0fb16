"""Where galleries stand, and the one that several processes read and change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from engine.errors import GalleryMismatch, Unreachable
from engine.gallery.templates import Gallery
from engine.storage import FileDocument, atomic_write, storage_errors

__all__ = ["GalleryFile", "GalleryKeep", "GalleryStore"]


class GalleryKeep(Protocol):
    """Where a gallery's templates stand."""

    @property
    def title(self) -> str:
        """How to call it in an error."""

    def stamp(self) -> object:
        """Tells that it changed: equal stamps, equal content; None: there is none yet.

        Raises:
            StorageError: it cannot be told. That is not "nobody is enrolled": a later change would overwrite everybody.
        """

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the lock over a read and the write that depends on it."""

    def load(self, before: Gallery) -> Gallery:
        """The gallery as it is, of whatever model.

        Args:
            before: what was loaded last; empty at first.

        Raises:
            StorageError: it cannot be read.
        """

    def save(self, before: Gallery, after: Gallery) -> None:
        """Put another gallery in place of the one that was loaded; call it within `exclusive()`."""

    def keep_aside(self, gallery: Gallery) -> Path | None:
        """Keep a gallery that is about to be replaced by one of another model; where, None: nowhere."""

    def aside(self) -> list[Path]:
        """What was kept so."""


class GalleryFile:
    """A gallery in a safetensors file.

    When it is replaced by one of another model the old file stays beside it, as `people.<model>+<alignment>.safetensors`.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._document = FileDocument(path)

    @property
    def title(self) -> str:
        """The path."""
        return self._document.title

    def stamp(self) -> object:
        """See `FileDocument.stamp`."""
        return self._document.stamp()

    def exclusive(self) -> AbstractContextManager[None]:
        """The lock beside the file."""
        return self._document.exclusive()

    def load(self, before: Gallery) -> Gallery:
        """Read the file."""
        del before
        return Gallery.from_file(self.path)

    def save(self, before: Gallery, after: Gallery) -> None:
        """Replace the file."""
        del before
        self._document.write(after.to_bytes())

    def keep_aside(self, gallery: Gallery) -> Path:
        """In a file beside it that is named after the model."""
        kept = self.path.with_name(f"{self.path.stem}.{'+'.join(gallery.recipe)}{self.path.suffix}")
        atomic_write(kept, gallery.to_bytes())
        return kept

    def aside(self) -> list[Path]:
        """Files beside it."""
        return sorted(self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}"))


class GalleryStore:
    """A gallery that several processes read and change.

    Args:
        place: the safetensors file, or what stands for it.
        model_id, alignment_id, dimension: what its embeddings must be.
    """

    def __init__(self, place: Path | GalleryKeep, model_id: str, alignment_id: str, dimension: int) -> None:
        self.keep = GalleryFile(place) if isinstance(place, Path) else place
        self._empty = Gallery.empty(model_id, alignment_id, dimension)
        self._stamp: object = self  # not read yet
        self._current = self._empty

    def current(self) -> Gallery:
        """The gallery as it is; read again only when it changed.

        While a database is away it stays as it was read last: a camera must not stop for that.

        Raises:
            GalleryMismatch: the templates were made by another model or alignment.
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
        """Model and alignment that the settings ask for."""
        return self._empty.recipe

    def stored(self) -> Gallery | None:
        """The gallery as it stands there, of whatever model; None: there is none."""
        return None if self.keep.stamp() is None else self.keep.load(self._empty)

    def supersede(self, before: Gallery, after: Gallery) -> Path | None:
        """Put a gallery of the settings' model in place of one of another, which is kept aside where that can be.

        Args:
            before: as `stored` gave it.
            after: of this store's recipe.

        Returns:
            Where the old one is kept; None: nowhere.

        Raises:
            GalleryMismatch: somebody changed it meanwhile; nothing was replaced.
            StorageError: it could not be written.
        """
        if after.recipe != self.recipe:
            raise ValueError(f"expected a gallery of {self.recipe}, got one of {after.recipe}")
        with self.keep.exclusive():
            now = self.stored()
            if now is None or (now.recipe, now.version) != (before.recipe, before.version):
                raise GalleryMismatch(f"{self.keep.title} was changed meanwhile", hint="run the command again")
            kept = self.keep.keep_aside(now)
            self.keep.save(now, after)
            self._stamp = self
        return kept

    def kept_aside(self) -> list[Path]:
        """Files of galleries of other models that were superseded."""
        return self.keep.aside()

    def scrub(self, person: str, template_ids: Iterable[str] = ()) -> None:
        """Take a person, and templates, out of those files, too: what is to be forgotten must not live on in a copy."""
        gone = set(template_ids)
        for path in self.kept_aside():
            with self.keep.exclusive():
                before = Gallery.from_file(path)
                after = before.remove(person).remove_templates(gone)
                if after is not before:
                    atomic_write(path, after.to_bytes())

    def drop_aside(self) -> int:
        """Delete them; how many there were."""
        old = self.kept_aside()
        for path in old:
            with storage_errors(path):
                path.unlink(missing_ok=True)
        return len(old)

    def update(self, change: Callable[[Gallery], Gallery]) -> Gallery:
        """Apply a change while no other process does, and make it durable."""
        with self.keep.exclusive():
            self._stamp = self  # read again: two changes within a clock tick may bear the same stamp
            before = self.current()
            after = change(before)
            if after is not before:
                self.keep.save(before, after)
                self._current, self._stamp = after.succeed(before), self.keep.stamp()
            return after
