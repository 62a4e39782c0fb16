"""Rows as values: what is written is read back, what cannot be read is left out and named, and a growing log is parsed once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.storage.logs import FileLogs, RowType, TypedDayLog

DAY = date(2026, 11, 22)
NINE = datetime(2026, 11, 22, 9, tzinfo=timezone(timedelta(hours=1)))


class Colour(StrEnum):
    RED = "red"
    BLUE = "light blue"


@dataclass(frozen=True)
class Example:
    row_id: str
    timestamp: datetime
    day: date
    colour: Colour = Colour.RED
    count: int | None = None
    share: float | None = None
    ended: datetime | None = None
    direction: Literal["in", "out"] = "in"
    people: tuple[str, ...] = ()
    likeness: tuple[float, ...] = ()
    active: bool = True


TYPE = RowType(Example)
SIMPLE = Example("r1", NINE, DAY)


@settings(deadline=None)
@given(
    st.builds(
        Example,
        row_id=st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1),
        timestamp=st.datetimes(timezones=st.just(UTC)).map(
            lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
        ),
        day=st.dates(),
        share=st.none() | st.integers(-(10**6), 10**6).map(lambda value: value / 10**4),
        people=st.lists(st.text(alphabet="abcE-12", min_size=1), max_size=3).map(tuple),
        likeness=st.lists(st.integers(-9999, 9999).map(lambda value: value / 10**4), max_size=3).map(tuple),
        ended=st.none(),
    )
)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, row: Example) -> None:
    log = TypedDayLog(FileLogs(tmp_path_factory.mktemp("log")).daily("example", TYPE.columns), TYPE)
    with log.raw.exclusive():
        log.append(DAY, [row])
    (found,) = log.read(DAY)
    if row.share is None or abs(row.share) < 100:  # six digits stand in a cell
        assert found == row
    else:
        assert replace(found, share=row.share) == row


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("timestamp", "yesterday"),
        ("timestamp", "2026-11-22T09:00:00"),
        ("timestamp", ""),
        ("day", "22.11.2026"),
        ("colour", "green"),
        ("count", "1.5"),
        ("direction", "both"),
        ("active", "maybe"),
    ],
)
def test_a_cell_that_cannot_be_read_leaves_its_row_out_and_is_named(
    column: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = {name: str(value) for name, value in TYPE.cells(SIMPLE).items()} | {
        "active": "yes",
        "count": "",
        "share": "",
        "ended": "",
    }
    with caplog.at_level(logging.WARNING):
        assert TYPE.parse_all([{**good, column: text}, good], "example") == [SIMPLE]
    assert "row r1 of example" in caplog.text


def test_a_growing_log_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = TypedDayLog(FileLogs(tmp_path).daily("example", TYPE.columns), TYPE)
    parsed: list[str] = []
    plain = TYPE.parse
    monkeypatch.setattr(TYPE, "parse", lambda cells: (parsed.append(cells["row_id"]), plain(cells))[1])
    for number in range(3):
        with log.raw.exclusive():
            log.append(DAY, [replace(SIMPLE, row_id=f"r{number}")])
        assert [row.row_id for row in log.read(DAY)] == [f"r{each}" for each in range(number + 1)]
    assert parsed == ["r0", "r1", "r2"]


def test_a_type_that_no_cell_can_hold_is_refused() -> None:
    @dataclass(frozen=True)
    class Wrong:
        values: dict[str, str]

    with pytest.raises(TypeError, match="dict"):
        RowType(Wrong)
