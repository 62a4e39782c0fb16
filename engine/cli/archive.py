"""`muster archive`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from engine.archive.cluster import ray_crew
from engine.archive.crew import Crew, local_crew
from engine.archive.names import listed
from engine.archive.observe import Recipe
from engine.archive.process import process
from engine.archive.reembed import ReembedReport, reembed
from engine.archive.report import FileReport, Outcome, Report
from engine.cli.context import Author, Json, Workspace
from engine.cli.output import console, emit_json, note, progress_bar, table
from engine.config import load_config
from engine.workbench import Workbench

__all__ = ["app"]

app = typer.Typer(
    help="Recordings of the past, and galleries of another model.", no_args_is_help=True, rich_markup_mode=None
)

Ray = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS", help="Work on a Ray cluster: HOST:PORT of its head, auto, or local."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=4096, help="Processes that work side by side; default: one per core."),
]


def _hired(ray: str | None, workers: int | None) -> Callable[[Recipe], AbstractContextManager[Crew]]:
    if ray is not None:
        return lambda recipe: ray_crew(ray, recipe, workers)
    return lambda recipe: contextlib.closing(local_crew(recipe, workers))


@app.command("process")
def process_command(
    files: Annotated[list[Path] | None, typer.Argument(help="Recordings; default: those of the manifest.")] = None,
    camera: Annotated[
        str | None, typer.Option(help="Camera of all files; default: of the manifest, else the folder's name.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="When the only file began, ISO 8601; default: from the file's name.")
    ] = None,
    manifest: Annotated[Path | None, typer.Option(help="CSV file with the columns file,camera,start.")] = None,
    ray: Ray = None,
    workers: Workers = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Watch a backlog of recordings, each with its own start time. A second run does only what is missing."""
    config = load_config(workspace)
    recordings, wrong = listed(files or [], config.zone, camera=camera, start=start, manifest=manifest)
    with progress_bar(quiet=as_json) as progress:
        bench = Workbench(workspace, config, progress=progress)
        report = process(bench, recordings, wrong, _hired(ray, workers), progress)
    if as_json:
        emit_json(dataclasses.asdict(report) | {"complete": report.complete, "video_s": report.video_s})
    else:
        _show(report)
    if not report.complete:
        raise typer.Exit(1)


def _show(report: Report) -> None:
    columns = ("file", "camera", "start", "", "video s", "frames", "tracks", "punches", "incidents", "remarks")
    table("Recordings", columns, [_cells(each) for each in report.files if each.file])
    for each in report.files:
        if each.told:
            note(f"{each.outcome.value}: {each.file + ': ' if each.outcome is Outcome.TWICE else ''}{each.told}")
    decided = sum(each.outcome is Outcome.DECIDED for each in report.files)
    failed = sum(each.outcome is Outcome.FAILED for each in report.files)
    speed = f", {report.video_s / report.seconds:.1f} times as fast as it was recorded" if report.video_s else ""
    console.print(
        f"{decided} of {len(report.files)} recordings decided, {report.video_s:.0f} s of video in {report.seconds:.0f} s{speed}; "
        f"{report.retried} segments handed out again, {report.replaced} workers replaced",
        markup=False,
    )
    if failed:
        console.print(
            f"not decided, or not to their end: {failed}. Run the command again; no row is written twice",
            markup=False,
        )


def _cells(each: FileReport) -> tuple[object, ...]:
    remarks = [f"silent from {begin:.0f} to {end:.0f} s" for begin, end in each.gaps]
    if each.unreadable:
        remarks.append(f"{each.unreadable} frames unreadable")
    if each.shortened:
        remarks.append(f"cut off: {each.shortened} frames fewer than its header says")
    if each.outcome is not Outcome.DECIDED:
        return Path(each.file).name, each.camera, each.start, each.outcome.value, "", "", "", "", "", "; ".join(remarks)
    incidents = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in each.incidents.items())
    return (
        Path(each.file).name, each.camera, each.start, each.outcome.value, f"{each.seconds:.1f}", each.frames, each.tracks,
        each.punches, incidents, "; ".join(remarks),
    )  # fmt: skip


@app.command("reembed")
def reembed_command(
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Delete the galleries of other models that were kept.")
    ] = False,
    author: Author = "",
    ray: Ray = None,
    workers: Workers = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Embed all enrolment pictures anew, after a change of model or recipe."""
    config = load_config(workspace)
    with progress_bar(quiet=as_json) as progress:
        bench = Workbench(workspace, config, progress=progress)
        report = reembed(bench, _hired(ray, workers), progress, author=author, drop_old=drop_old)
    if as_json:
        emit_json(dataclasses.asdict(report) | {"complete": report.complete})
    else:
        _show_galleries(report)
    if not report.complete:
        raise typer.Exit(1)


def _show_galleries(report: ReembedReport) -> None:
    columns = ("gallery", "", "templates", "left out", "was", "old one kept as")
    cells = [
        (row.name, row.outcome, row.templates, len(row.left_out), row.before, row.kept) for row in report.galleries
    ]
    table(f"Galleries for {report.recipe}", columns, cells)
    for row in report.galleries:
        for template_id, person, reason in row.left_out:
            console.print(f"left out of {row.name}: {template_id} of {person}, {reason}", markup=False)
        if row.emptied and row.name == "people":
            console.print(f"nobody recognises them any more, enrol them again: {', '.join(row.emptied)}", markup=False)
    for line in (*report.told, *report.concerns):
        note(line)
    if report.dropped:
        console.print(f"{report.dropped} galleries of other models deleted")
    if all(row.outcome != "embedded" for row in report.galleries) and not report.told:
        console.print("the galleries are of this recipe already; nothing was done")
