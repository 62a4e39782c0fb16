"""Every sentence that pages say stands in the German catalogue, with the same values; and nothing stands there in vain."""

from __future__ import annotations

import ast
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from app import words
from engine.access import ROLES
from engine.alignment import QUALITY_REASONS
from engine.attendance import Status
from engine.incidents import INCIDENT_KINDS, REVIEW_STATES
from engine.people.absence import LEAVE_KINDS
from engine.types import Severity

APP = Path(words.__file__).parents[1]
FOLDER = Path(words.__file__).parent / "de"


def said() -> Iterator[tuple[Path, ast.Call]]:
    """Calls of `say` in the code of the pages."""
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                yield path, node


def sentences() -> set[str]:
    """All texts that are said, those of the sign-in page included."""
    found = set()
    for path, call in said():
        text = call.args[0]
        assert isinstance(text, ast.Constant), f"{path}:{call.lineno}: say() takes a literal"
        found.add(str(text.value))
    template = (APP / "web" / "templates" / "sign_in.html").read_text(encoding="utf-8")
    pieces = template.split('say("')[1:]
    return found | {piece.split('"')[0] for piece in pieces}


def fields(text: str) -> Counter[str]:
    """The values that a sentence takes."""
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name)


def catalogue(*, terms: bool) -> dict[str, str]:
    """Sentences, or words of the engine."""
    paths = [path for path in FOLDER.glob("*.toml") if path.stem.endswith("_terms") == terms]
    return {key: value for path in paths for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def test_every_sentence_is_translated() -> None:
    assert sorted(sentences() - words.catalogue("de").keys()) == []


def test_no_translation_is_left_over() -> None:
    assert sorted(catalogue(terms=False).keys() - sentences()) == []


def test_no_sentence_is_translated_twice() -> None:
    paths = [path for path in FOLDER.glob("*.toml") if not path.stem.endswith("_terms")]
    found = Counter(key for path in paths for key in tomllib.loads(path.read_text(encoding="utf-8")))
    assert [key for key, count in found.items() if count > 1] == []


def test_translations_take_the_same_values() -> None:
    different = {key: text for key, text in catalogue(terms=False).items() if set(fields(key)) != set(fields(text))}
    assert different == {}


def test_calls_give_the_values_that_sentences_take() -> None:
    wrong = []
    for path, call in said():
        given = {keyword.arg for keyword in call.keywords}
        if given and None not in given and given != set(fields(str(call.args[0].value))):  # type: ignore[attr-defined]
            wrong.append(f"{path.name}:{call.lineno}")
    assert wrong == []


@pytest.mark.parametrize(
    "term", sorted({*map(str, Status), *LEAVE_KINDS, *INCIDENT_KINDS, *REVIEW_STATES, *map(str, Severity), *ROLES, *QUALITY_REASONS})
)  # fmt: skip
def test_words_of_the_engine_are_translated(term: str) -> None:
    assert term in words.catalogue("de")


def test_dates_times_and_durations_are_written_as_people_do(monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 11, 3)
    monkeypatch.setattr(words, "language", lambda: "en")
    assert (words.say_date(day), words.say_date(day, year=False)) == ("Tue 3 Nov 2026", "Tue 3 Nov")
    monkeypatch.setattr(words, "language", lambda: "de")
    assert (words.say_date(day), words.say_date(day, year=False)) == ("Di 03.11.2026", "Di 03.11.")
    assert [words.say_minutes(value) for value in (0, 59.6, 462, -5, 60)] == [
        "0 min",
        "1 h 00 min",
        "7 h 42 min",
        "−5 min",
        "1 h 00 min",
    ]
    assert words.say_time("2026-11-03T08:57:13+01:00") == "08:57"
    assert words.say_time(datetime(2026, 11, 3, 8, 7)) == "08:07"  # noqa: DTZ001 - local by then
