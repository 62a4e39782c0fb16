"""Photos and a person become templates, or the reasons why not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import detections
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from PIL import Image

from engine.config import QualityConfig
from engine.enrolment import Draft, EnrolmentReport, Shot
from engine.enrolment.drafts import draft, judge
from engine.enrolment.photos import examine_all
from engine.errors import EnrolmentRejected
from engine.face_reader import BYSTANDER_SHARE, FaceReader
from engine.gallery import Gallery, Template
from engine.imaging import encode_jpeg
from engine.types import Detections, FaceQuality

Picture = NDArray[np.uint8]
SIZE = 64
AXES = np.eye(SIZE, dtype=np.float32)
DIAGONAL = np.r_[np.full(4, 0.5), np.zeros(SIZE - 4)].astype(np.float32)  # exactly 0.5 similar to the first four axes
SAME = 0.23  # what the product takes: mean of the impostor scores plus two of their standard deviations
ABOVE_HALF = float(np.nextafter(np.float32(0.5), np.float32(1)))
GOOD = FaceQuality(90, 0.5, 0.5, 0.2, 0, 0, 0, 1, 1.0)
FACE = [100, 100, 200, 200, 0.9999]  # beyond doubt, so that the photo is not turned


class ByRed:
    """Tells people apart by how red they are: level 32·k + 16 is the unit vector of axis k."""

    dimension = SIZE

    def embed(self, faces: Picture) -> NDArray[np.float32]:
        return AXES[[int(face[..., 0].mean()) // 32 for face in faces]]


class Finds:
    """Finds what it is told to, by the width of the picture; nothing in others."""

    def __init__(self, by_width: dict[int, Detections]) -> None:
        self._by_width = by_width

    def detect(self, image: Picture, min_face_px: int | None = None) -> Detections:
        del min_face_px
        return self._by_width.get(image.shape[1], Detections.empty())

    detect_photo = detect


def reader_of(*faces: Sequence[float], width: int = 300) -> FaceReader:
    """A reader that finds these faces in pictures of this width."""
    return FaceReader(Finds({width: detections(faces)}), ByRed(), QualityConfig())


def photo(red: int = 0, width: int = 300) -> Picture:
    """A picture with plenty of detail, and red of one level."""
    image = np.random.default_rng(3).integers(0, 256, (300, width, 3), dtype=np.uint8)
    image[..., 0] = red * 32 + 16
    return image


# --------------------------------------------------------------------------------------------- one photo


def examine(reader: FaceReader, image: Picture, name: str) -> Shot:
    """One photo's face, or an error with the reason why it cannot be enrolled."""
    shots, refused = examine_all(reader, [(name, image)])
    if refused:
        raise EnrolmentRejected(refused[0].text)
    return shots[0]


def test_a_good_photo_of_one_face_is_used() -> None:
    shot = examine(reader_of(FACE), photo(red=5), "ann.jpg")
    assert (shot.name, shot.quality.reason) == ("ann.jpg", "")
    assert_array_equal(shot.embedding, AXES[5])
    assert_allclose(shot.picture.shape, (220, 220, 3), atol=1)  # the box and 0.6 of its side all around


@pytest.mark.parametrize(
    ("faces", "reason"),
    [
        ([], "no face found"),
        ([FACE, [10, 10, 90, 90, 0.9]], "2 faces"),
        ([FACE, [10, 10, 90, 90, 0.9], [210, 10, 290, 90, 0.9]], "3 faces"),
    ],
)
def test_a_photo_must_show_one_face(faces: list[list[float]], reason: str) -> None:
    with pytest.raises(EnrolmentRejected, match=f"ann.jpg: {reason} → use a photo"):
        examine(reader_of(*faces), photo(), "ann.jpg")


@pytest.mark.parametrize(("height", "accepted"), [(25, True), (26, False)])
@pytest.mark.parametrize("first", [True, False])
def test_somebody_small_in_the_background_does_no_harm(height: int, accepted: bool, first: bool) -> None:
    bystander = [10, 10, 50, 10 + height, 0.99]
    assert (40 * height <= BYSTANDER_SHARE * 100 * 100) is accepted
    image = photo(red=2)
    image[:60, :60, 0] = 6 * 32 + 16
    reader = reader_of(*([bystander, FACE] if first else [FACE, bystander]))
    if accepted:
        assert_array_equal(examine(reader, image, "ann.jpg").embedding, AXES[2])
    else:
        with pytest.raises(EnrolmentRejected, match="2 faces"):
            examine(reader, image, "ann.jpg")


def ramp() -> Picture:
    """Light on one side, dark on the other, without an edge."""
    levels = np.linspace(40, 220, 300).astype(np.uint8)
    return np.broadcast_to(levels[None, :, None], (300, 300, 3)).copy()


