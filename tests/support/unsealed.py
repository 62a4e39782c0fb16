"""What whoever holds the keys of a workspace finds in its files."""

from __future__ import annotations

from pathlib import Path

from engine.gallery import Gallery, GalleryFile
from engine.storage.vault import read_file


def gallery_in(path: Path) -> Gallery:
    """A gallery file, encrypted or not."""
    return GalleryFile(path).load(Gallery.empty("", "", 0))


def content_of(path: Path) -> bytes:
    """The bytes of a file as they would be without encryption."""
    if path.parent.name == "gallery" and path.suffix == ".safetensors":
        return gallery_in(path).to_bytes()
    return read_file(path)
