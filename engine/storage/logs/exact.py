"""Rows exactly as they stand in files or in tables: what is copied and compared.

A row travels as the cells of a line of CSV. What one of the two cannot hold as it stands is refused, not mended: a row that somebody
changed is evidence, and must be the same evidence afterwards.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date

from engine.errors import StorageError
from engine.storage.files import csv_line, decode_cell, encode_cell

__all__ = ["AS_EVIDENCE", "Cells", "Key", "exact_cells", "exactly_encoded"]

Key = tuple[date, str]
"""Day and recorder of a chain."""
Cells = list[str]
"""As they stand in a line of CSV, the seal as the last."""

AS_EVIDENCE = "keep the file as evidence, then restore the line from a backup or take it out, which `muster verify` goes on telling"
_SPECIAL = "' =+-@"  # cells that begin so may have to be written otherwise


def exact_cells(raw: bytes, width: int, where: str) -> Cells:
    """The cells of a line that is written as Muster writes lines: then it can be written again from them, byte for byte.

    Raises:
        StorageError: it is written otherwise.
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
        raise StorageError(f"{where} is no CSV ({error})", hint=AS_EVIDENCE) from error
    if len(cells) != width:
        raise StorageError(f"{where} has {len(cells)} cells instead of {width}", hint=AS_EVIDENCE)
    sound = all(encode_cell(decode_cell(cell)) == cell for cell in cells[:-1]) and _fits(cells[-1])
    if not sound or csv_line(cells) != line + "\n":
        raise StorageError(
            f"{where} is not written as Muster writes rows, so a database cannot hold it as it stands", hint=AS_EVIDENCE
        )
    return cells


def exactly_encoded(values: Sequence[str], columns: Sequence[str], where: str) -> Cells:
    """The cells that a row of a table has in a line.

    Raises:
        StorageError: no line can hold it as it stands.
    """
    cells = [*map(encode_cell, values[:-1]), values[-1]]
    # `is`: most cells are written as they are, and need not be read back to see that they would be the same
    other = [
        column
        for column, cell, value in zip(columns, cells, values, strict=True)
        if not (cell is value or decode_cell(cell) == value)
    ]
    if other or not _fits(values[-1]):
        raise StorageError(
            f"{where} holds in `{[*other, 'seal'][0]}` what no line of CSV can hold as it stands",
            hint="somebody wrote there without Muster: restore the row from a backup of the database",
        )
    return cells


def _fits(seal: str) -> bool:
    """Whether a seal, which is no text of people, can stand in a line as it is."""
    return encode_cell("." + seal) == "." + seal
