"""Files of terminals: attlog.dat, tables in several languages, moments as people write them, and the hours at which clocks change."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl  # type: ignore[import-untyped]
import pytest

from engine.errors import InputError
from engine.people import ClockFile, in_zone, read_clock_file, read_ids
from engine.people.clock_times import combined, read_moment
from engine.people.dates import NotADay

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime.fromisoformat("2026-11-02T08:57")


def read(tmp_path: Path, text: str, *, encoding: str = "utf-8", **options: Any) -> ClockFile:
    path = tmp_path / "punches.txt"
    path.write_bytes(text.encode(encoding))
    return read_clock_file(path, **options)


def told(found: ClockFile) -> list[str]:
    return [f"{each.who} {each.time:%d %H:%M:%S} {each.direction} {each.device}".strip() for each in found.punches]


def errors(found: ClockFile) -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.text) for each in found.messages if each.level == "error"]


def test_an_attlog_is_read_with_its_padding_its_states_and_its_faults(tmp_path: Path) -> None:
    lines = [f"       1{state}\t2026-11-02 08:0{state}:01\t1\t{state}\t15\t0" for state in range(6)]
    lines += [
        "        7\t2026-11-02 09:00:00\t2\t255\t1\t0",
        "        8\t2026-11-02 09:00:00",
        "",
        "Ω\t2026-11-02 25:00:00\t1",
    ]
    lines += ["\t2026-11-02 09:00:00\t1\t0", "        9\t2026-11-02 09:00:00\t1\t9"]
    found = read(tmp_path, "\r\n".join(lines))
    states = ["in", "out", "out", "in", "in", "out"]
    assert told(found)[:6] == [f"1{n} 02 08:0{n}:01 {state} 1" for n, state in enumerate(states)]
    assert told(found)[6:] == ["7 02 09:00:00 both 2", "8 02 09:00:00 both"]
    assert [(line, column) for line, column, _ in errors(found)] == [(10, "time"), (11, "id"), (12, "state")]
    assert "'2026-11-02 25:00:00' is not a time" in errors(found)[0][2]
    assert dict(found.unknown_words) == {"9": 1}


@pytest.mark.parametrize(
    ("text", "encoding", "punches"),
    [
        (
            "AC-No.,Name,Time,State\n17,Ann,11/02/2026 8:57 AM,C/In\n17,Ann,11/14/2026 5:01 PM,C/Out\n",
            "utf-8",
            "in out",
        ),
        (
            "Personalnr;Datum;Uhrzeit;Buchungsart\n17;02.11.2026;8.57 Uhr;Kommen\n17;14.11.2026;17:01;Gehen\n",
            "utf-8",
            "in out",
        ),
        (
            "Stempeluhr Tür 1\nPersonalnr;Zeitstempel;Richtung\n17;02.11.2026 08:57;K\n17;14.11.2026 17:01;G\n",
            "cp1252",
            "in out",
        ),
        ("Matricule;Jour;Heure;Événement\n17;2/11/2026;8h57;Entrée\n17;14/11/2026;17h01;Sortie\n", "cp1252", "in out"),
        (
            "No\tMchn\tEnNo\tMode\tIOMd\tDateTime\n1\t1\t17\t1\t0\t2026/11/02  08:57:00\n2\t1\t17\t1\t1\t2026/11/14  17:01:00\n",
            "utf-8",
            "in out",
        ),
        ("user id,date time\n17,2026-11-02T08:57\n17,46340.709028\n", "utf-16", "both both"),
    ],
)
def test_tables_are_read_as_other_programs_write_them(tmp_path: Path, text: str, encoding: str, punches: str) -> None:
    found = read(tmp_path, text, encoding=encoding)
    assert [(each.who, each.time.isoformat(timespec="minutes")) for each in found.punches] == [
        ("17", "2026-11-02T08:57"),
        ("17", "2026-11-14T17:01"),
    ]
    assert " ".join(each.direction for each in found.punches) == punches
    assert errors(found) == []


def test_a_row_may_have_several_times_and_a_night_goes_on_after_midnight(tmp_path: Path) -> None:
    rows = ("17,2026-11-02,09:00,12:00,12:30,17:30", "18,2026-11-02,22:00,06:10,,", "19,2026-11-02,,17:00,,")
    found = read(tmp_path, "\n".join(("id,date,in,out,in 2,out 2", *rows, "20,2026-11-02,22:00,00:30,01:00,06:00")))
    assert told(found) == [
        *("17 02 09:00:00 in", "17 02 12:00:00 out", "17 02 12:30:00 in", "17 02 17:30:00 out"),
        *("18 02 22:00:00 in", "18 03 06:10:00 out", "19 02 17:00:00 out"),
        *("20 02 22:00:00 in", "20 03 00:30:00 out", "20 03 01:00:00 in", "20 03 06:00:00 out"),
    ]


def test_columns_and_words_can_be_said(tmp_path: Path) -> None:
    text = "Badge No,Wer,Wann,Taste\nB7,17,02.11.2026 08:57,F1\nB7,17,02.11.2026 17:01,F2\nB7,17,02.11.2026 18:00,Tür\n"
    with pytest.raises(InputError, match="no column with times"):
        read(tmp_path, text)
    columns = {"id": "Wer", "datetime": "Wann", "state": "Taste"}
    found = read(tmp_path, text, columns=columns, words={"F1": "in", "f2": "out"})
    assert told(found) == ["17 02 08:57:00 in", "17 02 17:01:00 out"]
    assert errors(found) == [
        (
            4,
            "Taste",
            "'Tür' is no known direction, so rows with it are left out: say whether it means in, out, both or ignore",
        )
    ]
    again = read(tmp_path, text, columns=columns, words={"F1": "in", "F2": "out", "Tür": "ignore"})
    assert (len(again.punches), errors(again)) == (2, [])
    with pytest.raises(InputError, match="no column 'Who'"):
        read(tmp_path, text, columns={"id": "Who", "datetime": "Wann"})
    with pytest.raises(InputError, match="'person' is no column that is read"):
        read(tmp_path, text, columns={"person": "Wer"})


def test_an_excel_file_keeps_its_days_and_times(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["Ausweis", "Datum", "Uhrzeit", "Gerät"],
        [17, NINE.date(), time(8, 57), "Tor"],
        [17, NINE.date(), "17:01", "Tor"],
    ):
        book.active.append(row)
    path = tmp_path / "punches.xlsx"
    book.save(path)
    assert told(read_clock_file(path)) == ["17 02 08:57:00 both Tor", "17 02 17:01:00 both Tor"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02 08:57:00",
        "02.11.2026 8:57",
        "2.11.2026, 8:57 Uhr",
        "11/02/2026 8:57:00 AM",
        "20261102085700",
        "2 Nov 2026 08h57",
    ],
)
def test_a_moment_may_be_written_in_many_ways(text: str) -> None:
    assert read_moment(text, "mdy") == NINE


@pytest.mark.parametrize("text", ["8:57", "08:57:00", "8h57", "8.57 Uhr", "0857", "8:57 am"])
def test_a_time_of_day_may_be_written_in_many_ways(text: str) -> None:
    assert combined("2026-11-02", text, None) == NINE


@pytest.mark.parametrize(
    "text", ["", "08:57", "2026-11-02", "2026-11-02 24:01", "2026-11-02 13:00 PM", "2026-02-30 08:00", "yes"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(NotADay):
        read_moment(text, None)


@pytest.mark.parametrize(
    ("written", "moment", "note"),
    [
        ("2026-10-25T01:59:59", "2026-10-25T01:59:59+02:00", ""),
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00", "comes twice"),
        ("2026-10-25T03:00:00", "2026-10-25T03:00:00+01:00", ""),
        ("2026-03-29T01:59:59", "2026-03-29T01:59:59+01:00", ""),
        ("2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00", "does not exist"),
        ("2026-03-29T03:00:00", "2026-03-29T03:00:00+02:00", ""),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00", ""),
    ],
)
def test_where_clocks_change_the_moment_is_told(written: str, moment: str, note: str) -> None:
    found = in_zone(datetime.fromisoformat(written), BERLIN)
    assert found.time.isoformat() == moment
    assert bool(found.note) is bool(note)
    assert note in (found.note or "")


def test_a_list_says_whose_ids_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("ID,Personalnummer\n17,E1\n18,E2\n")
    assert read_ids(path) == {"17": "E1", "18": "E2"}
    path.write_text("badge,employee id\n17,E1\n17,E2\n")
    with pytest.raises(InputError, match="says E2 for 17"):
        read_ids(path)
    path.write_text("badge,when\n17,E1\n")
    with pytest.raises(InputError, match="no column 'employee id'"):
        read_ids(path)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Табельный номер;Дата;Время;Направление\n17;02.11.2026;08:57;Вход\n17;02.11.2026;17:01;Выход\n"),
        ("gb18030", "工号,打卡时间,打卡状态\n17,2026-11-02 08:57,上班签到\n17,2026-11-02 17:01,下班签退\n"),
        ("shift_jis", "社員番号,打刻日時,打刻区分\n17,2026/11/02 08:57,出勤\n17,2026/11/02 17:01,退勤\n"),
    ],
)
def test_logs_in_russian_chinese_and_japanese_are_read(tmp_path: Path, encoding: str, text: str) -> None:
    assert told(read(tmp_path, text, encoding=encoding)) == ["17 02 08:57:00 in", "17 02 17:01:00 out"]
