"""Punches, alerts and passages that decisions lead to, by the rules of `engine.attendance.rules` and `engine.events`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.attendance.rules import event_for
from engine.config import EventsConfig
from engine.events import LOOKED_AT, Episodes, almost, classify, living_person
from engine.tracking import TrackSighting
from engine.tuning.replay.votes import Key, TrackDecision
from engine.types import TrackState

SETTLED = {TrackState.KNOWN, TrackState.UNKNOWN}


@dataclass(frozen=True)
class KeptPunch:
    """A punch of a track that is not replayed."""

    person: str
    direction: str
    time: datetime


@dataclass(frozen=True)
class Passage:
    """Tracks that passed together.

    Attributes:
        kind: a tailgating class, or `none` for fewer than two people.
        people: how many.
        named: sorted ids of the enrolled people.
    """

    kind: str
    people: int
    named: tuple[str, ...]


@dataclass(frozen=True)
class Consequences:
    """What the decisions on all tracks lead to under one threshold.

    Attributes:
        punches: person by track.
        alerts: tracks that begin an alert about an unknown person.
    """

    decisions: Mapping[Key, TrackDecision]
    punches: Mapping[Key, str]
    alerts: frozenset[Key]


class DoorRules:
    """The rules, and the replayed tracks; for the other arguments see `Past`."""

    def __init__(
        self,
        tracks: Mapping[Key, TrackSighting],
        events: EventsConfig,
        require_liveness: bool,
        directions: Mapping[str, str],
    ) -> None:
        self._tracks, self._events = tracks, events
        self._require_liveness, self._directions = require_liveness, directions

    def consequences(self, decisions: Mapping[Key, TrackDecision], kept: Iterable[KeptPunch]) -> Consequences:
        """Return what the decisions on replayed tracks lead to."""
        own = {key: decision for key, decision in decisions.items() if key in self._tracks}
        return Consequences(own, self._punches(own, kept), self._alerts(own))

    def person(self, key: Key, decision: TrackDecision) -> str | None:
        """Return the person of a track, as far as it may be logged."""
        return living_person(decision.identity, self._tracks[key].liveness, required=self._require_liveness)

    def _punches(self, decisions: Mapping[Key, TrackDecision], kept: Iterable[KeptPunch]) -> dict[Key, str]:
        cool_down = timedelta(seconds=self._events.cool_down_s)
        times: dict[tuple[str, str], list[datetime]] = {}
        for punch in kept:
            times.setdefault((punch.person, punch.direction), []).append(punch.time)
        punches: dict[Key, str] = {}
        for key, decision in sorted(decisions.items(), key=lambda pair: (pair[1].since, pair[0])):
            if (named := self.person(key, decision)) is None:
                continue
            own = times.setdefault((named, self._directions.get(key[0], "both")), [])
            if event_for(self._tracks[key].first_seen, cool_down, punches=own) == "punch":
                own.append(self._tracks[key].first_seen)
                punches[key] = named
        return punches

    def _stranger(self, key: Key) -> str:
        """Return a stranger's identifier, or whom they resemble most."""
        track = self._tracks[key]
        alike = f"like {track.candidates[0].person}" if track.candidates else f"track {track.track}"
        return track.unknown_id or alike

    def _alerts(self, decisions: Mapping[Key, TrackDecision]) -> frozenset[Key]:
        if not self._events.unknown:
            return frozenset()
        episodes = Episodes(timedelta(seconds=self._events.episode_gap_s))
        tracks = {key: self._tracks[key] for key, decision in decisions.items() if decision.was_unknown}
        ordered = sorted(tracks.items(), key=lambda pair: (pair[1].first_seen, pair[0]))
        return frozenset(
            key
            for key, track in ordered
            if episodes.begins((track.camera, self._stranger(key)), track.first_seen, track.last_seen)
        )

    def word(self, key: Key, side: Consequences) -> str:
        """Return a decision in a word, see `Change`."""
        identity = side.decisions[key].identity
        if identity.state is TrackState.UNKNOWN:
            return "unknown"
        if identity.state is not TrackState.KNOWN:
            return "unidentified" if almost(identity) else "undecided"
        if self.person(key, side.decisions[key]) is None:
            return "not living"
        return "known" if key in side.punches else "cool-down"

    def passage(self, keys: Collection[Key], side: Consequences) -> Passage:
        """Return the passage of tracks that passed together."""
        identities = {key: side.decisions[key].identity for key in keys}
        named = sorted({each.person for each in identities.values() if each.person is not None})
        strangers = {self._stranger(key) for key, each in identities.items() if each.state is TrackState.UNKNOWN}
        unsettled = [each for each in identities.values() if each.state not in SETTLED and each.voting >= LOOKED_AT]
        others = len(strangers) + len(unsettled)
        people = len(named) + others
        return Passage(classify(len(named), others).value if people >= 2 else "none", people, tuple(named))
