"""Messages about an imported list as a workbook."""

from __future__ import annotations

import io

import openpyxl  # type: ignore[import-untyped]

from engine.people import RowMessage
from engine.reports import messages_excel
from engine.words import Words, phrase

MESSAGES = [
    RowMessage(7, "=Mail", "error", phrase("{text} is in the future: correct it, or empty the cell", text="=1+1")),
    RowMessage(0, "", "warning", phrase("the file names nobody")),
]


def sheet(code: str) -> list[list[object]]:
    book = openpyxl.load_workbook(io.BytesIO(messages_excel(MESSAGES, "staff.csv", Words(code))))
    assert book.active is not None
    assert book.active.freeze_panes == "A2"
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


def test_each_message_is_a_row_in_the_readers_language() -> None:
    assert sheet("en")[1] == [7, "'=Mail", "error", "'=1+1 is in the future: correct it, or empty the cell"]
    german = sheet("de")
    assert german[0] == ["Zeile", "Spalte", "Art", "Hinweis"]
    assert german[1][3] == "'=1+1 liegt in der Zukunft: Berichtigen Sie den Tag, oder leeren Sie die Zelle"
    assert german[2] == [None, "", "Warnung", "die Datei nennt niemanden"]
