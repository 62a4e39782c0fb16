"""Names in free texts. Logs carry ids only, and what is handed to one person names nobody else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from engine.people import PeopleStore, Person
from engine.storage import clean_text
from engine.storage.logs import PSEUDONYM, Sealer

_TELLING = 3
"""Letters of a name from which on an id that holds them gives it away: `m.kaling`, not `mk1`."""
_LONGEST_TEXT = 5000


def _plain(text: str) -> str:
    bare = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "", "".join(bare)).casefold()


def spells(employee_id: str, name: str) -> bool:
    """Whether an id gives a person's name away: whoever reads the one knows the other, or a telling part of it."""
    plain, whole = _plain(employee_id), _plain(name)
    if not plain or not whole:
        return False
    parts = {whole, *(_plain(part) for part in re.split(r"[\W_]+", name))}
    told = (part in plain for part in parts if len(part) >= _TELLING or part == whole)
    return plain in parts or any(told) or (len(plain) >= _TELLING and plain in whole)


def _whole(word: str) -> str:
    """A pattern for a word that stands by itself; scripts without capitals are often written without spaces, too."""
    begin, end = (each.isdigit() or each == "_" or each.lower() != each.upper() for each in (word[0], word[-1]))
    return (r"(?<!\w)" if begin else "") + re.escape(word) + (r"(?!\w)" if end else "")


def mentions(text: str, word: str) -> bool:
    """Whether a word, or a name of several, stands in a text."""
    return bool(word) and word.casefold() in text.casefold() and bool(re.search(_whole(word), text, re.IGNORECASE))


def replaced(text: str, words: Mapping[str, str]) -> str:
    """A text with words replaced, the longest first, each place once; capitals do not matter."""
    folded = text.casefold()
    found = sorted((word for word in words if word and word.casefold() in folded), key=len, reverse=True)
    if not found:
        return text
    pattern = "|".join(f"({_whole(word)})" for word in found)
    return re.sub(pattern, lambda match: words[found[(match.lastindex or 1) - 1]], text, flags=re.IGNORECASE)


class Names:
    """Takes the names of people out of what is written down.

    Args:
        people: everybody.
        sealer: makes pseudonyms.
    """

    def __init__(self, people: PeopleStore, sealer: Sealer) -> None:
        self._people, self._sealer = people, sealer

    def text(self, text: str) -> str:
        """One line in which people stand by their ids, or by their pseudonyms where the id spells the name.

        A free text is sealed as it is: an id in it cannot be replaced when the person is forgotten.
        """

        def token(person: Person) -> str:
            spelt = spells(person.employee_id, person.name)
            return self._sealer.pseudonym(person.employee_id) if spelt else person.employee_id

        return self._line(text, token)

    def ids(self, text: str) -> str:
        """One line in which people stand by their ids, for columns in which ids can be replaced."""
        return self._line(text, lambda person: person.employee_id)

    def author(self, text: str) -> str:
        """Who does something, for the column of a log; may be empty.

        Raises:
            InputError: it is too long.
        """
        return clean_text(self.ids(text), what="author", limit=100) if text.strip() else ""

    def readable(self, text: str) -> str:
        """A text from a log with ids in place of the pseudonyms of people who are still known."""
        if PSEUDONYM in text:
            for employee_id in self._people.all():
                text = text.replace(self._sealer.pseudonym(employee_id), employee_id)
        return text

    def _line(self, text: str, token: Callable[[Person], str]) -> str:
        if not text.strip():
            return ""
        # the line as it will be written: a second space or an invisible sign must hide no name
        line = clean_text(text, what="text", limit=_LONGEST_TEXT)
        tokens: dict[str, list[str]] = {}
        words: list[str] = []
        for person in self._people.all().values():
            stands = token(person)
            for word in {person.name, person.employee_id} - {stands}:
                words.append(word)
                tokens.setdefault(word.casefold(), []).append(stands)
        # of several people with one name all are told
        return replaced(line, {word: "/".join(dict.fromkeys(tokens[word.casefold()])) for word in words})
