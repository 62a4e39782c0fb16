"""The log of sightings: of every track with a good face what its decision was made of, so that it can be made again.

One row per track that has ended, known or not. A row says how much the face resembled whom, frame by frame as far as there is room: enough
to count the votes anew under another threshold (`engine.tuning.replay`), but no picture and no template. Ids of people are kept in columns
of their own, so that a pseudonym can replace them; everything else refers to them by their position there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.storage import csv_line, encode_cell, new_id
from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog
from engine.types import Candidate, Identity, TrackState

PEOPLE_CELLS = ("employee_id", "candidates")
TOP = 5
"""So many candidates of the decision are kept."""
_MOST_PEOPLE = 8
_OF_FRAME, _OF_MEAN = 3, 2
"""Candidates kept of each frame, and of the mean after it: who is accepted depends on the best and on who comes next."""
_ROW_BYTES = 1900
"""A row is no longer: of a long track the votes that came first are left out."""
_SEAL_BYTES = 75
_SCALE = 10_000


@dataclass(frozen=True)
class Vote:
    """One good frame of a track.

    Attributes:
        time: of the frame.
        frame: whom its face resembled, best first.
        mean: whom the track's mean embedding resembled after it, best first.
    """

    time: datetime
    frame: tuple[Candidate, ...]
    mean: tuple[Candidate, ...]


@dataclass(frozen=True)
class TrackSighting:
    """A track that has ended, with what its decision was made of.

    Attributes:
        track, camera: its name, unique among runs, and where.
        first_seen, last_seen: timezone-aware.
        identity: the decision as it stood at the end.
        unknown_id: the stranger's identifier; empty without one.
        candidates: of the track's mean embedding at the end, best first.
        votes: the latest good frames, oldest first.
        left_out: good frames that voted before those.
        min_margin: how far the best had to lie before the runner-up.
        liveness: what the presentation checks said; empty: not checked.
        model, gallery_version, gallery_size: who was searched for; the size in people.
    """

    track: str
    camera: str
    first_seen: datetime
    last_seen: datetime
    identity: Identity
    unknown_id: str
    candidates: tuple[Candidate, ...]
    votes: tuple[Vote, ...]
    left_out: int
    min_margin: float
    liveness: str
    model: str
    gallery_version: int
    gallery_size: int


@dataclass(frozen=True)
class SightingRow:
    """A row of the log, one field per column.

    Attributes:
        sighting_id: names the row.
        timestamp, until: when the track began and ended.
        camera, track, unknown_id, min_margin, liveness, model, gallery_version, gallery_size: see `TrackSighting`.
        state, employee_id, agreeing_frames, voting_frames, threshold: the decision.
        candidates: ids of the people to whom similarities and votes refer, at most eight.
        similarities: of the first candidates with the track's mean embedding at the end.
        votes: the latest good frames as text, oldest first; `sighting` reads them.
        votes_left_out: good frames that voted before those.
    """

    sighting_id: str
    timestamp: datetime
    until: datetime
    camera: str
    track: str
    state: TrackState
    employee_id: str
    unknown_id: str
    agreeing_frames: int
    voting_frames: int
    threshold: float | None
    min_margin: float
    candidates: tuple[str, ...]
    similarities: tuple[float, ...]
    votes: tuple[str, ...]
    votes_left_out: int
    liveness: str
    model: str
    gallery_version: int
    gallery_size: int

    def sighting(self) -> TrackSighting:
        """The track that the row is about, as far as the row had room for it.

        Raises:
            ValueError: somebody changed the votes so that they cannot be read.
        """
        best = zip(self.candidates, self.similarities, strict=False)
        return TrackSighting(
            track=self.track,
            camera=self.camera,
            first_seen=self.timestamp,
            last_seen=self.until,
            identity=Identity(
                self.state, self.employee_id or None, self.agreeing_frames, self.voting_frames, threshold=self.threshold
            ),
            unknown_id=self.unknown_id,
            candidates=tuple(Candidate(person, similarity) for person, similarity in best),
            votes=tuple(_vote(text, self.timestamp, self.candidates) for text in self.votes),
            left_out=self.votes_left_out,
            min_margin=self.min_margin,
            liveness=self.liveness,
            model=self.model,
            gallery_version=self.gallery_version,
            gallery_size=self.gallery_size,
        )


SIGHTING = RowType(SightingRow)


class SightingBook:
    """Writes and reads the log of sightings.

    Args:
        workspace: folder that holds `log/`.
        zone: the workplace's time zone; a sighting belongs to the day on which it began.
        logs: makes the log; default: files in the workspace.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None) -> None:
        logs = logs or FileLogs(workspace / "log")
        self.log = TypedDayLog(logs.daily("sightings", SIGHTING.columns, PEOPLE_CELLS), SIGHTING)
        self._zone = zone

    def record(self, sighting: TrackSighting) -> None:
        """Append a row durably, unless it is there already.

        Raises:
            StorageError: it could not be written; the log is as it was.
        """
        row = self._row(sighting)
        day = row.timestamp.date()
        with self.log.exclusive():
            if self.log.standing(day, "sighting_id", row.sighting_id) is None:
                self.log.append(day, [row])

    def rows(self) -> Iterator[SightingRow]:
        """All rows, day by day; those that cannot be read are left out."""
        for day in self.log.days():
            yield from self._parsed([day])

    def read(self, first: date, last: date) -> list[SightingRow]:
        """Rows of tracks that began from `first` to `last`; those that cannot be read are left out."""
        return self._parsed(self._days(first, last))

    def tracks(self, first: date, last: date) -> tuple[list[TrackSighting], int]:
        """Tracks that began from `first` to `last`, and how many rows about such tracks cannot be read."""
        found = []
        raw = self.log.raw.on(self._days(first, last))
        for cells in raw:
            try:
                found.append(SIGHTING.parse(cells).sighting())
            except (ValueError, OverflowError):
                continue
        return found, len(raw) - len(found)

    def _days(self, first: date, last: date) -> list[date]:
        return [day for day in self.log.days() if first <= day <= last]

    def _parsed(self, days: Iterable[date]) -> list[SightingRow]:
        # not kept beside the log's own rows: weeks of sightings are large, and seldom asked for twice
        return SIGHTING.parse_all(self.log.raw.on(days), self.log.raw.name)

    def _row(self, sighting: TrackSighting) -> SightingRow:
        identity, best = sighting.identity, sighting.candidates[:TOP]
        named = [vote.frame[:1] + vote.mean[:1] for vote in sighting.votes]
        people = list(dict.fromkeys(each.person for candidates in (best, *named) for each in candidates))
        row = SightingRow(
            sighting_id=new_id(sighting.first_seen.astimezone(self._zone), "sighting", sighting.track),
            timestamp=sighting.first_seen.astimezone(self._zone),
            until=sighting.last_seen.astimezone(self._zone),
            camera=sighting.camera,
            track=sighting.track,
            state=identity.state,
            employee_id=identity.person or "",
            unknown_id=sighting.unknown_id,
            agreeing_frames=identity.agreeing,
            voting_frames=identity.voting,
            threshold=None if identity.threshold is None else round(identity.threshold, 4),
            min_margin=round(sighting.min_margin, 4),
            candidates=tuple(people[:_MOST_PEOPLE]),
            similarities=tuple(candidate.similarity for candidate in best),
            votes=(),
            votes_left_out=0,
            liveness=sighting.liveness,
            model=sighting.model,
            gallery_version=sighting.gallery_version,
            gallery_size=sighting.gallery_size,
        )
        cells = SIGHTING.cells(row) | {"votes_left_out": ""}
        places = {person: place for place, person in enumerate(row.candidates)}
        texts = _fitting(
            [_vote_text(vote, sighting.first_seen, places) for vote in sighting.votes],
            _ROW_BYTES - _SEAL_BYTES - len(csv_line(map(encode_cell, cells.values())).encode()),
        )
        left_out = sighting.left_out + len(sighting.votes) - len(texts)
        return replace(row, votes=tuple(texts), votes_left_out=left_out)


