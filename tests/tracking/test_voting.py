"""From frames to a name: each weakness of deciding by one good frame is a test here, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from fakes import match, unit
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from engine.config import VotingConfig
from engine.tracking import Voter, assign, one_place_each
from engine.types import Identity, Match, TrackState

KNOWN, UNKNOWN = TrackState.KNOWN, TrackState.UNKNOWN
PENDING, CONFLICT = TrackState.PENDING, TrackState.CONFLICT
VECTORS = {"Tom": unit(1, 0, 0, 0), "Ann": unit(0, 1, 0, 0), None: unit(0, 0, 1, 0)}


def search(probe: NDArray[np.float32]) -> Match:
    """A gallery of Tom and Ann with the threshold 0.5 and the margin 0.05."""
    similarities = {person: float(probe @ VECTORS[person]) for person in ("Tom", "Ann")}
    return match(0.5, 0.05, **similarities)


def cast(
    votes: Sequence[str | None], voter: Voter | None = None, *, look: Callable[..., Match] = search, **config: float
) -> Voter:
    """A voter that took in frames which look like the person they were assigned to."""
    voter = Voter(VotingConfig.model_validate(config)) if voter is None else voter
    for vote in votes:
        voter.vote(vote, VECTORS[vote], 0.8, look)
    return voter


# ----------------------------------------------------------------------------------------- one track


def test_eleven_unknown_frames_and_one_tom_is_not_tom() -> None:
    for place in range(12):
        votes: list[str | None] = [None] * 12
        votes[place] = "Tom"
        identity = cast(votes).identity
        assert (identity.state, identity.person) == (UNKNOWN, None)


def test_no_frame_decides_nothing() -> None:
    voter = Voter(VotingConfig())
    assert voter.identity == Identity()
    assert voter.fused is None
    assert voter.supporting is None
    assert len(voter) == 0


def test_one_good_frame_is_not_enough() -> None:
    identity = cast(["Tom"]).identity
    assert (identity.state, identity.person) == (PENDING, None)


def test_three_agreeing_frames_are_exactly_enough() -> None:
    assert cast(["Tom"] * 2).identity.state is PENDING
    identity = cast(["Tom"] * 3).identity
    assert (identity.state, identity.person, identity.agreeing, identity.voting) == (KNOWN, "Tom", 3, 3)


def test_five_frames_of_nobody_are_exactly_enough_for_unknown() -> None:
    assert cast([None] * 4).identity.state is PENDING
    identity = cast([None] * 5).identity
    assert (identity.state, identity.person, identity.agreeing) == (UNKNOWN, None, 5)


def test_unknown_frames_count_against_a_name() -> None:
    votes: list[str | None] = ["Tom", "Tom", "Tom"]
    assert cast([*votes, None, None]).identity.person == "Tom"  # 3 of 5 are the share of 0.6, exactly
    assert cast([None, None, None, *votes]).identity.person is None  # 3 of 6


@given(st.integers(1, 24), st.integers(3, 25))
@example(11, 14)  # as floats, 14 / 25 * 25 is more than 14
def test_a_share_exactly_on_the_limit_is_enough(others: int, agreeing: int) -> None:
    total = agreeing + others
    assume(agreeing / total > 0.5)
    voter = Voter(VotingConfig(min_share=agreeing / total, window=50))
    look = lambda _probe: match(0.5, 0.0, Tom=0.9)  # noqa: E731
    identity = cast([*[None] * others, *["Tom"] * agreeing], voter, look=look).identity
    assert (identity.state, identity.person) == (KNOWN, "Tom")


@pytest.mark.parametrize(("runner_up", "person"), [(0.5, "Tom"), (0.515625, None)])
def test_the_margin_to_the_runner_up_is_enough_exactly_on_the_limit(runner_up: float, person: str | None) -> None:
    found = match(0.5, 0.25, Tom=0.75, Ann=runner_up)
    assert found.person == person
    assert assign([found]) == [person]
    assert cast(["Tom"] * 5, look=lambda _probe: found).identity.person == person


def test_a_similarity_exactly_on_the_threshold_is_accepted() -> None:
    assert match(0.5, Tom=0.5).person == "Tom"
    assert assign([match(0.5, Tom=0.5)]) == ["Tom"]
    assert assign([match(0.5, Tom=float(np.nextafter(0.5, 0)))]) == [None]


def test_the_fused_embedding_must_agree_with_the_votes() -> None:
    identity = cast(["Tom"] * 6, look=lambda _probe: match(0.5, Ann=0.9, Tom=0.6)).identity
    assert (identity.state, identity.person) == (PENDING, None)
    identity = cast(["Tom"] * 6, look=lambda _probe: match(0.5, Tom=0.4)).identity
    assert identity.person is None


def test_nobody_votes_make_no_unknown_while_the_fused_embedding_matches_somebody() -> None:
    assert cast([None] * 8, look=lambda _probe: match(0.5, Tom=0.9)).identity.state is not UNKNOWN


def test_the_decision_carries_its_evidence() -> None:
    identity = cast(["Tom"] * 4, look=lambda _probe: match(0.5, 0.0, Tom=0.875, Ann=0.25)).identity
    assert (identity.similarity, identity.runner_up, identity.runner_up_similarity) == (0.875, "Ann", 0.25)
    assert (identity.margin, identity.threshold) == (0.625, 0.5)


def test_the_fused_embedding_is_the_weighted_mean_on_the_unit_sphere() -> None:
    voter = Voter(VotingConfig())
    voter.vote("Tom", VECTORS["Tom"], 0.75, search)
    voter.vote("Ann", VECTORS["Ann"], 0.25, search)
    assert_allclose(voter.fused, unit(3, 1, 0, 0), rtol=1e-6)


def test_only_the_latest_frames_of_the_window_count() -> None:
    voter = cast(["Tom"] * 10 + ["Ann"] * 10, window=10)
    assert (voter.identity.person, len(voter)) == ("Ann", 10)


# ----------------------------------------------------------------------------------------- a name is withdrawn


def test_a_name_is_withdrawn_when_later_frames_are_unknown() -> None:
    voter = cast(["Tom"] * 4)
    states = [cast([None], voter).identity.state for _ in range(12)]
    assert states[2] is KNOWN  # 4 of 7 would not be enough to win a name, but are to keep it: it does not flicker
    assert states[3] is CONFLICT  # 4 of 8 are not
    assert states[-1] is UNKNOWN
    assert voter.identity.person is None
    assert PENDING not in states  # a withdrawn name does not become "wait and see"


def test_a_name_is_withdrawn_when_later_frames_say_another_name() -> None:
    voter = cast(["Tom"] * 4)
    seen = [cast(["Ann"], voter).identity for _ in range(12)]
    assert CONFLICT in [identity.state for identity in seen]
    assert (seen[-1].state, seen[-1].person) == (KNOWN, "Ann")
    names = [identity.person for identity in seen]
    assert names.index("Ann") > names.index(None)  # not from one name to the next without a doubt between


def test_frames_that_agree_on_two_names_are_a_conflict() -> None:
    identity = cast(["Tom", "Ann"] * 4).identity
    assert (identity.state, identity.person) == (CONFLICT, None)


def test_unknown_becomes_a_name_when_later_frames_agree() -> None:
    voter = cast([None] * 6)
    assert voter.identity.state is UNKNOWN
    assert cast(["Tom"] * 12, voter).identity.person == "Tom"


# ----------------------------------------------------------------------------------------- one frame, many faces


def test_no_face_is_nobody() -> None:
    assert assign([]) == []


def test_with_nobody_enrolled_every_face_is_nobody() -> None:
    assert assign([match(), match()]) == [None, None]


def test_two_people_never_bear_one_name_in_one_frame() -> None:
    assert assign([match(Tom=0.8), match(Tom=0.9)]) == [None, "Tom"]
    assert assign([match(Tom=0.9), match(Tom=0.8)]) == ["Tom", None]


def test_the_second_face_gets_its_own_second_person_when_that_is_right() -> None:
    first, second = match(Tom=0.9, Ann=0.1), match(Tom=0.85, Ann=0.8)
    assert assign([first, second]) == ["Tom", "Ann"]
    assert assign([second, first]) == ["Ann", "Tom"]


def test_the_second_face_gets_nobody_when_its_second_person_is_below_the_threshold() -> None:
    assert assign([match(Tom=0.9, Ann=0.1), match(Tom=0.85, Ann=0.4)]) == ["Tom", None]


def test_the_second_face_gets_nobody_when_a_third_person_is_as_like() -> None:
    faces = [match(0.5, 0.05, Tom=0.9, Ann=0.1), match(0.5, 0.05, Tom=0.85, Ann=0.8, Joe=0.78)]
    assert assign(faces) == ["Tom", None]


def test_a_faint_look_alike_does_not_push_the_owner_to_his_second_best() -> None:
    """The sum of similarities above the threshold counts, not how many faces get a name."""
    assert assign([match(Tom=0.9, Ann=0.5), match(Tom=0.52)]) == ["Tom", None]


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), max_size=5), st.floats(0, 0.9), st.floats(0, 0.3))
def test_whatever_comes_a_name_is_given_once_and_above_the_threshold(
    table: list[list[float]], threshold: float, margin: float
) -> None:
    faces = [match(threshold, margin, **dict(zip("abc", row, strict=True))) for row in table]
    answer = assign(faces)
    named = [person for person in answer if person]
    assert len(answer) == len(faces)
    assert len(named) == len(set(named))
    for face, person in zip(faces, answer, strict=True):
        own = {row.person: row.similarity for row in face.candidates}
        assert person is None or own[person] >= threshold


def test_among_tracks_of_one_name_the_more_similar_one_keeps_it() -> None:
    weak = cast(["Tom"] * 4, look=lambda _probe: match(Tom=0.7))
    strong = cast(["Tom"] * 4, look=lambda _probe: match(Tom=0.9))
    other = cast(["Ann"] * 4)
    assert one_place_each([]) == []
    assert one_place_each([weak]) == []
    assert one_place_each([weak, strong, other]) == [weak]
    assert one_place_each([strong, weak, other]) == [weak]


def test_a_track_that_is_denied_a_name_loses_it_and_its_votes() -> None:
    voter = cast(["Tom"] * 4)
    identity = voter.deny("Tom")
    assert (identity.state, identity.person) == (CONFLICT, None)
    assert voter.identity is identity
    assert cast(["Tom"], voter).identity.person is None  # one frame does not bring it back: the others count as unknown
