"""How often a stranger is named in a passage, against how often in a single look: simulated with the real voting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import match, unit
from numpy.typing import NDArray

from engine.config import VotingConfig
from engine.gallery import Gallery, Template
from engine.tracking import Voter, passage_factor
from engine.types import Match, TrackState

Looks = NDArray[np.bool_]
TOM = unit(1, 0)


def named(looks: Sequence[bool], **config: float) -> bool:
    """Whether a stranger is ever named, when the looks of a passage take him for Tom or for nobody.

    The search for the fused embedding always finds Tom: the worst case for the votes.
    """
    voter = Voter(VotingConfig.model_validate(config))

    def search(_probe: NDArray[np.float32]) -> Match:
        return match(0.5, 0.05, Tom=0.9, Ann=0.1)

    states = [voter.vote("Tom" if wrong else None, TOM, 0.8, search).state for wrong in looks]
    return TrackState.KNOWN in states


def rates(passages: Looks, **config: float) -> tuple[float, float]:
    """The share of wrong looks, and the share of passages in which the stranger is named."""
    return float(passages.mean()), float(np.mean([named(looks, **config) for looks in passages.tolist()]))


@pytest.mark.parametrize(
    ("config", "factor"),
    [
        ({}, 5 / 3),
        ({"min_share": 1.0}, 1.0),
        ({"min_share": 0.8, "min_agreeing": 1}, 5 / 4),
        ({"min_agreeing": 10, "window": 15}, 1.5),
        ({"min_agreeing": 3, "window": 4}, 4 / 3),
        ({"min_agreeing": 5, "window": 3}, 1.0),  # a name is never given
    ],
)
def test_the_factor_follows_from_the_settings(config: dict[str, float], factor: float) -> None:
    assert passage_factor(VotingConfig.model_validate(config)) == pytest.approx(factor)


def test_looks_that_are_all_alike_are_wrong_together() -> None:
    passages = np.zeros((200, 25), bool)
    passages[:10] = True
    assert rates(passages) == (0.05, 0.05)


def test_looks_that_have_nothing_in_common_hardly_ever_agree() -> None:
    passages = np.random.default_rng(0).random((200, 25)) < 0.05
    look, passage = rates(passages)
    assert look == pytest.approx(0.05, abs=0.01)
    assert passage < 0.1 * look


def test_the_factor_is_reached_where_looks_conspire_and_so_cannot_be_smaller() -> None:
    cycle = [True, True, True, False, False]
    passages = np.zeros((100, 25), bool)
    for row in range(10):  # each of these strangers fools three looks out of five, from any place of the cycle on
        passages[row] = np.roll(cycle * 5, row % 5)
    look, passage = rates(passages)
    assert (look, passage) == (0.06, 0.1)
    assert passage == pytest.approx(passage_factor(VotingConfig()) * look)


@pytest.mark.parametrize(
    ("stays", "config"),
    [(0.5, {}), (0.9, {}), (0.98, {}), (0.9, {"min_share": 0.8}), (0.9, {"min_agreeing": 1, "window": 5})],
)
def test_however_long_looks_stay_alike_the_factor_holds(stays: float, config: dict[str, float]) -> None:
    chance = np.random.default_rng(int(100 * stays))
    rate, count = 0.1, 300
    window = VotingConfig.model_validate(config).window
    passages = np.empty((count, window), bool)
    passages[:, 0] = chance.random(count) < rate
    for place in range(1, window):  # each look is like the one before, or is drawn anew
        drawn = chance.random(count) < rate
        passages[:, place] = np.where(chance.random(count) < stays, passages[:, place - 1], drawn)
    look, passage = rates(passages, **config)
    assert passage <= passage_factor(VotingConfig.model_validate(config)) * look
    assert passage > 0


def test_strangers_before_a_real_gallery_keep_the_factor() -> None:
    chance = np.random.default_rng(5)

    def people(count: int) -> NDArray[np.float32]:
        rows = chance.normal(size=(count, 16))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    enrolled = people(5)
    gallery = Gallery.empty("model-1", "aligned", 16).add(
        [Template(f"t-{number}", f"E{number}", 0.9) for number in range(5)], enrolled
    )
    wrong = passages = looks = 0
    for stranger in people(300):
        voter, ever = Voter(VotingConfig()), False
        for noise in chance.normal(size=(25, 16)):
            face = unit(*(stranger + 0.1 * noise).tolist())
            (found,) = gallery.search(face[None], threshold=0.6, min_margin=0.05)
            wrong, looks = wrong + (found.person is not None), looks + 1
            ever |= (
                voter.vote(
                    found.person,
                    face,
                    0.8,
                    lambda probe: gallery.search(probe[None], threshold=0.6, min_margin=0.05)[0],
                ).state
                is TrackState.KNOWN
            )
        passages += ever
    look, passage = wrong / looks, passages / 300
    assert 0.01 < look < 0.2
    assert 0.5 * look < passage <= passage_factor(VotingConfig()) * look
