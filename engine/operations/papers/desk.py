"""Makes the papers: facts to statements to files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

from engine.operations.papers import contents
from engine.operations.papers.facts import facts_of
from engine.operations.papers.model import PAPERS, Kind, Paper
from engine.operations.papers.rendering import as_docx, as_html
from engine.operations.papers.versions import Change, changes, issue
from engine.words import Words
from engine.workbench import Workbench

Format = Literal["html", "docx"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class Issue:
    """The papers of one version, by kind and language.

    Attributes:
        number: of the version. changed: since the one before; None: it is the first.
    """

    number: int
    changed: Sequence[Change] | None
    papers: Sequence[tuple[str, Paper]]

    def files(self, formats: Sequence[Format] = FORMATS) -> dict[str, bytes]:
        """Return the files by name, such as `dpia-de.docx`.

        Raises:
            ConfigError: a package that writes them is missing.
        """
        made: dict[str, bytes] = {}
        for code, paper in self.papers:
            if "html" in formats:
                made[f"{paper.kind}-{code}.html"] = as_html(paper, Words(code))
            if "docx" in formats:
                made[f"{paper.kind}-{code}.docx"] = as_docx(paper, Words(code))
        return made

    def archive(self) -> bytes:
        """Return all files in a ZIP archive; without python-docx only the pages."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files(FORMATS if find_spec("docx") else ("html",)).items():
                archive.writestr(name, content)
        return buffer.getvalue()


def papers(
    bench: Workbench, *, author: str, languages: Sequence[str] = ("en", "de"), kinds: Sequence[Kind] = PAPERS
) -> Issue:
    """Make the papers of the workspace as it is; a new version begins if a setting changed since the last one.

    Raises:
        MusterError: something cannot be read or written.
    """
    facts = facts_of(bench)
    known = issue(bench.workspace, facts.day, facts.settings)
    latest = known[-1]
    changed = changes(known[-2], latest) if len(known) > 1 else None
    made = [
        (code, contents.paper(kind, facts, Words(code), latest, known[-2] if len(known) > 1 else None))
        for code in languages
        for kind in kinds
    ]
    bench.records.note("papers", "", f"version {latest.number}", author=author)
    return Issue(latest.number, changed, made)
