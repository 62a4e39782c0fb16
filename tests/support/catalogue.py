"""The sentences that pages say, collected for translators: run it (`make words`) after a sentence was added or changed."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import app
from app.words import LANGUAGES
from app.words.terms import TERMS
from engine.access import ROLES
from engine.alignment import QUALITY_REASONS
from engine.attendance import Status
from engine.config import LEAVE_STATUSES
from engine.config.leave import STANDARD_KINDS
from engine.incidents import INCIDENT_KINDS, REVIEW_STATES
from engine.occlusion import COVERED
from engine.reports import COLUMNS, STATUSES, SUMMARY_COLUMNS
from engine.tuning.calibration import ASSUMPTIONS
from engine.types import Severity

APP = Path(app.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"say": None, "N_": None, "say_count": (1, 2)}
ENGINE = (
    *(
        *ROLES,
        *QUALITY_REASONS,
        *COVERED,
        "several faces",
        *Status,
        *INCIDENT_KINDS,
        *REVIEW_STATES,
        *LEAVE_STATUSES,
        *(kind["name"] for kind in STANDARD_KINDS.values()),
        *Severity,
        *ASSUMPTIONS,
    ),
    *(*COLUMNS.values(), *SUMMARY_COLUMNS.values(), *(each.next_step for each in STATUSES.values() if each.next_step)),
)
"""Words and sentences of the engine that pages show as they are, or as `TERMS` says."""


def path_of(code: str) -> Path:
    """The catalogue of a language."""
    return APP / "words" / "locale" / code / "LC_MESSAGES" / "muster.po"


def translated(code: str) -> Catalog:
    """A catalogue as the translators left it."""
    with path_of(code).open("rb") as file:
        return read_po(file, locale=code)


def extracted() -> Catalog:
    """What pages and the engine say, untranslated."""
    found = Catalog(project="Muster", charset="utf-8")
    for name, _line, text, comments, context in extract_from_dir(
        APP, METHODS, keywords=KEYWORDS, strip_comment_tags=True
    ):
        found.add(text, None, [(f"app/{name}", 1)], auto_comments=comments, context=context)
    for word in map(str, ENGINE):
        found.add(TERMS.get(word, word), None, [("app/words/terms.py", 1)])
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
