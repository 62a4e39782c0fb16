"""What a threshold means for people, in one sentence."""

from __future__ import annotations

import math
from typing import Literal

_LONGEST_YEARS = 100


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


def percent(share: float) -> str:
    """Return a share in whole percents, or below one percent to its first digit: 12%, 2%, 0.4%, 0.01%."""
    if 0 < share < 0.0095:
        digits = -math.floor(math.log10(100 * share))
        return f"{100 * share:.{digits}f}%"
    return f"{share:.0%}"


def in_words(threshold: float, wrong_per_month: float, try_again: float | None, *, at_most: bool = False) -> str:
    """Return a sentence such as "At 0.52, about 1 wrong punch in 4 months; 2% of arrivals are asked to try again."

    Args:
        try_again: share of arrivals; None if unknown.
        at_most: the share is an upper bound, because there was no case.
    """
    count, span, unit = how_often(wrong_per_month)
    if not count:
        wrong = f"less than 1 wrong punch in {span} years"
    else:
        when = f"a {unit}" if span == 1 else f"in {span} {unit}s"
        wrong = f"about {count} wrong punch{'es' * (count > 1)} {when}"
    if try_again is None:
        again = "second attempts are unknown because no one has two templates"
    else:
        again = f"{'less than ' * at_most}{percent(try_again)} of arrivals are asked to try again"
    return f"At {threshold:.2f}, {wrong}; {again}."
