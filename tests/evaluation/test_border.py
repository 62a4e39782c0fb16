"""Who stands on either side of a threshold."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import unit

from engine.evaluation import GalleryScores, border, gallery_scores


def scores(*people: list[tuple[float, ...]]) -> GalleryScores:
    """People A, B, C … with these templates."""
    rows = [unit(*row) for own in people for row in own]
    owners = np.array([number for number, own in enumerate(people) for _ in own], np.intp)
    embeddings = np.stack(rows) if rows else np.empty((0, 2), np.float32)
    return gallery_scores(["A", "B", "C", "D"][: len(people)], embeddings, owners, np.ones(len(rows)))


ALIKE = scores([(1, 0), (1, 0.1)], [(0.9, 0.5), (0.8, 0.6)])


@pytest.mark.parametrize("people", [[], [[(1, 0)]]])
def test_nobody_and_one_person_with_one_picture_have_no_comparison(people: list[list[tuple[float, ...]]]) -> None:
    assert border(scores(*people), 0.5) == ([], [])


def test_both_sides_together_hold_everybody_once_for_each_person_they_were_compared_with() -> None:
    refused, accepted = border(ALIKE, 0.9, most=10)
    assert all(each.similarity < 0.9 for each in refused)
    assert all(each.similarity >= 0.9 for each in accepted)
    assert {(each.person, each.other) for each in accepted} >= {("A", "A"), ("B", "B")}
    assert {each.same for each in accepted if each.person == each.other} == {True}
    for side in (refused, accepted):
        assert len({(each.person, each.other) for each in side}) == len(side)


def test_the_nearest_come_first_and_rows_are_those_of_the_template() -> None:
    refused, accepted = border(ALIKE, 0.95, most=3)
    for side in (refused, accepted):
        gaps = [abs(each.similarity - 0.95) for each in side]
        assert gaps == sorted(gaps)
        for each in side:
            assert ALIKE.people[ALIKE.owners[each.row]] == each.person
            column = ALIKE.own if each.same else ALIKE.others[:, ALIKE.people.index(each.other)]
            assert column[each.row] == each.similarity


def test_a_comparison_exactly_on_the_threshold_is_accepted() -> None:
    on_it = float(ALIKE.own[0])
    refused, accepted = border(ALIKE, on_it)
    assert on_it in {each.similarity for each in accepted}
    assert on_it not in {each.similarity for each in refused}
    assert on_it in {each.similarity for each in border(ALIKE, float(np.nextafter(on_it, 2)))[0]}


@pytest.mark.parametrize(("threshold", "empty"), [(-1.0, 0), (1.1, 1)])
def test_beyond_all_scores_one_side_is_empty(threshold: float, empty: int) -> None:
    found = border(ALIKE, threshold)
    assert found[empty] == []
    assert found[1 - empty]


def test_no_more_than_asked_for() -> None:
    assert [len(side) for side in border(ALIKE, 0.9, most=1)] == [1, 1]
    assert border(ALIKE, 0.9, most=0) == ([], [])
