"""The writer: order within a book, no book held up by another, and what is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.attendance import AttendanceBook
from engine.config import Config
from engine.errors import StorageError, Unreachable
from engine.pipeline.writer import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    config = Config()
    return Writer(AttendanceBook(tmp_path, config.zone, config.events), dict)


def failing(error: Exception) -> Callable[[], None]:
    """A job that cannot be done."""

    def job() -> None:
        raise error

    return job


def test_jobs_of_a_book_stay_in_order_behind_one_that_fails_and_other_books_go_on(writer: Writer) -> None:
    done: list[str] = []
    writer.submit("punches", failing(StorageError("full", hint="make room")))
    writer.submit("punches", lambda: done.append("second punch"))
    writer.submit("incidents", lambda: done.append("incident"))
    assert writer.write() == []
    assert done == ["incident"]
    assert (writer.waiting, writer.stuck, writer.failed("punches"), writer.failed("incidents")) == (
        2,
        True,
        True,
        False,
    )
    with pytest.raises(StorageError, match="2 events could not be written: full"):
        writer.finish()


def test_a_job_that_no_second_try_would_mend_is_given_up_and_told_after_the_others(writer: Writer) -> None:
    done: list[int] = []
    writer.submit("punches", failing(RuntimeError("a fault of ours")))
    for number in (1, 2):
        writer.submit("punches", lambda number=number: done.append(number))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        writer.write()
    assert (done, writer.waiting, writer.write()) == ([1, 2], 0, [])


def test_only_rows_of_punches_and_incidents_are_reported(writer: Writer) -> None:
    for book in ("coverage", "sightings", "incidents", "punches"):
        writer.submit(book, lambda book=book: {"row": book})
    writer.submit("punches", lambda: None)  # one sighting too many: no row
    assert writer.write() == [{"row": "punches"}, {"row": "incidents"}]


def test_a_job_may_be_done_at_once(writer: Writer) -> None:
    done: list[str] = []
    writer.submit("strangers", lambda: done.append("later"))
    assert done == []
    writer.submit("strangers", lambda: done.append("now"), at_once=True)
    assert done == ["later", "now"]


@pytest.mark.parametrize("book", ["strangers", "incidents"])
def test_only_strangers_may_stay_without_identifier_while_a_database_is_away(writer: Writer, book: str) -> None:
    writer.submit(book, failing(Unreachable("the database is away", hint="wait")))  # type: ignore[arg-type]
    if book == "strangers":
        assert writer.finish() == []
        assert writer.waiting == 0
    else:
        with pytest.raises(StorageError, match="1 events"):
            writer.finish()
