"""What whoever holds the keys of a workspace finds in its files."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from engine.gallery import Gallery, GalleryFile
from engine.storage.vault import Vault, read_file


def gallery_in(path: Path) -> Gallery:
    """A gallery file, encrypted or not."""
    return GalleryFile(path).load(Gallery.empty("", "", 0))


def content_of(path: Path) -> bytes:
    """The bytes of a file as they would be without encryption."""
    if path.parent.name == "gallery" and path.suffix == ".safetensors":
        return gallery_in(path).to_bytes()
    if path.suffix == ".faces":  # encrypted line by line
        vault, (head, *lines) = Vault(path.parents[2]), path.read_bytes().splitlines()
        opened = vault.open_all([b64decode(line) for line in lines], f"{path.parent.name}/{path.name}")
        return b"\n".join([head, *(each or b"" for each in opened)])
    return read_file(path)
