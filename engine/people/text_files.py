"""Read text files made by other programs: in UTF-8 or UTF-16, or in an older encoding, given or guessed.

The guess looks at which encoding turns most words into words of a language that is written in it. Lists of names are too short for
statistics of letters: charset-normalizer 3.5 reads "Müller" as Windows-1250 and "王伟" as Korean.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import InputError
from engine.words import Phrase, phrase

MAX_BYTES = 32 * 2**20
MAX_LINES = 2**20
_MAX_COLUMNS, _LONGEST_LINE = 2000, 1_000_000
ENCODINGS = {
    "utf-8": phrase("Unicode (UTF-8)"),
    "cp1252": phrase("Western Europe (Windows-1252)"),
    "cp1250": phrase("Central Europe (Windows-1250)"),
    "cp1251": phrase("Cyrillic (Windows-1251)"),
    "cp1253": phrase("Greek (Windows-1253)"),
    "cp1254": phrase("Turkish (Windows-1254)"),
    "cp1257": phrase("Baltic (Windows-1257)"),
    "gb18030": phrase("Chinese, simplified (GBK, GB 18030)"),
    "big5": phrase("Chinese, traditional (Big5)"),
    "shift_jis": phrase("Japanese (Shift JIS)"),
    "cp949": phrase("Korean (Windows-949)"),
}
"""Encodings to choose from; `read_text` knows all that Python knows."""

_SAVE_AS_UTF8 = phrase('save it as "CSV UTF-8"')
_NOT_TEXT = {
    b"PK\x03\x04": phrase("an Excel or ZIP file"),
    b"\xd0\xcf\x11\xe0": phrase("an old Excel file"),
    b"%PDF": phrase("a PDF file"),
}
# the letters beyond ASCII of languages that share an encoding; a name is written in one of them
_ALPHABETS = {
    "cp1252": (
        "äöüß",
        "àâæçéèêëîïôœùûüÿ",
        "áéíóúüñ",
        "ãáàâçéêíóôõú",
        "æøåéäöü",
        "àèéìíîòóù",
        "áðéíóúýþæö",
        "ëïéöüáóàèç",
    ),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ", "äöüß"),
}
_SHOWN = 4


def read_text(path: Path, encoding: str | None = None) -> tuple[str, Phrase | None]:
    """Read a text file.

    Args:
        encoding: as Python names it; None: UTF-8 or UTF-16, or else a guess among Windows-1252, -1250, -1251, GB 18030 and Shift JIS.

    Returns:
        The text without a byte order mark, and a warning that shows some words if the encoding was guessed.

    Raises:
        InputError: the file is missing, too large, not text, or not in that encoding.
    """
    content = read_content(path)
    for start, what in _NOT_TEXT.items():
        if content.startswith(start):
            raise InputError(
                phrase("{path} is {what}", path=path.name, what=what),
                hint=phrase('save it as "CSV UTF-8", then give that file'),
            )
    text, warning = _decoded(path, content) if not encoding else (_decoded_as(path, content, encoding), None)
    if "\0" in text:
        raise InputError(
            phrase("{path} contains zero bytes, so it is not a text file", path=path.name), hint=_SAVE_AS_UTF8
        )
    _check_shape(path, text)
    return text, warning


def _check_shape(path: Path, text: str) -> None:
    """Refuse what is no list: a few bytes for each of its cells would cost gigabytes and minutes."""
    lines = text.splitlines() if text.count("\n") + text.count("\r") <= 2 * MAX_LINES else []
    if not 0 < len(lines) <= MAX_LINES and text:
        raise InputError(
            phrase("{path} has more than {limit} lines", path=path.name, limit=MAX_LINES), hint=phrase("split the file")
        )
    long = (line for line in lines if len(line) > _MAX_COLUMNS)
    if any(len(line) > _LONGEST_LINE or max(map(line.count, ",;\t")) > _MAX_COLUMNS for line in long):
        raise InputError(
            phrase("{path} has more than {limit} columns", path=path.name, limit=_MAX_COLUMNS),
            hint=phrase("remove everything but the list, or split it"),
        )


def read_content(path: Path) -> bytes:
    """Read a file of at most 32 MiB.

    Raises:
        InputError: the file is missing or larger.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                phrase("{path} is larger than {limit} MiB", path=path.name, limit=MAX_BYTES >> 20),
                hint=phrase("remove everything but the list, or split it"),
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="give a file that can be read") from error


