"""Damaged files are told in a line: what reads them never ends in a traceback, and one of many holds up no other."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import mutants
import numpy as np
import pytest
from command import muster
from mutants_asked import sent
from paperwork import Clock, bench, enrol, face
from recordings import plain_video

from engine.archive.footage import scan
from engine.archive.observe import Observation
from engine.config import load_config
from engine.errors import ConfigError, InputError, MusterError, StorageError
from engine.privacy.forgotten import here_again, remember
from engine.sources import VideoSource
from engine.storage import below, parse_json, read_arrays


def test_files_damaged_at_random_are_read_or_told_but_raise_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEYS", str(tmp_path / "kept" / "keys"))
    monkeypatch.setenv("MUSTER_WORKSPACE", "")  # both are set anew meanwhile
    kinds = [*mutants.brought(tmp_path / "brought"), *mutants.of_workspace(tmp_path / "kept")]
    kinds += sent(tmp_path / "asked", mutants.Kind)
    random.Random(7).shuffle(kinds)
    tried, faults = mutants.run(kinds, 500, seed=7)
    assert tried == 500
    assert not faults, "\n".join(faults.values())


def test_the_harness_finds_a_reader_that_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    kind = mutants.Kind(b'{"a": [1, 2, 3]}' * 3, path, lambda each: json.loads(each.read_bytes()))
    tried, faults = mutants.run([kind], 50, seed=1)
    assert tried == 50
    assert any("JSONDecodeError" in name for name in faults)
    assert path.read_bytes() == kind.content


# ------------------------------------------------------------------------------------------------------ credentials


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *(("wait_until", each) for each in ("soon", "2026-11-23T08:00:00", 7, None, ["2026-11-23T08:00:00+00:00"])),
        *(("failures", each) for each in ("three", None, [1])),
        *((field, each) for field in ("role", "hash") for each in (7, None, ["admin"])),
    ],
)
def test_an_account_with_a_damaged_field_is_told_at_once(field: str, wrong: object, tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    workbench.accounts.add("ann", "admin", "a long password of hers")
    path = tmp_path / "accounts.json"
    stored = json.loads(path.read_bytes())
    stored[0][field] = wrong
    path.write_text(json.dumps(stored))
    for look in (workbench.accounts.all, lambda: workbench.accounts.check("ann", "x", datetime.now(UTC))):
        with pytest.raises(StorageError, match="damaged") as told:
            look()
        assert told.value.hint


# ----------------------------------------------------------------------------------------------------------- arrays


def _observation() -> bytes:
    return mutants._observation()


def _repacked(change: Callable[[bytes], bytes]) -> bytes:
    """An npz file whose sums are right and whose members were changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_observation())) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)))
    return made.getvalue()


def _method(content: bytes, number: int) -> bytes:
    """The same archive that says that its members are packed in another way."""
    data = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.find(mark)
        while at >= 0:
            data[at + place : at + place + 2] = number.to_bytes(2, "little")
            at = data.find(mark, at + 4)
    return bytes(data)


@pytest.mark.parametrize(
    "content",
    [
        *(_method(_observation(), number) for number in (1, 9, 14, 95, 99)),
        _repacked(lambda each: each.replace(b"(3", b"(9")),
        _repacked(lambda each: each.replace(b"<f4", b"|O ")),
        _repacked(lambda each: each.replace(b"fortran", b"\xff\xff")),
        _repacked(lambda each: each[:60]),
        _observation()[:-30],
        b"",
        b"PK\x05\x06" + b"\0" * 18,
    ],
    ids=range(12),
)
def test_arrays_packed_in_another_way_or_damaged_are_told(content: bytes) -> None:
    with pytest.raises(StorageError, match="damaged") as told:
        Observation.from_bytes(content, "segment 3")
    assert "segment 3" in str(told.value)
    with pytest.raises(StorageError):
        read_arrays(content, "x", "boxes", "scores", "no such")


