"""The translations that are there."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "de")


def compiled(path: Path) -> GNUTranslations:
    """A catalogue as translators write it, ready to be asked."""
    content = BytesIO()
    with path.open("rb") as file:
        write_mo(content, read_po(file))
    content.seek(0)
    return GNUTranslations(content)


@cache
def translations(code: str) -> NullTranslations:
    """The engine's catalogue of a language; English needs none."""
    if code == "en":
        return NullTranslations()
    return compiled(Path(__file__).parent / "locale" / code / "LC_MESSAGES" / "engine.po")
