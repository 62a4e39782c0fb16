"""What a threshold promises and what it costs, in one sentence."""

from __future__ import annotations

import math
from typing import Literal

from engine.config import VotingConfig

_LONGEST_YEARS = 100
_MOST_PEOPLE = 1_000_000


def how_often(per_month: float) -> tuple[int, int, Literal["month", "year"]]:
    """Return how often something happens, in whole numbers: (3, 1, "month"), (1, 4, "month"), (1, 2, "year").

    (0, 100, "year") stands for less than once in a hundred years.
    """
    if per_month >= 0.95:
        return max(1, round(per_month)), 1, "month"
    if per_month * 12 > 1:
        return 1, max(2, round(1 / per_month)), "month"
    years = 1 / (12 * per_month) if per_month > 0 else math.inf
    return (1, max(1, round(years)), "year") if years < _LONGEST_YEARS else (0, _LONGEST_YEARS, "year")


def how_many(share: float, *, at_most: bool = False) -> tuple[int, int]:
    """Return a share as people among a hundred, a thousand …: (2, 100), (1, 1000). (0, 1000000) stands for fewer than one.

    Args:
        at_most: round up.
    """
    total = 100
    while share * total < 0.95:
        total *= 10
        if total > _MOST_PEOPLE:
            return 0, _MOST_PEOPLE
    return math.ceil(share * total - 1e-6) if at_most else round(share * total), total


def percent(share: float) -> str:
    """Return a share in whole percents, or below one percent to its first digit: 12%, 2%, 0.4%, 0.01%."""
    if 0 < share < 0.0095:
        digits = -math.floor(math.log10(100 * share))
        return f"{100 * share:.{digits}f}%"
    return f"{share:.0%}"


def in_words(threshold: float, named: float, try_again: float, wrong_per_month: float | None = None) -> str:
    """Return what a threshold promises and what it costs, for a single look into the camera.

    "At 0.52, Muster mistakes about 1 in 1,000 strangers for an employee and asks about 2 in 100 arriving employees to look again."

    Args:
        named: share of strangers who are named.
        try_again: share of arrivals that are not.
        wrong_per_month: wrong punches; None if the traffic is unknown, then the sentence says nothing about them.
    """
    strangers, arrivals = _about(named), _about(try_again)
    text = (
        f"At {threshold:.2f}, Muster mistakes {strangers} strangers for an employee and asks {arrivals} arriving employees to "
        "look again."
    )
    if wrong_per_month is None:
        return text
    count, span, unit = how_often(wrong_per_month)
    if not count:
        return f"{text} That makes less than 1 wrong punch in {span} years."
    when = f"a {unit}" if span == 1 else f"in {span} {unit}s"
    return f"{text} That makes about {count:,} wrong punch{'es' * (count > 1)} {when}."


def _about(share: float) -> str:
    count, total = how_many(share)
    return f"about {count} in {total:,}" if count else f"fewer than 1 in {total:,}"


def passage_in_words(voting: VotingConfig, named: float) -> str:
    """Return what a whole passage adds to a single look.

    Args:
        named: share of strangers who are named in a passage, at most.
    """
    count, total = how_many(named, at_most=True)
    strangers = f"at most {count} in {total:,}" if count else f"fewer than 1 in {total:,}"
    return (
        f"Both figures are for a single look into the camera. To give a name, Muster needs at least {voting.min_agreeing} looks that "
        f"agree, and {percent(voting.min_share)} of all looks. In a whole passage (up to {voting.window} looks) it mistakes {strangers} "
        "strangers, even when wrong looks tend to come together."
    )
