"""Overlays and cut-outs: the picture that comes in is never changed, and nothing falls over at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import make_track
from numpy.testing import assert_array_equal

from engine.imaging import crop_around, draw_tracks, person_marks
from engine.imaging.drawing import COLOURS
from engine.types import TrackState


def canvas(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 60, np.uint8)


def shade(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels bear exactly that colour."""
    return int((image == colour).all(2).sum())


def test_without_tracks_the_result_is_an_equal_picture_of_its_own() -> None:
    image = canvas()
    drawn = draw_tracks(image, [])
    assert_array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


def test_the_picture_that_comes_in_is_not_changed() -> None:
    image = canvas()
    image.flags.writeable = False
    drawn = draw_tracks(image, [make_track(1, 0, 1, person="E1", box=(60, 60, 140, 160))], caption="door")
    assert (image == 60).all()
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (drawn != image).any()


@pytest.mark.parametrize("state", list(TrackState))
def test_the_box_has_the_colour_of_the_state(state: TrackState) -> None:
    track = make_track(1, 0, 1, person="E1" if state is TrackState.KNOWN else None, state=state, box=(60, 60, 140, 160))
    drawn = draw_tracks(canvas(), [track])
    assert tuple(drawn[110, 60].tolist()) == COLOURS[state]
    assert tuple(drawn[110, 100].tolist()) == (60, 60, 60)  # the face itself stays free
    assert all(shade(drawn, colour) == 0 for other, colour in COLOURS.items() if other is not state)


def test_an_alarmed_track_is_red_and_the_others_are_not() -> None:
    tracks = [make_track(k, 0, 1, person="E1", box=(60 * k, 60, 60 * k + 40, 110)) for k in (1, 3)]
    drawn = draw_tracks(canvas(), tracks, alarmed={3})
    assert tuple(drawn[80, 60].tolist()) == COLOURS[TrackState.KNOWN]
    red, green, blue = drawn[80, 180].tolist()
    assert red > 2 * max(green, blue)


def test_tracks_out_of_view_are_not_drawn() -> None:
    assert (draw_tracks(canvas(), [make_track(1, 0, 1, person="E1", visible=False)]) == 60).all()


def test_the_tag_bears_the_name_in_any_script() -> None:
    track = make_track(1, 0, 1, person="E1", box=(60, 60, 140, 160))
    pictures = [draw_tracks(canvas(), [track], {"E1": name}) for name in ("Ann", "Zoë Ångström", "E1")]
    assert_array_equal(draw_tracks(canvas(), [track]), pictures[2])  # without a name: the id
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] != pictures[2]).any()


def test_the_ring_fills_as_agreeing_frames_come_in() -> None:
    filled = [
        shade(
            draw_tracks(canvas(), [make_track(1, 0, 1, hits=hits, box=(60, 60, 140, 160))]), COLOURS[TrackState.PENDING]
        )
        for hits in (0, 1, 2, 3, 9)
    ]
    assert filled[0] < filled[1] < filled[2] < filled[3] == filled[4]


def test_what_is_drawn_can_be_had_as_values() -> None:
    tracks = [
        make_track(1, 0, 1, person="E1", hits=9, box=(60, 60, 140, 160)),
        make_track(2, 0, 1, person="E2", visible=False),
        make_track(3, 0, 1, hits=1, box=(200, 60, 240, 110)),
    ]
    known, pending = person_marks(tracks, {"E1": "Ann"}, needed=3, words={"pending": "sehe nach…"})
    assert (known.box, known.text, known.colour) == ((60, 60, 140, 160), "Ann", COLOURS[TrackState.KNOWN])
    assert (known.decided, known.ring) == (True, 1)
    assert (pending.text, pending.colour, pending.ring) == ("sehe nach…", COLOURS[TrackState.PENDING], 1 / 3)
    assert not pending.decided
    assert person_marks(tracks[:1], alarmed={1})[0].colour != known.colour


def test_a_caption_stands_at_the_lower_edge_only() -> None:
    drawn = draw_tracks(canvas(), [], caption="door")
    assert (drawn[:150] == 60).all()
    assert (drawn[-10:] != 60).any()


@pytest.mark.parametrize("box", [(-30, -30, 20, 20), (300, 220, 400, 300), (0, 0, 320, 240), (-50, 100, 400, 180)])
def test_at_the_edge_the_box_is_drawn_as_far_as_it_goes_and_the_tag_moved_into_the_picture(
    box: tuple[int, int, int, int],
) -> None:
    drawn = draw_tracks(canvas(), [make_track(1, 0, 1, person="E1", box=box)], {"E1": "a long name " * 9})
    assert drawn.shape == (240, 320, 3)
    assert shade(drawn, COLOURS[TrackState.KNOWN]) > 2000  # the tag alone is larger


@pytest.mark.parametrize("box", [(900, 900, 950, 950), (-90, -90, -40, -40)])
def test_a_box_outside_the_picture_does_no_harm(box: tuple[int, int, int, int]) -> None:
    assert draw_tracks(canvas(), [make_track(1, 0, 1, person="E1", box=box)]).shape == (240, 320, 3)


def test_a_picture_of_one_pixel_can_be_drawn_on() -> None:
    assert draw_tracks(canvas(1, 1), [make_track(1, 0, 1, person="E1")], caption="door").shape == (1, 1, 3)


# ----------------------------------------------------------------------------------------- cutting out


def ramp(height: int = 240, width: int = 320) -> np.ndarray:
    """Each pixel tells its place: red is x, green is y."""
    ys, xs = np.mgrid[:height, :width]
    return np.stack([xs % 256, ys % 256, np.zeros_like(xs)], axis=2).astype(np.uint8)


def test_the_cut_out_holds_the_box_and_its_surroundings() -> None:
    part = crop_around(ramp(), np.array([100, 80, 140, 120], np.float32), grow=0.5)
    assert part.shape == (80, 80, 3)
    assert part[0, 0].tolist() == [80, 60, 0]
    assert part[-1, -1].tolist() == [159, 139, 0]


def test_the_cut_out_is_no_larger_than_asked_for() -> None:
    part = crop_around(canvas(1200, 1600), np.array([200, 200, 1000, 1000], np.float32), side=160)
    assert max(part.shape[:2]) == 160
    assert np.allclose(part, 60, atol=1)


@pytest.mark.parametrize(
    ("box", "shape"),
    [((0, 0, 40, 40), (60, 60, 3)), ((300, 220, 340, 260), (40, 40, 3)), ((-100, -100, 500, 500), (240, 320, 3))],
)
def test_at_the_edge_the_cut_out_ends_with_the_picture(box: tuple[int, ...], shape: tuple[int, ...]) -> None:
    part = crop_around(ramp(), np.array(box, np.float32), grow=0.5)
    assert part.shape == shape
    assert part[0, 0].tolist() == [max(box[0] - 20, 0) % 256, max(box[1] - 20, 0), 0]


@pytest.mark.parametrize("box", [(-90, -90, -50, -50), (900, 700, 940, 740), (-90, 900, -50, 940), (50, 50, 50, 50)])
def test_a_box_outside_or_without_area_still_gives_a_picture(box: tuple[int, ...]) -> None:
    part = crop_around(ramp(), np.array(box, np.float32))
    assert part.ndim == 3
    assert min(part.shape) >= 1
    assert part.size < 10 * 240 * 3


def test_the_cut_out_is_no_view_of_the_picture() -> None:
    image = ramp()
    assert not np.shares_memory(crop_around(image, np.array([100, 80, 140, 120], np.float32)), image)
