"""`muster papers`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from engine.cli.context import Author, Json, Panel, Workspace, open_workbench
from engine.cli.output import emit_json, say, table

app = typer.Typer()


class _Language(StrEnum):
    EN = "en"
    DE = "de"


class _Format(StrEnum):
    HTML = "html"
    DOCX = "docx"


@app.command(rich_help_panel=Panel.ADMINISTER)
def papers(
    out: Annotated[Path, Option(help="Folder for the files.")] = Path("papers"),
    language: Annotated[
        list[_Language] | None, Option("--language", show_default="en, de", help="Language; repeatable.")
    ] = None,
    form: Annotated[
        list[_Format] | None, Option("--format", show_default="html, docx", help="Format; repeatable.")
    ] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Draft the papers that the law asks for.

    Impact assessment, notices to workers and at the door, instructions for overseers, retention schedule, and a list of changes.

    Yellow statements must be filled in. No legal advice.
    """
    from engine.operations.papers import FORMATS
    from engine.operations.papers import papers as make

    bench = open_workbench(workspace)
    languages = [each.value for each in language or _Language]
    formats = [each for each in FORMATS if form is None or each in {chosen.value for chosen in form}]
    made = make(bench, author=author, languages=languages)
    files = made.files(formats)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    changed = [(each.setting, each.before, each.after) for each in made.changed or ()]
    if as_json:
        emit_json(
            {
                "version": made.number,
                "files": sorted(files),
                "changed": [dict(zip(("setting", "before", "after"), each, strict=True)) for each in changed],
                "gaps": {f"{paper.kind}-{code}": paper.gaps for code, paper in made.papers},
            }
        )
        return
    first = languages[0]
    rows = [(paper.title, paper.gaps) for code, paper in made.papers if code == first]
    table(f"Version {made.number} in {out}", ("paper", "to fill in"), rows)
    if changed:
        cells = [(name, before or "–", after or "–") for name, before, after in changed]
        table("Changed since the last version", ("setting", "before", "now"), cells)
    say("Drafts, no legal advice.")
