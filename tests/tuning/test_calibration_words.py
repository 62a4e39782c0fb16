"""What a threshold promises and what it costs, in words that people read rightly."""

from __future__ import annotations

import pytest

from engine.config import VotingConfig
from engine.tracking import passage_factor
from engine.tuning.calibration import how_many, how_often, in_words, passage_in_words, percent


@pytest.mark.parametrize(
    ("per_month", "expected"),
    [
        (12.4, (12, 1, "month")),
        (1.0, (1, 1, "month")),
        (0.25, (1, 4, "month")),
        (0.6, (1, 2, "month")),
        (1 / 12, (1, 1, "year")),
        (1 / 60, (1, 5, "year")),
        (1e-5, (0, 100, "year")),
        (0.0, (0, 100, "year")),
    ],
)
def test_how_often_is_told_in_whole_numbers(per_month: float, expected: tuple[int, int, str]) -> None:
    assert how_often(per_month) == expected


@pytest.mark.parametrize(
    ("share", "expected", "at_most"),
    [
        (0.001, (1, 1000), (1, 1000)),
        (0.001 * 5 / 3, (2, 1000), (2, 1000)),
        (0.0012, (1, 1000), (2, 1000)),
        (0.0096, (1, 100), (1, 100)),
        (0.024, (2, 100), (3, 100)),
        (1.0, (100, 100), (100, 100)),
        (2e-6, (2, 1_000_000), (2, 1_000_000)),
        (2e-7, (0, 1_000_000), (0, 1_000_000)),
        (0.0, (0, 1_000_000), (0, 1_000_000)),
    ],
)
def test_shares_are_people_among_a_round_number(
    share: float, expected: tuple[int, int], at_most: tuple[int, int]
) -> None:
    assert how_many(share) == expected
    assert how_many(share, at_most=True) == at_most


def test_the_sentence_for_people() -> None:
    promise = (
        "At 0.52, Muster mistakes about 1 in 1,000 strangers for an employee and asks about 2 in 100 arriving employees to "
        "look again."
    )
    assert in_words(0.52, 0.001, 0.02) == promise, "nothing per month follows from a traffic that nobody knows"
    assert in_words(0.52, 0.001, 0.02, 1 / 60) == f"{promise} That makes about 1 wrong punch in 5 years."
    assert in_words(0.52, 0.001, 0.02, 3) == f"{promise} That makes about 3 wrong punches a month."
    assert in_words(0.52, 0.001, 0.02, 0) == f"{promise} That makes less than 1 wrong punch in 100 years."
    assert "mistakes fewer than 1 in 1,000,000 strangers" in in_words(0.9, 0, 0.6)


def test_what_a_passage_adds_is_worked_out_from_how_votes_are_counted() -> None:
    said = passage_in_words(VotingConfig(), 0.001 * passage_factor(VotingConfig()))
    assert "at least 3 looks that agree, and 60% of all looks." in said
    assert "(up to 25 looks) it mistakes at most 2 in 1,000 strangers" in said
    assert "fewer than 1 in 1,000,000" in passage_in_words(VotingConfig(), 0)


@pytest.mark.parametrize(
    ("share", "expected"), [(0, "0%"), (1, "100%"), (0.024, "2%"), (0.004, "0.4%"), (0.0001, "0.01%"), (0.00996, "1%")]
)
def test_small_shares_do_not_become_nought(share: float, expected: str) -> None:
    assert percent(share) == expected
