"""What is wrong with a setting, in the viewer's language: the model's own sentences, and those of pydantic's rules."""

from __future__ import annotations

from app.words import said, say, say_number
from engine.config import Problem
from engine.words import Phrase

_LIMITS = ("ge", "gt", "le", "lt", "max_length", "min_length")


def told(problem: Problem) -> str:
    """A sentence about a problem."""
    if isinstance(problem.message, Phrase):
        text = said(problem.message)
        return f"{text[:1].upper()}{text[1:]}"
    return _rule(problem.kind, _limit(problem)) or problem.message


def _limit(problem: Problem) -> str:
    found = next((problem.limits[name] for name in _LIMITS if name in problem.limits), 0)
    return say_number(float(found), 0 if float(found).is_integer() else 2)


def _rule(kind: str, limit: str) -> str:
    rules = {
        "greater_than_equal": say("At least {limit}.", limit=limit),
        "greater_than": say("More than {limit}.", limit=limit),
        "less_than_equal": say("At most {limit}.", limit=limit),
        "less_than": say("Less than {limit}.", limit=limit),
        "string_too_long": say("At most {limit} characters.", limit=limit),
        "missing": say("Give a value."),
        "too_short": say("Give at least one."),
        "too_long": say("There are too many values."),
        "string_pattern_mismatch": say("This spelling is not allowed here."),
        "literal_error": say("Choose one of the values."),
        "enum": say("Choose one of the values."),
        "extra_forbidden": say("Muster knows no such setting."),
        "date_from_datetime_parsing": say("Give a date."),
    }
    if kind in rules:
        return rules[kind]
    if kind.startswith("int"):
        return say("Give a whole number.")
    if kind.startswith("float"):
        return say("Give a number.")
    if kind.startswith(("time", "date")):
        return say("Give a date.") if kind.startswith("date") else say("Give a time such as 08:30.")
    return ""
