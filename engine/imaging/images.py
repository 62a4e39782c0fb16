"""Image files: decode untrusted files, write JPEG without metadata.

Pillow decodes, with a fixed list of formats and a pixel limit: OpenCV's decoders allocate gigabytes for a small file that
claims to be huge. OpenCV gets arrays only.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from engine.errors import InputError
from engine.storage import atomic_write

MAX_PIXELS = 50_000_000
MAX_BYTES = 30_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
_TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


def decode_image(content: bytes, *, name: str = "image") -> NDArray[np.uint8]:
    """Decode a JPEG, PNG, WebP or BMP picture to RGB uint8 (H, W, 3), turned upright by its EXIF orientation.

    Raises:
        InputError: not a picture, damaged, over 30 MB or over 50 megapixels.
    """
    if len(content) > MAX_BYTES:
        raise InputError(
            f"{name}: {len(content) / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB", hint="save a smaller version"
        )
    if not content:
        raise InputError(f"{name}: the file is empty", hint="choose a JPEG, PNG or WebP picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture with odd metadata is still accepted
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise InputError(
                        f"{name}: {width}×{height} pixels, at most {MAX_PIXELS / 1e6:.0f} megapixels",
                        hint="save a smaller version",
                    )
                picture.load()
                turn = _TURNS.get(_orientation(picture))
                upright: Image.Image = picture if turn is None else picture.transpose(turn)
                if upright.mode.startswith("I"):  # 16 bits per value
                    upright = Image.fromarray((np.asarray(upright, np.int64).clip(0, 65535) // 257).astype(np.uint8))
                return np.array(upright.convert("RGB"), np.uint8)
    except UnidentifiedImageError as error:
        raise InputError(
            f"{name}: not a picture that can be read", hint="choose a JPEG, PNG or WebP picture"
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: too many pixels", hint="save a smaller version") from error
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, IndexError, KeyError, TypeError) as error:
        # Pillow's decoders raise any of these on damaged files
        raise InputError(f"{name}: damaged picture ({error})", hint="take or copy the picture again") from error


def _orientation(picture: Image.Image) -> object:
    """Return the EXIF orientation, 1 to 8; None if there is none or the metadata cannot be read."""
    try:
        return picture.getexif().get(0x0112)
    except Exception:  # noqa: BLE001 - Pillow raises many errors on odd metadata; none makes the picture unusable
        return None


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture file as RGB uint8 (H, W, 3).

    Raises:
        InputError: the file is missing, unreadable, or refused by `decode_image`.
    """
    try:
        if not path.is_file() and path.exists():
            raise InputError(f"{path}: not a file", hint="give a JPEG, PNG or WebP picture")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: over {MAX_BYTES / 1e6:.0f} MB", hint="save a smaller version")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="check the path and the access rights") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}", hint="check the path") from error
    return decode_image(content, name=str(path))


def list_images(folder: Path) -> list[Path]:
    """Return the picture files directly in a folder, sorted by name.

    Raises:
        InputError: the folder is missing or unreadable.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}", hint="give a folder with pictures") from error
    return [
        path
        for path in entries
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def encode_jpeg(image: NDArray[np.uint8], quality: int = 90) -> bytes:
    """Encode an RGB image as JPEG without metadata."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an RGB image as JPEG, atomically.

    Raises:
        StorageError: the file cannot be written.
    """
    atomic_write(path, encode_jpeg(image))
