"""The sentences that pages say, collected for translators: run it (`make words`) after a sentence was added or changed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import app
import engine
from app.words import LANGUAGES
from app.words.terms import TERMS
from engine.access import ROLES
from engine.alignment import QUALITY_REASONS
from engine.attendance import Presence, Status
from engine.config import LEAVE_STATUSES
from engine.config.leave import STANDARD_KINDS
from engine.incidents import INCIDENT_KINDS, REVIEW_STATES
from engine.occlusion import COVERED
from engine.reports import COLUMNS, STATUSES, SUMMARY_COLUMNS
from engine.reports.columns import heading
from engine.tuning.calibration import ASSUMPTIONS
from engine.types import Severity

APP, ENGINE_FOLDER = Path(app.__file__).parent, Path(engine.__file__).parent
PLACES = {
    "app": (APP, APP / "words" / "locale", "muster.po"),
    "engine": (ENGINE_FOLDER, ENGINE_FOLDER / "words" / "locale", "engine.po"),
}
"""The two catalogues: where their sentences are said, and where the translations lie. What both say is in the engine's."""
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.j2", "jinja2")]
KEYWORDS = {"say": None, "N_": None, "say_count": (1, 2), "phrase": None, "Part": None}
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
    *(*map(heading, COLUMNS), *map(heading, SUMMARY_COLUMNS), *(each.meaning for each in STATUSES.values())),
    *(*Presence, "passed", "unproven", "failed", "yes", "no"),
)
"""Words and sentences of the engine that pages and reports show as they are, or pages as `TERMS` says."""


def path_of(code: str, part: str) -> Path:
    """The catalogue of a language."""
    _, folder, name = PLACES[part]
    return folder / code / "LC_MESSAGES" / name


def translated(code: str, part: str) -> Catalog:
    """A catalogue as the translators left it; empty if it is new."""
    path = path_of(code, part)
    if not path.exists():
        return Catalog(locale=code, project="Muster", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=code)


@cache
def extracted(part: str) -> Catalog:
    """What the code says, untranslated: of the app without what the engine says, too."""
    folder = PLACES[part][0]
    others = {message.id for message in extracted("engine")} if part == "app" else set()
    found = Catalog(project="Muster", charset="utf-8")
    for name, _line, text, comments, context in extract_from_dir(
        folder,
        METHODS,
        keywords=KEYWORDS,
        strip_comment_tags=True,
        directory_filter=lambda each: Path(each).name not in {"cli", "__pycache__"},  # commands speak English
    ):
        if text not in others and (part == "app" or re.search(r"[^\W_]", re.sub(r"{.*?}", "", str(text)))):
            found.add(text, None, [(f"{part}/{name}", 1)], auto_comments=comments, context=context)
    if part == "engine":
        for word in filter(None, map(str, ENGINE)):
            found.add(TERMS.get(word, word), None, [("engine", 1)])
    return found


def update(code: str) -> None:
    """Bring both catalogues up to date: what is new has no translation unless the other one had it, what has gone is left out."""
    before = {part: translated(code, part) for part in PLACES}
    for part, catalogue in before.items():
        created = catalogue.creation_date
        there = {
            message.id: message.string for message in before["app" if part == "engine" else "engine"] if message.id
        }
        now = translated(code, part)
        now.update(extracted(part), no_fuzzy_matching=True)
        now.creation_date = created  # a run that finds nothing new changes nothing
        for message in now:
            if message.id and not any(message.string or "") and message.id in there:
                message.string = there[message.id]
        path_of(code, part).parent.mkdir(parents=True, exist_ok=True)
        with path_of(code, part).open("wb") as file:
            write_po(file, now, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False)


if __name__ == "__main__":
    for code in LANGUAGES.keys() - {"en"}:
        update(code)
        print(*(path_of(code, part) for part in PLACES))
