"""Messages about the rows of an imported list as an Excel workbook, to be worked off beside the list."""

from __future__ import annotations

import io
from collections.abc import Sequence

from engine.people import RowMessage
from engine.reports.excel import MAX_ROWS, cell_text, new_workbook
from engine.words import ENGLISH, N_, Phrase, Words

_HEADS = (N_("Line"), N_("Column"), N_("Type"), N_("Message"))
_LEVELS = {"error": N_("error"), "warning": N_("warning")}
_WIDTHS = (8, 22, 12, 110)


def messages_excel(messages: Sequence[RowMessage], name: str, words: Words = ENGLISH) -> bytes:
    """Return a workbook with a row per message, in the given order.

    Args:
        name: of the list.

    Raises:
        ConfigError: the package that writes Excel is not installed.
    """
    memory = io.BytesIO()
    with new_workbook(memory) as book:
        book.set_properties({"title": cell_text(name)[:250]})
        sheet = book.add_worksheet(words.say(N_("Messages")))
        head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#EDEDED"})
        text = book.add_format({"valign": "top", "text_wrap": True})
        for column, (heading, width) in enumerate(zip(_HEADS, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width, text)
            sheet.write_string(0, column, words.say(heading), head)
        shown = messages[:MAX_ROWS]
        for row, message in enumerate(shown, 1):
            if message.line:
                sheet.write_number(row, 0, message.line, text)
            sheet.write_string(
                row,
                1,
                cell_text(words.say(message.column) if isinstance(message.column, Phrase) else message.column),
                text,
            )
            sheet.write_string(row, 2, words.say(_LEVELS[message.level]), text)
            sheet.write_string(row, 3, cell_text(words.say(message.text)), text)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(shown), 1), len(_HEADS) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
    return memory.getvalue()
