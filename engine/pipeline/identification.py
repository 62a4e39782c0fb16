"""Who the tracks are: which faces are worth embedding, what they say, and when a name must be taken back.

An undecided track's good faces are embedded at short intervals, ever less often the longer it stays undecided. A decided one is
verified now and then, when a face is much better than those before, and at once when the track may have changed hands (boxes that
crossed, a jump, a gap): that is how fewer embeddings lose nothing.
"""

from __future__ import annotations

import time as clock
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from engine.alignment import align
from engine.config import Config
from engine.face_reader import Faces
from engine.imaging import crop_around
from engine.liveness import Liveness, LivenessState
from engine.pipeline.embedding_queue import EmbeddedFace, FaceToEmbed
from engine.pipeline.faces import Decisions, Offers, TrackFaces
from engine.pipeline.following import FollowedFaces
from engine.pipeline.services import Services
from engine.pipeline.stats import RunStats
from engine.tracking import Trail, Vote, assign, one_place_each
from engine.types import Floats, Image, Match, TrackState

_SWAPPED = 2
"""So many good frames in a row that do not look like the track's own mean: somebody else has taken its place."""
_CLOSE = 0.25
"""Margin of a picture that must show nobody else, in box sides: a face that was not found yet would hardly be in it."""
_WHOLE = 0.95  # share of a face's box within the picture


@dataclass(frozen=True)
class VoteResult:
    """What some votes came to.

    Attributes:
        settled: tracks that have their decision.
        successors: faces of those who took the place of a track, by that track.
    """

    settled: set[int] = field(default_factory=set)
    successors: dict[int, TrackFaces] = field(default_factory=dict)


