"""The sentences that pages say, collected for translators: run it (`make words`) after a sentence was added or changed."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import app
from app.words import LANGUAGES

APP = Path(app.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"say": None, "N_": None, "say_count": (1, 2)}


def path_of(code: str) -> Path:
    """The catalogue of a language."""
    return APP / "words" / "locale" / code / "LC_MESSAGES" / "muster.po"


def translated(code: str) -> Catalog:
    """A catalogue as the translators left it."""
    with path_of(code).open("rb") as file:
        return read_po(file, locale=code)


def extracted() -> Catalog:
    """What stands in the code, untranslated."""
    found = Catalog(project="Muster", charset="utf-8")
    for name, _line, text, comments, context in extract_from_dir(
        APP, METHODS, keywords=KEYWORDS, strip_comment_tags=True
    ):
        found.add(text, None, [(f"app/{name}", 1)], auto_comments=comments, context=context)
    return found


def update(code: str) -> None:
    """Bring a catalogue up to date: what is new has no translation, what has gone is left out."""
    catalogue = translated(code)
    created = catalogue.creation_date
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.creation_date = created  # a run that finds nothing new changes nothing
    with path_of(code).open("wb") as file:
        write_po(file, catalogue, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False)


if __name__ == "__main__":
    for code in LANGUAGES.keys() - {"en"}:
        update(code)
        print(path_of(code))
