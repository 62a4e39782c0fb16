"""What waits survives: crashes, damage, full disks, several processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from outgoing import (
    BERLIN,
    DELIVERED,
    FAILED,
    NOON,
    Clock,
    Receiver,
    Script,
    incident,
    make_channels,
    make_outbox,
    rule,
    run_at_once,
    sent_rows,
    start_child,
)

from engine.errors import StorageError
from engine.incidents import IncidentBook
from engine.incidents.notifications import Message, SendResult
from engine.types import Event, EventKind, Severity

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_a_delivered_message_is_gone_and_logged(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (message,) = outbox.waiting()
    script = Script(DELIVERED)
    (delivery,) = outbox.drain(script)
    assert script.messages == [message]
    assert (delivery.result, delivery.attempt, delivery.message_id) == ("delivered", 1, message.message_id)
    assert outbox.waiting() == []
    assert outbox.drain(script) == []
    (row,) = sent_rows(tmp_path)
    assert row.pop("seal")
    assert row == (
        {
            "delivery_id": delivery.delivery_id,
            "timestamp": "2026-11-23T12:00:00.000+01:00",
            "message_id": message.message_id,
            "incident_id": "20261123T120000-00000001",
            "rule": "night",
            "channel": "json://127.0.0.1",
            "result": "delivered",
            "attempt": "1",
            "detail": "fine",
        }
    )


def test_what_fails_is_tried_ever_less_often_until_it_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(), clock=clock, give_up_s=9000)
    outbox.submit(incident())
    tried = []
    for _ in range(920):
        if outbox.drain(Script(FAILED)):
            tried.append((clock.now - NOON).total_seconds())
        clock.forward(10)
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits[:6] == [10, 30, 120, 600, 3600, 3600]
    assert tried[-1] == 9000  # the last try is when its time is over
    results = [(row["result"], row["attempt"], row["detail"]) for row in sent_rows(tmp_path)]
    assert [result for result, _, _ in results] == ["retry"] * (len(tried) - 1) + ["given up"]
    assert [attempt for _, attempt, _ in results] == [str(number + 1) for number in range(len(tried))]
    assert {detail for _, _, detail in results} == {"HTTP 503"}
    assert outbox.waiting() == []
    assert "is given up: HTTP 503" in caplog.text


def test_nothing_is_tried_before_it_is_due_unless_everything_is_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(), clock=clock)
    outbox.submit(incident())
    assert [delivery.result for delivery in outbox.drain(Script(FAILED))] == ["retry"]
    clock.forward(9.999)
    assert outbox.drain(Script(FAILED)) == []
    assert [delivery.attempt for delivery in outbox.drain(Script(FAILED), everything=True)] == [2]
    clock.forward(30)
    assert [delivery.attempt for delivery in outbox.drain(Script(DELIVERED))] == [3]


@pytest.mark.parametrize(("asked_s", "wait_s"), [(None, 10), (3, 10), (300, 300), (3600, 3600), (1e6, 3600)])
def test_a_receivers_wish_to_wait_is_respected_within_bounds(
    tmp_path: Path, asked_s: float | None, wait_s: float
) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    outbox.drain(Script(SendResult("retry", "HTTP 429", asked_s)))
    assert outbox.waiting()[0].next_at - NOON == timedelta(seconds=wait_s)


def test_what_is_refused_is_given_up_at_once(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    assert [delivery.result for delivery in outbox.drain(Script(SendResult("refused", "HTTP 410 Gone")))] == [
        "given up"
    ]
    assert outbox.waiting() == []


def test_an_address_that_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule(to=["json://dead.org", "json://alive.org"]))
    for number in range(3):
        outbox.submit(incident(number))
    tried: list[str] = []

    def send(message: Message) -> SendResult:
        tried.append(message.channel)
        return FAILED if "dead" in message.channel else DELIVERED

    outbox.drain(send)
    assert Counter(tried) == {"json://dead.org": 1, "json://alive.org": 3}
    assert [message.channel for message in outbox.waiting()] == ["json://dead.org"] * 3


def test_a_clock_that_is_set_back_does_not_hold_a_message(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(), clock=clock)
    outbox.submit(incident())
    outbox.drain(Script(FAILED))
    clock.forward(-7200)
    assert [delivery.result for delivery in outbox.drain(Script(DELIVERED))] == ["delivered"]


DAMAGE = [b"", b"{", b"null", b"[]", b"\0" * 600, b"\xff\xfe", b'{"message_id": "20261123T120000-aaaaaaaa"}']


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_file_is_set_aside_and_the_others_go_out(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    path = outbox.folder / "20261123T120000-aaaaaaaa.json"
    path.write_bytes(content)
    assert [delivery.result for delivery in outbox.drain(Script(DELIVERED))] == ["delivered"]
    assert path.with_name(f"{path.name}.damaged").read_bytes() == content
    assert not path.exists()
    assert f"{path.name} is damaged" in caplog.text
    assert outbox.drain(Script(DELIVERED)) == []


def test_a_message_cut_off_anywhere_is_set_aside(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (path,) = outbox.folder.glob("2*.json")
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        assert outbox.waiting() == []
        assert not path.exists()


def test_a_copy_of_a_message_under_another_name_is_not_sent_twice(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (path,) = outbox.folder.glob("2*.json")
    shutil.copy(path, path.with_name("20261123T999999-00000000.json"))
    assert len(outbox.drain(Script(DELIVERED))) == 1


def test_an_outbox_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    outbox = make_outbox(tmp_path, rule())
    with pytest.raises(StorageError, match="outbox"):
        outbox.submit(incident())
    assert outbox.drain(Script(DELIVERED)) == []


def test_a_full_disk_is_a_storage_error_and_leaves_no_half_of_the_messages(tmp_path: Path) -> None:
    short, long = rule("a", to=["json://a.org"]), rule("b", to=["json://" + "b" * 60 + ".org"])
    sizes = []
    for number, chosen in enumerate((short, long)):
        make_outbox(tmp_path / str(number), chosen).submit(incident())
        sizes += [path.stat().st_size for path in (tmp_path / str(number) / "outbox").glob("2*.json")]
    room = sizes[0] + 20  # enough for the first message, not for the second
    assert room < sizes[1]
    code = (
        f"import resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "try: outbox.submit(row)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    out, _ = start_child(code, tmp_path, short, long).communicate(timeout=30)
    assert out.startswith("StorageError")
    assert str(tmp_path / "outbox") in out
    assert make_outbox(tmp_path, short, long).waiting() == []
    assert not list((tmp_path / "outbox").glob("[!.]*"))


def test_a_delivered_message_is_not_sent_again_although_the_log_cannot_be_written(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (tmp_path / "log").write_text("in the way")
    script = Script(DELIVERED)
    with pytest.raises(StorageError):
        outbox.drain(script)
    outbox.drain(script)
    assert len(script.messages) == 1


def test_a_message_queued_by_a_process_that_was_killed_is_delivered_once_by_another(
    tmp_path: Path, receiver: Receiver
) -> None:
    chosen = rule(webhook=receiver.url)
    process = start_child("outbox.submit(row); os.kill(os.getpid(), signal.SIGKILL)", tmp_path, chosen)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert receiver.requests == []
    for _ in range(2):
        start_child("outbox.drain(channels.send)", tmp_path, chosen).communicate(timeout=30)
    assert len(receiver.requests) == 1
    assert json.loads(receiver.requests[0].body)["incident"]["incident_id"] == "20261123T120000-00000001"
    assert [row["result"] for row in sent_rows(tmp_path)] == ["delivered"]


def test_a_message_whose_sender_was_killed_before_the_answer_comes_again_with_the_same_id(
    tmp_path: Path, receiver: Receiver
) -> None:
    chosen = rule(webhook=receiver.url)
    outbox = make_outbox(tmp_path, chosen)
    outbox.submit(incident())
    receiver.hold.clear()
    process = start_child("outbox.drain(channels.send)", tmp_path, chosen)
    assert receiver.arrived.wait(20)
    assert outbox.drain(make_channels(tmp_path, chosen).send) == []  # the other still holds it
    process.kill()
    process.communicate(timeout=10)
    receiver.hold.set()
    assert [delivery.result for delivery in outbox.drain(make_channels(tmp_path, chosen).send)] == ["delivered"]
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_two_processes_that_drain_at_once_send_each_message_once(tmp_path: Path, receiver: Receiver) -> None:
    chosen = rule(webhook=receiver.url, limit=100)
    outbox = make_outbox(tmp_path, chosen)
    for number in range(30):
        outbox.submit(incident(number))
    code = (
        "print('ready', flush=True); sys.stdin.readline(); count = 0\n"
        "while outbox.waiting(): count += len(outbox.drain(channels.send))\n"
        "print(count)"
    )
    said = run_at_once([start_child(code, tmp_path, chosen) for _ in range(2)])
    assert sum(int(count) for count in said) == 30
    assert len(receiver.ids) == 30
    assert len(set(receiver.ids)) == 30
    assert len(sent_rows(tmp_path)) == 30


def test_a_message_that_is_erased_while_others_are_delivered_is_neither_sent_nor_written_again(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule(to=["json://one.org", "json://two.org"]))
    outbox.submit(incident())
    tried: list[Message] = []

    def send(message: Message) -> SendResult:
        tried.append(message)
        for path in outbox.folder.glob("2*.json"):  # somebody is forgotten meanwhile
            path.unlink()
        return FAILED

    assert [delivery.result for delivery in outbox.drain(send)] == ["retry"]
    assert len(tried) == 1
    assert outbox.waiting() == []


def _book(workspace: Path) -> IncidentBook:
    return IncidentBook(workspace, BERLIN)


def _event(number: int = 0) -> Event:
    return Event(EventKind.CAMERA_LOST, NOON + timedelta(seconds=number), f"door {number}", severity=Severity.HIGH)


def test_an_incident_whose_process_died_before_its_message_is_told_once_at_the_next_start(tmp_path: Path) -> None:
    outbox, book = make_outbox(tmp_path, rule()), _book(tmp_path)
    row = book.record(_event(), {}, ahead=outbox.announce)
    assert row is not None  # and nobody submits it
    assert outbox.waiting() == []
    again, script = make_outbox(tmp_path, rule()), Script(DELIVERED)
    assert again.reconcile(_book(tmp_path).log.find) == 1
    assert [message.incident_id for message in again.waiting()] == [row.incident_id]
    again.drain(script)
    for each in (again, make_outbox(tmp_path, rule())):
        assert each.reconcile(book.log.find) == 0
        assert each.submit(row) == 0  # whoever wrote it lives after all
        each.drain(script)
    assert len(script.messages) == 1
    assert list((outbox.folder / "announced").glob("[0-9]*")) == []


def test_an_incident_that_was_announced_and_never_written_is_not_told(tmp_path: Path) -> None:
    clock = Clock()
    outbox, book = make_outbox(tmp_path, rule(), clock=clock), _book(tmp_path)

    def dies(row: object) -> None:
        outbox.announce(row)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        book.record(_event(), {}, ahead=dies)
    (note,) = (outbox.folder / "announced").glob("[0-9]*")
    os.utime(note, (NOON.timestamp(), NOON.timestamp()))
    assert outbox.reconcile(book.log.find) == 0
    assert note.exists()  # another process may be about to write it
    clock.now += timedelta(days=8)
    assert outbox.reconcile(book.log.find) == 0
    assert not note.exists()


def test_an_incident_that_the_limit_held_back_is_not_told_at_the_next_start(tmp_path: Path) -> None:
    outbox, book = make_outbox(tmp_path, rule(limit=1)), _book(tmp_path)
    for kind in (EventKind.CAMERA_LOST, EventKind.PART_LOST):
        event = replace(_event(), kind=kind, camera="door")
        row = book.record(event, {}, ahead=outbox.announce)
        assert row is not None
        outbox.submit(row)
    assert len(outbox.waiting()) == 1
    assert make_outbox(tmp_path, rule(limit=1)).reconcile(book.log.find) == 0
    assert len(outbox.waiting()) == 1


@pytest.mark.parametrize("step", ["told.json", "limits.json"])
def test_a_process_that_dies_in_the_middle_of_queueing_leaves_all_messages_or_none_and_none_twice(
    tmp_path: Path, step: str
) -> None:
    chosen = rule(to=["json://one.org", "json://two.org"])
    outbox, book = make_outbox(tmp_path, chosen), _book(tmp_path)
    row = book.record(_event(), {}, ahead=outbox.announce)
    assert row is not None
    code = (
        "import engine.incidents.notifications.outbox as room\n"
        "real = room.atomic_write\n"
        "def write(path, content, **more):\n"
        f"    real(path, content, **more)\n"
        f"    if path.name == {step!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "room.atomic_write = write\n"
        "from engine.incidents import IncidentBook\n"
        "from pathlib import Path\n"
        "outbox.reconcile(IncidentBook(outbox.folder.parent, outbox._zone).log.find)"
    )
    process = start_child(code, tmp_path, chosen)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert outbox.waiting() == []
    script = Script(*[DELIVERED] * 4)
    for _ in range(2):
        again = make_outbox(tmp_path, chosen)
        again.reconcile(book.log.find)
        again.drain(script)
    assert sorted(message.channel for message in script.messages) == ["json://one.org", "json://two.org"]
    assert not list(outbox.folder.glob("staged-*"))