class Identification:
    """Decides who the tracks of one camera are. Belongs to the pipeline's thread.

    Attributes:
        gallery: the one that was searched last.
    """

    def __init__(self, services: Services, config: Config, stats: RunStats) -> None:
        self._services, self._config, self._stats = services, config, stats
        self._faces: dict[int, TrackFaces] = {}
        self._closing: list[Trail] = []
        self._demanding = False
        self.gallery = services.gallery.current()

    def _begin(self, track_id: int, faces: TrackFaces | None = None) -> None:
        self._stats.tracks += 1
        self._faces[track_id] = faces or TrackFaces.new(self._config)

    def end(self, trails: Sequence[Trail]) -> None:
        """Tracks have ended: they are kept until all that is known of them has been counted."""
        self._closing += trails

    def look(self, seen: FollowedFaces, waiting: Mapping[int, int]) -> list[FaceToEmbed]:
        """Take the faces of a frame in; those that can teach something, to be embedded.

        Args:
            waiting: how many faces of each track are being embedded. They may be enough to decide it, so no more are asked for.
        """
        self.end(seen.ended)
        for track_id in seen.track_ids:
            if track_id not in self._faces:
                self._begin(track_id)
        with self._stats.stage("alignment"):
            self._compare(seen)
            rows = self._worth_cutting(seen, waiting)
            faces = self._services.reader.cut(seen.frame.image, seen.found[rows]) if rows else Faces.none()
            self._check_liveness(seen, rows, faces)
        return self._worth_embedding(seen, [seen.track_ids[row] for row in rows], faces)

    def _compare(self, seen: FollowedFaces) -> None:
        """Look whether the faces of named tracks go on as they were, also those too poor to be embedded."""
        named = [row for row, key in enumerate(seen.track_ids) if self._faces[key].compare_due(seen.frame.time)]
        for row, crop in zip(named, align(seen.frame.image, seen.found.landmarks[named]), strict=True):
            self._faces[seen.track_ids[row]].compare(crop, seen.frame.time)

    def _worth_cutting(self, seen: FollowedFaces, waiting: Mapping[int, int]) -> list[int]:
        """Rows of the faces of a frame that would be embedded if they were good enough, or must be checked for liveness."""
        time, voting = seen.frame.time, self._config.voting
        return [
            row
            for row, track_id in enumerate(seen.track_ids)
            if self._faces[track_id].measure_due(time, seen.doubted.get(track_id), voting, waiting.get(track_id, 0))
            or self._faces[track_id].liveness_due(time)
        ]

    def _check_liveness(self, seen: FollowedFaces, cut: Sequence[int], faces: Faces) -> None:
        """Check whether the faces of a frame are living people's.

        A face that the picture's edge cuts off is left out: its landmarks are squeezed as those of a turned photo are. Of 50 people
        rendered on their way through an entrance 2 were taken for photos because of that, and none without.

        Args:
            cut: rows of those whose aligned faces are in `faces`.
        """
        places = {row: place for place, row in enumerate(cut)}
        height, width = seen.frame.size
        inner = np.clip(seen.found.boxes, 0, [width, height, width, height])
        shares = (inner[:, 2:] - inner[:, :2]).prod(1) / np.maximum(seen.found.areas, 1e-3)
        for row, track_id in enumerate(seen.track_ids):
            track = self._faces[track_id]
            if track.liveness is None or shares[row] < _WHOLE:
                continue
            crop = faces.crops[places[row]] if row in places else None
            track.liveness.observe(seen.frame.time, seen.found.landmarks[row], crop)
            if crop is not None:
                track.shown_at = seen.frame.time

    def _worth_embedding(self, seen: FollowedFaces, track_ids: Sequence[int], faces: Faces) -> list[FaceToEmbed]:
        """The good ones among aligned faces that can teach something; `track_ids` is parallel to `faces`."""
        frame, chosen = seen.frame, []
        for row, (track_id, quality) in enumerate(zip(track_ids, faces.qualities, strict=True)):
            track = self._faces[track_id]
            track.quality, track.measured_at = quality, frame.time
            if not quality.good:
                continue
            if track.first_good is None:
                track.first_good = clock.monotonic()
            if not track.due(quality.score, frame.time, seen.doubted.get(track_id), self._config.voting):
                continue
            best = track.best is None or quality.score > max(track.best[0], track.offers.score)
            picture = self._picture(seen, faces.detections.boxes[row]) if best else None
            order, settled = track.offers.count, track.settled
            glance = self._services.reader.beside.glance is not None and track.glance_will_do(quality.score, frame.time)
            chosen.append(
                FaceToEmbed(
                    track_id, frame.time, frame.index, faces.crops[row], quality, picture, order, settled, glance
                )
            )
            track.offers.made(quality.score, frame.time, glance=glance)
        return chosen

    def _picture(self, seen: FollowedFaces, box: Floats) -> Image:
        """A face and its surroundings; where strangers leave no traces, closer, and with everybody else's face covered."""
        if self._config.strangers.leave_traces:
            return crop_around(seen.frame.image, box)
        return crop_around(seen.frame.image, box, grow=_CLOSE, hidden=seen.found.boxes)

    def vouch(self, track_id: int, reason: str) -> None:
        """Take for granted that a track is a living person, unless a check says otherwise."""
        if (track := self._faces.get(track_id)) is not None:
            track.vouched = Liveness(LivenessState.PASSED, reason)

    def demand(self) -> None:
        """From now on a track is a living person only if somebody vouches for it: what the checks pass is unproven."""
        self._demanding = True

    def vote(self, embedded: Sequence[EmbeddedFace], trails: Sequence[Trail]) -> VoteResult:
        """Let faces vote that have been embedded.

        Args:
            embedded: faces in order, each with its embedding.

        Raises:
            GalleryMismatch: the gallery was replaced by one of another model.
        """
        result = VoteResult()
        alive = {trail.track_id for trail in trails}
        for _, group in groupby(embedded, key=lambda pair: pair[0].frame):
            own = [pair for pair in group if pair[0].track_id in self._faces]
            self._glance([pair for pair in own if pair[0].glance])
            pairs = [pair for pair in own if not pair[0].glance]
            if not pairs:
                continue
            matches = self._search(np.stack([embedding for _, embedding in pairs]))
            for (face, embedding), match, person in zip(pairs, matches, assign(matches), strict=True):
                if face.quality.covered and person is None:
                    self._faces[face.track_id].hide(face.quality, face.picture)
                    continue  # whose it is cannot be told, not even that it is nobody's
                track = self._voting(face, embedding, alive, result)
                if track is not None:
                    self._count(track, face, embedding, match, person)
                    if track.settled:
                        result.settled.add(face.track_id)
        return result

    def _glance(self, glances: Sequence[EmbeddedFace]) -> None:
        """See which tracks still have their own faces."""
        glance = self._services.reader.beside.glance
        for face, row in glances:
            track = self._faces[face.track_id]
            fused = track.voter.supporting
            if glance is not None and fused is not None:
                track.glanced(face.time, same=glance.agrees(row, fused))

    def _search(self, probes: Floats) -> list[Match]:
        self.gallery = self._services.gallery.current()
        return self._services.search(probes, self.gallery)

    def _voting(self, face: FaceToEmbed, embedding: Floats, alive: set[int], result: VoteResult) -> TrackFaces | None:
        """Whose face it is: its track's, or that of somebody who took the track's place; None: it must not vote."""
        track = self._faces[face.track_id]
        fused = track.voter.fused
        if len(track.voter) < self._config.voting.min_agreeing or fused is None:
            return track
        if float(fused @ embedding) >= self._services.swap_similarity:
            track.strange = 0
            return track
        track.strange += 1
        track.doubt(face.time)
        if track.strange < _SWAPPED or face.track_id not in alive:
            return None  # one odd frame decides nothing: it votes only if the next one is not odd, too
        successor = TrackFaces.new(self._config)
        successor.quality, successor.offers = track.quality, Offers(1, face.time)
        successor.first_good = clock.monotonic()
        result.successors[face.track_id] = successor
        alive.remove(face.track_id)
        return successor

    def _count(self, track: TrackFaces, face: FaceToEmbed, embedding: Floats, match: Match, person: str | None) -> None:
        score = face.quality.score
        track.voter.vote(person, embedding, score, lambda probe: self._search(probe[None])[0])
        identity = track.voter.identity
        if person == identity.person and identity.state in {TrackState.KNOWN, TrackState.UNKNOWN}:
            track.confirm(face.time)
        track.votes.append(Vote(face.time, match.candidates, track.voter.match.candidates))
        track.voted += 1
        track.keep(score, face.picture)

    def resolve(self, result: VoteResult, restarts: Sequence[tuple[int, Trail]], trails: Sequence[Trail]) -> None:
        """After a vote: who took a track's place goes on under an id of their own, and a person in view stands in one place.

        Args:
            restarts: of the tracks in its `successors`: the new id, and the trail that ended.
        """
        for new_id, ended in restarts:
            self._begin(new_id, result.successors[ended.track_id])
            self.end([ended])
        visible = {trail.track_id for trail in trails if trail.visible}
        voters = [self._faces[key].voter for key in sorted(visible) if key in self._faces]
        for loser in one_place_each(voters):
            person = loser.identity.person
            assert person is not None
            loser.deny(person)

    @property
    def unknown(self) -> dict[int, TrackFaces]:
        """Tracks of people who are not enrolled."""
        return {key: each for key, each in self._faces.items() if each.voter.identity.state is TrackState.UNKNOWN}

    def conclude(self, trails: Sequence[Trail], awaited: Collection[int]) -> Decisions:
        """Who the tracks are by now. Those that have ended are given a last time, and forgotten.

        Args:
            awaited: tracks about which something is still being found out: they have not ended yet.
        """
        for trail in (*trails, *self._closing):
            if trail.track_id not in self._faces:
                self._begin(trail.track_id)
        faces = dict(self._faces)
        ended = [trail for trail in self._closing if trail.track_id not in awaited]
        self._closing = [trail for trail in self._closing if trail.track_id in awaited]
        holds_s = self._config.voting.name_holds_s
        tracks = [
            faces[trail.track_id].snapshot(trail, holds_s, ended=False, demanding=self._demanding)
            for trail in (*trails, *self._closing)
        ]
        tracks += [
            faces[trail.track_id].snapshot(trail, holds_s, ended=True, demanding=self._demanding) for trail in ended
        ]
        for trail in ended:
            del self._faces[trail.track_id]
        return Decisions(tracks, faces, self.gallery)
