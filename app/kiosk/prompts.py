"""Prompts for people in front of the camera: one at a time, and steady."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.alignment import QUALITY_REASONS
from engine.config import Config, PresentationConfig
from engine.liveness import PROMPTS, HeadTurnChallenge
from engine.occlusion import COVERED
from engine.types import Track, TrackState

CODES = (
    "one_at_a_time",
    "come_closer",
    "step_into_light",
    "turn_left",
    "turn_right",
    "look_up",
    "look_straight",
    "hold_still",
    "uncover_eyes",
    "uncover_mouth",
    "uncover_face",
    "not_recognised",
    "take_off_picture",
    "not_proven",
)
"""All prompts; `words.py` has their texts."""

_QUALITY = dict(
    zip(
        QUALITY_REASONS,
        (
            "come_closer",
            "look_straight",
            "step_into_light",
            "step_into_light",
            "step_into_light",
            "hold_still",
            "look_straight",
            "look_straight",
        ),
        strict=True,
    )
)
_COVERED = dict(zip(COVERED, ("uncover_eyes", "uncover_mouth", "uncover_face"), strict=True))
_TURNS = {
    PROMPTS["left"]: "turn_left",
    PROMPTS["right"]: "turn_right",
    PROMPTS["up"]: "look_up",
}
_LINGERS = timedelta(seconds=0.8)
"""A person without a decision for this long gets a prompt."""
_TOGETHER = timedelta(seconds=0.6)
_STEADY = timedelta(seconds=0.3)
_SHOWN = timedelta(seconds=1.2)
_REMEMBERED = timedelta(minutes=5)
"""How long a failed challenge counts."""
_MOST_PEOPLE = 1000
PROVEN = "followed a random request to move the head"
"""Reason for the liveness of a track that followed the challenge."""


_SHOULDERS, _CHEST, _PRINTED = 0.5, 2.0, 0.75
"""In widths and heights of a face: how far the chest reaches beside it and below it; how large a face printed there may be."""


class Prompter:
    """Chooses the prompt from the tracks of each frame. Used in the camera's thread only."""

    def __init__(self, config: Config, camera: str) -> None:
        own = config.camera(camera).tailgating
        self._one_by_one = config.events.tailgating if own is None else own
        self._turns = _Turns(config.presentation)
        self._asks = config.kiosk.head_turn and config.presentation.policy == "require"
        self.demands = self._asks and config.presentation.challenge == "always"
        """Whom it does not prove to be a living person, nobody does."""
        self._since: dict[int, datetime] = {}
        self._candidate = self._shown = ""
        self._candidate_since: datetime | None = None
        self._shown_since: datetime | None = None

    def look(self, tracks: Sequence[Track], time: datetime) -> tuple[str, int | None]:
        """Process the tracks of a frame.

        Args:
            tracks: of the frame, those out of view included.
            time: of the frame, timezone-aware.

        Returns:
            What is asked now (one of `CODES`; empty: nothing), and the track that has just proven to be a living person.
        """
        visible = _without_printed([track for track in tracks if track.visible])
        self._since = {track.track_id: self._since.get(track.track_id, time) for track in visible}
        wanted, proven = self._wanted(visible, time)
        if self._candidate_since is None or wanted != self._candidate:
            self._candidate, self._candidate_since = wanted, time
        rests = self._shown_since is not None and self._shown and time - self._shown_since < _SHOWN
        if wanted != self._shown and time - self._candidate_since >= _STEADY and (wanted or not rests):
            self._shown, self._shown_since = wanted, time
        return self._shown, proven

    def clear(self) -> None:
        """Reset when no one is visible."""
        self._since, self._candidate, self._shown = {}, "", ""
        self._turns.clear()

    def _wanted(self, visible: Sequence[Track], time: datetime) -> tuple[str, int | None]:
        stayed = [track for track in visible if time - self._since[track.track_id] >= _TOGETHER]
        if self._one_by_one and len(stayed) > 1:
            self._turns.clear()
            return "one_at_a_time", None
        if not visible:
            self._turns.clear()
            return "", None
        track = max(visible, key=lambda each: float((each.box[2:] - each.box[:2]).prod()))
        if track.identity.state is TrackState.KNOWN and self._asks and track.liveness == "unproven":
            return self._turns.follow(track, time)
        self._turns.clear()
        return self._advice(track, time), None

    def _advice(self, track: Track, time: datetime) -> str:
        """The prompt that would help a single person to be recognised, or empty."""
        state = track.identity.state
        if track.liveness == "failed":
            return "take_off_picture"
        if state is TrackState.KNOWN or time - self._since[track.track_id] < _LINGERS:
            return ""
        if state is TrackState.UNKNOWN:
            return "not_recognised"
        if track.quality is None:
            return ""
        return _QUALITY.get(track.quality.reason, "") or _COVERED.get(track.quality.covered, "")


def _without_printed(tracks: Sequence[Track]) -> list[Track]:
    """The tracks without faces on clothes: smaller ones below a larger face, between its shoulders. A child there is nearer, so larger."""

    def printed(small: Track, large: Track) -> bool:
        left, _, right, bottom = large.box
        middle, side = (small.box[:2] + small.box[2:]) / 2, large.box[2] - large.box[0]
        between = left - _SHOULDERS * side < middle[0] < right + _SHOULDERS * side
        smaller = small.box[3] - small.box[1] < _PRINTED * (large.box[3] - large.box[1])
        return bool(smaller and between and bottom < middle[1] < bottom + _CHEST * (bottom - large.box[1]))

    return [each for each in tracks if not any(printed(each, other) for other in tracks if other is not each)]


class _Turns:
    """Asks one person to move their head. If they do not follow it asks anew for other movements, but not without end.

    Failures are counted by person, not by track, so that stepping aside wins no further tries: with enough of them a recording would
    meet its movements in the end. Badge and PIN stay open meanwhile.
    """

    def __init__(self, config: PresentationConfig) -> None:
        self._config = config
        self._challenge: HeadTurnChallenge | None = None
        self._track, self._person = -1, ""
        self._time = datetime.min.replace(tzinfo=UTC)
        self._failed: dict[str, list[datetime]] = {}

    def clear(self) -> None:
        """Forget the challenge of a person who left or needs none; whoever left in the middle of it has failed it."""
        if self._challenge is not None and self._challenge.outcome is None and self._challenge.begun:
            self._count()
        self._challenge = None

    def follow(self, track: Track, time: datetime) -> tuple[str, int | None]:
        """The prompt for a person, and their track once liveness is proven."""
        if self._challenge is not None and self._track != track.track_id:
            self.clear()
        self._time = time
        person = track.identity.person or ""
        if self._exhausted(person, time):
            self._challenge = None
            return "not_proven", None
        if self._challenge is None:
            self._challenge, self._track, self._person = HeadTurnChallenge(self._config), track.track_id, person
        self._challenge.observe(time, track.landmarks)
        if self._challenge.outcome:
            self._failed.pop(person, None)
            return "", track.track_id
        if self._challenge.outcome is False:
            self._count()
            self._challenge = None
            return "look_straight", None
        return _TURNS.get(self._challenge.prompt, "look_straight"), None

    def _count(self) -> None:
        if len(self._failed) >= _MOST_PEOPLE:
            del self._failed[next(iter(self._failed))]
        self._failed.setdefault(self._person, []).append(self._time)

    def _exhausted(self, person: str, time: datetime) -> bool:
        recent = [each for each in self._failed.get(person, []) if abs(time - each) < _REMEMBERED]
        if recent:
            self._failed[person] = recent
        else:
            self._failed.pop(person, None)
        return len(recent) >= self._config.challenge_tries
