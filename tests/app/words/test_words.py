"""The catalogues hold exactly the sentences that pages say, each translated, with the same values."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from babel.messages.catalog import Catalog, Message
from catalogue import APP, ENGINE, PLACES, extracted, translated

from app import words
from app.words import sentence
from app.words.terms import TERMS
from engine.errors import InputError

OTHERS = sorted(words.LANGUAGES.keys() - {"en"})


def texts(found: Catalog) -> set[object]:
    """What is translated: a sentence, or its singular and plural."""
    return {message.id for message in found if message.id}


def forms(either: object) -> tuple[str, ...]:
    """A sentence, or its singular and plural."""
    return tuple(map(str, either)) if isinstance(either, tuple | list) else (str(either),)


def fields(text: str) -> set[str]:
    """The values that a sentence takes."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def messages(code: str) -> list[Message]:
    """All of a catalogue but its heading."""
    return [message for part in PLACES for message in translated(code, part) if message.id]


def said() -> Iterator[tuple[str, ast.Call]]:
    """Calls of `say` and `say_count` in the code."""
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"say", "say_count"}:
                yield f"{path.name}:{node.lineno}", node


@pytest.mark.parametrize("part", PLACES)
@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_holds_exactly_what_is_said(code: str, part: str) -> None:
    wanted, there = texts(extracted(part)), texts(translated(code, part))
    assert wanted - there == set(), "not in the catalogue: run `make words`, then translate"
    assert there - wanted == set(), "no longer said: run `make words`"
    assert not translated(code, part).obsolete


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_translated(code: str) -> None:
    assert [
        each.id for each in messages(code) if each.fuzzy or not all(text.strip() for text in forms(each.string))
    ] == []


@pytest.mark.parametrize("code", OTHERS)
def test_translations_take_the_same_values(code: str) -> None:
    for each in messages(code):
        wanted, (*singular, last) = fields(forms(each.id)[-1]), forms(each.string)
        assert fields(last) == wanted, each.id
        assert all(fields(text) <= wanted for text in singular), each.id


def test_calls_say_a_literal_and_give_the_values_that_it_takes() -> None:
    wrong, known = [], {form for part in PLACES for text in texts(extracted(part)) for form in forms(text)}
    for place, call in said():
        counted = isinstance(call.func, ast.Name) and call.func.id == "say_count"
        literal = [each.value for each in call.args[: 2 if counted else 1] if isinstance(each, ast.Constant)]
        given = {keyword.arg for keyword in call.keywords} | ({"count"} if counted else set())
        wanted = [fields(str(text)) for text in literal]
        if (
            len(literal) != 1 + counted
            or not known.issuperset(literal)
            or (given and None not in given and given != wanted[-1])
        ):
            wrong.append(place)
    assert wrong == []


def test_words_of_the_engine_are_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {TERMS.get(word, word) for word in map(str, ENGINE)}
    for code in OTHERS:
        assert wanted - texts(translated(code, "app")) - texts(translated(code, "engine")) == set()
    monkeypatch.setattr(words, "language", lambda: "de")
    assert (words.term("late"), words.term("presentation_attack")) == ("verspätet", "Lebenderkennung nicht bestanden")


def test_one_thing_and_many_things_are_said_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for code in words.LANGUAGES:
        monkeypatch.setattr(words, "language", lambda code=code: code)
        said[code] = [words.say_count("{count} person", "{count} people", count) for count in (0, 1, 1200)]
    assert said == {"en": ["0 people", "1 person", "1,200 people"], "de": ["0 Personen", "1 Person", "1.200 Personen"]}


def test_an_unknown_word_or_language_stays_english(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words.choose(["fr-FR", "de-AT", "en"]) == "de"
    assert words.choose(["fr", "xx"]) == words.choose([]) == "en"
    monkeypatch.setattr(words, "language", lambda: "de")
    assert (words.term("made_up_word"), words.term(""), words.say("Nobody says {this}")) == (
        "made up word",
        "",
        "Nobody says {this}",
    )


def test_dates_numbers_and_durations_are_written_as_people_do(monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 11, 3)
    monkeypatch.setattr(words, "language", lambda: "en")
    assert (words.say_date(day), words.say_date(day, year=False)) == ("Tue 3 Nov 2026", "Tue 3 Nov")
    assert (words.say_month(date(2026, 3, 1)), words.say_weekdays()[0]) == ("March 2026", "Mon")
    assert (words.say_number(1234.5, 2), words.say_number(12345)) == ("1,234.50", "12,345")
    assert [words.say_percent(share) for share in (0, 0.0004, 0.02, 0.996)] == ["0%", "0.04%", "2%", "100%"]
    monkeypatch.setattr(words, "language", lambda: "de")
    assert (words.say_date(day), words.say_date(day, year=False)) == ("Di 03.11.2026", "Di 03.11.")
    assert (words.say_month(date(2026, 3, 1)), words.say_weekdays()[0]) == ("März 2026", "Mo")
    assert (words.say_number(1234.5, 2), words.say_number(12345)) == ("1.234,50", "12.345")
    assert words.say_percent(0.042, 1) == "4,2\u202f%"
    assert [words.say_minutes(value) for value in (0, 59.6, 462, -5, 60)] == [
        "0 min",
        "1 h 00 min",
        "7 h 42 min",
        "−5 min",
        "1 h 00 min",
    ]
    assert words.say_time("2026-11-03T08:57:13+01:00") == "08:57"
    assert words.say_time(datetime(2026, 11, 3, 8, 7)) == "08:07"  # noqa: DTZ001 - local by then


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("the id 1 is taken", "The id 1 is taken."),
        ("muster.toml cannot be read", "muster.toml cannot be read."),
        ("x.csv: line 3", "x.csv: line 3."),
        ("week: nobody works there", "week: nobody works there."),
        ("Add pictures.", "Add pictures."),
        ("übersprungen", "Übersprungen."),
        ("", ""),
    ],
)
def test_what_the_engine_says_becomes_a_sentence_and_names_stay(text: str, told: str) -> None:
    assert sentence(text) == told


def test_an_error_is_told_without_an_arrow() -> None:
    assert (
        words.said(InputError("the id 1 is taken", hint="choose another one"))
        == "The id 1 is taken. Choose another one."
    )
