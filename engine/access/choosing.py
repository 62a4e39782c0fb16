"""Which names and passwords accounts may have."""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Iterable

from engine.errors import InputError
from engine.storage import clean_text

PASSWORD_LENGTH = 10
"""Shortest password, in characters (NIST SP 800-63B asks for at least 8 and no composition rules)."""

_LONGEST_NAME = 60
_PUNCTUATION = frozenset(" .-_@'’+·")
_RESERVED = (
    *("muster", "muster app", "engine", "system", "kiosk", "camera", "recorder", "sample", "sign-in", "import"),
    *("nobody", "anonymous", "unknown", "none", "null"),
)
"""Authors that logs name beside people, and names that look like nobody's."""
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})
"""Scripts that are written together (Unicode TR 39, highly restrictive)."""
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏкмтвнԛԝαορνικτυχ01|lı", "aeopcyxijsdhikmtbhqwaopviktuxoiiii")
"""Letters of other scripts, and signs, that look like Latin ones in most typefaces."""

_GUESSED = (
    *("muster", "passwort", "kennwort", "geheim", "willkommen", "hallo", "schatz", "sommer", "winter", "herbst"),
    *("fruehling", "frühling", "montag", "freitag", "januar", "dezember", "anwesenheit", "attendance", "qwertz"),
    *("qwertzuiop", "asdfghjkl", "yxcvbnm", "deutschland", "berlin", "muenchen", "münchen"),
)
"""What people here begin passwords with, beside the thirty thousand passwords and names that zxcvbn knows."""
_STRONG = 3
"""zxcvbn's score from which a password takes 10^8 guesses."""


def looks(name: str) -> str:
    """What a name looks like: names that look alike have the same looks."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_LOOKALIKES)


def account_name(name: str, taken: Iterable[str]) -> str:
    """Return the name of a new account as stored.

    Args:
        taken: names of all accounts.

    Raises:
        InputError: it is reserved, taken, looks like one that is, mixes scripts, or has signs that names do not have.
    """
    typed = unicodedata.normalize("NFKC", name).strip()
    if strange := next((sign for sign in typed if not _ordinary(sign)), ""):
        shown = strange if strange.isprintable() else f"U+{ord(strange):04X}"
        raise InputError(f"a user name cannot have the sign {shown}", hint="use letters, digits, and . - _ @")
    text = clean_text(typed, what="user name", limit=_LONGEST_NAME)
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in text if sign.isalpha()}
    if len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER):
        raise InputError(
            f"the user name mixes letters of {' and '.join(sorted(script.title() for script in scripts))}",
            hint="write it in one alphabet, so that it cannot be taken for another name",
        )
    if looks(text) in {looks(each) for each in _RESERVED}:
        raise InputError(f"the user name {text!r} is reserved", hint="choose another name")
    for other in taken:
        if other == text:
            raise InputError(f"the user {text!r} already exists", hint="choose another name, or change that user")
        if looks(other) == looks(text):
            raise InputError(f"{text!r} looks like the user {other!r}", hint="choose another name")
    return text


def _ordinary(sign: str) -> bool:
    """Whether a sign may stand in a name: a letter, an accent, an ASCII digit, or one of a few others."""
    return unicodedata.category(sign)[0] in "LM" or sign in _PUNCTUATION or sign in "0123456789"


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Check that a password is not among the first that somebody would try.

    Args:
        about: what stands for its owner and workplace, such as the user name.

    Raises:
        InputError: it is too short, too long, or easy to guess.
    """
    if not PASSWORD_LENGTH <= len(password) <= 200:
        raise InputError(f"the password has {len(password)} characters", hint=f"choose one of {PASSWORD_LENGTH} to 200")
    own = [text for each in about for text in (each, *each.replace("@", " ").split()) if len(text) > 2]
    guessed = importlib.import_module("zxcvbn").zxcvbn  # not before: its lists take a moment and ten megabytes
    if guessed(password[:72], user_inputs=[*own, *_GUESSED])["score"] < _STRONG:
        raise InputError(
            "the password is easy to guess", hint="choose three or four words that nobody would put together"
        )
