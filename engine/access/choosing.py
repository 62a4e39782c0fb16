"""Which names and passwords accounts may have."""

from __future__ import annotations

import importlib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from babel.dates import get_day_names, get_month_names

from engine.errors import InputError
from engine.storage import clean_text
from engine.words import phrase

PASSWORD_LENGTH = 10
"""Shortest password, in characters (NIST SP 800-63B asks for at least 8 and no composition rules)."""

_LONGEST_NAME = 60
_LONGEST_JUDGED = 72
_PUNCTUATION = frozenset(" .-_@'’+·")
_RESERVED = (
    *("muster", "muster app", "muster serve", "muster watch", "muster kiosk", "engine", "system", "kiosk", "camera"),
    *("recorder", "workbench", "upkeep", "outbox", "supervisor", "sample", "demo", "bench"),
    *("sign-in", "import", "token", "nobody", "anonymous", "unknown", "none", "null"),
)
"""Authors that logs name beside people, and names that look like nobody's."""
_MACHINES = re.compile(r"(muster|token)[ _-]")
"""How authors begin that are commands or tokens."""
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})
"""Scripts that are written together (Unicode TR 39, highly restrictive)."""
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏкмтвнԛԝαορνικτυχ01|lı", "aeopcyxijsdhikmtbhqwaopviktuxoiiii")
"""Letters of other scripts, and signs, that look like Latin ones in most typefaces."""

_WORKPLACE = (
    *("muster", "attendance", "anwesenheit", "deutschland", "berlin", "münchen"),
    *("frühling", "sommer", "herbst", "winter", "spring", "summer", "autumn"),
)
"""What people here begin passwords with, beside the names of their workplace, months and days of the week."""
_GUESSED = (
    *("passwort", "kennwort", "geheim", "willkommen", "hallo", "schatz"),
    *("qwertz", "qwertzuiop", "asdfghjkl", "yxcvbnm"),
)
"""Further ones that are none of the words and names that zxcvbn knows."""
_CALENDAR = ("de", "en")
_STRONG = 3
"""zxcvbn's score from which a password takes 10^8 guesses."""
_REST = 1e7
"""Guesses that letters and digits must take that are left when the words of owner and workplace are left out."""
_PHRASE = 2
"""A password with so many other words is a phrase, which zxcvbn judges as a whole."""
_SHORTEST_WORD = 3
_SIGNS = {
    "a": "a4@",
    "b": "b8",
    "e": "e3€",
    "g": "g9",
    "i": "i1!|",
    "l": "l1|",
    "o": "o0",
    "s": "s5$",
    "t": "t7+",
    "z": "z2",
}
"""What stands for a letter in passwords."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


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
        raise InputError(
            phrase("a user name cannot have the sign {sign}", sign=shown),
            hint=phrase("use letters, digits, and . - _ @"),
        )
    text = clean_text(typed, what="user name", limit=_LONGEST_NAME)
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in text if sign.isalpha()}
    if len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER):
        raise InputError(
            phrase(
                "the user name mixes letters of several alphabets: {names}",
                names=", ".join(sorted(script.title() for script in scripts)),
            ),
            hint=phrase("write it in one alphabet, so that it cannot be taken for another name"),
        )
    if _joined(text) in {_joined(each) for each in _RESERVED} or _MACHINES.match(
        unicodedata.normalize("NFKC", text).casefold()
    ):
        raise InputError(phrase("the user name “{name}” is reserved", name=text), hint=phrase("choose another name"))
    for other in taken:
        if other == text:
            raise InputError(
                phrase("the user “{name}” already exists", name=text),
                hint=phrase("choose another name, or change that user"),
            )
        if looks(other) == looks(text):
            raise InputError(
                phrase("“{name}” looks like the user “{other}”", name=text, other=other),
                hint=phrase("choose another name"),
            )
    return text


def _joined(name: str) -> str:
    """What a name looks like without what stands between its words."""
    return re.sub(r"[\W_]", "", looks(name))


def _ordinary(sign: str) -> bool:
    """Whether a sign may stand in a name: a letter, an accent, an ASCII digit, or one of a few others."""
    return unicodedata.category(sign)[0] in "LM" or sign in _PUNCTUATION or sign in "0123456789"


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Check that a password is not among the first that somebody would try.

    Args:
        about: what stands for its owner and workplace, such as the names of user, organisation and site.

    Raises:
        InputError: it is too short, too long, or easy to guess.
    """
    if not PASSWORD_LENGTH <= len(password) <= 200:
        raise InputError(
            phrase("the password has {count} characters", count=len(password)),
            hint=phrase("choose one of {least} to 200", least=PASSWORD_LENGTH),
        )
    own = {*_words((*about, *_WORKPLACE)), *_calendar()}
    rest = _without(password[:_LONGEST_JUDGED], own)
    if _guess(password, {*own, *_GUESSED})["score"] < _STRONG or (
        rest != _plain(password[:_LONGEST_JUDGED]) and _easy(rest)
    ):
        raise InputError(
            phrase("the password is easy to guess"),
            hint=phrase("choose three or four words that nobody would put together"),
        )


def _guess(password: str, own: Iterable[str]) -> Mapping[str, Any]:
    guessed = importlib.import_module("zxcvbn").zxcvbn  # not before: its lists take a moment and ten megabytes
    found: Mapping[str, Any] = guessed(password[:_LONGEST_JUDGED], user_inputs=sorted(own))
    return found


def _easy(rest: str) -> bool:
    """Whether what is left of a password beside well-known words is guessed soon.

    zxcvbn adds a factor of 10^4 for every further piece, because it does not know how a password is put together. Words of the
    workplace with a year and a sign behind are put together in the way that everybody tries first, so the other pieces alone count.
    """
    if len(re.findall(r"[^\W\d_]{2,}", rest)) >= _PHRASE:
        return False
    bare = re.sub(r"[\W_]", "", rest)
    return not bare or math.prod(float(piece["guesses"]) for piece in _guess(bare, _GUESSED)["sequence"]) < _REST


def _plain(text: str) -> str:
    """A text in small letters without accents."""
    parts = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUTS)
    return "".join(sign for sign in unicodedata.normalize("NFD", parts) if not unicodedata.combining(sign))


def _words(texts: Iterable[str]) -> set[str]:
    """The words of names and addresses, each as it may be spelt."""
    found = set()
    for text in texts:
        bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
        for spelt in (_plain(text), _plain(bare)):
            pieces = re.findall(r"[^\W\d_]+", spelt)
            found |= {*pieces, "".join(pieces)}
    return {word for word in found if len(word) >= _SHORTEST_WORD}


@cache
def _calendar() -> frozenset[str]:
    names = (
        name
        for language in _CALENDAR
        for name in (
            *get_month_names("wide", locale=language).values(),
            *get_day_names("wide", locale=language).values(),
        )
    )
    return frozenset(_words(names))


def _without(password: str, words: Iterable[str]) -> str:
    """A password without words, however they are disguised: other signs for letters, and read backwards."""
    longest_first = sorted({*words, *(word[::-1] for word in words)}, key=lambda word: (-len(word), word))
    pattern = "|".join("".join(f"[{re.escape(_SIGNS.get(sign, sign))}]" for sign in word) for word in longest_first)
    return re.sub(pattern, "", _plain(password))
