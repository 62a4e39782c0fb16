"""Badges: random codes and given numbers, hashed under a key, revoked, erased, printed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import muster

from engine.access import BadgeBook
from engine.errors import InputError
from engine.models import no_progress
from engine.people import Person
from engine.privacy.erasure import forget
from engine.reports.badge import badge_card
from engine.workbench import Workbench

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path / "w")
    bench.people.put(Person("E1", "Ada Lovelace"))
    return bench


def test_a_code_is_random_and_found_as_readers_type_it(bench: Workbench) -> None:
    badge, code = bench.kiosk.issue_badge("E1", author="t")
    _, other = bench.kiosk.issue_badge("E1", author="t")
    assert re.fullmatch(r"MB[0-9A-F]{32}", code)  # 128 bits, and no letter that lies elsewhere on a German keyboard
    assert code != other
    for typed in (code, code.lower(), f" {code} "):
        assert bench.badges.find(typed) == badge
    for wrong in ("", "x", code[:-1], f"{code}0", "\ud800", "0" * 100_000, badge.hash, badge.badge_id):
        assert bench.badges.find(wrong) is None
    assert bench.people.known()["E1"].enrolled_at  # expected from now on, without a face


def test_the_file_holds_no_code_and_its_hashes_need_the_key(bench: Workbench) -> None:
    _, code = bench.kiosk.issue_badge("E1", author="t")
    bench.kiosk.issue_badge("E1", "0004711234", author="t")
    path = bench.workspace / "badges.json"
    text = path.read_text()
    assert code not in text
    assert "4711234" not in text
    assert path.stat().st_mode & 0o077 == 0
    elsewhere = BadgeBook(path, lambda code: "0" * 32)  # another key
    assert elsewhere.find("0004711234") is None
    for line in (bench.workspace / "log").rglob("*"):
        assert not line.is_file() or code.encode() not in line.read_bytes()


def test_a_card_belongs_to_one_person_until_it_is_revoked(bench: Workbench) -> None:
    bench.people.put(Person("E2", "Ben"))
    card, _ = bench.kiosk.issue_badge("E1", "04A2B9C1", author="t")
    with pytest.raises(InputError, match="belongs to somebody"):
        bench.kiosk.issue_badge("E2", "04a2b9c1", author="t")
    for number in ("", "1234567", "1" * 65, "12 34 56 78", "1234567\t8"):
        with pytest.raises(InputError, match="8 to 64"):
            bench.kiosk.issue_badge("E2", number, author="t")
    bench.kiosk.revoke_badge(card.badge_id, author="t")
    with pytest.raises(InputError, match="no badge"):
        bench.kiosk.revoke_badge(card.badge_id, author="t")
    given, _ = bench.kiosk.issue_badge("E2", "04A2B9C1", author="t")
    assert bench.badges.find("04A2B9C1") == given
    assert [each.action for each in bench.audit.read()].count("issue_badge") == 2


def test_whoever_is_forgotten_has_no_badge_any_more(bench: Workbench) -> None:
    _, code = bench.kiosk.issue_badge("E1", author="t")
    forget(bench.records, "E1", reader=None, threshold=1.0, author="t", progress=no_progress)
    assert bench.badges.find(code) is None
    assert json.loads((bench.workspace / "badges.json").read_text()) == []


def test_the_command_adds_a_person_without_a_face_and_prints_a_card(tmp_path: Path) -> None:
    place, card = tmp_path / "w", tmp_path / "card.html"
    Workbench(place).people.put(Person("E1", "Ada Lovelace"))

    def run(*words: str, stdin: str = "") -> str:
        answer = muster("badge", *words, "--workspace", place, stdin=stdin)
        assert answer.code == 0, answer.err
        return answer.out

    code = json.loads(run("issue", "E7", "--name", "Zoë <b>", "--json"))["code"]
    assert run("issue", "E7", "--card-stdin", stdin="0004711234\n").startswith("E7: the card is badge")
    run("print", "E7", "--out", str(card))
    bench = Workbench(place)
    found = bench.badges.find(code)
    assert found is not None
    assert found.revoked_at  # the new card takes its place
    page = card.read_text()
    assert "Zoë &lt;b&gt;" in page
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    listed = json.loads(run("list", "--json"))
    assert [(each["kind"], bool(each["revoked_at"])) for each in listed] == [
        ("qr", True),
        ("card", False),
        ("qr", False),
    ]
    assert "hash" not in listed[0]
    run("revoke", listed[1]["badge_id"])
    assert bench.people.known()["E7"].name != ""


def test_a_card_is_read_by_a_reader(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    import io

    import numpy as np
    import segno
    from PIL import Image

    code = "MB" + "0123456789ABCDEF" * 2
    assert "<svg" in badge_card(code, "Ada", "E1", "Acme")
    drawn = io.BytesIO()
    segno.make_qr(code, error="q").save(drawn, kind="png", scale=8, border=2)
    text, *_ = cv2.QRCodeDetector().detectAndDecode(np.asarray(Image.open(drawn).convert("L")))
    assert text == code
