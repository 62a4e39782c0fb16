"""A kiosk tells the process that records its camera who has identified themselves, and that people may."""

from __future__ import annotations

import json
from pathlib import Path

from waiting import until

from engine.operations.kiosks import ServedKiosk, kiosks, telling, waits_s
from engine.operations.recording import claim, recording
from engine.workbench import Workbench


def test_whoever_records_the_camera_is_told_and_nobody_else_can_say_so(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    assert not claim(tmp_path, "entrance", "E1")  # nobody records it
    told: list[str] = []
    with recording(bench, "entrance") as recorder:
        assert recorder is not None
        recorder.claimed = told.append
        assert claim(tmp_path, "entrance", "E1")
        until(lambda: told == ["E1"])
        (file,) = (tmp_path / "log").glob("recording-*.json")
        content = json.loads(file.read_text())
        file.write_text(json.dumps({**content, "token": "guessed"}))
        claim(tmp_path, "entrance", "E2")
        file.write_text(json.dumps(content))
        claim(tmp_path, "entrance", "E3")
        until(lambda: "E3" in told)
    assert told == ["E1", "E3"]


def test_people_are_waited_for_only_where_a_kiosk_is_and_somebody_has_a_badge_or_a_pin(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    with telling(tmp_path, ServedKiosk("entrance", "127.0.0.1", 8600)):
        until(lambda: len(kiosks(tmp_path)) == 1)
        assert waits_s(bench, "entrance")() == 0
        bench.kiosk.issue_badge("E1", author="t", name="Ada")
        assert waits_s(bench, "entrance")() == bench.config.events.identify_s == 6
        assert waits_s(bench, "yard")() == 0
    assert waits_s(bench, "entrance")() == 0