def _decoded_as(path: Path, content: bytes, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        text = content.decode("utf-8-sig" if name == "utf-8" else name)
    except LookupError as error:
        known = ", ".join(ENCODINGS)
        raise InputError(
            phrase("{name!r} is not an encoding", name=encoding), hint=phrase("choose one of {names}", names=known)
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            phrase(
                "{path} is not {encoding}: line {line} has bytes that mean nothing in it",
                path=path.name,
                encoding=encoding,
                line=line,
            ),
            hint=phrase("choose another encoding"),
        ) from error
    return text


def _decoded(path: Path, content: bytes) -> tuple[str, Phrase | None]:
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif len(content) > 3 and not content[1] and content[0]:
        encoding = "utf-16-le"
    elif len(content) > 3 and not content[0] and content[1]:
        encoding = "utf-16-be"
    try:
        return content.decode(encoding), None
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise InputError(
                phrase("{path} is damaged UTF-16: {error}", path=path.name, error=error.reason), hint=_SAVE_AS_UTF8
            ) from error
    return _guessed(path, content)


def _guessed(path: Path, content: bytes) -> tuple[str, Phrase | None]:
    """Return the text in the encoding that explains most words, and a warning that shows some of them."""
    found: dict[str, tuple[str, tuple[float, bool]]] = {}
    for encoding in _GUESSED:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        found[encoding] = text, _plausible(_words(text), encoding)
    best = max(found, key=lambda name: found[name][1], default="")  # among equals the first
    if not best or (found[best][1][0] == 0 and best != "cp1252"):
        raise InputError(
            phrase("{path} is neither UTF-8, UTF-16 nor in another usual encoding", path=path.name),
            hint=phrase('save it as "CSV UTF-8", or give its encoding'),
        )
    text = found[best][0]
    words = ", ".join(list(dict.fromkeys(_words(text)))[:_SHOWN])
    if not words:
        said = phrase(
            "the file is not UTF-8 and was read as {encoding}: if this looks wrong, choose its encoding",
            encoding=ENCODINGS[best],
        )
    else:
        said = phrase(
            "the file is not UTF-8 and was read as {encoding} as in {words}: if this looks wrong, choose its encoding",
            encoding=ENCODINGS[best],
            words=words,
        )
    return text, said


def _words(text: str) -> list[str]:
    """Return the words of a text that have characters beyond ASCII."""
    return [word for word in re.split(r"[\x00-\x40\x5b-\x60\x7b-\x7f\xa0«»‘’“”„–—…]+", text) if not word.isascii()]


def _plausible(words: Sequence[str], encoding: str) -> tuple[float, bool]:
    """Return the share of words that a language of the encoding can have, and whether one language can have all of them."""
    count = max(len(words), 1)
    if encoding in _ALPHABETS:
        letters = [{ch for ch in word.lower() if not ch.isascii()} for word in words]
        alphabets = [set(alphabet) for alphabet in _ALPHABETS[encoding]]
        fit = [any(each <= alphabet for alphabet in alphabets) for each in letters]
        # three such letters in a row are another script
        good = [word for word, fits in zip(words, fit, strict=True) if fits and not re.search(r"[^\x00-\x7f]{3}", word)]
        return len(good) / count, any(set().union(*letters) <= alphabet for alphabet in alphabets)
    if encoding == "cp1251":
        cyrillic = [word for word in words if re.fullmatch(r"[Ѐ-ӿ]{2,}", word)]
        return sum(word in {word.lower(), word.upper(), word.capitalize()} for word in cyrillic) / count, False
    common = _COMMON[encoding]
    return sum(len(word) > 1 and all(common(ch.encode(encoding)) for ch in word) for word in words) / count, False


def _is_gb2312(code: bytes) -> bool:
    return len(code) == 2 and 0xB0 <= code[0] <= 0xF7 and code[1] >= 0xA1


def _is_usual_japanese(code: bytes) -> bool:
    return len(code) == 2 and (0x81 <= code[0] <= 0x83 or 0x88 <= code[0] <= 0x98)  # signs, kana, the usual kanji


_COMMON = {"gb18030": _is_gb2312, "shift_jis": _is_usual_japanese}
_GUESSED = (*_ALPHABETS, "cp1251", *_COMMON)
