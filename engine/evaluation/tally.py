"""All pairs of thousands of photos, walked in blocks and counted by similarity, so that memory does not grow with their number.

Intervals over people come from leaving out a twentieth of the people at a time (the delete-a-group jackknife: Kott 2001), because each
draw of a bootstrap would have to weigh every pair anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.comparisons import Indices
from engine.evaluation.figures import FARS, figure_names, figures_of
from engine.evaluation.intervals import Estimate, Resampling

_CLASSES = 40_000  # of similarity: thresholds are exact to 5e-5
_FOLDS = 20
_MOST_PHOTOS = 1000
_FEWEST_PAIRS = 10  # impostors that a rate must let through to be reported
_STRICT = (*FARS, "0.0001", "0.00001")

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Block:
    """Similarities (n, m) of some photos with others; of those with themselves, each pair counts once.

    Attributes:
        first, second: numbers of the photos, (n,) and (m,).
        counted: (n, m) False for a photo with itself, and for a pair that another place holds.
    """

    first: Indices
    second: Indices
    scores: Rows
    counted: NDArray[np.bool_]


def pair_blocks(embeddings: NDArray[np.floating], parts: list[Indices]) -> Iterator[tuple[int, int, Block]]:
    """All pairs of photos, each once, with the two parts they are from.

    Args:
        embeddings: (n, d) unit rows.
        parts: numbers of photos, disjoint.
    """
    rows = np.asarray(embeddings, np.float32)
    pieces = [
        (number, part[at : at + _MOST_PHOTOS])
        for number, part in enumerate(parts)
        for at in range(0, len(part), _MOST_PHOTOS)
    ]
    for place, (one, first) in enumerate(pieces):
        for other, second in pieces[place:]:
            scores = rows[first] @ rows[second].T
            counted = np.ones(scores.shape, np.bool_)
            if first is second:
                counted = np.triu(counted, 1)
            yield one, other, Block(first, second, scores, counted)


class PairTally:
    """Counts of all pairs of labelled photos by similarity.

    Args:
        embeddings: (n, d) unit rows.
        owners: (n,) the number of each photo's person, from 0.

    Attributes:
        genuine, impostor: number of pairs of one person, and of two.
        people: with two photos or more.
    """

    def __init__(self, embeddings: NDArray[np.floating], owners: Indices) -> None:
        fold = np.random.default_rng(0).permutation(int(owners.max(initial=-1)) + 1) % _FOLDS
        parts = [np.flatnonzero(fold[owners] == each) for each in range(_FOLDS)]
        touching = np.zeros((2, _FOLDS, _CLASSES), np.int64)
        whole = np.zeros((2, _CLASSES), np.int64)
        for one, other, block in pair_blocks(embeddings, parts):
            found = _counted(block, owners, apart=one != other)
            whole += found
            touching[:, one] += found
            if other != one:
                touching[:, other] += found
        self._genuine, self._impostor = whole
        self._without = whole[:, None] - touching
        self.genuine, self.impostor = int(whole[0].sum()), int(whole[1].sum())
        photos = np.bincount(owners)
        self.people = int((photos > 1).sum())
        self._pairs_of_people = len(photos) * (len(photos) - 1) // 2

    def __len__(self) -> int:
        return self.genuine + self.impostor

    def fars(self) -> tuple[str, ...]:
        """False accept rates that these pairs can show: at least ten impostors pass."""
        return tuple(far for far in _STRICT if far in FARS or float(far) * self.impostor >= _FEWEST_PAIRS)

    def figures(self) -> dict[str, Estimate]:
        """The figures of `engine.evaluation.figures`, at stricter rates, too."""
        fars = self.fars()
        values = figures_of(self._genuine[None].astype(float), self._impostor[None].astype(float), fars)[0]
        drawn = figures_of(self._without[0].astype(float), self._without[1].astype(float), fars)
        found = {}
        for name, value, column in zip(figure_names(fars), values.tolist(), drawn.T, strict=True):
            # as spread out as the draws of a bootstrap would be
            spread = value + (column - column.mean()) * np.sqrt(_FOLDS - 1)
            units = self._pairs_of_people if name == "auc" else self.people
            estimate = Resampling.estimate(value * len(self), len(self), spread, np.ones(_FOLDS), _FOLDS, units)
            found[name] = replace(estimate, value=value, people=self.people)
        return found

    def balanced_accuracy(self) -> float:
        """The best mean of 1 - FMR and 1 - FNMR over all thresholds."""
        below = [np.cumsum(counts) - counts for counts in (self._genuine, self._impostor)]
        fmr, fnmr = 1 - below[1] / self.impostor, below[0] / self.genuine
        return float((1 - (fmr + fnmr) / 2).max())

    def threshold_at_fmr(self, fmr: float) -> float:
        """The lowest threshold, to 5e-5, that accepts at most `fmr` of the impostors."""
        passing = np.cumsum(self._impostor[::-1])[::-1] <= fmr * self.impostor
        lowest = int(passing.argmax()) if passing.any() else _CLASSES
        return float(lowest * 2 / _CLASSES - 1)


def _counted(block: Block, owners: Indices, *, apart: bool) -> NDArray[np.int64]:
    """(2, classes) genuine and impostor pairs; `apart`: nobody is on both sides."""
    classes = (block.scores * np.float32(_CLASSES / 2) + np.float32(_CLASSES / 2)).astype(np.int32)
    np.clip(classes, 0, _CLASSES - 1, out=classes)
    if apart:
        return np.stack([np.zeros(_CLASSES, np.int64), np.bincount(classes.ravel(), minlength=_CLASSES)])
    same = owners[block.first, None] == owners[block.second][None]
    kinds = block.counted & same, block.counted & ~same
    return np.stack([np.bincount(classes[kind], minlength=_CLASSES) for kind in kinds])
