"""The log of sightings: of every track with a good face what its decision was made of, so that it can be made again.

One row per track that has ended, known or not. It holds whom the face resembled how much, frame by frame as far as there is room: enough
to count the votes anew under another threshold (`engine.tuning.replay`), but no picture and no template. Ids of people stand in columns of
their own, so that a pseudonym can take their place; everything else refers to them by their position there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.storage import csv_line, encode_cell, new_id
from engine.storage.logs import FileLogs, Logs
from engine.types import Candidate, Identity, TrackState

__all__ = ["SIGHTING_COLUMNS", "SightingBook", "TrackSighting", "Vote", "parse_sighting"]

SIGHTING_COLUMNS = (
    "sighting_id", "timestamp", "until", "camera", "track", "state", "employee_id", "unknown_id", "agreeing_frames",
    "voting_frames", "threshold", "min_margin", "candidates", "similarities", "votes", "votes_left_out", "liveness",
    "model", "gallery_version", "gallery_size",
)  # fmt: skip
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


class SightingBook:
    """Writes the log of sightings.

    Args:
        workspace: folder that holds `log/`.
        zone: the workplace's time zone; a sighting belongs to the day on which it began.
        logs: makes the log; default: files in the workspace.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None) -> None:
        self.log = (logs or FileLogs(workspace / "log")).daily("sightings", SIGHTING_COLUMNS, PEOPLE_CELLS)
        self._zone = zone

    def record(self, sighting: TrackSighting) -> dict[str, object]:
        """Write a sighting down durably.

        Raises:
            StorageError: it could not be written; the log is as it was.
        """
        row = self._row(sighting)
        day = sighting.first_seen.astimezone(self._zone).date()
        with self.log.exclusive():
            if self.log.standing(day, "sighting_id", str(row["sighting_id"])) is None:
                self.log.append(day, [row])
        return row

    def read(self, first: date, last: date) -> list[dict[str, str]]:
        """Rows of tracks that began from `first` to `last`. Do not change them."""
        return self.log.on(day for day in self.log.days() if first <= day <= last)

    def _row(self, sighting: TrackSighting) -> dict[str, object]:
        identity, best = sighting.identity, sighting.candidates[:TOP]
        told = [vote.frame[:1] + vote.mean[:1] for vote in sighting.votes]
        people = dict.fromkeys(row.person for rows in (best, *told) for row in rows)
        places = {person: place for place, person in enumerate(list(people)[:_MOST_PEOPLE])}
        row: dict[str, object] = {
            "sighting_id": new_id(sighting.first_seen.astimezone(self._zone), "sighting", sighting.track),
            "timestamp": self._stamp(sighting.first_seen),
            "until": self._stamp(sighting.last_seen),
            "camera": sighting.camera,
            "track": sighting.track,
            "state": identity.state.value,
            "employee_id": identity.person,
            "unknown_id": sighting.unknown_id,
            "agreeing_frames": identity.agreeing,
            "voting_frames": identity.voting,
            "threshold": _rounded(identity.threshold),
            "min_margin": _rounded(sighting.min_margin),
            "candidates": ";".join(places),
            "similarities": ";".join(f"{candidate.similarity:.4f}" for candidate in best),
            "liveness": sighting.liveness,
            "model": sighting.model,
            "gallery_version": sighting.gallery_version,
            "gallery_size": sighting.gallery_size,
        }
        line = csv_line(encode_cell(row.get(column, "")) for column in SIGHTING_COLUMNS)
        texts = _fitting(
            [_vote_text(vote, sighting.first_seen, places) for vote in sighting.votes],
            _ROW_BYTES - _SEAL_BYTES - len(line.encode()),
        )
        row["votes"] = ";".join(texts)
        row["votes_left_out"] = sighting.left_out + len(sighting.votes) - len(texts)
        return row

    def _stamp(self, time: datetime) -> str:
        return time.astimezone(self._zone).isoformat(timespec="milliseconds")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


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


def parse_sighting(row: Mapping[str, str]) -> TrackSighting:
    """A row of the log as what it tells of.

    Raises:
        ValueError: somebody changed it so that it cannot be read.
    """
    people = row["candidates"].split(";") if row["candidates"] else []
    similarities = [float(text) for text in row["similarities"].split(";") if text]
    begin, end = datetime.fromisoformat(row["timestamp"]), datetime.fromisoformat(row["until"])
    if begin.utcoffset() is None or end.utcoffset() is None:
        raise ValueError("a time without an offset")
    threshold = float(row["threshold"]) if row["threshold"] else None
    agreeing, voting = int(row["agreeing_frames"] or 0), int(row["voting_frames"] or 0)
    return TrackSighting(
        track=row["track"],
        camera=row["camera"],
        first_seen=begin,
        last_seen=end,
        identity=Identity(TrackState(row["state"]), row["employee_id"] or None, agreeing, voting, threshold=threshold),
        unknown_id=row["unknown_id"],
        candidates=tuple(Candidate(person, value) for person, value in zip(people, similarities, strict=False)),
        votes=tuple(_vote(text, begin, people) for text in row["votes"].split(";") if text),
        left_out=int(row["votes_left_out"] or 0),
        min_margin=float(row["min_margin"] or 0),
        liveness=row["liveness"],
        model=row["model"],
        gallery_version=int(row["gallery_version"] or 0),
        gallery_size=int(row["gallery_size"] or 0),
    )


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
