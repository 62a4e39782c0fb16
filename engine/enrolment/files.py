"""The files of many people: those of a ZIP archive or of a folder, read one at a time."""

from __future__ import annotations

import contextlib
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import InputError
from engine.imaging import MAX_BYTES, list_images
from engine.words import phrase

MOST_FILES = 20_000
MOST_UNPACKED = 4_000_000_000
"""Bytes that the files of an archive may come to; they are unpacked one at a time."""
_UTF8 = 0x800
_ENCRYPTED = 0x1


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A file that may be a photo.

    Attributes:
        path: folders and name, whatever the archive or the machine called them; it is shown and compared, never opened.
        load: its bytes, or where it is.
        place: where it lies; None: in an archive or an upload.
    """

    path: tuple[str, ...]
    load: Callable[[], bytes | Path]
    place: Path | None = None

    @property
    def name(self) -> str:
        """Folders and name in one line, or where the file lies."""
        return "/".join(self.path) if self.place is None else str(self.place)


def parts_of(name: str) -> tuple[str, ...]:
    """The folders and the name in what somebody else wrote; `..`, drives and roots name nobody."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    return tuple(
        part for each in text.split("/") if (part := each.strip()) not in {"", ".", ".."} and not part.endswith(":")
    )


def beside_the_point(path: Sequence[str]) -> bool:
    """Whether a file is the file manager's, not the user's."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path)
    return not path or hidden or path[-1].casefold() in {"thumbs.db", "desktop.ini", "ehthumbs.db"}


def in_archive(content: BinaryIO | Path, title: str) -> list[PhotoFile]:
    """Return the files of a ZIP archive, without unpacking any.

    Args:
        content: must stay open while files are loaded.
        title: names the archive in errors.

    Raises:
        InputError: it is no ZIP archive, needs a password, or holds too many files.
    """
    try:
        archive = zipfile.ZipFile(content)
        entries = [each for each in archive.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RecursionError) as error:
        raise InputError(
            phrase("{name} is not a ZIP archive that can be read", name=title), hint=phrase("pack the folder again")
        ) from error
    if len(entries) > MOST_FILES or sum(each.file_size for each in entries) > MOST_UNPACKED:
        raise InputError(
            phrase("{name} holds too many files, or too large ones", name=title),
            hint=phrase("pack the photos of fewer people into each archive"),
        )
    if any(each.flag_bits & _ENCRYPTED for each in entries):
        raise InputError(
            phrase("{name} is protected by a password", name=title), hint=phrase("pack the folder without one")
        )
    files = []
    for entry in entries:
        path = parts_of(_readable(entry))
        if not beside_the_point(path):
            files.append(PhotoFile(path, lambda entry=entry: _unpacked(archive, entry)))  # type: ignore[misc]
    return files


def _readable(entry: zipfile.ZipInfo) -> str:
    """The name of an entry. Many programs write UTF-8 and do not say so; others the code page of old DOS."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    with contextlib.suppress(UnicodeError):
        return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One file; never more than a picture may have, whatever the archive says of it.

    Raises:
        InputError: it is too large or damaged.
    """
    try:
        if entry.file_size <= MAX_BYTES:
            with archive.open(entry) as file:
                return file.read(MAX_BYTES)
    except Exception as error:
        raise InputError(
            phrase("damaged in the archive"), hint=phrase("pack the folder again")
        ) from error  # zipfile and its decoders raise anything for damaged archives
    raise InputError(
        phrase("{size} MB, at most {most} MB", size=round(entry.file_size / 1e6), most=MAX_BYTES // 1_000_000),
        hint=phrase("save a smaller version"),
    )


def in_folder(folder: Path) -> list[PhotoFile]:
    """Return the files of a folder, or, if it has none, those of the folders in it.

    Raises:
        InputError: it is missing or cannot be read.
    """
    top = folder.resolve().name
    if own := list(_of_folder(folder, (top,))):
        return own
    inner = sorted(each for each in folder.iterdir() if each.is_dir() and not beside_the_point((each.name,)))
    return [file for each in inner for file in _of_folder(each, (top, each.name))]


def on_disk(path: Path, above: tuple[str, ...] = ()) -> PhotoFile:
    """A file of this machine, below folders that say whose it is."""
    return PhotoFile((*above, path.name), lambda: path, path)


def _of_folder(folder: Path, above: tuple[str, ...]) -> Iterator[PhotoFile]:
    for path in list_images(folder):
        if not beside_the_point((path.name,)):
            yield on_disk(path, above)
