"""Scheduled reports: when they are due, once whatever happens, and what they say."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from outgoing import KEY, listening, sent_rows
from paperwork import Clock, bench, enrol, face, punch
from smtp_box import Mailbox, mail_server

from engine.attendance.coverage import Span
from engine.cli import main
from engine.config import ScheduledReport, load_config
from engine.errors import ConfigError
from engine.incidents.notifications import verify_signature
from engine.operations.mailing import ReportMail
from engine.operations.schedule import Run, last_run, next_run
from engine.people import Person
from engine.records import find_exports
from engine.workbench import Workbench

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=BERLIN)
HOOK = 'webhook = "https://x.org/t0ken"\nwebhook_secret_env = "X_KEY"'
OFFICE = {"office": {"start": "09:00", "end": "17:30", "days": "mon-fri", "break_min": 30, "grace_min": 5}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def days(run: Run) -> tuple[str, str, str]:
    return f"{run.first}", f"{run.last}", f"{run.due:%Y-%m-%d %H:%M}"


# --------------------------------------------------------------------------------------------- the schedule


@pytest.mark.parametrize(
    ("every", "on", "now", "last", "following"),
    [
        # daily: yesterday; a minute before, still the day before
        ("day", "", "2026-11-23T07:00", ("2026-11-22", "2026-11-22", "2026-11-23 07:00"), "2026-11-24 07:00"),
        ("day", "", "2026-11-23T06:59", ("2026-11-21", "2026-11-21", "2026-11-22 07:00"), "2026-11-23 07:00"),
        # on working days: the weekend goes with Friday, so that no day is left out
        ("day", "mon-fri", "2026-11-23T08:00", ("2026-11-20", "2026-11-22", "2026-11-23 07:00"), "2026-11-24 07:00"),
        ("day", "mon-fri", "2026-11-22T08:00", ("2026-11-19", "2026-11-19", "2026-11-20 07:00"), "2026-11-23 07:00"),
        # weekly: Monday to Sunday, on the first allowed day after
        ("week", "", "2026-11-23T07:00", ("2026-11-16", "2026-11-22", "2026-11-23 07:00"), "2026-11-30 07:00"),
        ("week", "wed", "2026-11-24T12:00", ("2026-11-09", "2026-11-15", "2026-11-18 07:00"), "2026-11-25 07:00"),
        # monthly: 1 November 2026 is a Sunday
        ("month", "", "2026-11-01T07:00", ("2026-10-01", "2026-10-31", "2026-11-01 07:00"), "2026-12-01 07:00"),
        ("month", "mon-fri", "2026-11-01T12:00", ("2026-09-01", "2026-09-30", "2026-10-01 07:00"), "2026-11-02 07:00"),
        ("month", "", "2027-03-15T12:00", ("2027-02-01", "2027-02-28", "2027-03-01 07:00"), "2027-04-01 07:00"),
    ],
)
def test_a_report_is_about_the_period_that_is_over(
    every: str, on: str, now: str, last: tuple[str, str, str], following: str
) -> None:
    report = ScheduledReport.model_validate({"name": "r", "every": every, "days": on, "to": ["hr@example.org"]})
    assert days(last_run(report, at(now), BERLIN)) == last
    upcoming = next_run(report, at(now), BERLIN)
    assert upcoming.first == date.fromisoformat(last[1]) + timedelta(days=1)
    assert f"{upcoming.due:%Y-%m-%d %H:%M}" == following


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('[[reports.scheduled]]\nname = "r"\nto = ["hr@example.org"]', "need mail_server"),
        ('[reports]\nmail_server = "smtp.example.org"', "expected mailtos://"),
        ('[reports]\nmail_server = "mailtos://u:s3cret@x.org?to=a@x.org"', "leave to=, cc= and bcc= out"),
        ('[[reports.scheduled]]\nname = "r"\nto = ["s3cret"]', "is not an e-mail address"),
        ('[[reports.scheduled]]\nname = "r"\nto = ["a@x.org", "A@x.org"]', "named twice"),
        ('[[reports.scheduled]]\nname = "r"\nto = []', "has no recipient"),
        (f'[[reports.scheduled]]\nname = "r"\n{HOOK}', "a webhook gets heads alone"),
        (f'[[reports.scheduled]]\nname = "r"\nformat = "heads"\n{HOOK.splitlines()[0]}', "needs one of webhook_key"),
        (
            f'[[reports.scheduled]]\nname = "r"\nformat = "heads"\n{HOOK.replace("//", "//u:s3cret@")}',
            "without user and",
        ),
        ('[[reports.scheduled]]\nname = "r"\nevery = "year"\nto = ["a@x.org"]', "'day', 'week' or 'month'"),
    ],
)
def test_settings_that_cannot_be_followed_are_told_without_the_password(
    tmp_path: Path, settings: str, told: str
) -> None:
    (tmp_path / "muster.toml").write_text(settings)
    with pytest.raises(ConfigError, match=told) as caught:
        load_config(tmp_path)
    assert ":s3cret" not in str(caught.value)


# --------------------------------------------------------------------------------------------- sending


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


def opened(folder: Path, box: Mailbox, clock: Clock, **values: object) -> Workbench:
    """A workplace of three with a weekly report for two, unless told otherwise."""
    report = {"name": "week", "to": ["hr@example.org", "boss@example.org"], **values}
    server = f"mailto://127.0.0.1:{box.port}/?from=muster@example.org"
    settings = {"timezone": "Europe/Berlin", "organisation": "Nordlicht", "shifts": OFFICE, "holidays": {"country": ""}}
    return bench(folder, clock, **settings, reports={"mail_server": server, "scheduled": [report]})


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY - timedelta(hours=1))


def filled(workbench: Workbench) -> None:
    """The week of 16 November. Ann comes every day, on Tuesday 20 minutes late, and on Friday nobody sees her leave.

    Ben never comes.
    """
    for number, name in ((1, "Ann Ray"), (2, "Ben Orr")):
        enrol(workbench, f"E{number}", name, face(*[0] * number, 1))
        workbench.people.change(f"E{number}", enrolled_at="2026-09-01T08:00:00+02:00")
    book = workbench.attendance.plan.coverage
    assert book is not None
    with book.log.exclusive():
        for day in range(15, 24):
            begin = at(f"2026-11-{day}T00:00")
            book.log.append(begin.date(), [Span("door", begin, begin + timedelta(days=1), "stopped")])
    for day in range(16, 21):
        punch(workbench, "E1", at(f"2026-11-{day}T{'09:20' if day == 17 else '09:00'}"), track=f"in-{day}")
        if day != 20:
            punch(workbench, "E1", at(f"2026-11-{day}T17:30"), track=f"out-{day}")


def test_a_report_is_sent_once_to_everybody_by_two_processes_and_after_a_restart(
    tmp_path: Path, box: Mailbox, clock: Clock
) -> None:
    first, second = (ReportMail(opened(tmp_path, box, clock)) for _ in range(2))
    first.work()
    assert box.messages == []  # a new schedule begins with its next report
    clock.forward(hours=1)
    threads = [threading.Thread(target=mail.work) for mail in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ReportMail(opened(tmp_path, box, clock)).work()
    assert sorted(box.recipients) == ["boss@example.org", "hr@example.org"]
    audit = [(row.action, row.subject, row.author) for row in opened(tmp_path, box, clock).audit.read()]
    assert audit == [(action, "week", "engine") for action in ("send_report", "write_report", "write_report")]
    records = opened(tmp_path, box, clock).records
    attached = [part.get_payload(decode=True) for _, message in box.messages for part in message.iter_attachments()]
    contents = [each for each in attached if isinstance(each, bytes)]
    assert len(contents) == 4  # two files, two addresses
    assert [each.holds for each in find_exports(records, contents)] == [True] * 4


def test_the_mail_has_the_figures_in_words_and_the_days_in_its_files_and_no_face(
    tmp_path: Path, box: Mailbox, clock: Clock
) -> None:
    workbench = opened(tmp_path, box, clock)
    filled(workbench)
    mail = ReportMail(workbench)
    mail.work()
    clock.forward(hours=1)
    mail.work()
    message = box.messages[0][1]
    assert message["Subject"] == "Attendance 16 to 22 November 2026 · Nordlicht"
    parts = {part.get_filename() or "text": part for part in message.walk() if not part.is_multipart()}
    names = [f"attendance-2026-11-16-to-2026-11-22.{kind}" for kind in ("html", "xlsx")]
    assert sorted(parts) == [*names, "text"]
    text = parts["text"].get_content()
    for line in ("People: 2", "Days present: 5", "Days late: 1", "Days absent: 5", "Days to settle: 1"):
        assert line in text.splitlines()
    assert "Ann" not in text
    page = parts[names[0]].get_payload(decode=True)
    assert b"Ann Ray" in page
    assert b"<img" not in page
    book = openpyxl.load_workbook(io.BytesIO(parts[names[1]].get_payload(decode=True)))
    assert book["Summary"].max_row == 3  # its header and two people
    assert all(not sheet._images for sheet in book)


def test_a_german_report_of_one_department_has_its_people_alone(tmp_path: Path, box: Mailbox, clock: Clock) -> None:
    workbench = opened(tmp_path, box, clock, language="de", departments=["LAB ", "Moon"], format="html")
    filled(workbench)
    workbench.people.put(Person("E3", "Cem Ay", "Sales"))
    workbench.people.change("E2", department="Sales")  # now, not in the week of the report
    mail = ReportMail(workbench)
    written = mail.letter(mail.report("week"), date(2026, 11, 16), date(2026, 11, 22))
    assert written.title == "Anwesenheit 16. bis 22. November 2026 · Nordlicht"
    assert {"Abteilungen: LAB , Moon", "Personen: 2", "Fehltage: 5", "Tage zu klären: 1"} <= set(
        written.body.splitlines()
    )
    assert list(written.files) == ["attendance-2026-11-16-to-2026-11-22.html"]
    assert mail.plan()[0].unknown_departments == ("Moon",)


@pytest.mark.parametrize(
    ("off_h", "sent"),
    [(73, 1), (74, 0)],  # it was due an hour after the last look; 72 hours late is the last chance
)
def test_a_report_missed_while_muster_was_off_is_sent_later_but_not_too_late(
    tmp_path: Path, box: Mailbox, clock: Clock, off_h: int, sent: int
) -> None:
    ReportMail(opened(tmp_path, box, clock, to=["hr@example.org"])).work()
    clock.forward(hours=off_h)
    mail = ReportMail(opened(tmp_path, box, clock, to=["hr@example.org"]))
    for _ in range(2):
        mail.work()
    assert len(box.messages) == sent
    clock.forward(hours=7 * 24 + 1 - off_h)  # Monday, 7:00 again
    mail.work()
    assert len(box.messages) == sent + 1


def test_a_busy_mail_server_gets_it_later_and_nothing_about_anybody_waits(
    tmp_path: Path, box: Mailbox, clock: Clock
) -> None:
    workbench = opened(tmp_path, box, clock, to=["hr@example.org"])
    filled(workbench)
    mail = ReportMail(workbench)
    mail.work()
    clock.forward(hours=1)
    box.busy = 1
    mail.work()
    assert box.messages == []
    (waiting,) = (tmp_path / "outbox" / "reports").glob("2*.json")
    assert "Ann" not in waiting.read_text()
    assert "E1" not in waiting.read_text()
    planned = mail.plan()[0]
    assert (planned.waiting, planned.delivered, planned.first) == (1, 0, date(2026, 11, 16))
    clock.forward(seconds=10)
    mail.work()
    planned = mail.plan()[0]
    assert (planned.waiting, planned.delivered, box.recipients) == (0, 1, ["hr@example.org"])
    assert [row["result"] for row in sent_rows(tmp_path)] == ["retry", "delivered"]
    assert not any("hr@example.org" in str(row) for row in sent_rows(tmp_path))


def test_a_report_whose_address_was_taken_out_of_the_settings_is_not_sent(
    tmp_path: Path, box: Mailbox, clock: Clock
) -> None:
    mail = ReportMail(opened(tmp_path, box, clock))
    mail.work()
    clock.forward(hours=1)
    mail.queue_due()
    later = ReportMail(opened(tmp_path, box, clock, to=["boss@example.org"]))
    assert sorted(row.result for row in later.deliver()) == ["delivered", "given up"]
    assert box.recipients == ["boss@example.org"]


# --------------------------------------------------------------------------------------------- commands


def test_the_command_shows_sends_and_lists(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "muster.toml").write_text(
        f'[reports]\nmail_server = "mailto://127.0.0.1:{box.port}/?from=muster@example.org"\n'
        '[[reports.scheduled]]\nname = "month"\nevery = "month"\nformat = "xlsx"\nto = ["hr@example.org"]\n'
    )

    def run(*words: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["muster", *words, "--workspace", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().out

    shown = json.loads(run("report", "send", "month", "--day", "2026-11-23", "--dry-run", "--json")[1])
    assert shown["subject"] == "Attendance 1 to 31 October 2026"
    assert list(shown["files"]) == ["attendance-2026-10-01-to-2026-10-31.xlsx"]
    assert box.messages == []
    box.busy = 1
    assert run("report", "send", "month", "--day", "2026-11-23", "--author", "hr.kim")[0] == 1
    assert [each["rule"] for each in json.loads(run("notify", "outbox", "--json")[1])] == ["month"]
    assert run("notify", "drain")[0] == 0
    assert box.recipients == ["hr@example.org"]
    (listed,) = json.loads(run("report", "scheduled", "--json")[1])
    assert (listed["name"], listed["last"], listed["waiting"]) == ("month", None, 0)
    assert run("report", "send", "year")[0] == 4


def test_heads_that_arrived_by_mail_prove_a_deletion(
    tmp_path: Path,
    box: Mailbox,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = opened(tmp_path, box, clock, every="day", format="heads", to=["keeper@example.org"])
    filled(bench)
    mail = ReportMail(bench)
    written = mail.letter(mail.report("week"), MONDAY.date(), MONDAY.date())
    ((name, content),) = written.files.items()
    assert content.decode() == bench.records.heads_table()
    kept = tmp_path.parent / f"{tmp_path.name}-{name}"
    kept.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["muster", "verify", "--against", str(kept), "--workspace", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in {0, None}, capsys.readouterr()
    day = bench.attendance.log.days()[0]
    for each in (bench.records.sealer.witnesses or tmp_path, tmp_path / "log", tmp_path / "log" / ".heads"):
        (each / f"attendance-{day}.csv").unlink()
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"attendance-{day}.csv" in capsys.readouterr().out


def test_heads_that_a_webhook_got_prove_what_its_machine_can_no_longer(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADS_KEY", KEY)
    with listening() as receiver:
        receiver.answers += [503]
        webhook = f"{receiver.url}/t0ken-in-the-path"
        report = {"name": "heads", "every": "day", "format": "heads", "webhook": webhook}
        report["webhook_secret_env"] = "HEADS_KEY"
        workbench = bench(tmp_path, clock, timezone="Europe/Berlin", reports={"scheduled": [report]})
        mail = ReportMail(workbench)
        mail.check()
        mail.work()
        assert not receiver.requests, "a new schedule begins with its next report"
        enrol(workbench, "E1", "Ann Ray", face(1, 0))
        kept = tmp_path.parent / f"{tmp_path.name}-kept.jsonl"
        for number in range(2):
            punch(workbench, "E1", clock.now, track=f"t{number}")
            clock.now += timedelta(days=1)
            mail.work()  # the first one is answered with 503
            clock.now += timedelta(minutes=1)
            mail.work()
            got = receiver.requests[-1]
            stamp, signature = (got.headers[f"X-Muster-{each}"] for each in ("Timestamp", "Signature"))
            assert verify_signature(KEY.encode(), stamp, got.body, signature, clock.now)
            assert b"\n" not in got.body
            with kept.open("ab") as lines:
                lines.write(got.body + b"\n")
    assert len({*receiver.ids}) == 2
    assert len(receiver.ids) == 3
    assert [row["result"] for row in sent_rows(tmp_path)] == ["retry", "delivered", "delivered"]
    told = "".join(str(row) for row in sent_rows(tmp_path)) + str(ReportMail(workbench).plan())
    assert "t0ken" not in told + (tmp_path / "log" / "audit.csv").read_text()
    assert "Ann" not in kept.read_text()
    monkeypatch.setattr(sys, "argv", ["muster", "verify", "--against", str(kept), "--workspace", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in {0, None}, capsys.readouterr()

    # whoever has the key writes the first day anew, with a good seal, and its head agrees: what was kept before does not
    first = workbench.attendance.log.days()[0]
    for each in (workbench.records.sealer.witnesses or tmp_path, tmp_path / "log", tmp_path / "log" / ".heads"):
        (each / f"attendance-{first}.csv").unlink()
    forged = Workbench(tmp_path, clock=clock)
    punch(forged, "E1", MONDAY - timedelta(hours=2), track="forged")
    workbench = Workbench(tmp_path, clock=clock)
    with kept.open("a") as lines:
        lines.write(json.dumps({"heads": workbench.records.heads_table()}) + "\n")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"attendance-{first}.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", ["", "{}", '{"heads": 7}', '{"heads": "a,b"}\n', "[1]", '{"heads', "chain,rows\n", "\xff"]
)
def test_a_file_without_heads_is_told(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_bytes(content.encode("latin-1"))
    monkeypatch.setattr(
        sys, "argv", ["muster", "verify", "--against", str(tmp_path / "kept"), "--workspace", str(tmp_path)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert "no heads can be read" in capsys.readouterr().err
