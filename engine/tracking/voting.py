"""From the frames of a track to a name, or to none.

- Only good frames get here; a poor one neither votes nor spends an attempt.
- Every good frame votes, *unknown* included: eleven unknown frames and one "Tom" are not Tom.
- A name needs at least three agreeing frames, the greater share of the votes, and the track's fused embedding (mean over the
  frames) must reach the threshold for the same person with a margin to the runner-up.
- Within a frame a person stands in one place: faces are assigned to people jointly, not each by its own best.
- A name can be withdrawn: when later frames say otherwise the track turns to conflict, unknown, or another name.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.config import VotingConfig
from engine.types import Identity, Match, TrackState

Floats = NDArray[np.float32]

_GONE: Floats = np.empty(0, np.float32)


def assign(matches: Sequence[Match]) -> list[str | None]:
    """Who is who among the faces of one frame: at most one face per person, best in sum.

    What is summed is how far similarities lie above the threshold, so a faint look-alike does not push somebody off their name.

    Only similarities `>= threshold` can be assigned, and the assigned person must lie `>= min_margin` before everybody else who is not
    given to another face. A face whose person is claimed better by another face gets None.
    """
    people = sorted({row.person for match in matches for row in match.candidates if row.similarity >= match.threshold})
    answer: list[str | None] = [None] * len(matches)
    if not people:
        return answer
    scores = np.zeros((len(matches), len(people)))
    for index, match in enumerate(matches):
        for row in match.candidates:
            if row.similarity >= match.threshold:
                scores[index, people.index(row.person)] = row.similarity - match.threshold + 1e-6
    pairs = [
        (int(face), people[int(column)])
        for face, column in zip(*scipy.optimize.linear_sum_assignment(-scores), strict=True)
        if scores[face, column] > 0
    ]
    given = {person: face for face, person in pairs}
    for face, person in pairs:
        match = matches[face]
        own = next(row.similarity for row in match.candidates if row.person == person)
        rivals = [
            row.similarity for row in match.candidates if row.person != person and given.get(row.person, face) == face
        ]
        if not rivals or own - max(rivals) >= match.min_margin:
            answer[face] = person
    return answer


def _mean(rows: Sequence[tuple[Floats, float]]) -> Floats | None:
    """Return the weighted mean of embeddings as a unit row (d,); None without any."""
    if not rows:
        return None
    mean = np.sum([embedding * max(weight, 0.05) for embedding, weight in rows], axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def passage_factor(config: VotingConfig) -> float:
    """How many times as often as in a single look a stranger is named in a passage, at most.

    A name needs a share of all looks so far. If each look is as likely to be wrong as any other, that share is ever reached with at
    most the chance of a wrong look divided by the share, however much the looks depend on each other: Markov's inequality at a
    given number of looks, the maximal ergodic theorem (Hopf 1954) for all of them together. It holds for the first `window`
    looks of a passage.
    """
    looks = np.arange(config.min_agreeing, max(config.window, config.min_agreeing) + 1)
    needed = np.maximum(config.min_agreeing, np.ceil(config.min_share * looks - 1e-9))
    return float((looks / needed).max())


class Voter:
    """The votes of one track.

    Attributes:
        identity: the decision so far.
        match: the latest search for the fused embedding.
    """

    def __init__(self, config: VotingConfig) -> None:
        self._config = config
        self._votes: deque[tuple[str | None, Floats, float]] = deque(maxlen=config.window)
        self.identity = Identity()
        self.match = Match()

    def __len__(self) -> int:
        return len(self._votes)

    @property
    def fused(self) -> Floats | None:
        """The quality-weighted mean of the frames' embeddings as a unit row (d,); None before the first vote."""
        return _mean([(embedding, weight) for _, embedding, weight in self._votes])

    @property
    def supporting(self) -> Floats | None:
        """The same mean over the frames that voted for the current decision."""
        person = self.identity.person
        return _mean([(embedding, weight) for vote, embedding, weight in self._votes if vote == person])

    def vote(self, person: str | None, embedding: Floats, weight: float, search: Callable[[Floats], Match]) -> Identity:
        """Take one good frame in and decide anew.

        Args:
            person: whom the frame was assigned to; None: nobody.
            embedding: (d,) float32 unit row of the frame.
            weight: quality score, 0 to 1.
            search: 1:N search for a fused embedding.
        """
        self._votes.append((person, np.asarray(embedding, np.float32), weight))
        fused = self.fused
        assert fused is not None
        return self._settle(search(fused))

    def recount(self, person: str | None, match: Match) -> Identity:
        """Count a vote of the past, whose embedding is gone, and decide as `vote` did.

        Args:
            person: whom the frame was assigned to; None: nobody.
            match: the answer of the search for the embedding fused with this frame.
        """
        self._votes.append((person, _GONE, 0.0))
        return self._settle(match)

    def _settle(self, match: Match) -> Identity:
        self.match = match
        self.identity = self._decide(match)
        return self.identity

    def deny(self, person: str) -> Identity:
        """Another track in view has the better claim on `person`: all frames that voted so count as unknown."""
        kept = [(None if vote == person else vote, embedding, weight) for vote, embedding, weight in self._votes]
        self._votes = deque(kept, maxlen=self._config.window)
        self.identity = Identity(
            state=TrackState.CONFLICT,
            voting=len(kept),
            similarity=self.identity.similarity,
            threshold=self.identity.threshold,
        )
        return self.identity

    def _decide(self, match: Match) -> Identity:
        config = self._config
        counts = Counter(vote for vote, _, _ in self._votes)
        total = len(self._votes)
        unknown = counts.pop(None, 0)
        ranked = counts.most_common(2)
        leader, agreeing = ranked[0] if ranked else (None, 0)
        second = ranked[1][1] if len(ranked) > 1 else 0
        # a name once given needs less to be kept than to be won, so that it does not flicker
        held = self.identity.state is TrackState.KNOWN and self.identity.person == leader
        share = 1 - config.min_share if held else config.min_share
        if (
            leader is not None
            and agreeing >= config.min_agreeing
            and agreeing >= share * total - 1e-9  # 0.56 * 25 is a little more than 14
            and agreeing > max(second, unknown)
            and match.person == leader
        ):
            return self._identity(TrackState.KNOWN, leader, agreeing, match, leader)
        if agreeing >= config.min_agreeing and second >= config.min_agreeing:
            return self._identity(TrackState.CONFLICT, None, agreeing, match, leader)
        if unknown >= config.min_unknown and unknown >= config.min_share * total - 1e-9 and not match.above_threshold:
            return self._identity(TrackState.UNKNOWN, None, unknown, match)
        if self.identity.state in {TrackState.KNOWN, TrackState.CONFLICT}:
            # a withdrawn name does not become "wait and see"
            return self._identity(TrackState.CONFLICT, None, agreeing, match, leader)
        if self.identity.state is TrackState.UNKNOWN and agreeing == 0:
            return self._identity(TrackState.UNKNOWN, None, unknown, match)
        return self._identity(TrackState.PENDING, None, agreeing, match, leader)

    def _identity(
        self, state: TrackState, person: str | None, agreeing: int, match: Match, nearest: str | None = None
    ) -> Identity:
        runner_up = match.runner_up
        return Identity(
            state=state,
            person=person,
            agreeing=agreeing,
            voting=len(self._votes),
            similarity=match.similarity,
            runner_up=runner_up.person if runner_up else None,
            runner_up_similarity=runner_up.similarity if runner_up else None,
            margin=match.margin,
            threshold=match.threshold,
            nearest=nearest,
        )


def one_place_each(voters: Sequence[Voter]) -> list[Voter]:
    """Among tracks in view at once, those that must give their name up: another track has it with a higher similarity."""
    best: dict[str, Voter] = {}
    losers: list[Voter] = []
    for voter in voters:
        identity = voter.identity
        if identity.state is not TrackState.KNOWN or identity.person is None:
            continue
        rival = best.get(identity.person)
        if rival is None:
            best[identity.person] = voter
        elif (identity.similarity or 0) > (rival.identity.similarity or 0):
            losers.append(rival)
            best[identity.person] = voter
        else:
            losers.append(voter)
    return losers
