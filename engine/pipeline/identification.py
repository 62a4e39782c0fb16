"""Who the tracks are: which faces are worth embedding, what they say, and when a name must be taken back.

An undecided track's good faces are embedded at short intervals, ever less often the longer it stays undecided. A decided one is
verified now and then, when a face is much better than those before, and at once when the track may have changed hands (boxes that
crossed, a jump, a gap): that is how fewer embeddings lose nothing.
"""

from __future__ import annotations

import time as clock
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from engine.config import Config, VotingConfig
from engine.face_reader import Faces
from engine.gallery import Gallery, Template
from engine.imaging import crop_around
from engine.liveness import Liveness, LivenessState, TrackLiveness, combined
from engine.pipeline.recorder import Recorder
from engine.pipeline.services import Services
from engine.pipeline.staging import Desk, Shot
from engine.tracking import TOP, Tracker, Trail, Vote, Voter, assign, one_place_each
from engine.types import Candidate, Detections, FaceQuality, Frame, Match, Track, TrackState

__all__ = ["Identification", "Offers"]

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SWAPPED = 2
"""So many good frames in a row that do not look like the track's own mean: somebody else has taken its place."""
_MUCH_BETTER = 1.25
_DOUBT_INTERVAL_S = 0.3
_PATIENCE = 5
"""Faces after which an undecided track is embedded less and less often."""
_TEMPLATES_OF_A_STRANGER = 10
_SHOWN_EVERY_S = 0.22
_WHOLE = 0.95  # share of a face's box within the picture


@dataclass
class Offers:
    """Which faces of a track were sent to be embedded, and when the next one is due.

    Attributes:
        count: how many.
        at: when the last one was.
        score: quality of the best.
    """

    count: int = 0
    at: datetime | None = None
    score: float = 0.0

    def due(
        self, score: float, time: datetime, doubted: datetime | None, voting: VotingConfig, *, settled: bool,
        strange: bool = False,
    ) -> bool:  # fmt: skip
        """Whether a face can teach something.

        Args:
            score: its quality.
            time: of its frame.
            doubted: when it was last uncertain that the track is still the same person.
            voting: intervals.
            settled: the track has its decision.
            strange: its last face was an odd one.
        """
        if self.at is None:
            return True
        elapsed = abs((time - self.at).total_seconds()) + 1e-6
        if not settled:
            return elapsed >= voting.embed_interval_s * max(1.0, self.count / _PATIENCE)
        if strange or (doubted is not None and doubted >= self.at):
            return elapsed >= (voting.embed_interval_s if strange else _DOUBT_INTERVAL_S)
        if score > _MUCH_BETTER * self.score:
            return elapsed >= _DOUBT_INTERVAL_S
        return elapsed >= voting.settled_interval_s

    def made(self, score: float, time: datetime) -> None:
        """A face was sent."""
        self.count += 1
        self.at = time
        self.score = max(self.score, score)


@dataclass
class _Following:
    """What is known of a track beyond its places.

    Attributes:
        voter: its votes.
        unknown_id: the stranger's identifier.
        quality: of its face when it was last measured.
        best: score and picture of the best face that voted.
        offers: faces that were sent to be embedded.
        strange: odd faces in a row.
        first_good: monotonic time of the first good frame.
        liveness: whether it is a living person; None: not checked.
        shown_at: when a face was last shown to that check.
        vouched: what somebody else proved.
        votes, voted: the latest of its votes, for the log, and how many there were.
    """

    voter: Voter
    votes: deque[Vote]
    unknown_id: str | None = None
    quality: FaceQuality | None = None
    best: tuple[float, Image] | None = None
    offers: Offers = field(default_factory=Offers)
    strange: int = 0
    first_good: float | None = None
    liveness: TrackLiveness | None = None
    shown_at: datetime | None = None
    vouched: Liveness = field(default_factory=Liveness)
    voted: int = 0

    @property
    def settled(self) -> bool:
        return self.voter.identity.state in {TrackState.KNOWN, TrackState.UNKNOWN}