def test_arrays_that_are_whole_come_back() -> None:
    boxes, scores = read_arrays(_observation(), "x", "boxes", "scores")
    assert (boxes.shape, scores.dtype) == ((3, 4), np.float32)


# ----------------------------------------------------------------------------------------------------------- videos


def _unknown_codec(path: Path) -> Path:
    """An AVI in a code that nobody knows."""
    plain_video(path, [40 * number for number in range(20)])
    content = path.read_bytes()
    assert content.count(b"FMP4") == 2
    path.write_bytes(content.replace(b"FMP4", b"ZQ9X"))
    return path


def test_a_video_in_an_unknown_code_is_told_wherever_it_is_opened(tmp_path: Path) -> None:
    path = _unknown_codec(tmp_path / "a.avi")
    for opened in (lambda: scan(path), lambda: VideoSource(path, "gate", start=datetime.now(UTC))):
        with pytest.raises(InputError) as told:
            opened()
        assert "a.avi" in str(told.value)


@pytest.mark.models
def test_one_video_in_an_unknown_code_does_not_end_a_batch(tmp_path: Path) -> None:
    place = tmp_path / "w"
    enrol(bench(place, Clock()), "E1", "Ann", face(1, 0))
    shutil.rmtree(place / "log", ignore_errors=True)
    names = ["20261120T080000Z.avi", "20261120T090000Z.mp4", "20261120T100000Z.mp4"]
    _unknown_codec(tmp_path / names[0])
    for name in names[1:]:
        plain_video(tmp_path / name, [200 * number for number in range(10)])
    files = [tmp_path / name for name in names]
    for file in files:
        os.utime(file, (1.7e9, 1.7e9))  # nobody waits whether it still grows
    answer = muster("archive", "process", *files, "--workspace", place, "--camera", "door", "--workers", "1", "--json")
    assert answer.code not in {0, 70}
    told = {Path(row["file"]).name: row["outcome"] for row in json.loads(answer.out)["files"]}
    assert told == {names[0]: "failed", names[1]: "decided", names[2]: "decided"}
    assert names[0] in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_errors_of_readers_are_errors_of_muster() -> None:
    assert issubclass(StorageError, MusterError)


def test_settings_with_brackets_without_end_are_told(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("timezone = " + "[" * 5000)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    "enrolled", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-02", "[" * 3000]
)
def test_a_time_of_enrolment_that_somebody_wrote_is_read_or_left_out(enrolled: str, tmp_path: Path) -> None:
    workbench = bench(tmp_path, Clock(), timezone="Asia/Tokyo")
    enrol(workbench, "E1", "Ann", face(1, 0))
    remember(workbench.records, "E1")
    (tmp_path / "people.csv").write_text(f"employee_id,name,enrolled_at,active\nE1,Ann,{enrolled},yes\n")
    day = workbench.attendance.day_of(workbench.clock())
    assert workbench.attendance.sheets.between(day, day, workbench.people.known()) is not None
    assert here_again(workbench.records) == ([] if enrolled.startswith("9999") else ["E1"])


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a": ' * 100_000])
def test_brackets_within_brackets_are_no_json(content: bytes) -> None:
    with pytest.raises(ValueError, match="brackets"):
        parse_json(content)
    assert parse_json(b'{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    "name",
    [
        "images/a\0.jpg",
        f"images/{'a' * 300}.jpg",
        "images/" + "a/" * 3000,
        "../x.jpg",
        "/etc/passwd",
        "images/../x",
        "",
    ],
)
def test_a_name_that_leads_elsewhere_or_that_no_file_can_have_is_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"x")
    (tmp_path / "x.jpg").write_bytes(b"x")
    assert below(tmp_path, name, within="images") is None
    assert bench(tmp_path).records.inside(name) is None
    assert below(tmp_path, "images/a.jpg", within="images") == (tmp_path / "images" / "a.jpg").resolve()
