"""Papers as printable pages and as Word documents."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from engine.errors import ConfigError
from engine.operations.papers.model import Line, Paper
from engine.reports.render import render_plain
from engine.words import Words

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph


def as_html(paper: Paper, words: Words) -> bytes:
    """Return a paper as one HTML file that loads nothing.

    Raises:
        ConfigError: the package that renders pages is missing.
    """
    return render_plain(
        "paper.html.j2",
        title=paper.title,
        lang=words.code,
        paper=paper,
        gap=words.say("fill in"),
        source=_source(words),
    ).encode()


def as_docx(paper: Paper, words: Words) -> bytes:
    """Return a paper as a Word document.

    Raises:
        ConfigError: python-docx is missing.
    """
    try:
        import docx  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("Word documents need a further package", hint="pip install 'muster[papers]'") from error
    document = docx.Document()
    document.core_properties.title = paper.title
    document.core_properties.author = "Muster"
    document.core_properties.language = words.code
    document.add_heading(paper.title, 0)
    document.add_paragraph(paper.stamp)
    document.add_paragraph(paper.lead)
    for part in paper.parts:
        document.add_heading(part.title, 1)
        for line in part.lines:
            _write(document.add_paragraph(style="List Bullet"), line)
        if part.rows:
            table = document.add_table(rows=1, cols=len(part.head), style="Light Grid Accent 1")
            for cell, title in zip(table.rows[0].cells, part.head, strict=True):
                cell.text = title
            for row in part.rows:
                for cell, line in zip(table.add_row().cells, row, strict=True):
                    _write(cell.paragraphs[0], line)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _write(paragraph: Paragraph, line: Line) -> None:
    from docx.enum.text import WD_COLOR_INDEX  # noqa: PLC0415 - an extra
    from docx.shared import Pt, RGBColor  # noqa: PLC0415

    run = paragraph.add_run(line.text)
    run.font.size = Pt(10)
    if line.gap:
        run.font.highlight_color = WD_COLOR_INDEX.YELLOW
    if line.source:
        source = paragraph.add_run(f"  [{line.source}]")
        source.font.size = Pt(8)
        source.font.color.rgb = RGBColor(0x50, 0x56, 0x5E)


def _source(words: Words) -> str:
    return words.say("comes from")
