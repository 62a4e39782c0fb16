"""Sentences with values that can be translated later, by whoever shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def N_(text: str) -> str:
    """Mark a text that is translated where it is shown; `make words` finds it."""
    return text


class Phrase(str):
    """An English sentence that knows its pattern and its values.

    It is an ordinary text everywhere; a page or a report that speaks another language asks for `said`.
    """

    __slots__ = ("pattern", "values")

    pattern: str
    values: dict[str, Any]

    def said(self, translate: Callable[[str], str]) -> str:
        """The sentence in another language; values that are phrases are translated, too.

        Args:
            translate: returns the translation of a pattern.
        """
        values = {
            name: value.said(translate) if isinstance(value, Phrase) else value for name, value in self.values.items()
        }
        return translate(self.pattern).format(**values)

    def with_texts(self, change: Callable[[str], str]) -> Phrase:
        """The same sentence with each of its texts changed."""

        def changed(value: object) -> object:
            if isinstance(value, Phrase):
                return value.with_texts(change)
            return change(value) if isinstance(value, str) else value

        return (
            phrase(self.pattern, **{name: changed(value) for name, value in self.values.items()})
            if self.values
            else self
        )


def phrase(pattern: str, /, **values: Any) -> Phrase:
    """A sentence in English, with `{name}` in place of each value."""
    made = Phrase(pattern.format(**values) if values else pattern)
    made.pattern, made.values = (pattern if values else pattern.replace("{", "{{").replace("}", "}}")), values
    return made
