"""Reminders: who gets an e-mail on the next morning, who does not, and that nobody gets it twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from paperwork import Clock, bench, punch
from smtp_box import Mailbox, mail_server

from engine.attendance.coverage import Span
from engine.config import load_config
from engine.errors import ConfigError
from engine.operations.reminding import Reminders
from engine.people import Person
from engine.workbench import Workbench

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
OFFICE = {"office": {"start": "09:00", "end": "17:00", "days": "mon-fri"}}


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


class Site:
    """A workplace whose Monday is over; a restart opens it again."""

    def __init__(self, folder: Path, box: Mailbox) -> None:
        self.folder, self.box, self.clock = folder, box, Clock()
        self.at(MONDAY, "08:30")
        self.work()  # begins with what comes later
        people = [("E1", "Ada Lovelace"), ("E2", "Ben Ode"), ("E3", "Cleo Fay"), ("E4", "Dan Low")]
        self.open().people.put_all(
            Person(key, name, "Lab", f"{key.lower()}@example.org", "2026-01-05T10:00:00+01:00") for key, name in people
        )

    def open(self) -> Workbench:
        server = f"mailto://127.0.0.1:{self.box.port}/?from=muster@example.org"
        return bench(
            self.folder,
            self.clock,
            timezone="Europe/Berlin",
            shifts=OFFICE,
            cameras={"door": {"source": "0", "entrance": True}},
            reports={"mail_server": server},
            reminders={"forgotten": True, "requests": True, "address": "https://muster.example.org"},
        )

    def at(self, day: date, clock: str) -> None:
        self.clock.now = datetime.combine(day, time.fromisoformat(clock), self.open().config.zone)

    def watched(self, day: date) -> None:
        """The camera at the entrance watched all day."""
        book = self.open().attendance.plan.coverage
        assert book is not None
        begin = datetime.combine(day, time(0), self.open().config.zone)
        book.record(Span("door", begin, begin + timedelta(hours=23, minutes=59), "watching"))

    def work(self) -> list[str]:
        """Deliver, and return who got something."""
        before = len(self.box.messages)
        Reminders(self.open()).work()
        return sorted(self.box.recipients[before:])

    def texts(self) -> str:
        return "\n".join(f"{each['subject']}\n{each.get_content()}" for _, each in self.box.messages)


@pytest.fixture
def site(tmp_path: Path, box: Mailbox) -> Site:
    return Site(tmp_path / "site", box)


def seen(place: Workbench, who: str, *clocks: str, day: date = MONDAY) -> None:
    for clock in clocks:
        moment = datetime.combine(day, time.fromisoformat(clock), place.config.zone)
        punch(place, who, moment, track=f"{who}-{clock}")


def test_who_forgot_a_punch_is_told_once_on_the_next_morning(site: Site) -> None:
    place = site.open()
    site.watched(MONDAY)
    seen(place, "E1", "08:55")  # never left
    seen(place, "E2", "08:55", "17:05")
    place.leave_desk.add("E4", "annual", MONDAY, MONDAY, author="hr")
    site.at(TUESDAY, "07:59")
    assert site.work() == []
    site.at(TUESDAY, "08:00")
    assert site.work() == ["e1@example.org", "e3@example.org"]  # E3 was not seen, and has no leave
    assert "Muster saw you come, but not go." in site.texts()
    assert "Muster did not see you, and no leave is entered." in site.texts()
    assert f"https://muster.example.org/me?day={MONDAY}&ask=punch" in site.texts()
    assert "Lovelace" not in "".join(path.read_text() for path in (site.folder / "outbox").rglob("*.json"))
    for clock in ("08:01", "12:00", "23:00"):
        site.at(TUESDAY, clock)
        assert site.work() == []


def test_a_restart_after_the_message_was_queued_doubles_nothing(site: Site) -> None:
    site.watched(MONDAY)
    seen(site.open(), "E1", "08:55")
    seen(site.open(), "E3", "08:55", "17:00")
    seen(site.open(), "E2", "08:55", "17:00")
    seen(site.open(), "E4", "08:55", "17:00")
    site.at(TUESDAY, "08:00")
    state = site.open().store.document("reminders.json")
    before = state.read()
    assert before is not None
    assert site.work() == ["e1@example.org"]
    state.write(before)  # killed between the message and what was noted
    assert site.work() == []
    site.box.busy = 1
    seen(site.open(), "E1", "08:55", day=TUESDAY)
    for who in ("E2", "E3", "E4"):
        seen(site.open(), who, "08:55", "17:00", day=TUESDAY)
    site.watched(TUESDAY)
    site.at(TUESDAY + timedelta(days=1), "08:00")
    assert site.work() == []  # the server is busy
    site.clock.forward(minutes=1)
    assert site.work() == ["e1@example.org"]


def test_what_is_settled_or_asked_about_is_not_told(site: Site) -> None:
    place = site.open()
    site.watched(MONDAY)
    for who in ("E1", "E2", "E3", "E4"):
        seen(place, who, "08:55")
    site.at(MONDAY, "18:00")
    place = site.open()
    place.requests.ask_passage("E1", MONDAY, time(17), "out", reason="forgot")
    place.office.correct("E2", MONDAY, "add", author="hr", reason="told", time=time(17), direction="out")
    site.at(TUESDAY, "08:00")
    site.box.busy = 2
    assert site.work() == []
    place.office.correct("E3", MONDAY, "add", author="hr", reason="told", time=time(17), direction="out")
    site.clock.forward(minutes=1)
    assert site.work() == ["e4@example.org"]  # E3's day was settled while the server was busy


def test_a_closed_month_and_a_weekend_are_not_told(site: Site) -> None:
    place = site.open()
    site.watched(MONDAY)
    seen(place, "E1", "08:55")
    site.at(TUESDAY, "06:00")
    site.open().months.close(MONDAY, MONDAY, author="hr", anyway=True)
    site.at(TUESDAY, "08:00")
    assert site.work() == []
    site.at(date(2026, 11, 29), "09:00")  # Saturday is over
    saturday = [each for each in site.work() if each]
    assert all(f"{date(2026, 11, 28)}" not in text for text in site.texts().split("\n")), saturday


def test_those_who_decide_are_told_once_a_day_and_who_asked_of_the_decision(site: Site) -> None:
    place = site.open()
    for name, role, own in (("kim", "hr", []), ("boss", "manager", ["Lab"]), ("other", "manager", ["Sales"])):
        place.accounts.add(name, role, email=f"{name}@example.org", departments=own)
    place.accounts.add("ada", "employee", email="x@example.org", language="de")
    place.bindings.bind("E1", "ada", author="kim")
    seen(place, "E1", "08:55")
    site.at(MONDAY, "18:00")
    asked = site.open().requests.ask_passage("E1", MONDAY, time(17), "out", reason="forgot")
    site.at(TUESDAY, "08:00")
    assert site.work() == ["boss@example.org", "kim@example.org"]
    assert "Open requests: 1" in site.texts()
    site.at(TUESDAY, "12:00")
    assert site.work() == []
    site.open().requests.decline(asked.id, author="kim", word="bitte melden")
    assert site.work() == []  # it may have been a slip
    site.open().requests.reopen(asked.id, author="kim")
    site.open().requests.approve(asked.id, author="kim")
    site.clock.forward(minutes=3)
    assert site.work() == ["e1@example.org"]
    assert "Ihr Antrag wurde genehmigt: Montag, 23. November 2026" in site.texts()
    assert site.work() == []


def test_who_is_forgotten_gets_nothing_any_more(site: Site) -> None:
    site.watched(MONDAY)
    seen(site.open(), "E1", "08:55")
    site.at(TUESDAY, "08:00")
    site.box.busy = 9
    site.work()
    site.open().privacy.forget("E1", author="hr", thorough=False)
    waiting = "".join(path.read_text() for path in (site.folder / "outbox" / "letters").glob("[0-9]*.json"))
    assert "E1" not in waiting
    site.box.busy = 0
    site.clock.forward(minutes=1)
    assert "e1@example.org" not in site.work()


def test_reminders_need_a_mailbox(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("[reminders]\nforgotten = true\n")
    with pytest.raises(ConfigError, match=r"reminders need reports\.mail_server"):
        load_config(tmp_path)
    (tmp_path / "muster.toml").write_text('[reminders]\naddress = "muster"\n')
    with pytest.raises(ConfigError, match="give an address such as"):
        load_config(tmp_path)
