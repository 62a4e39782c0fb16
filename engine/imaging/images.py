"""Image files: decode untrusted files, write JPEG without metadata.

Pillow decodes, with a fixed list of formats and a pixel limit: OpenCV's decoders allocate gigabytes for a small file that
claims to be huge. OpenCV gets arrays only.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from engine.errors import InputError, StorageError
from engine.storage import atomic_write
from engine.storage.vault import read_file

# cameras, searches and writers run side by side, and OpenCV's own threads would wait for one another
cv2.setNumThreads(1)

MAX_PIXELS = 50_000_000
MAX_BYTES = 30_000_000
_ROWS = 64
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")
_TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
"""What a file chooser offers. Whether a file is a picture is decided by its content."""

_CHOOSE = "choose a picture: JPEG, PNG, HEIC, WebP, AVIF, TIFF, GIF or BMP"

pillow_heif.register_heif_opener()


class PictureTooLarge(InputError):
    """A picture has more bytes or pixels than it may have; its header tells, so nothing was decoded."""


def decode_image(content: bytes, *, name: str = "image", most_px: float = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a picture of one of the `FORMATS` to RGB uint8 (H, W, 3), turned upright by its EXIF orientation.

    The content decides the format, not the name. Of an animation the first picture is taken. Values of more than 8 bits are scaled
    from the bits that the brightest one needs, because 10 and 12 bits are often stored in 16.

    Args:
        most_px: most pixels of the whole picture, at most 50 million.

    Raises:
        PictureTooLarge: over 30 MB, or too many pixels.
        InputError: not a picture, or damaged.
    """
    with _opened(content, name, most_px) as picture:
        deep = picture.format == "PNG" and picture.mode == "RGB" and "16" in str(picture.tile[0].args)
        picture.load()
        # Pillow would keep the upper 8 bits of colours
        whole: Image.Image = Image.fromarray(_colours_of_16_bits(content)) if deep else picture
        turn = _TURNS.get(_orientation(picture))
        upright = whole if turn is None else whole.transpose(turn)
        if upright.mode[0] in "IF":  # grey values of 16 or 32 bits
            upright = Image.fromarray(_eight_bits(np.asarray(upright)))
        return np.array(upright.convert("RGB"), np.uint8)


def check_size(content: bytes, *, name: str = "image", most_px: float = MAX_PIXELS) -> None:
    """Refuse what `decode_image` would refuse by the picture's header; takes no memory and some milliseconds.

    Raises:
        PictureTooLarge, InputError: see `decode_image`.
    """
    with _opened(content, name, most_px):
        pass


@contextlib.contextmanager
def _opened(content: bytes, name: str, most_px: float) -> Iterator[ImageFile]:
    """A picture whose header was read; errors of decoding it are refusals."""
    if len(content) > MAX_BYTES:
        raise PictureTooLarge(
            f"{name}: {len(content) / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB", hint="save a smaller version"
        )
    if not content:
        raise InputError(f"{name}: the file is empty", hint=_CHOOSE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture with odd metadata is still accepted
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > (most := min(most_px, MAX_PIXELS)):
                    larger = ", or raise photo_max_megapixels in section [detection]" if most < MAX_PIXELS else ""
                    raise PictureTooLarge(
                        f"{name}: {width}×{height} pixels, at most {most / 1e6:g} megapixels",
                        hint=f"save a smaller version{larger}",
                    )
                yield picture
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: not a picture that can be read", hint=_CHOOSE) from error
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(f"{name}: too many pixels", hint="save a smaller version") from error
    except InputError:
        raise
    except Exception as error:  # the decoders raise anything for damaged files
        raise InputError(f"{name}: damaged picture ({error})", hint="take or copy the picture again") from error


def _eight_bits(values: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.uint8]:
    """Scale values to 0 to 255 from the bits that the greatest needs, or from 0 to 1; not all at once, to save memory."""
    most = float(values.max(initial=0.0))
    full = 1.0 if 0 < most <= 1 else 2.0 ** max(8, math.ceil(math.log2(most + 1))) - 1

    def scale(part: NDArray[np.generic]) -> NDArray[np.uint8]:
        return np.asarray((part.astype(np.float64).clip(0, full) * (255 / full)).round(), np.uint8)

    if values.dtype == np.uint16:
        return np.asarray(scale(np.arange(2**16))[values], np.uint8)
    scaled = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS):
        scaled[top : top + _ROWS] = scale(values[top : top + _ROWS])
    return scaled


def _colours_of_16_bits(content: bytes) -> NDArray[np.uint8]:
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 3:
        raise ValueError("16-bit PNG cannot be decoded")
    return _eight_bits(values[..., 2::-1])


def _orientation(picture: Image.Image) -> object:
    """Return the EXIF orientation, 1 to 8; None if there is none or the metadata cannot be read."""
    try:
        return picture.getexif().get(0x0112)
    except Exception:  # noqa: BLE001 - Pillow raises many errors on odd metadata; none makes the picture unusable
        return None


def read_image(path: Path, *, most_px: float = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read a picture file as RGB uint8 (H, W, 3); an encrypted one of a workspace is opened with its key. `most_px`: see `decode_image`.

    Raises:
        InputError: the file is missing, unreadable, or refused by `decode_image`, or its key is gone.
    """
    try:
        if not path.is_file() and path.exists():
            raise InputError(f"{path}: not a file", hint="give a picture file")
        if path.stat().st_size > MAX_BYTES:
            raise PictureTooLarge(f"{path}: over {MAX_BYTES / 1e6:.0f} MB", hint="save a smaller version")
        content = read_file(path)
    except StorageError as error:
        raise InputError(f"{path}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="check the path and the access rights") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}", hint="check the path") from error
    return decode_image(content, name=str(path), most_px=most_px)


def list_images(folder: Path) -> list[Path]:
    """Return the files directly in a folder that may be pictures, sorted by name: all but hidden ones.

    Whether a file is a picture shows when it is decoded; whoever calls this tells the user of those that are none.

    Raises:
        InputError: the folder is missing or unreadable.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}", hint="give a folder with pictures") from error
    return [path for path in entries if not path.name.startswith(".") and path.is_file()]


def turned(image: NDArray[np.uint8], clockwise_deg: int) -> NDArray[np.uint8]:
    """Turn a picture, uint8 (H, W, 3), clockwise by 0, 90, 180 or 270 degrees.

    Raises:
        KeyError: any other angle.
    """
    if clockwise_deg == 0:
        return image
    return np.asarray(cv2.rotate(image, _ROTATIONS[clockwise_deg]), np.uint8)


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
