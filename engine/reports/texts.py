"""Notes of the day sheet in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from engine.attendance.explain import Part
from engine.words import Words


def notes_text(notes: Iterable[Part], words: Words) -> str:
    """The notes of a day as one text; in English as `DaySheet.note`."""

    def value(name: str, text: str) -> str:
        return words.say(text) if name == "leave" else text

    return "; ".join(
        words.say(part.text).format(**{name: value(name, text) for name, text in part.values.items()}) for part in notes
    )
