"""Output of the commands: tables for people, JSON for programs, progress and errors on standard error."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from engine.cli.terminal import shows
from engine.masking import mask, mask_userinfo

# a pipe or a file has no width; 160 columns keep a row on one line
_console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)
_PROGRESS_EVERY_S = 10.0
_BYTES = 1_000_000
"""Activities with so many steps count bytes."""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy arrays and numbers
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value if value is None or isinstance(value, bool | int) else mask_userinfo(str(value))


def emit_json(value: Any) -> None:
    """Print one JSON document on standard output. NaN becomes null; floats are rounded to six digits."""
    document = _plain(value)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    sys.stdout.write((text if shows(text) else json.dumps(document, indent=2)) + "\n")


def say(text: str) -> None:
    """Print a line on standard output, as it is."""
    _console.print(mask_userinfo(text), markup=False)


def answer(as_json: bool, value: Any, text: str) -> None:
    """Print the result of a command: the value as JSON, or else one line of text."""
    emit_json(value) if as_json else say(text)


def note(text: str) -> None:
    """Print a remark on standard error."""
    _errors.print(mask(text), markup=False)


def complain(failure: object) -> None:
    """Print a failure on standard error: one line that begins with the program's name."""
    print(mask(f"muster: {failure}"), file=sys.stderr)  # noqa: T201


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def rounded(value: float | None, digits: int = 2) -> str:
    """A number for a table cell; a dash for None and NaN."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on standard output. Cells appear as they are: markup in them is text."""
    grid = Table(
        title=escape(title), title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD
    )
    for column in columns:
        grid.add_column(escape(column), overflow="fold")
    for row in rows:
        grid.add_row(*(escape("" if cell is None else mask_userinfo(str(cell))) for cell in row))
    _console.print(grid)


def amount(done: int, total: int) -> str:
    """How much of an activity is done, in megabytes or steps."""
    if total >= _BYTES:
        return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"
    return f"{done:,} of {total:,}" if total else ""


class _Amount(ProgressColumn):
    def render(self, task: Task) -> Text:
        """See rich."""
        return Text(amount(int(task.completed), int(task.total or 0)))


@contextlib.contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function `(activity, done, total)` that draws one bar per activity on standard error.

    Where standard error is not a terminal, it prints each activity, and every ten seconds how far it has got; with `quiet` it prints
    nothing.
    """
    if quiet or not _errors.is_terminal:
        printed: dict[str, float] = {}

        def line(what: str, done: int, total: int) -> None:
            now = time.monotonic()
            if quiet or now - printed.get(what, -math.inf) < _PROGRESS_EVERY_S:
                return
            size = f": {total / 1e6:.0f} MB" if total >= _BYTES else ""
            note(f"{what}: {amount(done, total)}" if what in printed and total else f"{what}{size} …")
            printed[what] = now

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), TimeRemainingColumn())
    with Progress(*columns, console=_errors) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield show
