"""Whoever types or imports `e37` where the staff list says `E037` is asked whether that is meant, wherever ids are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from command import muster

from engine.config.ids import StaffIds, check_chosen, did_you_mean, near_ids
from engine.errors import MusterError
from engine.operations.doctor import examine
from engine.people import Person, read_openings
from engine.workbench import Workbench

DAY = date(2025, 3, 10)
IDS = ["E037", "E37A", "E038", "1042", "A-7", "Lilo", "O11", "Zoë1"]


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("e37", ["E037"]),
        ("E0037", ["E037"]),
        ("E-037", ["E037"]),
        ("E 37", ["E037"]),
        ("EO37", ["E037"]),
        ("\uff25\uff10\uff13\uff17", ["E037"]),
        (" E037", ["E037"]),
        ("a7", ["A-7"]),
        ("A07", ["A-7"]),
        ("01042", ["1042"]),
        ("1042.0", ["1042"]),
        ("l042", ["1042"]),
        ("lilo", ["Lilo"]),
        ("0ll", ["O11"]),
        ("ZOE\u03081", ["Zoë1"]),
        ("E037", []),
        ("E370", []),
        ("E3", []),
        ("E39", []),
        ("37", []),
        ("F037", []),
        ("", []),
        ("-", []),
        ("0", []),
    ],
)
def test_what_is_near_and_what_is_another_person(text: str, near: list[str]) -> None:
    assert near_ids(text, IDS) == near


def test_several_ids_may_be_meant() -> None:
    many = ["E37", "E037", "E0037", "E-37"]
    assert near_ids("e37", many) == ["E37", "E-37", "E0037"]
    assert did_you_mean("e37", many) == "did you mean E37, E-37, E0037?"
    assert StaffIds(many).find("e37") == "E37", "the only one that differs in case alone"
    assert StaffIds(["E37", "e37"]).find("É37") is None


def test_a_filter_by_an_id_of_somebody_who_left_the_list_finds_what_there_is() -> None:
    check_chosen("E9", IDS, ["a row"])
    check_chosen(None, IDS, [])
    check_chosen("E037", IDS, [])
    with pytest.raises(MusterError, match="nobody is known as E9"):
        check_chosen("E9", IDS, [])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workplace with E037 and E038."""
    folder = tmp_path_factory.mktemp("ids")
    (folder / "muster.toml").write_text(
        '[shifts.early]\nstart = 06:00:00\nend = 14:00:00\npeople = ["E037", "e38", "X9"]\n', encoding="utf-8"
    )
    made = Workbench(folder)
    made.people.put_all([Person("E037", "Ann Example", "Sales"), Person("E038", "Ben Example", "Sales")])
    return made


def listed(folder: Path, head: str, row: str) -> Path:
    path = folder / "list.csv"
    path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    return path


def _leave(bench: Workbench, folder: Path) -> str:
    found = bench.leave_desk.import_file(
        listed(folder, "id,from,to,kind", "e37,2025-03-10,2025-03-11,annual"), author="hr"
    )
    return " ".join(str(message.text) for message in found.messages)


def _shifts(bench: Workbench, folder: Path) -> str:
    found = bench.staff.import_shifts(listed(folder, "id,shift,from", "e37,early,2025-03-10"), author="hr")
    return " ".join(str(message.text) for message in found.messages)


def _openings(bench: Workbench, folder: Path) -> str:
    found = read_openings(listed(folder, "id,hours", "e37,12"), bench.people.known().values(), DAY)
    return " ".join(str(message.text) for message in found.messages)


def _punches(bench: Workbench, folder: Path) -> str:
    path = folder / "attlog.dat"
    path.write_text("e37\t2025-03-10 09:00:00\t1\t0\t1\t0\n", encoding="utf-8")
    return " ".join(
        str(message.text) for message in bench.punches.import_file(path, author="hr", dry_run=True).messages
    )


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises(MusterError) as caught:
        act()
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("read", [_leave, _shifts, _openings, _punches])
def test_a_refused_row_names_the_id_that_is_near(
    bench: Workbench, tmp_path: Path, read: Callable[[Workbench, Path], str]
) -> None:
    said = read(bench, tmp_path)
    assert "nobody has the id 'e37'" in said
    assert "did you mean E037?" in said


@pytest.mark.parametrize(
    "act",
    [
        lambda bench: bench.office.correct("e37", DAY, "status", value="present", author="hr", reason="x"),
        lambda bench: bench.leave_desk.add("e37", "annual", DAY, DAY, author="hr"),
        lambda bench: bench.leave_desk.entitle("e37", "annual", 2025, 30, author="hr"),
        lambda bench: bench.staff.change("e37", author="hr", department="Lab"),
        lambda bench: bench.staff.history("e37"),
        lambda bench: bench.kiosk.give_pin("e37", author="hr"),
    ],
)
def test_a_refused_id_names_the_one_that_is_near(bench: Workbench, act: Callable[[Workbench], object]) -> None:
    said = _refused(lambda: act(bench))
    assert "nobody is known as e37" in said
    assert "did you mean E037?" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "--id", "e37", "--month", "2025-03"),
        ("punches", "export", "--id", "e37", "--month", "2025-03", "--format", "attlog"),
        ("leave", "list", "--id", "e37"),
        ("account", "show", "--id", "e37"),
        ("correct", "e37", "--day", "2025-03-10", "--status", "excused", "--author", "hr", "--reason", "x"),
        ("forget", "e37", "--yes"),
    ],
)
def test_commands_ask_and_fail(bench: Workbench, arguments: tuple[str, ...]) -> None:
    answer = muster(*arguments, "--workspace", bench.workspace)
    assert answer.code == 4
    assert "did you mean E037?" in answer.err


def test_a_known_id_without_any_day_is_no_error(bench: Workbench) -> None:
    far = (DAY - timedelta(days=900)).strftime("%Y-%m")
    answer = muster("report", "--id", "E037", "--month", far, "--workspace", bench.workspace)
    assert (answer.code, "Nobody was seen or expected" in answer.out) == (0, True)


def test_the_doctor_names_ids_of_shifts_that_nobody_has(bench: Workbench) -> None:
    found = next(row for row in examine(bench.workspace, (), thorough=False) if row.what == "people of shifts")
    assert not found.ok
    assert found.found == "nobody is known as early: e38 (did you mean E038?), early: X9"
