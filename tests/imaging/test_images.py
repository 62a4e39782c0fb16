"""Pictures that nobody vouches for: what is one is read upright as RGB, everything else is refused on one line."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from processes import CONTEXT

from engine.errors import InputError, StorageError
from engine.imaging import (
    MAX_BYTES,
    MAX_PIXELS,
    PictureTooLarge,
    check_size,
    decode_image,
    encode_jpeg,
    list_images,
    read_image,
    write_jpeg,
)

ORIENTATION = 0x0112
RNG = np.random.default_rng(20261122)
NOISE = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
SMOOTH = np.broadcast_to(np.linspace(20, 220, 64).astype(np.uint8)[:, None, None], (64, 48, 3)).copy()


def saved(picture: Image.Image, suffix: str, **options: object) -> bytes:
    """A picture file's bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, format=suffix, **options)
    return buffer.getvalue()


def png_of_ones(width: int, height: int) -> bytes:
    """A white bilevel PNG of any size in a few kilobytes, made without holding its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(6)
    row = b"\0" + b"\xff" * ((width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def exif_with(*entries: tuple[int, int, bytes]) -> bytes:
    """An EXIF block of (tag, type, four bytes of value) in the order given."""
    table = b"".join(struct.pack("<HHL", tag, kind, 1) + value for tag, kind, value in sorted(entries))
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + b"\0\0\0\0"


# --------------------------------------------------------------------------------------------- refused

JPEG = saved(Image.fromarray(SMOOTH), "JPEG")
REFUSED = {
    "a text": b"this is no picture\n" * 20,
    "nothing": b"",
    "half a JPEG": JPEG[: len(JPEG) // 2],
    "the first bytes of a JPEG": JPEG[:4],
    "half a PNG": (png := saved(Image.fromarray(NOISE), "PNG"))[: len(png) // 2],
    "half a GIF": (gif := saved(Image.fromarray(NOISE), "GIF"))[: len(gif) // 2],
    "an EPS": saved(Image.fromarray(NOISE), "EPS"),
    "400 megapixels": png_of_ones(20_000, 20_000),
    "100 megapixels": png_of_ones(10_000, 10_000),
    "one row over the limit": png_of_ones(10_000, MAX_PIXELS // 10_000 + 1),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("name", ["photo.jpg", "a photo\nof\x1b[31m Ann.png"])
def test_what_is_no_usable_picture_is_refused_by_name_on_one_line(tmp_path: Path, what: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(REFUSED[what])
    with pytest.raises(InputError) as caught:
        read_image(path)
    text = str(caught.value)
    assert text.isprintable()
    assert " → " in text
    assert name.partition("\n")[0] in text


def test_a_missing_file_a_folder_and_a_broken_name_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jpg", tmp_path, tmp_path / "nul\0.jpg"):
        with pytest.raises(InputError, match=path.name.partition("\0")[0]):
            read_image(path)


@pytest.mark.parametrize(("size", "reason"), [(MAX_BYTES, "not a picture"), (MAX_BYTES + 1, "over 30 MB")])
def test_a_file_over_30_mb_is_not_even_opened(tmp_path: Path, size: int, reason: str) -> None:
    path = tmp_path / "big.jpg"
    with path.open("wb") as handle:
        handle.truncate(size)
    with pytest.raises(InputError, match=reason):
        read_image(path)


def test_uploaded_bytes_over_30_mb_are_refused() -> None:
    with pytest.raises(InputError, match=r"upload: .* at most 30 MB"):
        decode_image(bytes(MAX_BYTES + 1), name="upload")


def _growth_mb(content: bytes) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        decode_image(content)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def test_a_small_file_that_claims_to_be_huge_costs_no_memory() -> None:
    content = png_of_ones(20_000, 20_000)
    assert len(content) < 100_000
    with ProcessPoolExecutor(1, mp_context=CONTEXT) as pool:
        assert pool.submit(_growth_mb, content).result(60) < 40


def test_a_picture_of_exactly_the_limit_is_read() -> None:
    image = decode_image(png_of_ones(10_000, MAX_PIXELS // 10_000))
    assert image.shape == (MAX_PIXELS // 10_000, 10_000, 3)
    assert image[-1, -1].tolist() == [255, 255, 255]


def test_a_lower_limit_counts_pixels_of_the_header_and_names_the_setting() -> None:
    content = png_of_ones(1000, 1001)
    assert decode_image(content, most_px=1_001_000).shape == (1001, 1000, 3)
    for refuses in (decode_image, check_size):
        with pytest.raises(PictureTooLarge, match="1000×1001 pixels, at most 1 megapixels") as told:
            refuses(content, most_px=1e6)
        assert "photo_max_megapixels" in told.value.hint


FORMATS = [
    saved(Image.fromarray(NOISE), kind, exif=exif_with((ORIENTATION, 3, b"\6\0\0\0"), (0x10E, 2, b"abc\0")))
    for kind in ("JPEG", "PNG", "WEBP")
] + [saved(Image.fromarray(NOISE), "BMP"), saved(Image.fromarray(NOISE).quantize(8), "PNG")]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_raises_anything_but_an_input_error(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(FORMATS)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    refusal = ""
    try:
        image = decode_image(bytes(content), name="damaged.jpg")
    except InputError as error:
        image, refusal = np.empty((1, 1, 3), np.uint8), str(error)
    assert not refusal or "damaged.jpg" in refusal
    assert image.dtype == np.uint8
    assert image.shape == (*image.shape[:2], 3)


# --------------------------------------------------------------------------------------------- read


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_lossless_formats_give_the_pixels_back(kind: str) -> None:
    assert_array_equal(decode_image(saved(Image.fromarray(NOISE), kind)), NOISE)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_give_nearly_the_pixels_back(kind: str) -> None:
    assert_allclose(decode_image(saved(Image.fromarray(SMOOTH), kind, quality=95)).astype(int), SMOOTH, atol=6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_single_pixel_is_a_picture(kind: str) -> None:
    image = decode_image(saved(Image.new("RGB", (1, 1), (200, 200, 200)), kind))
    assert image.shape == (1, 1, 3)
    assert_allclose(image.astype(int), 200, atol=3)


def test_grey_becomes_three_equal_channels() -> None:
    assert_array_equal(decode_image(saved(Image.fromarray(NOISE[..., 0]), "PNG")), np.repeat(NOISE[..., :1], 3, 2))


def test_transparency_is_dropped() -> None:
    alpha = np.full((*NOISE.shape[:2], 1), 128, np.uint8)
    assert_array_equal(decode_image(saved(Image.fromarray(np.dstack([NOISE, alpha])), "PNG")), NOISE)


def test_a_palette_becomes_its_colours() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([250, 10, 20, 30, 240, 50])
    palette.putpixel((1, 0), 1)
    assert decode_image(saved(palette, "PNG")).tolist() == [[[250, 10, 20], [30, 240, 50]]]


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_scaled_to_8(channels: int) -> None:
    values = np.array([[0, 257, 32896, 65535]], np.uint16)  # 257 = 65535 / 255: whole steps of the 8-bit scale
    content = cv2.imencode(".png", np.repeat(values[..., None], channels, 2))[1].tobytes()
    expected = np.repeat(np.array([[[0], [1], [128], [255]]]), 3, 2)
    assert_allclose(decode_image(content).astype(int), expected, atol=1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_in_16_are_no_black_picture(bits: int, channels: int) -> None:
    most = 2**bits - 1
    values = np.array([[0, most // 2, most]], np.uint16)
    content = cv2.imencode(".png", np.repeat(values[..., None], channels, 2))[1].tobytes()
    assert_allclose(decode_image(content)[0, :, 0].astype(int), [0, 127, 255], atol=1)


def test_colours_of_16_bits_keep_their_order() -> None:
    values = np.array([[[0, 0, 4095]]], np.uint16)  # OpenCV writes blue, green, red
    assert decode_image(cv2.imencode(".png", values)[1].tobytes()).tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "AVIF", "HEIF", "JPEG"])
@pytest.mark.parametrize("name", ["photo.jfif", "photo", "photo.xyz"])
def test_the_content_decides_what_a_file_is_and_not_its_name(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(saved(Image.fromarray(SMOOTH), kind))
    image = read_image(path)
    assert image.shape == SMOOTH.shape
    assert np.abs(image.astype(int) - SMOOTH).mean() < 4


def test_of_an_animation_the_first_picture_is_taken() -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (200, 20)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(content)[0, 0].tolist() == [200, 200, 200]


def test_print_colours_become_screen_colours() -> None:
    inks = np.zeros((32, 96, 4), np.uint8)
    inks[:, 32:64, 3] = 255  # black ink
    inks[:, 64:, 0] = 255  # cyan ink
    image = decode_image(saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=95)).astype(int)
    assert_allclose(image[16, [16, 48, 80]], [[255, 255, 255], [0, 0, 0], [0, 255, 255]], atol=8)


TURNS = {  # EXIF 2.3, tag 0x0112: what the viewer has to do with the stored rows
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", TURNS)
def test_a_picture_is_turned_as_its_exif_says(orientation: int) -> None:
    exif = exif_with((ORIENTATION, 3, struct.pack("<HH", orientation, 0)))
    assert_array_equal(
        decode_image(saved(Image.fromarray(NOISE), "PNG", exif=exif)), TURNS[orientation](NOISE), strict=True
    )


@pytest.mark.parametrize(("tag", "kind"), [(0x10E, 11), (0x131, 11), (0x11A, 1), (0x11A, 2)])
def test_odd_metadata_is_no_reason_to_refuse_a_picture(tag: int, kind: int) -> None:
    exif = exif_with((ORIENTATION, 3, b"\6\0\0\0"), (tag, kind, b"AB\0\0"))
    image = decode_image(saved(Image.fromarray(NOISE), "PNG", exif=exif))
    assert_array_equal(image, np.rot90(NOISE, -1))


# --------------------------------------------------------------------------------------------- written


@pytest.mark.parametrize("shape", [(1, 1, 3), (480, 640, 3)])
def test_a_written_jpeg_reads_back(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    image = np.full(shape, 90, np.uint8)
    write_jpeg(tmp_path / "new" / "face.jpg", image)
    assert_allclose(read_image(tmp_path / "new" / "face.jpg").astype(int), image, atol=2)


def test_where_and_how_a_photo_was_taken_is_not_passed_on() -> None:
    exif = Image.Exif()
    exif[0x10E] = "at Ann's home"
    exif.get_ifd(0x8825)[1] = "N"
    photo = saved(Image.fromarray(SMOOTH), "JPEG", exif=exif, comment=b"at Ann's home")
    assert b"Ann" in photo
    written = encode_jpeg(decode_image(photo))
    assert b"Ann" not in written
    assert b"Exif" not in written
    assert not Image.open(io.BytesIO(written)).getexif()


def test_a_jpeg_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"face\.jpg"):
        write_jpeg(tmp_path / "file" / "face.jpg", SMOOTH)


# --------------------------------------------------------------------------------------------- listed


@pytest.mark.parametrize("names", [[], ["one.png"], ["a.JPEG", "b.heic", "c", "d.webp", "notes.txt"]])
def test_files_that_may_be_pictures_are_listed_by_name(tmp_path: Path, names: list[str]) -> None:
    for name in [*reversed(names), ".hidden.jpg"]:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    assert list_images(tmp_path) == [tmp_path / name for name in names]


def test_a_missing_folder_cannot_be_listed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(InputError, match=folder.name):
            list_images(folder)
