"""By which rules decisions become punches and alerts: those of the door, on what the logs hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from engine.attendance.sheet import valid_rows
from engine.config import EventsConfig
from engine.events import almost, classify
from engine.tracking import TrackSighting
from engine.tuning.replay.votes import Key, Outcome
from engine.types import TailgatingClass, TrackState

__all__ = ["SETTLED", "Row", "Rows", "Rules", "Side", "moment"]

Row = Mapping[str, str]
SETTLED = {TrackState.KNOWN, TrackState.UNKNOWN}
_LOOKED_AT = 2
"""Good frames from which on an undecided face counts in a passage."""


def moment(row: Row) -> datetime | None:
    """The time of a row; None: somebody changed it so that it cannot be read."""
    try:
        time = datetime.fromisoformat(row["timestamp"])
    except ValueError:
        return None
    return time if time.utcoffset() is not None else None


@dataclass(frozen=True)
class Side:
    """Then or now.

    Attributes:
        outcomes: decisions.
        punches: person by track.
        alerts: tracks with which an alert of an unknown person begins.
    """

    outcomes: Mapping[Key, Outcome]
    punches: Mapping[Key, str]
    alerts: frozenset[Key]


@dataclass
class Rows:
    """Rows of the logs by the track that they are about.

    Attributes:
        punches: not taken back by the engine; `taken_back`: by people.
        pictures: of the face, whatever the row says.
        alerts: of unknown people.
        fixed: punches of tracks that are not replayed: person, direction and time.
        fixed_alerts: when others of unknown people began.
    """

    punches: dict[Key, Row] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)
    pictures: dict[Key, str] = field(default_factory=dict)
    alerts: dict[Key, Row] = field(default_factory=dict)
    fixed: list[tuple[str, str, datetime]] = field(default_factory=list)
    fixed_alerts: list[datetime] = field(default_factory=list)


class Rules:
    """Rules and the tracks they are applied to.

    Args:
        tracks: that are replayed.
        zone, events, require_liveness, directions: see `replay`.
    """

    def __init__(
        self,
        tracks: Mapping[Key, TrackSighting],
        zone: tzinfo,
        events: EventsConfig,
        require_liveness: bool,
        directions: Mapping[str, str],
    ) -> None:
        self.tracks, self._zone, self._events = tracks, zone, events
        self._require_liveness, self._directions = require_liveness, directions

    def day(self, time: datetime) -> date:
        """The workplace day that a moment belongs to."""
        return time.astimezone(self._zone).date()

    def rows(self, attendance: Sequence[Row], incidents: Sequence[Row]) -> Rows:
        """What the logs hold of the tracks."""
        rows = Rows()
        rows.taken_back = {
            row["refers_to"] for row in attendance if row["event"] == "retract" and row["author"] != "engine"
        }
        engine = [row for row in attendance if row["event"] != "retract" or row["author"] == "engine"]
        for row in valid_rows(engine):
            key = (row["camera"], row["track"])
            if row["event"] != "punch":
                continue
            if key in self.tracks:
                rows.punches[key] = row
            elif row["event_id"] not in rows.taken_back:
                begin = datetime.fromisoformat(row["timestamp"])
                rows.fixed.append((row["employee_id"], row["direction"] or "both", begin))
        for row in incidents:
            key = (row["camera"], row["tracks"].partition(";")[0])
            time = moment(row)
            if row["kind"] == "unknown" and key in self.tracks:
                rows.alerts[key] = row
            elif row["kind"] == "unknown" and time is not None:
                rows.fixed_alerts.append(time)
            if row["kind"] not in {"review", "tailgating"} and row["image"]:
                rows.pictures[key] = row["image"]
        rows.pictures |= {
            (row["camera"], row["track"]): row["evidence_image"] for row in attendance if row["evidence_image"]
        }
        return rows

    def side(self, outcomes: Mapping[Key, Outcome], rows: Rows) -> Side:
        """What decisions lead to; those of tracks that are not replayed are left out."""
        own = {key: outcome for key, outcome in outcomes.items() if key in self.tracks}
        return Side(own, self._punches(own, rows.fixed), self._alerts(own))

    def person(self, key: Key, outcome: Outcome) -> str | None:
        """Who a track is, as far as that may be written down."""
        liveness = self.tracks[key].liveness
        alive = liveness == "passed" if self._require_liveness else liveness != "failed"
        return outcome.identity.person if alive and outcome.identity.state is TrackState.KNOWN else None

    def _punches(self, outcomes: Mapping[Key, Outcome], fixed: Iterable[tuple[str, str, datetime]]) -> dict[Key, str]:
        """Who punches with which track: not so soon before or after another punch of theirs."""
        cool_down = timedelta(seconds=self._events.cool_down_s)
        times: dict[tuple[str, str], list[datetime]] = {}
        for person, direction, time in fixed:
            times.setdefault((person, direction), []).append(time)
        punches: dict[Key, str] = {}
        for key, outcome in sorted(outcomes.items(), key=lambda pair: (pair[1].since, pair[0])):
            named, time = self.person(key, outcome), self.tracks[key].first_seen
            if named is None:
                continue
            others = times.setdefault((named, self._directions.get(key[0], "both")), [])
            if all(abs(time - other) >= cool_down for other in others):
                others.append(time)
                punches[key] = named
        return punches

    def _stranger(self, key: Key) -> str:
        """Who a stranger is taken for: their identifier, or whom they resemble most."""
        track = self.tracks[key]
        return track.unknown_id or (
            f"like {track.candidates[0].person}" if track.candidates else f"track {track.track}"
        )

    def _alerts(self, outcomes: Mapping[Key, Outcome]) -> frozenset[Key]:
        """Tracks with which a stranger's visit begins."""
        if not self._events.unknown:
            return frozenset()
        gap = timedelta(seconds=self._events.episode_gap_s)
        last: dict[tuple[str, str], datetime] = {}
        alerts = set()
        unknown = [key for key, outcome in outcomes.items() if outcome.was_unknown]
        for key in sorted(unknown, key=lambda key: (self.tracks[key].first_seen, key)):
            track, who = self.tracks[key], (key[0], self._stranger(key))
            if who not in last or track.first_seen - last[who] > gap:
                alerts.add(key)
            last[who] = max(track.last_seen, last.get(who, track.last_seen))
        return frozenset(alerts)

    def says(self, key: Key, side: Side) -> str:
        """A decision in a word, see `Change`."""
        outcome = side.outcomes[key]
        identity = outcome.identity
        if identity.state is TrackState.UNKNOWN:
            return "unknown"
        if identity.state is TrackState.KNOWN:
            if self.person(key, outcome) is None:
                return "not living"
            return "known" if key in side.punches else "cool-down"
        return "unidentified" if almost(identity) else "undecided"

    @staticmethod
    def named(keys: Collection[Key], side: Side) -> list[str]:
        """Enrolled people among tracks."""
        people = (side.outcomes[key].identity.person for key in keys)
        return sorted({person for person in people if person is not None})

    def passage(self, keys: Collection[Key], side: Side) -> tuple[TailgatingClass, int] | None:
        """The class of a passage and how many took part; None: fewer than two."""
        identities = {key: side.outcomes[key].identity for key in keys}
        strangers = {self._stranger(key) for key, each in identities.items() if each.state is TrackState.UNKNOWN}
        unsettled = [each for each in identities.values() if each.state not in SETTLED and each.voting >= _LOOKED_AT]
        known, others = len(self.named(keys, side)), len(strangers) + len(unsettled)
        return (classify(known, others), known + others) if known + others >= 2 else None
