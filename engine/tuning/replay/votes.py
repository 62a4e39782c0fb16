"""The votes of tracks, counted again by the same code as at the door (`engine.tracking.voting`).

The frames stay the same: a track that was decided early got fewer frames afterwards, so under another threshold it may lack the frames
that would have decided it. Similarities are those with the gallery of that time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from engine.config import VotingConfig
from engine.tracking import TrackSighting, Voter, assign, one_place_each
from engine.types import Identity, Match, TrackState

Key = tuple[str, str]
"""Camera and track."""

TrackProgress = Callable[[int, int], None]
"""Called with the number of decided tracks and of all tracks; an exception ends the work."""


def no_progress(done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class TrackDecision:
    """The result of a track's votes.

    Attributes:
        identity: the final decision.
        since: time of the first frame with this decision.
        was_unknown: whether the track was reported as a stranger at some time.
    """

    identity: Identity
    since: datetime
    was_unknown: bool = False


def key_of(sighting: TrackSighting) -> Key:
    """Return the key by which rows of other logs refer to a track."""
    return sighting.camera, sighting.track


def rerun(
    sightings: Iterable[TrackSighting],
    voting: VotingConfig,
    threshold: float | None = None,
    min_margin: float | None = None,
    known: Mapping[Key, TrackDecision] | None = None,
    progress: TrackProgress = no_progress,
) -> dict[Key, TrackDecision]:
    """Repeat the decisions on tracks.

    As at the door, faces of one frame are assigned jointly, and one person is not in two tracks at once.

    Args:
        sightings: tracks, in any order.
        threshold: smallest accepted similarity (`>=`), rounded to four digits as in the log; None: the one that was in force.
        min_margin: smallest lead over the runner-up; None: as it was.
        known: decisions under the threshold that was in force, reused where no similarity lies between both thresholds.
    """
    decisions: dict[Key, TrackDecision] = {}
    sightings = list(sightings)
    for group in _in_view_together(sightings):
        progress(len(decisions), len(sightings))
        key = key_of(group[0])
        if known is not None and len(group) == 1 and _as_it_was(group[0], threshold, min_margin):
            decisions[key] = known[key]
            continue
        voters = {key_of(each): Voter(voting) for each in group}
        found = {key_of(each): TrackDecision(Identity(), each.first_seen) for each in group}
        votes = [(vote.time, each, vote) for each in group for vote in each.votes]
        for time, frame in groupby(sorted(votes, key=itemgetter(0)), key=itemgetter(0)):
            faces = [(each, vote) for _, each, vote in frame]
            limits = [_limits(each, threshold, min_margin) for each, _ in faces]
            people = assign([Match(vote.frame, *limit) for (_, vote), limit in zip(faces, limits, strict=True)])
            for (each, vote), limit, person in zip(faces, limits, people, strict=True):
                voters[key_of(each)].recount(person, Match(vote.mean, *limit))
            if len(group) > 1:
                _one_place(group, voters, time)
            for each in group:
                key = key_of(each)
                found[key] = _followed(found[key], voters[key].identity, time)
        decisions |= found
    return decisions


def _as_it_was(sighting: TrackSighting, threshold: float | None, min_margin: float | None) -> bool:
    """Return whether no similarity lies between the threshold that was in force and another one."""
    (old, margin), (new, other_margin) = _limits(sighting, None, None), _limits(sighting, threshold, min_margin)
    low, high = sorted((old, new))
    return margin == other_margin and not any(
        low <= row.similarity < high for vote in sighting.votes for rows in (vote.frame, vote.mean) for row in rows
    )


def _limits(sighting: TrackSighting, threshold: float | None, min_margin: float | None) -> tuple[float, float]:
    in_force = 1.0 if sighting.identity.threshold is None else sighting.identity.threshold
    return (
        in_force if threshold is None else round(threshold, 4),
        sighting.min_margin if min_margin is None else min_margin,
    )


def _one_place(group: Sequence[TrackSighting], voters: Mapping[Key, Voter], time: datetime) -> None:
    present = [each for each in group if each.first_seen <= time <= each.last_seen]
    for loser in one_place_each([voters[key_of(each)] for each in present]):
        if loser.identity.person is not None:
            loser.deny(loser.identity.person)


def _followed(before: TrackDecision, identity: Identity, time: datetime) -> TrackDecision:
    same = (before.identity.state, before.identity.person) == (identity.state, identity.person)
    unknown = before.was_unknown or identity.state is TrackState.UNKNOWN
    return TrackDecision(identity, before.since if same else time, unknown)


def _in_view_together(sightings: Iterable[TrackSighting]) -> Iterator[list[TrackSighting]]:
    """Yield groups of a run's tracks whose times overlap, directly or through others, in the order of their beginnings."""

    def run(each: TrackSighting) -> tuple[str, str]:
        return each.camera, each.track.rpartition("-")[0]

    for _, tracks in groupby(sorted(sightings, key=lambda each: (run(each), each.first_seen, each.track)), key=run):
        group, until = list[TrackSighting](), datetime.min.replace(tzinfo=UTC)
        for each in tracks:
            if group and each.first_seen > until:
                yield group
                group = []
            until = max(until, each.last_seen)
            group.append(each)
        if group:
            yield group
