"""Ids of people as lists, terminals and users write them: whose an id is, and which one was probably meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from engine.errors import InputError
from engine.words import Phrase, phrase

_DECIMAL = re.compile(r"(\d+)[.,]0+")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_NOT_WRITTEN = re.compile(r"[\W_]+")
_LOOK_ALIKE = str.maketrans("oil", "011")
_MOST_NEAR = 3


def spelling(employee_id: str) -> str:
    """Return an id without what spreadsheets and terminals change: leading zeros, an added decimal, upper case."""
    decimal = _DECIMAL.fullmatch(employee_id)
    return (decimal[1] if decimal else employee_id).casefold().lstrip("0")


def _sound(employee_id: str) -> str:
    """Return what an id has in common with those that people confuse with it: `e37`, `E-37`, `E 037` and `EO37` are alike."""
    plain = unicodedata.normalize("NFKC", employee_id).strip()
    decimal = _DECIMAL.fullmatch(plain)
    bare = _NOT_WRITTEN.sub("", (decimal[1] if decimal else plain).casefold())
    if any(sign.isdecimal() for sign in bare):
        bare = bare.translate(_LOOK_ALIKE)
    return _ZEROS.sub("", bare)


def near_ids(text: str, ids: Iterable[str]) -> list[str]:
    """Return the ids that somebody who gives `text` may mean, at most three; the id itself is none of them.

    They differ in case, zeros before a number, marks and spaces, or in O and 0, I, l and 1. Another digit is another person.
    """
    wanted = _sound(text)
    found = [each for each in ids if each != text and _sound(each) == wanted] if wanted else []
    return sorted(found, key=lambda each: (spelling(each) != spelling(text), each))[:_MOST_NEAR]


def did_you_mean(text: str, ids: Iterable[str]) -> Phrase | None:
    """Return the question whether another id is meant; None: there is none like it."""
    near = near_ids(text, ids)
    return phrase("did you mean {ids}?", ids=", ".join(near)) if near else None


def nobody_has(text: str, ids: Iterable[str], hint: Phrase | str = "") -> InputError:
    """Return the error that nobody has an id. It names those that may be meant; nothing is guessed.

    Args:
        ids: of the people whom the user may see.
        hint: the next step if no id is like it.
    """
    hint = hint or phrase("`muster people` lists everybody")
    asked = did_you_mean(text, ids)
    said = phrase("nobody is known as {id}", id=text)
    return InputError(said, hint=phrase("{question} {hint}", question=asked, hint=hint) if asked else hint)


def check_chosen(employee_id: str | None, ids: Collection[str], found: object) -> None:
    """Check an id by which a list is filtered: nobody having it is another answer than nothing about somebody.

    Args:
        employee_id: None or empty: everybody.
        found: what the list holds about the id; somebody who left the staff list may still be in it.

    Raises:
        InputError: nobody has the id, and nothing is found.
    """
    if employee_id and not found and employee_id not in ids:
        raise nobody_has(employee_id, ids)


class StaffIds:
    """Finds people by ids as terminals write them."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._alike: dict[str, list[str]] = {}
        self._ids = list(ids)
        for each in self._ids:
            self._alike.setdefault(spelling(each), []).append(each)

    def find(self, text: str) -> str | None:
        """Return the id, or the only one that is spelt like it but for zeros and case; None: there is none."""
        alike = self._alike.get(spelling(text), [])
        return text if text in alike else alike[0] if len(alike) == 1 else None

    def nobody(self, text: str) -> Phrase:
        """Return what to say about an id of a list that nobody has, or that several people's ids are like."""
        asked = did_you_mean(text, self._ids)
        if asked is None:
            return phrase("nobody has the id {text!r}: correct it, or import the staff list first", text=text)
        return phrase("nobody has the id {text!r}: {question} Correct it in the list", text=text, question=asked)
