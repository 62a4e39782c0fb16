"""`muster confirm`: is this the same person? Faces near the threshold, and what people say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Panel, Workspace, open_workbench
from engine.cli.output import answer as told
from engine.cli.output import counted, emit_json, say, table

app = typer.Typer(name="confirm", no_args_is_help=True, help="Answer whether faces near the threshold are somebody's.")

Question = Annotated[str, Argument(help="Id of the question, as in `muster confirm list`.", show_default=False)]


@app.command("list", rich_help_panel=Panel.SECURITY)
def questions(
    days: Annotated[int, Option(min=1, help="Ask about the last so many days.")] = 14,
    near: Annotated[float, Option(min=0, max=2, help="Greatest distance from the threshold.")] = 0.08,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List the open questions, the closest to the threshold first."""
    bench = open_workbench(workspace)
    found = bench.confirm.questions(days, near)
    if as_json:
        emit_json([vars(each) | {"portrait": each.portrait} for each in found])
        return
    if not found:
        say(f"No face of the last {counted(days, 'day')} is near the threshold, or all questions are answered.")
        return
    rows = [
        (
            each.question,
            each.kind,
            each.employee_id,
            f"{each.seen_at:%Y-%m-%d %H:%M:%S}",
            each.camera,
            f"{each.similarity:.3f}",
            f"{each.threshold:.3f}",
            each.picture,
        )
        for each in found
    ]
    table(
        "Is this the same person?",
        ("question", "kind", "person", "time", "camera", "similarity", "threshold", "picture"),
        rows,
    )
    say("A “no” to a punch takes the passage back.")


@app.command(rich_help_panel=Panel.SECURITY)
def answer(
    question: Question,
    said: Annotated[
        Literal["yes", "no", "unsure"], Argument(help="Whether the picture shows the person.", show_default=False)
    ],
    author: Author,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Answer a question.

    A “no” to a punch takes the passage back, and the face is not given this name again.
    """
    from engine.tracking import ANSWER

    bench = open_workbench(workspace)
    row = bench.confirm.answer(question, said, author=author)
    took = " The passage was taken back." if said == "no" and row.kind == "punch" else ""
    told(as_json, ANSWER.texts(row), f"Answered: {said}.{took} {bench.calibration.answers().sentence}")


@app.command(rich_help_panel=Panel.SECURITY)
def template(question: Question, author: Author, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Make a template of a confirmed picture.

    The picture must be like its owner and like nobody else.
    """
    report = open_workbench(workspace).confirmed.add(question, author=author)
    count = counted(report.templates, "template")
    told(as_json, vars(report), f"The picture was added: {report.employee_id} has {count} now.")
