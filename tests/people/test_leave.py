"""Leave, remote and sick days from tables and calendars: whole days, the right person, and nothing guessed."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import leave as command
from engine.errors import ConfigError, InputError
from engine.people import LeaveBook, LeaveImport, LeaveKinds, PeopleStore, Person, import_calendar, import_table

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 1, 9, 0, tzinfo=BERLIN)
PEOPLE = (
    Person("E1", "Ada Lovelace", "Lab", "ada@example.org"),
    Person("E2", "Ben Müller", "Lab", "ben@example.org"),
    Person("E3", "Ann Lee", "Sales", "ann@example.org"),
    Person("E4", "Ann Lee Smith", "Sales"),
    Person("7", "Cem Ray", "Sales"),
    Person("E8", "Max Roe", "Sales"),
    Person("E9", "Max Roe", "Lab"),
)


@pytest.fixture
def people(tmp_path: Path) -> PeopleStore:
    store = PeopleStore(tmp_path / "people.csv")
    for person in PEOPLE:
        store.put(person)
    return store


@pytest.fixture
def book(tmp_path: Path) -> LeaveBook:
    return LeaveBook(tmp_path / "leave.csv")


def days(book: LeaveBook, first: str = "2026-01-01", last: str = "2027-12-31") -> dict[tuple[str, str], str]:
    """What is known, with days as texts."""
    found = book.statuses(date.fromisoformat(first), date.fromisoformat(last))
    return {(person, day.isoformat()): kind for (person, day), kind in found.items()}


# --------------------------------------------------------------------------------------------- tables


def take(book: LeaveBook, people: PeopleStore, text: str) -> LeaveImport:
    path = book.document.path.with_name("absences.csv")
    path.write_text(text, encoding="utf-8")
    return import_table(book, path, people, now=NOW)


def test_an_empty_book_knows_nothing(book: LeaveBook) -> None:
    assert book.all() == []
    assert days(book) == {}
    assert book.remove("E1") == 0
    assert not book.document.path.exists()


def test_a_table_is_taken_in_with_both_days_included(book: LeaveBook, people: PeopleStore) -> None:
    result = take(book, people, "id,from,to,type\nE1,2026-10-30,2026-11-02,vacation\nE2,2026-11-02,,WFH\n")
    assert (len(result.added), result.removed, result.messages) == (2, (), ())
    assert days(book) == {
        **{("E1", day): "on leave" for day in ("2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02")},
        ("E2", "2026-11-02"): "remote",
    }


@pytest.mark.parametrize("who", ["id\nE2", "E-Mail\nBEN@example.org", "Name\nBen Muller", "Mitarbeiter\nMüller Ben"])
def test_a_person_may_be_named_in_any_way(book: LeaveBook, people: PeopleStore, who: str) -> None:
    heading, value = who.split("\n")
    assert take(book, people, f"Datum;Art;{heading}\n2026-11-02;krank;{value}\n").messages == ()
    assert days(book) == {("E2", "2026-11-02"): "sick"}


def test_only_the_days_asked_for_are_given(book: LeaveBook, people: PeopleStore) -> None:
    take(book, people, "id,from,to,type\nE1,2026-10-30,2026-11-02,leave\n")
    assert set(days(book, "2026-11-01", "2026-11-01")) == {("E1", "2026-11-01")}
    assert days(book, "2026-11-03", "2026-11-30") == {}


def test_who_falls_ill_on_holiday_is_ill_and_leave_goes_before_remote(book: LeaveBook, people: PeopleStore) -> None:
    rows = ["E1,2026-11-02,2026-11-05,leave", "E1,2026-11-03,,sick", "E1,2026-11-04,2026-11-06,remote"]
    for order in (rows, rows[::-1]):
        take(book, people, "\n".join(["id,from,to,type", *order]))
        expected = {2: "on leave", 3: "sick", 4: "on leave", 5: "on leave", 6: "remote"}
        assert days(book) == {("E1", f"2026-11-0{day}"): kind for day, kind in expected.items()}


@pytest.mark.parametrize(
    ("row", "column", "word"),
    [
        ("X9,2026-11-02,,leave", "id", "X9"),
        (",2026-11-02,,leave", "id", "who"),
        ("E1,,2026-11-02,leave", "from", "missing"),
        ("E1,2026-11-31,,leave", "from", "2026-11-31"),
        ("E1,11/02/2026,11/03/2026,leave", "from", "2026-02-11 or 2026-11-02"),
        ("E1,2026-11-02,2026-11-01,leave", "to", "before"),
        ("E1,2026-11-02,2206-11-02,leave", "to", "days"),
        ("E1,2026-11-02,,Brückentag", "type", "Brückentag"),
        ("E1,2026-11-02,,", "type", "kind of leave is missing"),
        ("E1,2026-11-02,,sick or remote", "type", "remote work, sick leave"),
        ("E2,2026-11-09,,remote", "", "line 2"),
    ],
)
def test_a_mistake_is_named_and_the_rest_is_taken(
    book: LeaveBook, people: PeopleStore, row: str, column: str, word: str
) -> None:
    result = take(book, people, f"id,from,to,type\nE2,2026-11-09,,leave\n{row}\n")
    assert [(message.line, message.column) for message in result.errors] == [(3, column)]
    assert word in result.errors[0].text
    assert days(book) == {("E2", "2026-11-09"): "on leave"}


@pytest.mark.parametrize("name", ["Max Roe", "max roe"])
def test_two_people_of_one_name_are_not_told_apart_by_it(book: LeaveBook, people: PeopleStore, name: str) -> None:
    result = take(book, people, f"name,date,type\n{name},2026-11-02,leave\n")
    assert "E8 / E9" in result.errors[0].text


@pytest.mark.parametrize(
    "text", ["", "id,type\nE1,leave\n", "id,from\nE1,2026-11-02\n", "from,type\n2026-11-02,leave\n"]
)
def test_a_table_that_lacks_a_column_is_refused(book: LeaveBook, people: PeopleStore, text: str) -> None:
    with pytest.raises(InputError, match=r"absences\.csv"):
        take(book, people, text)


def test_a_second_import_of_a_table_changes_nothing_and_a_new_kind_replaces(
    book: LeaveBook, people: PeopleStore
) -> None:
    text = "id,from,to,type\nE1,2026-11-02,2026-11-03,leave\nE1,2026-11-02,2026-11-03,leave\n"
    assert [message.level for message in take(book, people, text).messages] == [
        "warning"
    ]  # the line stands there twice
    before = book.document.path.read_bytes()
    result = take(book, people, text)
    assert (len(result.added), len(result.unchanged)) == (0, 1)
    assert book.document.path.read_bytes() == before
    result = take(book, people, "id,from,to,type\nE1,2026-11-02,2026-11-03,sick\n")
    assert result.added == result.removed
    assert set(days(book).values()) == {"sick"}


def test_what_a_person_wrote_by_hand_is_read_and_kept_even_if_it_makes_no_sense(
    book: LeaveBook, people: PeopleStore, caplog: pytest.LogCaptureFixture
) -> None:
    take(book, people, "id,date,type\nE1,2026-11-02,leave\n")
    lines = [
        ",E2,2026-11-05,2026-11-06,remote,by hand,",
        "x,E2,soon,later,remote,,",
        "y,E2,2026-11-05,2026-11-01,sick,,",
    ]
    with book.document.path.open("a") as handle:
        handle.write("\n".join(lines))
    expected = {("E1", "2026-11-02"): "on leave", ("E2", "2026-11-05"): "remote", ("E2", "2026-11-06"): "remote"}
    assert days(book) == expected
    assert "'x'" in caplog.text
    take(book, people, "id,date,type\nE3,2026-11-02,leave\n")
    assert days(book) == {**expected, ("E3", "2026-11-02"): "on leave"}
    kept = {line.rstrip(",") for line in book.document.path.read_text().splitlines()}
    assert {line.rstrip(",") for line in lines} <= kept
    assert book.remove("E2") == 3
    assert set(days(book)) == {("E1", "2026-11-02"), ("E3", "2026-11-02")}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Vacation", {"annual"}),
        ("PTO", {"annual"}),
        ("on leave", {"annual"}),
        ("Resturlaub", {"annual"}),
        ("Bank holiday", {"annual"}),
        ("Congés", {"annual"}),
        ("sick leave", {"sick"}),
        ("Krankmeldung", {"sick"}),
        ("arbeitsunfähig", {"sick"}),
        ("Home-Office", {"remote"}),
        ("Télétravail", {"remote"}),
        ("working from home", {"remote"}),
        ("unpaid leave", {"unpaid"}),
        ("unpaid annual leave", {"unpaid"}),
        ("Urlaub (unbezahlt)", {"unpaid"}),
        ("Congé sans solde", {"unpaid"}),
        ("Elternzeit", {"parental"}),
        ("Elternzeit unbezahlt", {"parental"}),
        ("Maternity leave", {"parental"}),
        ("training", {"training"}),
        ("Training leave", {"training"}),
        ("Bildungsurlaub", {"training"}),
        ("Sonderurlaub", {"special"}),
        ("Überstundenabbau", {"time_off"}),
        ("time_off", {"time_off"}),
        ("wfh then vacation", {"remote", "annual"}),
        ("Annual review", set()),
        ("Specialist", set()),
        ("Offsite", set()),
        ("Cleaver", set()),
        ("Skills day", set()),
        ("Brückentag", set()),
        ("", set()),
    ],
)
def test_the_usual_words_are_known(text: str, kinds: set[str]) -> None:
    known = LeaveKinds()
    assert known.within(text) == kinds
    assert kinds <= set(known.all)


# --------------------------------------------------------------------------------------------- calendars


def event(summary: str, *lines: str, uid: str = "1") -> str:
    """An event; without any line about time it is the whole 2 November 2026."""
    times = [] if any(line.startswith("DTSTART") for line in lines) else ["DTSTART;VALUE=DATE:20261102"]
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *times, *lines, "END:VEVENT"])


def calendar(*events: str, head: str = "VERSION:2.0") -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "PRODID:-//test", head, *events, "END:VCALENDAR", ""])


def read(book: LeaveBook, people: PeopleStore, *events: str, **options: Any) -> LeaveImport:
    path = book.document.path.with_name(options.pop("name", "team.ics"))
    path.write_text(calendar(*events, head=options.pop("head", "VERSION:2.0")), encoding="utf-8", newline="")
    return import_calendar(book, path, people, zone=BERLIN, now=NOW, **options)


def test_the_end_of_whole_days_is_exclusive(book: LeaveBook, people: PeopleStore) -> None:
    result = read(
        book, people, event("Urlaub Ada Lovelace", "DTSTART;VALUE=DATE:20261030", "DTEND;VALUE=DATE:20261102")
    )
    assert result.messages == ()
    assert days(book) == {("E1", f"2026-10-{day}"): "on leave" for day in (30, 31)} | {("E1", "2026-11-01"): "on leave"}


@pytest.mark.parametrize(
    "lines", [(), ("DTEND;VALUE=DATE:20261102",), ("DTEND;VALUE=DATE:20261103",), ("DURATION:P1D",)]
)
def test_a_day_without_an_end_is_that_day(book: LeaveBook, people: PeopleStore, lines: tuple[str, ...]) -> None:
    read(book, people, event("Ada Lovelace sick", *lines))
    assert days(book) == {("E1", "2026-11-02"): "sick"}


def test_days_repeat_over_a_change_of_clocks(book: LeaveBook, people: PeopleStore) -> None:
    """Clocks go back on 25 October 2026: that day has 25 hours, and it is one day all the same."""
    zone = "TZID=Europe/Berlin"
    read(
        book,
        people,
        event(
            "Ada Lovelace WFH",
            f"DTSTART;{zone}:20261024T000000",
            f"DTEND;{zone}:20261025T000000",
            "RRULE:FREQ=DAILY;COUNT=3",
        ),
        event("Ben Müller WFH", "DTSTART:20261023T220000Z", "DTEND:20261024T220000Z", uid="2"),
        event("Ann Lee vacation", "DTSTART:20261024T220000Z", "DTEND:20261025T230000Z", uid="3"),
        event("Cem Ray vacation", "DTSTART;VALUE=DATE:20261020", "RRULE:FREQ=WEEKLY;COUNT=2", uid="4"),
    )
    assert days(book) == {
        **{("E1", f"2026-10-{day}"): "remote" for day in (24, 25, 26)},
        ("E2", "2026-10-24"): "remote",
        ("E3", "2026-10-25"): "on leave",
        ("7", "2026-10-20"): "on leave",
        ("7", "2026-10-27"): "on leave",
    }


def test_the_shortest_day_of_the_year_is_a_whole_day(book: LeaveBook, people: PeopleStore) -> None:
    """Clocks go forward on 28 March 2027: from midnight to midnight are 23 hours."""
    read(book, people, event("Ada Lovelace sick", "DTSTART:20270327T230000Z", "DTEND:20270328T220000Z"))
    assert days(book) == {("E1", "2027-03-28"): "sick"}


def test_a_time_without_zone_is_the_workplaces(book: LeaveBook, people: PeopleStore) -> None:
    read(book, people, event("Ada Lovelace sick", "DTSTART:20261102T000000", "DTEND:20261104T000000"))
    assert set(days(book)) == {("E1", "2026-11-02"), ("E1", "2026-11-03")}


def test_exceptions_of_a_series_are_heeded(book: LeaveBook, people: PeopleStore) -> None:
    read(
        book,
        people,
        event("Ada Lovelace remote", "RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE;VALUE=DATE:20261109"),
        event(
            "Ada Lovelace remote",
            "DTSTART;VALUE=DATE:20261116",
            "RECURRENCE-ID;VALUE=DATE:20261116",
            "STATUS:CANCELLED",
        ),
        event("Ada Lovelace remote", "DTSTART;VALUE=DATE:20261125", "RECURRENCE-ID;VALUE=DATE:20261123"),
    )
    assert set(days(book)) == {("E1", "2026-11-02"), ("E1", "2026-11-25"), ("E1", "2026-11-30")}


def test_only_the_horizon_is_looked_at_and_what_lies_before_is_kept(book: LeaveBook, people: PeopleStore) -> None:
    series = event("Ada Lovelace remote", "DTSTART;VALUE=DATE:20200106", "RRULE:FREQ=YEARLY")
    read(book, people, series, horizon_days=365)
    assert set(days(book, "2000-01-01", "2100-01-01")) == {("E1", "2026-01-06"), ("E1", "2027-01-06")}
    read(book, people, event("Ada Lovelace remote", "DTSTART;VALUE=DATE:20261120"), horizon_days=100)
    assert set(days(book)) == {("E1", "2026-01-06"), ("E1", "2026-11-20")}


def test_an_event_is_replaced_by_its_uid_and_a_cancelled_one_taken_out(book: LeaveBook, people: PeopleStore) -> None:
    other = event("Ben Müller sick", uid="2")
    read(book, people, event("Ada Lovelace leave", "RRULE:FREQ=DAILY;COUNT=3"), other)
    before = book.document.path.read_bytes()
    assert read(book, people, event("Ada Lovelace leave", "RRULE:FREQ=DAILY;COUNT=3"), other).added == ()
    assert book.document.path.read_bytes() == before
    read(book, people, event("Ada Lovelace leave", "DTSTART;VALUE=DATE:20261103", "RRULE:FREQ=DAILY;COUNT=2"), other)
    assert set(days(book)) == {("E1", "2026-11-03"), ("E1", "2026-11-04"), ("E2", "2026-11-02")}
    read(book, people, event("Ada Lovelace leave", "STATUS:CANCELLED"), other)
    assert set(days(book)) == {("E2", "2026-11-02")}
    read(book, people, other, head="METHOD:CANCEL")
    assert days(book) == {}


def test_days_to_come_that_are_no_longer_in_the_calendar_are_told_and_kept(
    book: LeaveBook, people: PeopleStore
) -> None:
    first, second = event("Ada Lovelace leave"), event("Ben Müller leave", uid="2")
    read(book, people, first, second)
    result = read(book, people, second)
    assert [message.level for message in result.messages] == ["warning"]
    assert "kept (1)" in result.messages[0].text
    assert len(days(book)) == 2
    assert read(book, people, second, name="another.ics").messages == ()


@pytest.mark.parametrize(
    ("title", "lines", "person"),
    [
        ("Vacation", ("ATTENDEE:mailto:ada@example.org",), "E1"),
        ("Vacation", ("ATTENDEE:MAILTO:ADA@example.org", "ORGANIZER:mailto:ben@example.org"), "E1"),
        ("Vacation", ("ORGANIZER:mailto:ben@example.org",), "E2"),
        ("Vacation Ada Lovelace", ("ORGANIZER:mailto:ben@example.org",), "E1"),
        ("Vacation Ada Lovelace", ("ATTENDEE:mailto:ada@example.org", "ATTENDEE:mailto:ben@example.org"), "E1"),
        ("Vacation", ("ATTENDEE:mailto:ada@example.org", "ATTENDEE;PARTSTAT=DECLINED:mailto:ben@example.org"), "E1"),
        ("MÜLLER\\, Ben: vacation", (), "E2"),
        ("Vacation Ann Lee", (), "E3"),
        ("Vacation Ann Lee Smith", (), "E4"),
        ("E2 vacation", (), "E2"),
        ("vacation (7)", (), "7"),
        ("7 days of vacation", (), None),
        ("Vacation", ("ATTENDEE:mailto:nobody@example.org",), None),
        ("Vacation Adam Lovelace", (), None),
        ("Vacation Max Roe", (), None),
        ("Vacation Ada Lovelace and Ben Müller", (), None),
        ("Vacation Ada Lovelace", ("ATTENDEE:mailto:ben@example.org",), None),
        ("Vacation", ("ATTENDEE:mailto:ada@example.org", "ATTENDEE:mailto:ben@example.org"), None),
    ],
)
def test_who_is_meant_is_never_guessed(
    book: LeaveBook, people: PeopleStore, title: str, lines: tuple[str, ...], person: str | None
) -> None:
    result = read(book, people, event(title, *lines))
    assert {key[0] for key in days(book)} == ({person} if person else set())
    assert len(result.messages) == (0 if person else 1)
    assert all(message.line == 4 for message in result.messages)


@pytest.mark.parametrize(
    ("title", "lines", "level", "word"),
    [
        ("Vacation Max Roe", (), "error", "E8 / E9"),
        ("Max Roe jour fixe", (), "warning", "not clear who"),
        ("Vacation of somebody", (), "warning", "nobody"),
        ("Ada Lovelace", (), "warning", "does not say"),
        ("Ada Lovelace sick or remote", (), "error", "remote work, sick leave"),
        ("Ada Lovelace leave", ("STATUS:TENTATIVE",), "warning", "tentative"),
        ("Ada Lovelace leave", ("DTSTART:20261102T080000Z", "DTEND:20261102T120000Z"), "warning", "shorter than a day"),
        ("Ada Lovelace leave", ("RRULE:FREQ=HOURLY",), "warning", "within a day"),
        ("Ada Lovelace leave", ("RRULE:FREQ=DAILY;BYHOUR=1,2",), "warning", "within a day"),
        ("Ada Lovelace leave", ("RRULE:FREQ=DAILY;INTERVAL=0",), "error", "below 1"),
        ("Ada Lovelace leave", ("DTSTART:soon",), "error", "no readable time"),
        ("Ada Lovelace leave", ("DTSTART;VALUE=DATE:20261102", "DTSTART;VALUE=DATE:20261103"), "error", "time"),
        ("Ada Lovelace leave", ("DTEND;VALUE=DATE:20261001",), "error", "before it begins"),
        ("Ada Lovelace leave", ("DTEND;VALUE=DATE:20361001",), "error", "1100 days"),
        ("Ada Lovelace leave", ("RRULE:FREQ=WHENEVER",), "error", "cannot be read"),
    ],
)
def test_an_event_that_cannot_be_used_is_told_and_the_others_are_taken(
    book: LeaveBook, people: PeopleStore, title: str, lines: tuple[str, ...], level: str, word: str
) -> None:
    result = read(book, people, event("Ben Müller sick", uid="0"), event(title, *lines))
    assert [(message.line, message.level) for message in result.messages] == [(9, level)]
    assert word in result.messages[0].text
    assert days(book) == {("E2", "2026-11-02"): "sick"}


def test_a_series_says_a_thing_once(book: LeaveBook, people: PeopleStore) -> None:
    assert len(read(book, people, event("Vacation Max Roe", "RRULE:FREQ=DAILY;COUNT=20")).messages) == 1


def test_an_event_that_became_unclear_keeps_what_was_known(book: LeaveBook, people: PeopleStore) -> None:
    read(book, people, event("Ada Lovelace leave"))
    assert read(book, people, event("Ada Lovelace and Ben Müller leave")).errors
    assert set(days(book)) == {("E1", "2026-11-02")}
    read(book, people, event("Meeting"))
    assert days(book) == {}


def test_a_kind_may_be_given_or_stand_in_the_category(book: LeaveBook, people: PeopleStore) -> None:
    read(book, people, event("Ada Lovelace", "CATEGORIES:Team,Home office"))
    assert set(days(book).values()) == {"remote"}
    read(book, people, event("Ada Lovelace"), kind="Urlaub")
    assert set(days(book).values()) == {"on leave"}
    for kind in ("Brückentag", "sick or remote", ""):
        with pytest.raises(InputError, match="not a kind of absence"):
            read(book, people, event("Ada Lovelace"), kind=kind)


def test_a_persons_name_is_no_word_for_leave(book: LeaveBook, people: PeopleStore) -> None:
    people.put(Person("E5", "Billie Holiday"))
    read(book, people, event("Billie Holiday sick"))
    assert days(book) == {("E5", "2026-11-02"): "sick"}


BAD = {
    "nothing": "",
    "no calendar": "id,from\n1,2\n",
    "cut off": calendar(event("Ada Lovelace leave"))[:120],
    "an end too many": "END:VCALENDAR\r\n",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_file_that_is_no_calendar_is_refused_in_one_line(
    book: LeaveBook, people: PeopleStore, tmp_path: Path, bad: str
) -> None:
    (tmp_path / "bad.ics").write_text(BAD[bad])
    with pytest.raises(InputError, match=r"bad\.ics") as caught:
        import_calendar(book, tmp_path / "bad.ics", people, zone=BERLIN, now=NOW)
    assert caught.value.hint
    assert not book.document.path.exists()


WHOLE = calendar(
    event("Ada Lovelace leave", "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO", "EXDATE;VALUE=DATE:20261109"),
    event("Home office", "ATTENDEE;CN=Ben:mailto:ben@example.org", "DURATION:P2D", "CATEGORIES:x", uid="2"),
    event(
        "Ann Lee sick",
        "DTSTART;TZID=Europe/Berlin:20261024T000000",
        "DTEND;TZID=Europe/Berlin:20261026T000000",
        uid="3",
    ),
).encode()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_calendar_makes_the_import_stumble(tmp_path_factory: Any, data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    folder = tmp_path_factory.mktemp("damaged")
    store = PeopleStore(folder / "people.csv")
    store.put(PEOPLE[0])
    (folder / "a.ics").write_bytes(content)
    with contextlib.suppress(InputError):
        book = LeaveBook(folder / "leave.csv")
        import_calendar(book, folder / "a.ics", store, zone=BERLIN, now=NOW, horizon_days=60)
        assert all(entry.first_day <= entry.last_day for entry in book.all())


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2025, 1, 1), date(2027, 12, 1)), st.integers(1, 40), st.booleans())
def test_whole_days_are_the_same_written_as_dates_or_as_midnights(
    tmp_path_factory: Any, first: date, length: int, midnights: bool
) -> None:
    folder = tmp_path_factory.mktemp("whole")
    store, book = PeopleStore(folder / "people.csv"), LeaveBook(folder / "leave.csv")
    store.put(PEOPLE[0])
    end = first + timedelta(days=length)
    written = ("VALUE=DATE:{:%Y%m%d}", "TZID=Europe/Berlin:{:%Y%m%d}T000000")[midnights]
    times = (f"DTSTART;{written.format(first)}", f"DTEND;{written.format(end)}")
    read(book, store, event("Ada Lovelace leave", *times))
    assert set(book.statuses(first - timedelta(days=3), end + timedelta(days=3))) == {
        ("E1", first + timedelta(days=offset)) for offset in range(length)
    }


def test_without_the_package_the_next_step_is_named(
    book: LeaveBook, people: PeopleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "icalendar", None)
    with pytest.raises(ConfigError, match="office"):
        read(book, people, event("Ada Lovelace leave"))


# --------------------------------------------------------------------------------------------- the command


def test_the_command_ends_with_one_when_something_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "work"
    PeopleStore(workspace / "people.csv").put(PEOPLE[0])
    table, dates = tmp_path / "leave.csv", tmp_path / "team.ics"
    table.write_text("id,from,type\nE1,2026-11-02,leave\n")
    command.leave_import(table, kind=None, workspace=workspace)
    assert "1 added" in capsys.readouterr().out
    dates.write_text(calendar(event("Ada Lovelace leave"), event("Ada Lovelace leave", "DTSTART:soon", uid="2")))
    with pytest.raises(typer.Exit) as caught:
        command.leave_import(dates, kind=None, workspace=workspace)
    out = capsys.readouterr().out
    assert caught.value.exit_code == 1
    assert "no readable time" in out
    assert "1 added" in out
    with pytest.raises(InputError, match="for calendars"):
        command.leave_import(table, kind=["sick"], workspace=workspace)