def _fitting(texts: Sequence[str], room: int) -> list[str]:
    """The latest texts that fit into so many characters, in their order."""
    kept = 0
    for text in reversed(texts):
        room -= len(text) + 1
        if room < 0:
            break
        kept += 1
    return list(texts[len(texts) - kept :])


def _vote_text(vote: Vote, begin: datetime, places: Mapping[str, int]) -> str:
    """`1200:0=7123 1=4012/0=7300 1=3770`: milliseconds after the beginning; place of a candidate = similarity · 10⁴."""
    offset = round((vote.time - begin) / timedelta(milliseconds=1))
    frame, mean = (
        " ".join(
            f"{places[row.person]}={round(row.similarity * _SCALE)}" for row in rows[:count] if row.person in places
        )
        for rows, count in ((vote.frame, _OF_FRAME), (vote.mean, _OF_MEAN))
    )
    return f"{offset}:{frame}/{mean}"


def _vote(text: str, begin: datetime, people: Sequence[str]) -> Vote:
    offset, _, rest = text.partition(":")
    frame, _, mean = rest.partition("/")
    return Vote(begin + timedelta(milliseconds=int(offset)), _candidates(frame, people), _candidates(mean, people))


def _candidates(text: str, people: Sequence[str]) -> tuple[Candidate, ...]:
    rows = []
    for pair in text.split():
        place, _, similarity = pair.partition("=")
        if not 0 <= int(place) < len(people):
            raise ValueError(f"no candidate {place}")
        rows.append(Candidate(people[int(place)], int(similarity) / _SCALE))
    return tuple(rows)