@pytest.mark.parametrize(
    ("reason", "image", "box"),
    [
        ("too small", photo, [100, 100, 130, 130, 0.99]),
        ("cut off by the edge", photo, [-30, 100, 70, 200, 0.99]),
        ("too dark", lambda: photo() // 16, FACE),
        ("too bright", lambda: 255 - photo() // 32, FACE),
        ("too little contrast", lambda: np.full_like(photo(), 128), FACE),
        ("blurred", ramp, FACE),
    ],
)
def test_a_poor_photo_is_refused_with_the_reason_and_advice(
    reason: str, image: Callable[[], Picture], box: list[float]
) -> None:
    with pytest.raises(EnrolmentRejected, match=rf"ann\.jpg: the face is {reason} → \w+ \w+"):
        examine(reader_of(box), image(), "ann.jpg")


@pytest.mark.parametrize(
    ("reason", "nose"), [("turned too far", (185, 160)), ("looking up or down too far", (150, 179))]
)
def test_a_face_that_looks_elsewhere_is_refused(reason: str, nose: tuple[int, int]) -> None:
    found = detections([FACE])
    landmarks = found.landmarks.copy()
    landmarks[0, 2] = nose
    reader = FaceReader(Finds({300: Detections(found.boxes, landmarks, found.scores)}), ByRed(), QualityConfig())
    with pytest.raises(EnrolmentRejected, match=f"the face is {reason} → look at the camera"):
        examine(reader, photo(), "ann.jpg")


# --------------------------------------------------------------------------------------------- many files


def test_usable_files_are_taken_and_the_others_explained(tmp_path: Path) -> None:
    paths = [
        tmp_path / name for name in ("good.png", "empty.png", "text.jpg", "nobody.png", "good-too.png", "gone.png")
    ]
    for path, width in zip(paths, (300, 0, 0, 200, 300, None), strict=True):
        if width:
            Image.fromarray(photo(width=width)[:width]).save(path)  # no wider when turned
        elif width == 0:
            path.write_bytes(b"no picture" if path.suffix == ".jpg" else b"")
    assert examine_all(reader_of(FACE), []) == ([], [])
    shots, refused = examine_all(reader_of(FACE), [(str(path), path) for path in paths])
    assert [shot.name for shot in shots] == [str(paths[0]), str(paths[4])]
    assert [each.name for each in refused] == [str(paths[place]) for place in (1, 2, 3, 5)]
    assert [each.reason for each in refused] == ["not a picture", "not a picture", "no face found", "not a picture"]
    for each in refused:
        assert each.text.startswith(f"{each.name}: ")
        assert " → " in each.text


# --------------------------------------------------------------------------------------------- one person


def shots_of(person: int, count: int, likeness: float = 0.7) -> list[Shot]:
    """Photos of one person: each pair is as similar as `likeness`, photos of different people not at all."""
    noise = AXES[16 + 8 * person : 16 + 8 * person + count]
    rows = math.sqrt(likeness) * AXES[person] + math.sqrt(1 - likeness) * noise
    return [
        Shot(f"{'abcd'[person]}{i}.jpg", row, GOOD, encode_jpeg(photo()))
        for i, row in enumerate(rows.astype(np.float32))
    ]


def enrolled(*people: tuple[str, NDArray[np.float32]]) -> Gallery:
    """A gallery with one template each."""
    gallery = Gallery.empty("model", "alignment", SIZE)
    for name, row in people:
        gallery = gallery.add([Template(name, name, 1.0)], row)
    return gallery


def decide(
    shots: list[Shot], gallery: Gallery | None = None, threshold: float = 0.5, same: float = SAME, twins: bool = False
) -> tuple[list[str], EnrolmentReport]:
    """Names of the shots that are kept, and the report."""
    report = EnrolmentReport("7", "Ann")
    kept = judge(
        shots,
        report,
        enrolled() if gallery is None else gallery,
        threshold=threshold,
        same_person=same,
        allow_look_alike=twins,
    )
    return [shot.name for shot in kept], report


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_photos_of_one_person_are_all_taken(count: int) -> None:
    names, report = decide(shots_of(0, count))
    assert names == report.accepted == [f"a{i}.jpg" for i in range(count)]
    assert report.rejected == {}


def test_coherence_is_the_similarity_of_each_photo_with_the_mean_of_the_others() -> None:
    assert decide(shots_of(0, 1))[1].coherence is None
    assert_allclose(decide(shots_of(0, 2, 0.5))[1].coherence, 0.5, rtol=1e-5)
    # three rows a, b, c with a·b = a·c = b·c = ½: a·(b + c) / |b + c| = 1 / √3
    assert_allclose(decide(shots_of(0, 3, 0.5))[1].coherence, 1 / math.sqrt(3), rtol=1e-5)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("most", "fewest"), [(2, 1), (3, 2), (4, 3), (8, 2)])
def test_a_minority_of_photos_of_somebody_else_is_left_out(most: int, fewest: int, place: int) -> None:
    shots = shots_of(0, most)
    shots[place:place] = shots_of(1, fewest)
    names, report = decide(shots)
    assert names == report.accepted == [f"a{i}.jpg" for i in range(most)]
    assert set(report.rejected) == {f"b{i}.jpg" for i in range(fewest)}
    assert "b0.jpg: does not look like the other photos → " in report.rejected["b0.jpg"]


@pytest.mark.parametrize("counts", [(1, 1), (1, 1, 1), (2, 2), (3, 3), (5, 5), (2, 2, 2)])
def test_photos_of_different_people_without_a_majority_are_refused(counts: tuple[int, ...]) -> None:
    shots = [shot for person, count in enumerate(counts) for shot in shots_of(person, count)]
    with pytest.raises(EnrolmentRejected, match="7 was not enrolled: the photos show different people"):
        decide(shots)


@pytest.mark.parametrize(("same", "accepted"), [(0.5, True), (ABOVE_HALF, False)])
def test_two_photos_exactly_as_similar_as_needed_are_one_person(same: float, accepted: bool) -> None:
    shots = [Shot("x.jpg", AXES[0], GOOD, encode_jpeg(photo())), Shot("y.jpg", DIAGONAL, GOOD, encode_jpeg(photo()))]
    if accepted:
        assert decide(shots, same=same)[0] == ["x.jpg", "y.jpg"]
    else:
        with pytest.raises(EnrolmentRejected, match=r"different people \(similarity 0\.50 between x\.jpg and y\.jpg"):
            decide(shots, same=same)


@pytest.mark.parametrize(
    ("rejected", "expected"),
    [
        ({}, "7 was not enrolled: no photos given → give photos"),
        ({"x.jpg": "x.jpg: no face found → come closer"}, r"7 was not enrolled: x\.jpg: no face found → come closer"),
        ({"x.jpg": "x.jpg: blurred → hold still", "y": "", "z": ""}, r"x\.jpg: blurred \(and 2 more\) → hold still"),
    ],
)
def test_without_a_usable_photo_nobody_is_enrolled(rejected: dict[str, str], expected: str) -> None:
    report = EnrolmentReport("7", "Ann", rejected=rejected)
    with pytest.raises(EnrolmentRejected, match=expected):
        judge([], report, enrolled(), threshold=0.5, same_person=SAME)
    assert report.accepted == []


# --------------------------------------------------------------------------------------------- somebody known


def test_somebody_enrolled_under_another_id_is_refused_unless_it_is_allowed() -> None:
    gallery = enrolled(("ben", AXES[0]), ("cleo", AXES[1]))
    with pytest.raises(EnrolmentRejected, match=r"7 looks like ben, .* → .* --allow-look-alike"):
        decide(shots_of(0, 3), gallery)
    names, report = decide(shots_of(0, 3), gallery, twins=True)
    assert len(names) == 3
    assert [row.person for row in report.look_alikes] == ["ben"]


@pytest.mark.parametrize(("threshold", "accepted"), [(0.5, False), (math.nextafter(0.5, 1), True)])
def test_a_look_alike_exactly_on_the_threshold_is_refused(threshold: float, accepted: bool) -> None:
    shots, gallery = [Shot("x.jpg", DIAGONAL, GOOD, encode_jpeg(photo()))], enrolled(("ben", AXES[0]))
    if accepted:
        assert [row.person for row in decide(shots, gallery, threshold)[1].look_alikes] == ["ben"]
    else:
        with pytest.raises(EnrolmentRejected, match=r"looks like ben, .*similarity 0\.50, threshold 0\.50"):
            decide(shots, gallery, threshold)


def test_two_look_alikes_of_equal_similarity_do_not_cancel_out() -> None:
    with pytest.raises(EnrolmentRejected, match=r"7 looks like (ben|cleo)"):
        decide([Shot("x.jpg", DIAGONAL, GOOD, encode_jpeg(photo()))], enrolled(("ben", AXES[0]), ("cleo", AXES[1])))


def test_more_photos_of_an_enrolled_person_are_taken() -> None:
    names, report = decide(shots_of(0, 2), enrolled(("7", AXES[0]), ("ben", AXES[1])))
    assert names == ["a0.jpg", "a1.jpg"]
    assert report.look_alikes == []


@pytest.mark.parametrize(("same", "accepted"), [(0.5, True), (ABOVE_HALF, False)])
def test_new_photos_must_look_like_the_person_enrolled(same: float, accepted: bool) -> None:
    shots, gallery = [Shot("x.jpg", DIAGONAL, GOOD, encode_jpeg(photo()))], enrolled(("7", AXES[0]))
    if accepted:
        assert decide(shots, gallery, same=same)[0] == ["x.jpg"]
    else:
        with pytest.raises(
            EnrolmentRejected, match=r"do not look like 7 as enrolled \(similarity 0\.50\) → check the id"
        ):
            decide(shots, gallery, same=same)


# --------------------------------------------------------------------------------------------- drafts


def drafted(shots: list[Shot], gallery: Gallery | None = None, threshold: float = 0.5) -> Draft:
    """What enrolling as 7 would come to."""
    return draft("7", "Ann", shots, enrolled() if gallery is None else gallery, threshold=threshold, same_person=SAME)


def test_a_draft_of_one_person_is_safe_and_tells_how_alike_the_shots_are() -> None:
    found = drafted(shots_of(0, 3, 0.5))
    assert found.verdict == "safe"
    assert_allclose(found.alike, np.full(3, 1 / math.sqrt(3)), rtol=1e-5)
    assert found.coherence == pytest.approx(1 / math.sqrt(3))
    assert found.kept.all()
    assert found.outliers == []
    assert (found.own_similarity, found.nearest) == (None, ())


def test_a_draft_without_shots_is_unusable() -> None:
    found = drafted([])
    assert (found.verdict, found.coherence, found.chosen) == ("unusable", None, [])


def test_a_draft_of_one_shot_has_nothing_to_compare_it_with() -> None:
    found = drafted(shots_of(0, 1))
    assert (found.verdict, found.coherence, found.alike.tolist()) == ("safe", None, [1.0])


@pytest.mark.parametrize("place", [0, 2, 3])
def test_an_outlier_is_told_by_its_place(place: int) -> None:
    shots = shots_of(0, 3)
    shots[place:place] = shots_of(1, 1)
    found = drafted(shots)
    assert found.verdict == "safe"
    assert [shot.name for shot in found.outliers] == ["b0.jpg"]
    assert np.flatnonzero(~found.kept).tolist() == [place]
    assert found.alike.argmin() == place


def test_a_draft_of_different_people_is_no_enrolment() -> None:
    found = drafted(shots_of(0, 2) + shots_of(1, 2))
    assert found.verdict == "different_people"
    assert found.mixed
    assert not found.stranger


def test_the_three_nearest_people_are_told_even_if_they_are_far() -> None:
    people = [(name, AXES[index]) for index, name in enumerate(("ben", "cleo", "dan", "eve"))]
    found = drafted(shots_of(2, 2), enrolled(*people), threshold=0.99)
    assert [row.person for row in found.nearest][:1] == ["dan"]
    assert len(found.nearest) == 3


def mixed(similarity: float) -> NDArray[np.float32]:
    """A row of that similarity with the first axis."""
    return np.asarray(similarity * AXES[0] + math.sqrt(1 - similarity**2) * AXES[60], np.float32)


@pytest.mark.parametrize(
    ("similarity", "verdict"),
    [
        (0.3, "safe"),
        (0.49, "safe"),
        (0.51, "look_alike"),
        (0.74, "look_alike"),
        (0.76, "already_enrolled"),
        (1.0, "already_enrolled"),
    ],
)
def test_how_alike_somebody_else_is_decides(similarity: float, verdict: str) -> None:
    found = drafted([Shot("x.jpg", mixed(similarity), GOOD, encode_jpeg(photo()))], enrolled(("ben", AXES[0])))
    assert found.certain == 0.75  # halfway between the threshold and 1
    assert found.verdict == verdict


def test_exactly_on_the_threshold_is_a_look_alike() -> None:
    shots, gallery = [Shot("x.jpg", DIAGONAL, GOOD, encode_jpeg(photo()))], enrolled(("ben", AXES[0]))
    assert drafted(shots, gallery, 0.5).verdict == "look_alike"
    assert drafted(shots, gallery, math.nextafter(0.5, 1)).verdict == "safe"
    assert drafted(shots, gallery, -0.0).verdict == "already_enrolled"  # exactly halfway to 1


def test_pictures_of_somebody_else_are_not_added_to_a_person() -> None:
    found = drafted(shots_of(1, 3), enrolled(("7", AXES[0])))
    assert found.verdict == "different_people"
    assert found.stranger
    assert found.own_similarity == pytest.approx(0, abs=1e-6)
    assert not drafted(shots_of(0, 3), enrolled(("7", AXES[0]))).stranger
