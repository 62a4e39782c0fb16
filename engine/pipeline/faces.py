"""What is known of a track beyond its places: its good faces, their votes, and whether it is a living person."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.config import Config, VotingConfig
from engine.gallery import Gallery
from engine.liveness import Liveness, LivenessState, TrackLiveness, combined
from engine.tracking import SAME_FACE, TOP, Trail, Vote, Voter, appearance
from engine.types import Candidate, FaceQuality, Floats, Image, Track, TrackState

_MUCH_BETTER = 1.25
_DOUBT_INTERVAL_S = 0.3
_PATIENCE = 5
"""Faces after which an undecided track is embedded less and less often."""
_SHOWN_EVERY_S = 0.22
_WHOLE_EVERY_S = 6.0
"""A decided track's face is compared with the gallery at least so often; in between a glance tells that it is still the same face."""
_COVERED_SHARE = 0.1
_FEW = 5
"""Covered faces that may be a mistake."""
_COMPARED_EVERY_S, _COMPARED_WITHIN_S = 0.11, 0.5
"""Looks further apart than this are not compared: people turn their heads."""


@dataclass
class Offers:
    """Which faces of a track were sent to be embedded, and when the next one is due.

    Attributes:
        at: when the last one was.
        whole_at: when the last one was that was not merely glanced at.
        score: quality of the best.
    """

    count: int = 0
    at: datetime | None = None
    whole_at: datetime | None = None
    score: float = 0.0

    def due(
        self,
        score: float,
        time: datetime,
        doubted: datetime | None,
        voting: VotingConfig,
        *,
        settled: bool,
        strange: bool = False,
    ) -> bool:
        """Whether a face can teach something.

        Args:
            doubted: when it was last uncertain that the track is still the same person.
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

    def made(self, score: float, time: datetime, *, glance: bool = False) -> None:
        """A face was sent."""
        self.count += 1
        self.at = time
        if not glance:
            self.whole_at, self.score = time, max(self.score, score)

    def glance_will_do(self, score: float, time: datetime) -> bool:
        """A face of this quality would hardly change what is known of the track."""
        if self.whole_at is None or score > _MUCH_BETTER * self.score:
            return False
        return abs((time - self.whole_at).total_seconds()) < _WHOLE_EVERY_S


@dataclass
class TrackFaces:
    """The faces of one track.

    Attributes:
        votes, voted: the latest of them, for the log, and how many there were.
        quality: of the face when it was last measured.
        best: score and picture of the best face that voted.
        strange: odd faces in a row.
        questioned: the last glance did not find the track's own face.
        confirmed: time of the last face that agreed with the decision.
        doubted: time from which on the track may be somebody else; None: nothing speaks for it.
        look: how the face looked when it was last compared, and when.
        first_good: monotonic time of the first good frame.
        liveness: whether it is a living person; None: not checked.
        shown_at: when a face was last shown to that check.
        measured_at: when a face's quality was last measured.
        vouched: what somebody else proved.
        hidden: faces that did not vote because they were covered, by what of them was.
    """

    voter: Voter
    votes: deque[Vote]
    voted: int = 0
    quality: FaceQuality | None = None
    best: tuple[float, Image] | None = None
    offers: Offers = field(default_factory=Offers)
    strange: int = 0
    questioned: bool = False
    confirmed: datetime | None = None
    doubted: datetime | None = None
    look: tuple[Floats, datetime] | None = None
    first_good: float | None = None
    liveness: TrackLiveness | None = None
    shown_at: datetime | None = None
    measured_at: datetime | None = None
    vouched: Liveness = field(default_factory=Liveness)
    hidden: Counter[str] = field(default_factory=Counter)

    @classmethod
    def new(cls, config: Config) -> TrackFaces:
        """Of a track that begins."""
        liveness = TrackLiveness(config.presentation) if config.presentation.policy != "off" else None
        return cls(Voter(config.voting), deque(maxlen=config.voting.window), liveness=liveness)

    @property
    def settled(self) -> bool:
        """The track has its decision."""
        return self.voter.identity.state in {TrackState.KNOWN, TrackState.UNKNOWN}

    @property
    def picture(self) -> Image | None:
        """The face and its surroundings in the best frame that voted."""
        return self.best[1] if self.best else None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Whom the mean embedding resembles, best first."""
        return self.voter.match.candidates[:TOP]

    def due(self, score: float, time: datetime, doubted: datetime | None, voting: VotingConfig) -> bool:
        """Whether a face of this quality is worth embedding."""
        strange = self.strange > 0 or self.questioned or self.doubted is not None
        return self.offers.due(score, time, doubted, voting, settled=self.settled, strange=strange)

    def measure_due(self, time: datetime, doubted: datetime | None, voting: VotingConfig, waiting: int) -> bool:
        """Whether a face is to be aligned and measured: it would be embedded if it were good. A poor one rarely gets good at once.

        Args:
            waiting: faces of the track that are being embedded.
        """
        if waiting >= max(1, voting.min_agreeing - len(self.voter)):
            return False
        if self.measured_at is not None:
            since = abs((time - self.measured_at).total_seconds()) + 1e-6
            if since < voting.embed_interval_s:
                return False
        return self.due(1.0, time, doubted, voting)

    def glance_will_do(self, score: float, time: datetime) -> bool:
        """Whether it is enough to see that a decided track still has its own face."""
        return self.settled and not self.strange and not self.questioned and self.offers.glance_will_do(score, time)

    def glanced(self, time: datetime, *, same: bool) -> None:
        """A glance at a face of that time found the track's own face, or did not: then the next one is embedded as a whole."""
        if same and self.settled:
            self.confirm(time)
        else:
            self.questioned = True

    def compare_due(self, time: datetime) -> bool:
        """Whether the face of a named track should be compared with the one before."""
        return self.settled and (self.look is None or abs((time - self.look[1]).total_seconds()) >= _COMPARED_EVERY_S)

    def compare(self, crop: Image, time: datetime) -> None:
        """Doubt the name of a face, good or not, that does not look like the one before; `crop`: (160, 160, 3) uint8, aligned."""
        look = appearance(crop)
        if self.look is not None:
            before, then = self.look
            if abs((time - then).total_seconds()) <= _COMPARED_WITHIN_S and float(look @ before) < SAME_FACE:
                self.doubt(time)
        self.look = (look, time) if look.any() else None

    def doubt(self, time: datetime) -> None:
        """From now on the track may be somebody else."""
        self.doubted = self.doubted or time

    def confirm(self, time: datetime) -> None:
        """A face of that time agreed with the decision."""
        self.confirmed, self.questioned = time, False
        if self.doubted is not None and time >= self.doubted:
            self.doubted = None

    def unsure(self, time: datetime, holds_s: float) -> bool:
        """Whether a name is not to be shown at a moment: no face has confirmed it for a while, or something speaks against it."""
        if self.voter.identity.state is not TrackState.KNOWN or self.confirmed is None:
            return False
        return self.doubted is not None or (time - self.confirmed).total_seconds() > holds_s

    def keep(self, score: float, picture: Image | None) -> None:
        """Keep the picture of a face if it is the best so far."""
        if picture is not None and (self.best is None or score > self.best[0]):
            self.best = (score, picture)

    def hide(self, quality: FaceQuality, picture: Image | None) -> None:
        """A face names nobody because it is covered. Its picture counts less than that of any face that voted."""
        self.hidden[quality.covered] += 1
        if not self.voted:
            self.keep(quality.score * _COVERED_SHARE, picture)

    def liveness_due(self, time: datetime) -> bool:
        """The liveness check wants to see the face again."""
        if self.liveness is None or self.liveness.verdict.state is not LivenessState.UNPROVEN:
            return False
        return self.shown_at is None or abs((time - self.shown_at).total_seconds()) >= _SHOWN_EVERY_S

    @property
    def covered(self) -> str:
        """What of the face is covered, if more faces were than voted."""
        return self.hidden.most_common(1)[0][0] if self.hidden.total() > max(_FEW, len(self.voter)) else ""

    def _verdict(self, *, demanding: bool) -> Liveness | None:
        """Whether it is a living person; `demanding`: what the checks pass must be vouched for. None: not checked."""
        if self.liveness is None:
            return None
        own = self.liveness.verdict
        if demanding and own.state is LivenessState.PASSED:
            own = Liveness(reason="has to follow the kiosk's challenge")
        return combined([own, self.vouched])

    def snapshot(self, trail: Trail, holds_s: float, *, ended: bool, demanding: bool = False) -> Track:
        """The track as it is now; who a stranger is, others say."""
        identity = self.voter.identity
        unsure = not ended and self.unsure(trail.last_seen, holds_s)
        if unsure:
            identity = replace(identity, state=TrackState.PENDING, person=None, nearest=identity.person)
        verdict = self._verdict(demanding=demanding)
        return Track(
            track_id=trail.track_id,
            box=trail.box,
            landmarks=trail.landmarks,
            first_seen=trail.first_seen,
            last_seen=trail.last_seen,
            hits=trail.hits,
            visible=trail.visible and not ended,
            ended=ended,
            identity=identity,
            unsure=unsure,
            recognised=self.confirmed,
            quality=self.quality,
            liveness=verdict.state.value if verdict else "",
            liveness_reason=verdict.reason if verdict else "",
            covered=self.covered if identity.state is TrackState.PENDING else "",
        )


@dataclass(frozen=True, eq=False)
class Decisions:
    """Who the tracks of one camera are, as far as is known.

    Attributes:
        tracks: alive, and those that have ended just now.
        faces: what each decision was made of, by track.
        gallery: the one that was searched last.
    """

    tracks: list[Track]
    faces: Mapping[int, TrackFaces]
    gallery: Gallery
