"""Names of people in free texts: logs carry ids only, and a disclosure names nobody but its subject."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from engine.people import PeopleStore, Person
from engine.storage import clean_text
from engine.storage.logs import PSEUDONYM, Sealer

_TELLING = 3
"""An id that contains so many letters of a name reveals it: `m.kaling`, not `mk1`."""
_LONGEST_TEXT = 5000


def _plain(text: str) -> str:
    bare = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "", "".join(bare)).casefold()


def spells(employee_id: str, name: str) -> bool:
    """Return whether an id reveals a person's name or a telling part of it."""
    plain, whole = _plain(employee_id), _plain(name)
    if not plain or not whole:
        return False
    parts = {whole, *(_plain(part) for part in re.split(r"[\W_]+", name))}
    told = (part in plain for part in parts if len(part) >= _TELLING or part == whole)
    return plain in parts or any(told) or (len(plain) >= _TELLING and plain in whole)


def _whole(word: str) -> str:
    """Return a pattern for a whole word; scripts without capitals are often written without spaces."""
    begin, end = (each.isdigit() or each == "_" or each.lower() != each.upper() for each in (word[0], word[-1]))
    return (r"(?<!\w)" if begin else "") + re.escape(word) + (r"(?!\w)" if end else "")


def mentions(text: str, word: str) -> bool:
    """Return whether a text contains a word, or a name of several words."""
    return bool(word) and word.casefold() in text.casefold() and bool(re.search(_whole(word), text, re.IGNORECASE))


def replaced(text: str, words: Mapping[str, str]) -> str:
    """Return a text with words replaced regardless of case, longest first and each place once."""
    folded = text.casefold()
    found = sorted((word for word in words if word and word.casefold() in folded), key=len, reverse=True)
    if not found:
        return text
    pattern = "|".join(f"({_whole(word)})" for word in found)
    return re.sub(pattern, lambda match: words[found[(match.lastindex or 1) - 1]], text, flags=re.IGNORECASE)


class Names:
    """Replaces the names of people in texts."""

    def __init__(self, people: PeopleStore, sealer: Sealer) -> None:
        self._people, self._sealer = people, sealer

    def text(self, text: str) -> str:
        """Return one line with ids in place of names, or pseudonyms where an id reveals the name.

        Seals cover a free text unchanged, so an id in it cannot be replaced when the person is forgotten.
        """

        def token(person: Person) -> str:
            spelt = spells(person.employee_id, person.name)
            return self._sealer.pseudonym(person.employee_id) if spelt else person.employee_id

        return self._line(text, token)

    def ids(self, text: str) -> str:
        """Return one line with ids in place of names, for columns in which ids can be replaced."""
        return self._line(text, lambda person: person.employee_id)

    def author(self, text: str) -> str:
        """Return an author for a log; may be empty.

        Raises:
            InputError: the author is too long.
        """
        return clean_text(self.ids(text), what="author", limit=100) if text.strip() else ""

    def readable(self, text: str) -> str:
        """Return a text from a log with ids in place of the pseudonyms of people who are still known."""
        if PSEUDONYM in text:
            for employee_id in self._people.all():
                text = text.replace(self._sealer.pseudonym(employee_id), employee_id)
        return text

    def _line(self, text: str, token: Callable[[Person], str]) -> str:
        if not text.strip():
            return ""
        # cleaned first, because a second space or an invisible character must not hide a name
        line = clean_text(text, what="text", limit=_LONGEST_TEXT)
        tokens: dict[str, list[str]] = {}
        words: list[str] = []
        for person in self._people.all().values():
            stands = token(person)
            for word in {person.name, person.employee_id} - {stands}:
                words.append(word)
                tokens.setdefault(word.casefold(), []).append(stands)
        # several people may share a name
        return replaced(line, {word: "/".join(dict.fromkeys(tokens[word.casefold()])) for word in words})
