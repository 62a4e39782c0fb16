"""Tables that say what photos show: CSV files that people write."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from engine.errors import InputError


def read_table(table: Path, columns: Sequence[str], hint: str) -> list[tuple[str, ...]]:
    """Read some columns of a CSV file with a header, without spaces around the values; the first row stands in line 2.

    Args:
        hint: what to do about a table that cannot be used.

    Raises:
        InputError: the file cannot be read, or lacks a column.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            present = reader.fieldnames or []
            if missing := [column for column in columns if column not in present]:
                raise InputError(
                    f"{table} lacks the column {' and '.join(missing)}; it has {', '.join(present) or 'none'}",
                    hint=hint,
                )
            return [tuple((row[column] or "").strip() for column in columns) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: {getattr(error, 'strerror', None) or error}", hint=hint) from error