class Identification:
    """Decides who the tracks of one camera are. Belongs to the pipeline's thread.

    Args:
        services: galleries and threshold.
        config: all settings.
        tracker: whose tracks.
        desk: embeds.
        recorder: keeps the gallery of strangers.
        name: of a track in the logs.

    Attributes:
        tracks: followed so far.
        gallery: the one that was searched last.
    """

    def __init__(
        self,
        services: Services,
        config: Config,
        tracker: Tracker,
        desk: Desk,
        recorder: Recorder,
        name: Callable[[int], str],
    ) -> None:
        self.tracks = 0
        self._services, self._config = services, config
        self._tracker, self._desk, self._recorder, self._name = tracker, desk, recorder, name
        self._following: dict[int, _Following] = {}
        self.gallery = services.gallery.current()

    # ----------------------------------------------------------------------------------------- faces in

    def follow(self, track_ids: Sequence[int]) -> None:
        """Take up tracks that are new."""
        for track_id in track_ids:
            if track_id not in self._following:
                self._begin(track_id)

    def _begin(self, track_id: int) -> _Following:
        self.tracks += 1
        checked = self._config.presentation.policy != "off"
        liveness = TrackLiveness(self._config.presentation) if checked else None
        voting = self._config.voting
        self._following[track_id] = _Following(Voter(voting), deque(maxlen=voting.window), liveness=liveness)
        return self._following[track_id]

    def worth_cutting(self, track_ids: Sequence[int], time: datetime) -> list[int]:
        """Rows of the faces of a frame that would be embedded if they were good enough, or must be checked for life."""
        doubted = self._doubted()
        return [
            row
            for row, track_id in enumerate(track_ids)
            if self._due(self._following[track_id], 1.0, time, doubted.get(track_id))
            or self._shows(self._following[track_id], time)
        ]

    def _verdict(self, following: _Following) -> Liveness | None:
        """What all checks say of a face; None: there are none."""
        if following.liveness is None:
            return None
        return combined([following.liveness.verdict, following.vouched])

    def vouch(self, track_id: int, reason: str) -> None:
        """Take for granted that a track is a living person, unless a check says otherwise."""
        if (following := self._following.get(track_id)) is not None:
            following.vouched = Liveness(LivenessState.PASSED, reason)

    def _shows(self, following: _Following, time: datetime) -> bool:
        """The check for life wants to see the face again."""
        if following.liveness is None or following.liveness.verdict.state is not LivenessState.UNPROVEN:
            return False
        return following.shown_at is None or abs((time - following.shown_at).total_seconds()) >= _SHOWN_EVERY_S

    def observe(
        self, frame: Frame, track_ids: Sequence[int], found: Detections, cut: Sequence[int], faces: Faces
    ) -> None:
        """Check whether the faces of a frame are living people's.

        A face that the picture's edge cuts off is left out: its landmarks are squeezed as those of a turned photo are. Of 50 people
        rendered on their way through an entrance 2 were taken for photos because of that, and none without.

        Args:
            frame: where they are.
            track_ids: n tracks.
            found: n detections.
            cut: rows of those whose aligned faces are in `faces`.
            faces: aligned.
        """
        places = {row: place for place, row in enumerate(cut)}
        height, width = frame.size
        inner = np.clip(found.boxes, 0, [width, height, width, height])
        shares = (inner[:, 2:] - inner[:, :2]).prod(1) / np.maximum(found.areas, 1e-3)
        for row, track_id in enumerate(track_ids):
            following = self._following[track_id]
            if following.liveness is None or shares[row] < _WHOLE:
                continue
            crop = faces.crops[places[row]] if row in places else None
            following.liveness.observe(frame.time, found.landmarks[row], crop)
            if crop is not None:
                following.shown_at = frame.time

    def _doubted(self) -> dict[int, datetime | None]:
        return {trail.track_id: trail.doubted for trail in self._tracker.trails}

    def consider(self, frame: Frame, track_ids: Sequence[int], faces: Faces) -> None:
        """Send the faces of a frame that can teach something to be embedded.

        Args:
            frame: where they are.
            track_ids: whose they are, parallel to `faces`.
            faces: aligned and measured.
        """
        doubted = self._doubted()
        shots = []
        for row, (track_id, quality) in enumerate(zip(track_ids, faces.qualities, strict=True)):
            following = self._following[track_id]
            following.quality = quality
            if not quality.good:
                continue
            if following.first_good is None:
                following.first_good = clock.monotonic()
            if not self._due(following, quality.score, frame.time, doubted.get(track_id)):
                continue
            best = following.best is None or quality.score > max(following.best[0], following.offers.score)
            picture = crop_around(frame.image, faces.detections.boxes[row]) if best else None
            order, settled = following.offers.count, following.settled
            shots.append(Shot(track_id, frame.time, frame.index, faces.crops[row], quality, picture, order, settled))
            following.offers.made(quality.score, frame.time)
        self._desk.offer(shots)

    def _due(self, following: _Following, score: float, time: datetime, doubted: datetime | None) -> bool:
        settled, strange = following.settled, following.strange > 0
        return following.offers.due(score, time, doubted, self._config.voting, settled=settled, strange=strange)

    # ----------------------------------------------------------------------------------------- votes

    def learn(self, ended: list[Trail]) -> None:
        """Let the faces vote that have been embedded since.

        Args:
            ended: tracks that end because somebody else took their place are added to it.
        """
        done = self._desk.collect()
        for _, group in groupby(done, key=lambda pair: pair[0].frame):
            rows = [(shot, embedding) for shot, embedding in group if shot.track_id in self._following]
            if rows:
                self._vote([shot for shot, _ in rows], np.stack([embedding for _, embedding in rows]), ended)
        if done:
            self._resolve()
        for track_id, unknown_id in self._recorder.names():
            if track_id in self._following:
                self._following[track_id].unknown_id = unknown_id

    def _search(self, probes: Floats) -> list[Match]:
        self.gallery = self._services.gallery.current()
        return self._services.search(probes, self.gallery)

    def _vote(self, shots: list[Shot], embeddings: Floats, ended: list[Trail]) -> None:
        """The faces of one frame vote."""
        alive = {trail.track_id for trail in self._tracker.trails}
        matches = self._search(embeddings)
        for shot, match, person, embedding in zip(shots, matches, assign(matches), embeddings, strict=True):
            following = self._following[shot.track_id]
            fused = following.voter.fused
            if len(following.voter) >= self._config.voting.min_agreeing and fused is not None:
                unlike = float(fused @ embedding) < self._services.swap_similarity
                following.strange = following.strange + 1 if unlike else 0
                if unlike and (following.strange < _SWAPPED or shot.track_id not in alive):
                    continue  # one odd frame decides nothing: it votes only if the next one is not odd, too
                if unlike:
                    self._desk.withdraw(shot.track_id)
                    new, old = self._tracker.restart(shot.track_id)
                    ended.append(old)
                    quality, following = following.quality, self._begin(new)
                    following.quality, following.offers = quality, Offers(1, shot.time)
                    following.first_good = clock.monotonic()
            score = shot.quality.score
            following.voter.vote(person, embedding, score, lambda probe: self._search(probe[None])[0])
            following.votes.append(Vote(shot.time, match.candidates, following.voter.match.candidates))
            following.voted += 1
            if shot.picture is not None and (following.best is None or score > following.best[0]):
                following.best = (score, shot.picture)
            if following.settled:
                self._desk.withdraw(shot.track_id)

    def _resolve(self) -> None:
        """Among tracks in view a person stands in one place; strangers get their identifiers."""
        visible = {trail.track_id for trail in self._tracker.trails if trail.visible}
        voters = [self._following[key].voter for key in sorted(visible) if key in self._following]
        for loser in one_place_each(voters):
            person = loser.identity.person
            assert person is not None
            loser.deny(person)
        for track_id, following in self._following.items():
            if following.unknown_id is None and following.voter.identity.state is TrackState.UNKNOWN:
                self._recorder.stranger(track_id, self._chooser(track_id, following))

    def _chooser(self, track_id: int, following: _Following) -> Callable[[], str]:
        """Finds the identifier of the stranger that a track is: an old one if they were here before."""
        fused = following.voter.supporting
        assert fused is not None
        score = following.best[0] if following.best else 0.1
        threshold = self._config.matching.stranger_threshold
        if threshold is None:
            threshold = self._services.threshold(self.gallery)
        template_id = self._name(track_id)

        def choose() -> str:
            answer = ""

            def remember(strangers: Gallery) -> Gallery:
                nonlocal answer
                known = (each.person for each in strangers.templates if each.template_id == template_id)
                if (own := next(known, "")) != "":  # an interrupted run of the same recording came so far
                    answer = own
                    return strangers
                match = strangers.search(fused[None], threshold=threshold)[0]
                if match.above_threshold:
                    answer = match.candidates[0].person
                    if len(strangers.of(answer)[0]) >= _TEMPLATES_OF_A_STRANGER:
                        return strangers
                else:
                    answer, strangers = strangers.next_stranger()
                return strangers.add([Template(template_id, answer, score)], fused[None])

            self._services.strangers.update(remember)
            return answer

        return choose

    # ----------------------------------------------------------------------------------------- answers out

    def outstanding(self, trails: Sequence[Trail]) -> set[int]:
        """Those of the tracks about which something is still being found out."""
        if not trails:
            return set()
        return {trail.track_id for trail in trails} & {*self._desk.waiting(), *self._recorder.unnamed}

    def snapshot(self, trail: Trail, *, ended: bool) -> Track:
        """A track as it is now."""
        following = self._following[trail.track_id]
        verdict = self._verdict(following)
        return Track(
            track_id=trail.track_id,
            box=trail.box,
            landmarks=trail.landmarks,
            first_seen=trail.first_seen,
            last_seen=trail.last_seen,
            hits=trail.hits,
            visible=trail.visible and not ended,
            ended=ended,
            identity=following.voter.identity,
            unknown_id=following.unknown_id,
            quality=following.quality,
            liveness=verdict.state.value if verdict else "",
            liveness_reason=verdict.reason if verdict else "",
        )

    def picture(self, track_id: int) -> Image | None:
        """The face and its surroundings in the best frame that voted."""
        best = self._following[track_id].best
        return best[1] if best else None

    def first_good(self, track_id: int) -> float | None:
        """Monotonic time of a track's first good frame."""
        return self._following[track_id].first_good

    def candidates(self, track_id: int) -> tuple[Candidate, ...]:
        """Whom a track's mean embedding resembles, best first."""
        return self._following[track_id].voter.match.candidates[:TOP]

    def votes(self, track_id: int) -> tuple[tuple[Vote, ...], int]:
        """The latest votes of a track, oldest first, and how many came before them."""
        following = self._following[track_id]
        return tuple(following.votes), following.voted - len(following.votes)

    def forget(self, track_id: int) -> TrackState:
        """Drop a track that has ended; how it ended."""
        return self._following.pop(track_id).voter.identity.state
