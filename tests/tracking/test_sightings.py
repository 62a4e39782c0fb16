"""The log of sightings: every track with a good face has a row, the row is small, can be read back, sealed, pseudonymised and erased."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import T0, ListSource, Scene, at, make_pipeline
from hypothesis import given, settings
from hypothesis import strategies as st
from paperwork import Clock, bench, enrol, face, punch
from sightings import DAY, track, walks, watched

from engine.attendance import PUNCH
from engine.config import Config, VotingConfig
from engine.errors import InputError, StorageError
from engine.face_reader import FaceReader
from engine.people import clean_id
from engine.storage import csv_line, encode_cell, read_rows
from engine.tracking import SIGHTING, SightingBook, TrackSighting, Vote
from engine.types import Candidate
from engine.workbench import Workbench


def book(folder: Path) -> SightingBook:
    return SightingBook(folder, Config().zone)


def length(folder: Path) -> int:
    """Bytes of the longest row on disk."""
    content = (folder / "log" / f"sightings-{DAY}.csv").read_bytes()
    return max(len(line) for line in content.split(b"\n")[1:])


# ----------------------------------------------------------------------------------------- what is logged


def test_every_track_with_a_good_face_has_a_row_and_no_other(tmp_path: Path) -> None:
    scene = walks((("ann",), 10), ((), 9), (("stranger",), 10), ((), 9))
    scene.walk(("bob",), 10, flat=True)  # below the quality gate
    services = watched(tmp_path, scene, spread=0)
    rows = services.sightings.read(DAY, DAY)
    assert [(row.track, row.state, row.employee_id, row.unknown_id) for row in rows] == [
        ("run-1", "known", "ann", ""),
        ("run-2", "unknown", "", "unknown-1"),
    ]
    (punched,) = services.attendance.log.read(DAY)
    (sighted, _) = services.sightings.log.raw.read(DAY)
    assert {column: sighted[column] for column in ("track", "camera", "timestamp", "threshold")} == {
        column: PUNCH.texts(punched)[column] for column in ("track", "camera", "timestamp", "threshold")
    }
    assert [row["tracks"] for row in services.incidents.log.raw.read(DAY)] == [rows[1].track]
    assert rows[0].candidates == ("ann", "bob")
    assert rows[0].similarities == pytest.approx([1, 0.2], abs=1e-4)
    assert rows[0].gallery_size == 2


def test_a_good_face_that_no_vote_came_of_is_a_row_without_candidates(tmp_path: Path) -> None:
    pipeline, services = make_pipeline(tmp_path, scene := walks((("ann",), 6)), enrolled=())
    pipeline.run(ListSource(scene.frames))
    (row,) = services.sightings.read(DAY, DAY)
    assert (row.candidates, row.similarities, row.state) == ((), (), "unknown")
    assert row.sighting().candidates == ()


def test_rows_that_cannot_be_written_for_a_while_come_later(tmp_path: Path) -> None:
    obstacle = tmp_path / "log" / ".sightings.lock"
    obstacle.mkdir(parents=True)
    pipeline, services = make_pipeline(tmp_path, scene := walks((("ann",), 10), ((), 8), (("bob",), 10)))
    pipeline.run(ListSource(scene.frames), lambda result: obstacle.rmdir() if result.frame.index == 20 else None)
    assert [row.employee_id for row in services.sightings.read(DAY, DAY)] == ["ann", "bob"]


def test_a_log_that_stays_unwritable_costs_no_punch_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "log" / ".sightings.lock").mkdir(parents=True)
    pipeline, services = make_pipeline(tmp_path, scene := walks((("ann",), 10)))
    with pytest.raises(StorageError, match="1 events could not be written"):
        pipeline.run(ListSource(scene.frames))
    assert [row.employee_id for row in services.attendance.log.read(DAY)] == ["ann"]


# ----------------------------------------------------------------------------------------- rows


names = st.text(min_size=1, max_size=64)
similarities = st.floats(-1, 1, allow_nan=False)


def usable(text: str) -> bool:
    try:
        return clean_id(text) == text
    except InputError:
        return False


@st.composite
def sightings(draw: st.DrawFn) -> TrackSighting:
    people = draw(st.lists(names.filter(usable), min_size=1, max_size=12, unique=True))

    def candidates(count: int) -> tuple[Candidate, ...]:
        rows = [Candidate(draw(st.sampled_from(people)), draw(similarities)) for _ in range(count)]
        unique = {row.person: row for row in rows}
        return tuple(sorted(unique.values(), key=lambda row: -row.similarity))

    votes = tuple(
        Vote(at(index * 0.125), candidates(draw(st.integers(0, 5))), candidates(draw(st.integers(0, 5))))
        for index in range(draw(st.integers(0, 30)))
    )
    return replace(
        track("run-1", [{"E1": 0.9}], threshold=draw(similarities)),
        camera=draw(names.filter(usable)),
        candidates=candidates(draw(st.integers(0, 5))),
        votes=votes,
        left_out=draw(st.integers(0, 99)),
    )


@settings(max_examples=150, deadline=None)
@given(sighting=sightings())
def test_a_row_reads_back_as_what_was_written_as_far_as_there_is_room(
    sighting: TrackSighting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("w")
    written = book(folder)
    written.record(sighting)
    assert length(folder) < 2048
    (row,) = written.read(DAY, DAY)
    found = row.sighting()
    assert (found.camera, found.track, found.first_seen) == (sighting.camera, sighting.track, sighting.first_seen)
    assert found.left_out + len(found.votes) == sighting.left_out + len(sighting.votes)
    told = set(row.candidates)
    assert {each.person for each in sighting.candidates} <= told
    for before, after in zip(sighting.votes[len(sighting.votes) - len(found.votes) :], found.votes, strict=True):
        assert before.time == after.time
        for rows, again in ((before.frame[:3], after.frame), (before.mean[:2], after.mean)):
            kept = [each for each in rows if each.person in told]
            assert [each.person for each in again] == [each.person for each in kept]
            assert [each.similarity for each in again] == pytest.approx([each.similarity for each in kept], abs=6e-5)
    assert written.log.raw.check() == []
    (cells,) = written.log.raw.read(DAY)
    assert SIGHTING.texts(row) == {column: cells[column] for column in SIGHTING.columns}


def test_the_usual_window_fits_into_a_row_and_a_longer_one_keeps_its_end(tmp_path: Path) -> None:
    frames = [{"E10017": 0.71 + index / 1e4, "E10018": -0.41, "E10019": -0.4} for index in range(60)]
    for count, kept in ((25, 25), (60, None)):
        folder = tmp_path / str(count)
        book(folder).record(track("20261123T080000-0123abcd-17", frames[:count], step_s=2))
        assert length(folder) < 2048
        found = book(folder).read(DAY, DAY)[0].sighting()
        assert found.votes[-1].frame[0].similarity == pytest.approx(frames[count - 1]["E10017"])
        assert found.left_out == count - len(found.votes)
        assert kept is None or len(found.votes) == kept
        assert len(found.votes) >= 25


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("timestamp", "yesterday"),
        ("timestamp", "2026-11-23T08:00:00"),
        ("votes", "0:9=7000/"),
        ("votes", "0:-1=7000/"),
        ("votes", "x"),
        ("similarities", "high"),
        ("state", "sure"),
        ("threshold", "?"),
        ("gallery_version", "new"),
    ],
)
def test_a_row_that_somebody_changed_is_named_as_unreadable(tmp_path: Path, column: str, text: str) -> None:
    book(tmp_path).record(track("run-1", [{"E1": 0.9}] * 3))
    path = book(tmp_path).log.raw.shelf.path(DAY)
    before = book(tmp_path).tracks(DAY, DAY)
    assert (len(before[0]), before[1]) == (1, 0)
    cells = book(tmp_path).log.raw.read(DAY)[0] | {column: text}
    path.write_text(path.read_text().splitlines()[0] + "\n" + csv_line(map(encode_cell, cells.values())))
    assert book(tmp_path).tracks(DAY, DAY) == ([], 1)


def test_a_track_belongs_to_the_day_on_which_it_began(tmp_path: Path) -> None:
    late = SightingBook(tmp_path, Config(timezone="Asia/Tokyo").zone)
    begin = T0.replace(hour=14, minute=59, second=58)  # two seconds to midnight in Tokyo
    late.record(replace(track("run-1", [{"E1": 0.9}] * 3), first_seen=begin, last_seen=begin + timedelta(seconds=9)))
    assert len(late.read(DAY, DAY)) == 1
    assert late.read(DAY + timedelta(days=1), DAY + timedelta(days=1)) == []


# ----------------------------------------------------------------------------------------- rights and duties


def logged(workbench: Workbench, *tracks: TrackSighting) -> None:
    for each in tracks:
        workbench.sightings.record(each)


ADA = [{"E1": 0.8, "E2": 0.2}] * 4
BEN = [{"ben_bond": 0.9, "E1": 0.3}] * 4


def test_sightings_are_kept_for_as_long_as_the_settings_say_and_the_rest_verifies(tmp_path: Path) -> None:
    for days, left in ((90, 1), (89, 0)):
        workbench = bench(tmp_path / str(days), Clock(T0 + timedelta(days=90)), retention={"sightings": days})
        logged(workbench, track("run-1", ADA))
        workbench.records.close(workbench.clock(), {})
        found = {row.what: row.count for row in workbench.privacy.purge(apply=True)}
        assert found["sightings"] == 1 - left
        assert len(workbench.sightings.read(DAY, DAY)) == left
        assert workbench.records.verify() == []


def test_closed_days_and_changed_rows_are_known_to_verify(tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(T0 + timedelta(days=3)))
    logged(workbench, track("run-1", ADA), track("run-2", BEN))
    workbench.records.close(workbench.clock(), {})
    assert (DAY, "") in workbench.sightings.log.raw.journal.heads("sightings")
    assert workbench.records.verify() == []
    path = workbench.sightings.log.raw.shelf.path(DAY)
    path.write_bytes(path.read_bytes().replace(b"0=8000", b"0=3000", 1))
    (finding,) = workbench.records.verify()
    assert (finding.file, finding.what) == (path.name, "changed")


def test_forgetting_puts_a_pseudonym_where_the_id_spells_the_name(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    enrol(workbench, "ben_bond", "Ben Bond", face(0, 1))
    logged(workbench, track("run-1", ADA), track("run-2", BEN), track("run-3", [{"E1": 0.8, "ben_bond": 0.5}] * 4))
    workbench.privacy.forget("ben_bond", thorough=False)
    path = workbench.sightings.log.raw.shelf.path(DAY)
    assert b"ben_bond" not in path.read_bytes()
    pseudonym = workbench.sightings.log.raw.sealer.pseudonym("ben_bond")
    rows = read_rows(path)
    assert [row["employee_id"] for row in rows] == ["E1", pseudonym, "E1"]
    assert [row["candidates"] for row in rows] == ["E1;E2", f"{pseudonym};E1", f"E1;{pseudonym}"]
    assert workbench.records.verify() == []
    tracks, _ = workbench.sightings.tracks(DAY, DAY)
    assert [each.candidates[0].similarity for each in tracks] == pytest.approx([0.8, 0.9, 0.8])


@pytest.mark.models
def test_a_person_is_told_of_their_sightings_and_of_others_only_the_likeness(
    tmp_path: Path, reader: FaceReader
) -> None:
    workbench = bench(tmp_path)
    workbench.__dict__["reader"] = reader
    enrol(workbench, "E1", "Ada Lovelace", face(1))
    enrol(workbench, "ben_bond", "Ben Bond", face(0, 1))
    stranger = [{"E1": 0.4, "ben_bond": 0.1}] * 6
    logged(workbench, track("run-1", ADA), track("run-2", BEN, start_s=61), track("run-3", stranger, start_s=99))
    logged(workbench, track("run-4", ADA[:2], start_s=200))
    punch(workbench, "E1", T0, track="run-1")
    counts = workbench.privacy.export_subject("E1", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        own, others = (json.loads(archive.read(f"{name}.json")) for name in ("sightings", "comparisons"))
        texts = [archive.read(name) for name in archive.namelist()]
    assert counts["sightings"] == 2  # theirs, and the one that was not certain
    assert [row["track"] for row in own] == ["run-1", "run-4"]
    assert own[0]["candidates"] == "E1;somebody else"
    assert own[0]["votes"].startswith("0:0=8000 1=2000/")
    assert others == [
        {"day": "2026-11-23", "similarity": similarity, "threshold": "0.5", "model": "m"}
        for similarity in ("0.3000", "0.4000")  # Ben's, and a stranger's
    ]
    assert not [text for text in texts if b"ben_bond" in text or b"Ben Bond" in text]


def test_the_columns_are_as_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
    section = text.split("**`log/sightings-<day>.csv`**")[1].split("**`")[0]
    assert [name for name in SIGHTING.columns if f"`{name}`" not in section] == []


def test_a_long_stay_counts_all_frames_that_voted(tmp_path: Path) -> None:
    config = Config(voting=VotingConfig(window=5, embed_interval_s=0, settled_interval_s=0))
    services = watched(tmp_path, walks((("ann",), 20)), config, spread=0)
    (row,) = services.sightings.read(DAY, DAY)
    assert (row.voting_frames, row.votes_left_out) == (5, 15)
    assert row.sighting().votes[-1].time == at(19 / 3).replace(microsecond=at(19 / 3).microsecond // 1000 * 1000)


def test_somebody_who_takes_anothers_place_has_a_row_of_their_own(tmp_path: Path) -> None:
    scene = Scene(fps=3)
    for name in ("ann", "bob"):
        for _ in range(12):
            scene.show({name: [90, 80, 150, 140, 0.99]})
    pipeline, services = make_pipeline(tmp_path, scene)
    pipeline.run(ListSource(scene.frames))
    rows = services.sightings.read(DAY, DAY)
    assert sorted((row.track, row.employee_id) for row in rows) == [("run-1", "ann"), ("run-2", "bob")]
