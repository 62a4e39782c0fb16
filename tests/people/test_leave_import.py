"""Leave lists as other programs write them: half days, kinds, statuses, dates, and what a second import changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Config
from engine.errors import InputError
from engine.people import LeaveBook, LeaveImport, LeaveKinds, PeopleStore, Person, import_table
from engine.people.dates import NotADay, infer_order, read_day
from engine.people.kinds import part_of_day, request_status

NOW = datetime(2026, 10, 1, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
HEAD = "id,from,to,type"


@pytest.fixture
def people(tmp_path: Path) -> PeopleStore:
    store = PeopleStore(tmp_path / "people.csv")
    store.put_all([Person("E1", "Ada Lovelace"), Person("E2", "Ben Müller"), Person("HR-EMP-3", "Cem Ray")])
    return store


@pytest.fixture
def book(tmp_path: Path) -> LeaveBook:
    return LeaveBook(tmp_path / "leave.csv")


def take(
    book: LeaveBook, people: PeopleStore, *rows: str, head: str = HEAD, name: str = "list.csv", **options: Any
) -> LeaveImport:
    path = book.document.path.with_name(name)
    path.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    return import_table(book, path, people, now=NOW, **options)


def told(book: LeaveBook) -> list[str]:
    """Each entry in short: who, kind, days and part."""
    return sorted(f"{entry.employee_id} {entry}" for entry in book.all())


# --------------------------------------------------------------------------------------------- parts of a day


@pytest.mark.parametrize(
    ("text", "share", "half", "kind"),
    [
        ("Half day annual leave", 0.5, "", "annual"),
        ("0.5 vacation", 0.5, "", "annual"),
        ("0,5 Urlaub", 0.5, "", "annual"),
        ("½ Urlaubstag", 0.5, "", "annual"),
        ("1/2 day sick", 0.5, "", "sick"),
        ("0.25 day vacation", 0.25, "", "annual"),
        ("Urlaub halbtags", 0.5, "", "annual"),
        ("Halbtagsurlaub", 0.5, "", "annual"),
        ("halber Tag Sonderurlaub", 0.5, "", "special"),
        ("Urlaub vormittags", 0.5, "morning", "annual"),
        ("Half day (afternoon) unpaid leave", 0.5, "afternoon", "unpaid"),
        ("PM leave", 0.5, "afternoon", "annual"),
        ("Demi-journée de congé, matin", 0.5, "morning", "annual"),
        ("Urlaub am Freitag", None, "", "annual"),
        ("vacation 1/2 - 1/6", None, "", "annual"),
        ("2.5 days vacation", None, "", "annual"),
        ("annual leave", None, "", "annual"),
    ],
)
def test_a_kind_may_speak_of_half_a_day(
    book: LeaveBook, people: PeopleStore, text: str, share: float | None, half: str, kind: str
) -> None:
    assert take(book, people, f'E1,2026-11-02,,"{text}"').errors == ()
    (entry,) = book.all()
    assert (entry.share, entry.half, entry.kind, entry.word) == (share, half, kind, text)
    assert (part_of_day(text) is None) is (share is None)


@pytest.mark.parametrize(
    ("head", "cell", "share", "half"),
    [
        ("half day", "yes", 0.5, ""),
        ("half day", "no", None, ""),
        ("half day", "", None, ""),
        ("Halbtags", "vormittags", 0.5, "morning"),
        ("part of day", "pm", 0.5, "afternoon"),
        ("half day", "0.5", 0.5, ""),
        ("half day", "full day", None, ""),
        ("Tage", "0,5", 0.5, ""),
        ("days", "1", None, ""),
        ("duration", "0.25 d", 0.25, ""),
    ],
)
def test_a_column_may_speak_of_half_a_day(
    book: LeaveBook, people: PeopleStore, head: str, cell: str, share: float | None, half: str
) -> None:
    assert take(book, people, f'E1,2026-11-02,2026-11-02,leave,"{cell}"', head=f"{HEAD},{head}").errors == ()
    assert [(entry.share, entry.half) for entry in book.all()] == [(share, half)]


def test_one_half_day_within_several_days_is_divided_or_refused(book: LeaveBook, people: PeopleStore) -> None:
    head = f"{HEAD},days,half day,half day date"
    result = take(
        book,
        people,
        "E1,2026-11-02,2026-11-06,leave,4.5,yes,2026-11-04",
        "E1,2026-12-07,2026-12-08,sick,1.5,yes,2026-12-08",
        "E2,2026-11-02,2026-11-06,leave,4.5,,",
        head=head,
    )
    assert told(book) == [
        "E1 annual 2026-11-02…2026-11-03",
        "E1 annual 2026-11-04 (0.5)",
        "E1 annual 2026-11-05…2026-11-06",
        "E1 sick 2026-12-07",
        "E1 sick 2026-12-08 (0.5)",
    ]
    assert [(each.line, each.column) for each in result.errors] == [(4, "days")]
    assert "row of its own" in result.errors[0].text


def test_two_halves_of_a_day_stand_side_by_side(book: LeaveBook, people: PeopleStore) -> None:
    head = f"{HEAD},half day"
    rows = ("E1,2026-11-02,,leave,morning", "E1,2026-11-02,,sick,afternoon")
    assert take(book, people, *rows, head=head).messages == ()
    assert take(book, people, *rows, head=head).changes == ()
    (away,) = book.away(date(2026, 11, 1), date(2026, 11, 30)).values()
    assert [(part.kind, part.half) for part in away.parts] == [("sick", "afternoon"), ("annual", "morning")]
    assert away.whole


# --------------------------------------------------------------------------------------------- kinds


def test_unknown_kinds_are_named_and_can_be_said(book: LeaveBook, people: PeopleStore) -> None:
    rows = (
        "E1,2026-11-02,,Brückentag",
        "E2,2026-11-02,,leave",
        "E2,2026-11-03,,Brückentag",
        "E1,2026-11-09,,Ruhetag-Ø",
    )
    result = take(book, people, *rows)
    assert (len(result.added), result.unknown_kinds) == (1, {"Brückentag": 2, "Ruhetag-Ø": 1})
    assert [(each.line, each.column) for each in result.errors] == [(2, "type"), (4, "type"), (5, "type")]
    result = take(book, people, *rows, mapping={"brückentag": "Urlaub", "Ruhetag-Ø": "ignore"})
    assert (len(result.added), result.errors, result.unknown_kinds) == (2, (), {})
    assert [(entry.kind, entry.word) for entry in book.all()][1:] == [("annual", "Brückentag")] * 2
    # the next list needs no more telling
    assert take(book, people, "E1,2026-12-24,,Brückentag").errors == ()
    with pytest.raises(InputError, match="no such thing"):
        take(book, people, *rows, mapping={"Brückentag": "no such thing"})


def test_a_word_that_somebody_maps_may_speak_of_half_a_day(book: LeaveBook, people: PeopleStore) -> None:
    take(book, people, "E1,2026-11-02,,halber Brückentag", mapping={"halber Brückentag": "annual"})
    assert told(book) == ["E1 annual 2026-11-02 (0.5)"]


def test_no_standard_word_speaks_of_half_a_day() -> None:
    kinds = LeaveKinds()
    words = [word for kind in kinds.all.values() for word in (kind.name, *kind.words)]
    assert [word for word in words if part_of_day(word)] == []
    assert [word for word in words if len(kinds.within(word)) != 1] == []


def test_a_workplace_has_kinds_of_its_own(tmp_path: Path, people: PeopleStore) -> None:
    config = Config(
        leave={  # type: ignore[arg-type]
            "volunteer": {"name": "Ehrenamt", "words": ["Feuerwehr", "THW"], "paid": False, "credit": "none"},
            "annual": {"days_per_year": 30, "words": ["Brückentag", "Sonderurlaub"]},
            "sick": {"credit": "none"},
        }
    )
    kinds = LeaveKinds(config.leave)
    assert kinds.within("Einsatz Feuerwehr") == {"volunteer"}
    assert kinds.within("Ehrenamt") == {"volunteer"}
    assert kinds.within("Sonderurlaub") == {"annual"}, "the workplace's word wins"
    assert kinds.within("Urlaub") == {"annual"}
    assert (kinds.all["annual"].days_per_year, kinds.all["annual"].name) == (30, "annual leave")
    book = LeaveBook(tmp_path / "leave.csv", lambda: kinds)
    take(book, people, "E1,2026-11-02,,THW", "E1,2026-11-03,,krank")
    parts = [away.parts[0] for away in book.away(date(2026, 11, 2), date(2026, 11, 3)).values()]
    assert [(part.kind, part.credit, part.paid) for part in parts] == [
        ("volunteer", "none", False),
        ("sick", "none", True),
    ]


# --------------------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("text", "status"),
    [
        *(
            (text, "approved")
            for text in ("Approved", "genehmigt", "bestätigt", "Validé", "Approved by HR", "taken", "ja")
        ),
        *((text, "pending") for text in ("Pending Approval", "beantragt", "Offen", "open", "en attente", "Requested")),
        *((text, "rejected") for text in ("Rejected", "abgelehnt", "declined", "nicht genehmigt", "refusé")),
        *(
            (text, "cancelled")
            for text in ("Cancelled", "canceled", "storniert", "zurückgezogen", "annulé", "Approval revoked")
        ),
        *((text, None) for text in ("maybe", "", "42")),
    ],
)
def test_the_status_of_a_request_is_known_in_several_languages(text: str, status: str | None) -> None:
    assert request_status(text) == status


def test_only_approved_rows_are_leave(book: LeaveBook, people: PeopleStore) -> None:
    head = f"{HEAD},Status"
    result = take(
        book,
        people,
        "E1,2026-11-02,,leave,approved",
        "E1,2026-11-03,,leave,beantragt",
        "E1,2026-11-04,,leave,Rejected",
        "E1,2026-11-05,,leave,storniert",
        "E1,2026-11-06,,leave,perhaps",
        "E1,2026-11-09,,leave,",
        head=head,
    )
    november = date(2026, 11, 1), date(2026, 11, 30)
    assert [day.day for _, day in book.away(*november)] == [2]
    assert [day.day for _, day in book.away(*november, pending=True)] == [3]
    assert [(each.line, each.column) for each in result.errors] == [(6, "Status"), (7, "Status")]
    assert any("1 pending, 1 rejected, 1 cancelled" in each.text for each in result.messages)
    assert len(take(book, people, "E1,2026-11-03,,leave,genehmigt", head=head).changes) == 1
    assert [day.day for _, day in book.away(*november)] == [2, 3]


# --------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02",
        "2026-11-02 00:00:00",
        "2026-11-02T00:00:00",
        "2026-11-02T00:00:00.000Z",
        "2026/11/02",
        "20261102",
        "02.11.2026",
        "2.11.26",
        "Mo., 02.11.2026",
        "46328",
        "46328.0",
        "2 Nov 2026",
        "02-Nov-2026",
        "Nov 2, 2026",
        "2. November 2026",
    ],
)
def test_a_day_may_be_written_in_many_ways(book: LeaveBook, people: PeopleStore, text: str) -> None:
    result = take(book, people, f'E1,"{text}",,leave')
    assert result.messages == ()
    assert told(book) == ["E1 annual 2026-11-02"]


@pytest.mark.parametrize(("order", "day"), [("mdy", "2026-11-02"), ("dmy", "2026-02-11")])
def test_the_order_of_day_and_month_can_be_said(book: LeaveBook, people: PeopleStore, order: Any, day: str) -> None:
    result = take(book, people, "E1,11/02/2026,,leave", order=order)
    assert result.messages == ()
    assert told(book) == [f"E1 annual {day}"]


@pytest.mark.parametrize(
    ("other", "day"), [("11/20/2026", "2026-11-02"), ("20/11/2026", "2026-02-11"), ("20-11-2026", "2026-02-11")]
)
def test_the_whole_column_tells_the_order_and_the_import_says_so(
    book: LeaveBook, people: PeopleStore, other: str, day: str
) -> None:
    result = take(book, people, "E1,11/02/2026,,leave", f"E2,{other},,leave")
    assert told(book) == [f"E1 annual {day}", "E2 annual 2026-11-20"]
    (message,) = result.messages
    assert ("month/day" in message.text) is (day == "2026-11-02")
    assert message.level == "warning"


def test_a_span_that_would_end_before_it_begins_tells_the_order(book: LeaveBook, people: PeopleStore) -> None:
    take(book, people, "E1,01/11/2026,02/10/2026,leave")
    assert told(book) == ["E1 annual 2026-01-11…2026-02-10"]


@pytest.mark.parametrize("rows", [("11/02/2026",), ("11/02/2026", "13/11/2026", "11/13/2026")])
def test_a_day_that_may_be_two_is_refused_with_both(
    book: LeaveBook, people: PeopleStore, rows: tuple[str, ...]
) -> None:
    result = take(book, people, *(f"E1,{text},,leave" for text in rows))
    (message,) = result.errors
    assert (message.line, message.column) == (2, "from")
    for word in ("11/02/2026", "2026-02-11", "2026-11-02", "date order"):
        assert word in message.text


def test_a_time_of_day_is_left_out_and_said(book: LeaveBook, people: PeopleStore) -> None:
    result = take(book, people, "E1,2026-11-02 08:00,2026-11-02 12:00,leave")
    assert told(book) == ["E1 annual 2026-11-02"]
    assert [(each.line, each.column, each.level) for each in result.messages] == [
        (2, "from", "warning"),
        (2, "to", "warning"),
    ]


@given(st.dates(date(1971, 1, 1), date(2069, 12, 31)), st.sampled_from(["dmy", "mdy"]), st.sampled_from("/-"))
def test_every_day_is_read_in_the_order_in_which_it_was_written(day: date, order: Any, between: str) -> None:
    form = f"%d{between}%m{between}%Y" if order == "dmy" else f"%m{between}%d{between}%Y"
    text = day.strftime(form)
    assert read_day(text, order) == day
    if day.day > 12:
        assert infer_order([text]) == order
        assert read_day(text, None) == day
    elif day.day == day.month:
        assert read_day(text, None) == day
    else:
        with pytest.raises(NotADay):
            read_day(text, None)


@given(st.text(max_size=30))
def test_no_text_makes_the_reader_of_days_stumble(text: str) -> None:
    for order in (None, "dmy", "mdy"):
        try:
            found = read_day(text, order)  # type: ignore[arg-type]
        except NotADay:
            continue
        assert 1 <= found.year <= 9999


# --------------------------------------------------------------------------------------------- a second import


def test_a_shortened_leave_is_shortened(book: LeaveBook, people: PeopleStore) -> None:
    take(book, people, "E1,2026-11-02,2026-11-13,leave", "E2,2026-11-02,2026-11-13,leave")
    told_before = told(book)
    dry = take(book, people, "E1,2026-11-02,2026-11-06,leave", dry_run=True, name="next.csv")
    assert told(book) == told_before
    assert [str(change) for change in dry.changes] == ["annual 2026-11-02…2026-11-13 → annual 2026-11-02…2026-11-06"]
    take(book, people, "E1,2026-11-02,2026-11-06,leave", name="next.csv")
    assert told(book) == ["E1 annual 2026-11-02…2026-11-06", "E2 annual 2026-11-02…2026-11-13"]


@pytest.mark.parametrize("rejoined", [False, True])
def test_a_leave_that_was_divided_is_divided(book: LeaveBook, people: PeopleStore, rejoined: bool) -> None:
    whole, halves = (
        ("E1,2026-11-02,2026-11-13,leave",),
        ("E1,2026-11-02,2026-11-04,leave", "E1,2026-11-09,2026-11-13,leave"),
    )
    before, after = (halves, whole) if rejoined else (whole, halves)
    take(book, people, *before)
    take(book, people, *after)
    expected = (
        ["E1 annual 2026-11-02…2026-11-13"]
        if rejoined
        else ["E1 annual 2026-11-02…2026-11-04", "E1 annual 2026-11-09…2026-11-13"]
    )
    assert told(book) == expected
    assert take(book, people, *after).changes == ()


def test_a_request_keeps_its_number_when_its_days_or_its_kind_change(book: LeaveBook, people: PeopleStore) -> None:
    head = f"{HEAD},Request ID"
    take(book, people, "E1,2026-11-02,2026-11-13,leave,R-1", "E1,2026-11-23,2026-11-27,leave,R-2", head=head)
    result = take(book, people, "E1,2026-12-07,2026-12-11,sick,R-1", head=head)
    assert [str(change) for change in result.changes] == ["annual 2026-11-02…2026-11-13 → sick 2026-12-07…2026-12-11"]
    assert told(book) == ["E1 annual 2026-11-23…2026-11-27", "E1 sick 2026-12-07…2026-12-11"]


@pytest.mark.parametrize("word", ["cancelled", "rejected"])
@pytest.mark.parametrize("head", [f"{HEAD},status,request id", f"{HEAD},status"])
def test_a_cancelled_leave_is_taken_out(book: LeaveBook, people: PeopleStore, word: str, head: str) -> None:
    number = ",R-1" if "request" in head else ""
    take(book, people, f"E1,2026-11-02,2026-11-13,leave,approved{number}", "E2,2026-11-02,,leave,approved", head=head)
    assert len(told(book)) == 2
    result = take(book, people, f"E1,2026-11-02,2026-11-13,leave,{word}{number}", head=head)
    assert [str(change) for change in result.changes] == ["annual 2026-11-02…2026-11-13 → –"]
    assert told(book) == ["E2 annual 2026-11-02"]


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ("2026-11-09,2026-11-13,leave,cancelled", ["2026-11-02…2026-11-08"]),
        ("2026-11-02,2026-11-06,leave,cancelled", ["2026-11-07…2026-11-13"]),
        ("2026-11-04,2026-11-04,leave,cancelled", ["2026-11-02…2026-11-03", "2026-11-05…2026-11-13"]),
        ("2026-10-01,2026-12-31,leave,cancelled", []),
        ("2026-11-09,2026-11-13,sick,cancelled", ["2026-11-02…2026-11-13"]),  # another leave
        ("2026-11-09,2026-11-13,leave,rejected", ["2026-11-02…2026-11-13"]),  # another request
        ("2026-11-16,2026-11-20,leave,cancelled", ["2026-11-02…2026-11-13"]),
    ],
)
def test_cancelled_days_are_no_leave_any_more(book: LeaveBook, people: PeopleStore, row: str, left: list[str]) -> None:
    head = f"{HEAD},status"
    take(book, people, "E1,2026-11-02,2026-11-13,leave,approved", head=head)
    take(book, people, f"E1,{row}", head=head)
    assert told(book) == [f"E1 annual {days}" for days in left]


def test_a_leave_that_was_cancelled_and_asked_for_again_in_one_list_stays(book: LeaveBook, people: PeopleStore) -> None:
    head = f"{HEAD},status"
    rows = ("E1,2026-11-02,2026-11-13,leave,cancelled", "E1,2026-11-02,2026-11-06,leave,approved")
    for _ in range(2):
        take(book, people, *rows, head=head)
        assert told(book) == ["E1 annual 2026-11-02…2026-11-06"]


def test_other_kinds_and_what_people_entered_by_hand_stay(book: LeaveBook, people: PeopleStore) -> None:
    take(book, people, "E1,2026-11-02,2026-11-13,leave")
    take(book, people, "E1,2026-11-04,2026-11-05,sick", name="sick.csv")
    assert told(book) == ["E1 annual 2026-11-02…2026-11-13", "E1 sick 2026-11-04…2026-11-05"]
    lines = book.document.path.read_text()
    book.document.path.write_text(f"{lines}x,E2,2026-11-02,2026-11-06,annual,hand,\n")
    result = take(book, people, "E2,2026-11-02,2026-11-04,leave")
    assert [(each.line, each.level) for each in result.messages] == [(2, "warning")]
    assert "by hand" in result.messages[0].text
    assert "E2 annual 2026-11-02…2026-11-06" in told(book)


def test_a_row_with_a_mistake_leaves_what_is_known(book: LeaveBook, people: PeopleStore) -> None:
    take(book, people, "E1,2026-11-02,2026-11-13,leave")
    assert take(book, people, "E1,2026-11-02,soon,leave").errors
    assert told(book) == ["E1 annual 2026-11-02…2026-11-13"]


def test_five_thousand_rows_are_imported_again_within_seconds(tmp_path: Path) -> None:
    store = PeopleStore(tmp_path / "people.csv")
    store.put_all(Person(f"P{number}", f"Person {number}") for number in range(500))
    book = LeaveBook(tmp_path / "leave.csv")
    days = [date(2026, 1, 1) + timedelta(days=30 * number) for number in range(10)]
    for length in (4, 3):
        rows = [f"P{n},{day},{day + timedelta(days=length)},leave,approved" for n in range(500) for day in days]
        begun = perf_counter()
        assert len(take(book, store, *rows, head=f"{HEAD},status").changes) == 5000
        assert perf_counter() - begun < 30


def test_an_old_entry_keeps_its_meaning_and_gets_a_kind(book: LeaveBook, people: PeopleStore) -> None:
    """As version 0.1 wrote it: no share, no status, and a kind that was a status."""
    book.document.path.write_text(
        "leave_id,employee_id,first_day,last_day,kind,source,imported_at\n"
        "csv-2df0e6bbd3ff,E1,2026-11-02,2026-11-03,on leave,csv:old.csv,2026-01-01T00:00:00+01:00\n"
        ",E2,2026-11-02,2026-11-02,remote,by hand,\n"
    )
    assert [(entry.kind, entry.word, entry.share, entry.approved) for entry in book.all()] == [
        ("annual", "on leave", None, True),
        ("remote", "", None, True),
    ]
    assert set(book.statuses(date(2026, 11, 1), date(2026, 11, 30)).values()) == {"on leave", "remote"}
    assert [str(change) for change in take(book, people, "E1,2026-11-02,2026-11-02,Urlaub").changes] == [
        "annual 2026-11-02…2026-11-03 → annual 2026-11-02"
    ]


def test_an_export_of_frappe_is_read(book: LeaveBook, people: PeopleStore) -> None:
    head = "ID,Employee,Employee Name,Leave Type,From Date,To Date,Half Day,Half Day Date,Total Leave Days,Status"
    result = take(
        book,
        people,
        "HR-LAP-1,HR-EMP-3,Cem Ray,Privilege Leave,2026-11-02,2026-11-04,1,2026-11-04,2.5,Approved",
        "HR-LAP-2,HR-EMP-3,Cem Ray,Leave Without Pay,02-11-2026,02-11-2026,0,,1,Open",
        "HR-LAP-3,HR-EMP-9,Nobody,Sick Leave,2026-11-02,2026-11-02,0,,1,Approved",
        head=head,
        order="dmy",
    )
    assert told(book) == [
        "HR-EMP-3 annual 2026-11-02…2026-11-03",
        "HR-EMP-3 annual 2026-11-04 (0.5)",
        "HR-EMP-3 unpaid 2026-11-02 (pending)",
    ]
    assert {entry.reference for entry in book.all()} == {"HR-LAP-1", "HR-LAP-2"}
    assert [(each.line, each.column) for each in result.errors] == [(4, "Employee Name")]


def test_an_old_encoding_can_be_said(book: LeaveBook, people: PeopleStore, tmp_path: Path) -> None:
    people.put_all([Person("E4", "Işıl Şahin")])
    path = tmp_path / "izin.csv"
    path.write_bytes("name,from,type\nIşıl Şahin,2026-11-02,annual\n".encode("cp1254"))
    assert import_table(book, path, people, now=NOW, dry_run=True).added == ()
    assert len(import_table(book, path, people, now=NOW, encoding="cp1254").added) == 1
    assert told(book) == ["E4 annual 2026-11-02"]


def test_an_excel_file_is_read_with_its_dates_and_numbers(book: LeaveBook, people: PeopleStore, tmp_path: Path) -> None:
    sheet = openpyxl.Workbook()
    table = sheet.active
    assert table is not None
    table.append(["Abwesenheiten 2026"])
    table.append(["Personalnr", "Von", "Bis", "Abwesenheitsart", "Tage", "Status"])
    table.append(["E1", datetime(2026, 11, 2), datetime(2026, 11, 6), "Urlaub", 5, "genehmigt"])  # noqa: DTZ001 - as Excel has it
    table.append(["E2", date(2026, 11, 9), date(2026, 11, 9), "Urlaub", 0.5, "genehmigt"])
    table.append(["E2", 46343, 46343, "krank", 1, "storniert"])
    path = tmp_path / "leave.xlsx"
    sheet.save(path)
    result = import_table(book, path, people, now=NOW)
    assert result.errors == ()
    assert told(book) == ["E1 annual 2026-11-02…2026-11-06", "E2 annual 2026-11-09 (0.5)"]


@pytest.mark.parametrize(
    ("encoding", "rows"),
    [
        (
            "cp1251",
            "Табельный номер;Дата начала;Дата окончания;Вид отпуска;Статус\nE1;02.11.2026;03.11.2026;Отпуск;Согласовано",
        ),
        (
            "cp1251",
            "Сотрудник;Дата начала;Дата окончания;Вид отпуска;Статус\nE1;02.11.2026;03.11.2026;Ежегодный отпуск;Утверждено",
        ),
        ("gb18030", "工号,开始日期,结束日期,请假类型,状态\nE1,2026-11-02,2026-11-03,年假,已批准"),
        ("shift_jis", "社員番号,開始日,終了日,種別,状態\nE1,2026/11/02,2026/11/03,有給休暇,承認"),
    ],
)
def test_lists_in_russian_chinese_and_japanese_are_read(
    book: LeaveBook, people: PeopleStore, tmp_path: Path, encoding: str, rows: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(f"{rows}\n".encode(encoding))
    assert not import_table(book, path, people, now=NOW).errors
    assert told(book) == ["E1 annual 2026-11-02…2026-11-03"]
