"""Copy and compare rows exactly as they are in files or database tables.

A row travels as the cells of a line of CSV. A row that the target cannot hold unchanged is refused, not repaired: a row that was
tampered with is evidence and must stay the same.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date

from engine.errors import StorageError
from engine.storage.files import csv_line, decode_cell, encode_cell

Key = tuple[date, str]
"""Day and recorder of a chain."""
Cells = list[str]
"""Of a line of CSV, the seal last."""

AS_EVIDENCE = (
    "keep the file as evidence, then restore the line from a backup or remove it (`muster verify` keeps reporting that)"
)
_SPECIAL = "' =+-@"  # cells that begin with one of these may need encoding


def exact_cells(raw: bytes, width: int, where: str) -> Cells:
    """Return the cells of a line from which Muster would write the same bytes again.

    Raises:
        StorageError: the line is not in Muster's own form.
    """
    try:
        line = raw[:-1].decode()
        if line.isascii() and line.isprintable() and '"' not in line and ";" not in line:  # most lines
            cells = line.split(",")
            doubtful = [cell for cell in cells if cell and cell[0] in _SPECIAL]
            if len(cells) == width and all(encode_cell(decode_cell(cell)) == cell for cell in doubtful):
                return cells
        cells = next(csv.reader([line], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise StorageError(f"{where} is not CSV ({error})", hint=AS_EVIDENCE) from error
    if len(cells) != width:
        raise StorageError(f"{where} has {len(cells)} cells instead of {width}", hint=AS_EVIDENCE)
    sound = all(encode_cell(decode_cell(cell)) == cell for cell in cells[:-1]) and _fits(cells[-1])
    if not sound or csv_line(cells) != line + "\n":
        raise StorageError(
            f"{where} is not in Muster's own form, so a database cannot hold it unchanged", hint=AS_EVIDENCE
        )
    return cells


def exactly_encoded(values: Sequence[str], columns: Sequence[str], where: str) -> Cells:
    """Return the cells of a line of CSV for a row of a database table.

    Raises:
        StorageError: no line can hold the row unchanged.
    """
    cells = [*map(encode_cell, values[:-1]), values[-1]]
    # `is`: most cells need no encoding, and comparing them again would be slow
    other = [
        column
        for column, cell, value in zip(columns, cells, values, strict=True)
        if not (cell is value or decode_cell(cell) == value)
    ]
    if other or not _fits(values[-1]):
        raise StorageError(
            f"{where} holds a value in `{[*other, 'seal'][0]}` that no line of CSV can hold unchanged",
            hint="another program wrote it: restore the row from a backup of the database",
        )
    return cells


def _fits(seal: str) -> bool:
    """Return whether a seal, which is not typed text, fits into a line unchanged."""
    return encode_cell("." + seal) == "." + seal
