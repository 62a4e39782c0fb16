"""The nearest of many unit rows: exact, and beyond 200,000 rows by faiss with an exact second look.

Up to `EXACT_UP_TO` rows one matrix product compares with everybody. Beyond, that product reads so much memory that faiss (extra
`large`) goes first: product quantisation to 4 bits in registers ("fast scan", André et al. 2015), all rows, no clusters. It was
chosen over graphs and inverted lists because it is built in seconds instead of minutes, takes new rows at once, and misses nobody
for lying in another cluster. Its `RERANK` best are then compared exactly, so similarities are those of the exact search, and who is
missed is measured (`make bench`, docs/performance.md).
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

EXACT_UP_TO = 200_000
RERANK = 1000
_TRAINING = 50_000
_OVERLAY = 20_000
"""Rows that may differ from those in the index; they are compared exactly. With more the index is built anew."""


class _Index:
    """A quantised copy of named rows. Not changed once built."""

    def __init__(self, names: Sequence[str], rows: Floats) -> None:
        import faiss  # noqa: PLC0415 - an extra, only for large galleries

        self.names, self.rows = names, rows
        dimension = rows.shape[1]
        self._index: Any = faiss.IndexPQFastScan(dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
        self._index.train(rows[:: max(1, len(rows) // _TRAINING)])
        self._index.add(rows)

    def candidates(self, probe: Floats, count: int) -> Ints:
        """The rows that are probably the best for one probe (d,)."""
        _, found = self._index.search(probe[None], min(count, len(self.names)))
        return np.asarray(found[0][found[0] >= 0], np.intp)


class Searcher:
    """Finds the most similar of named unit rows.

    Args:
        names: n, all different.
        rows: (n, d) float32.
        before: a searcher over nearly the same rows, whose index can be used again.
    """

    def __init__(self, names: Sequence[str], rows: Floats, before: Searcher | None = None) -> None:
        self._names, self._rows = names, rows
        self._index: _Index | None = None
        self._gone: frozenset[str] = frozenset()
        self._overlay: Ints = np.arange(len(names))
        if len(names) <= EXACT_UP_TO:
            return
        if importlib.util.find_spec("faiss") is None:
            log.warning(
                "%d people are searched one by one: `pip install 'muster[large]'` makes that several times as fast",
                len(names),
            )
            return
        if before is None or before._index is None or not self._reuse(before._index):
            self._index, self._overlay = _Index(names, rows), np.empty(0, np.intp)

    def _reuse(self, index: _Index) -> bool:
        """Keep an older index if few rows differ from its own."""
        place = {name: row for row, name in enumerate(index.names)}
        old = np.array([place.get(name, -1) for name in self._names], np.intp)
        same = old >= 0
        same[same] = (self._rows[same] == index.rows[old[same]]).all(1)
        gone = frozenset(place).difference(self._names)
        if len(same) - int(same.sum()) + len(gone) > _OVERLAY:
            return False
        self._index, self._overlay = index, np.flatnonzero(~same)
        self._gone = gone | {self._names[row] for row in self._overlay.tolist()}
        return True

    @property
    def exact(self) -> bool:
        """Everybody is compared with."""
        return self._index is None

    def best(self, probes: Floats, count: int, without: Collection[str] = ()) -> list[list[tuple[str, float]]]:
        """Name and similarity of the `count` most similar rows, best first, for each probe.

        Args:
            probes: (m, d) float32 unit rows.
            count: at least 1.
            without: names to leave out.
        """
        left_out = set(without)
        rows = self._rows if self.exact else self._rows[self._overlay]
        scores = probes @ rows.T
        wanted = min(count + len(left_out), scores.shape[1])
        answers = []
        for probe, row in zip(probes, scores, strict=True):
            columns = np.argpartition(-row, wanted - 1)[:wanted] if wanted else np.empty(0, np.intp)
            found = [(self._names[self._overlay[column]], float(row[column])) for column in columns]
            if self._index is not None:
                found += self._from_index(self._index, probe, count + len(left_out))
            found = sorted((pair for pair in found if pair[0] not in left_out), key=lambda pair: -pair[1])
            answers.append(found[:count])
        return answers

    def _from_index(self, index: _Index, probe: Floats, count: int) -> list[tuple[str, float]]:
        rows = index.candidates(probe, max(RERANK, 2 * count))
        scores = index.rows[rows] @ probe
        order = np.argsort(-scores, kind="stable")
        found: list[tuple[str, float]] = []
        for column in order:
            name = index.names[rows[column]]
            if name not in self._gone:
                found.append((name, float(scores[column])))
                if len(found) == count:
                    break
        return found
