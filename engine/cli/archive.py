"""`muster archive`: process old recordings, embed the enrolment pictures again."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Workspace, open_workbench
from engine.cli.output import counted, emit_json, note, progress_bar, say, table

if TYPE_CHECKING:
    from engine.archive.crew import Crew
    from engine.archive.observe import Recipe
    from engine.archive.reembed import ReembedReport
    from engine.archive.report import FileReport, Report

app = typer.Typer(name="archive", help="Process old recordings; embed pictures for a new model.", no_args_is_help=True)

_Ray = Annotated[str | None, Option("--ray", metavar="ADDRESS", help="Ray cluster: HOST:PORT, auto or local.")]
_Workers = Annotated[
    int | None, Option("--workers", min=1, max=4096, show_default="one per core", help="Parallel processes.")
]


def _crew(ray: str | None, workers: int | None) -> Callable[[Recipe], AbstractContextManager[Crew]]:
    """A function that starts the worker processes, on a cluster or on this machine."""
    from engine.archive.cluster import ray_crew
    from engine.archive.crew import local_crew

    if ray is not None:
        return lambda recipe: ray_crew(ray, recipe, workers)
    return lambda recipe: contextlib.closing(local_crew(recipe, workers))


@app.command("process")
def process_command(
    files: Annotated[list[Path] | None, Argument(show_default="those of the manifest", help="Recordings.")] = None,
    camera: Annotated[str | None, Option(show_default="manifest or folder name", help="Camera of all files.")] = None,
    start: Annotated[
        str | None, Option(show_default="from the file name", help="Start of one recording, ISO 8601.")
    ] = None,
    manifest: Annotated[Path | None, Option(help="CSV file with the columns file,camera,start.")] = None,
    ray: _Ray = None,
    workers: _Workers = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Process a backlog of recordings.

    Each recording has its own start time. A second run processes only what is missing.

    The exit code is 1 if a recording could not be processed to its end.
    """
    from engine.archive.names import listed
    from engine.archive.process import process
    from engine.config import load_config

    config = load_config(workspace)
    recordings, wrong = listed(files or [], config.zone, camera=camera, start=start, manifest=manifest)
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, config, progress=progress, begin=True)
        report = process(bench, recordings, wrong, _crew(ray, workers), progress)
    if as_json:
        emit_json(dataclasses.asdict(report) | {"complete": report.complete, "video_s": report.video_s})
    else:
        _show(report)
    if not report.complete:
        raise typer.Exit(1)


def _show(report: Report) -> None:
    from engine.archive.report import FileOutcome

    columns = ("file", "camera", "start", "", "video s", "frames", "tracks", "punches", "incidents", "remarks")
    table("Recordings", columns, [_cells(each) for each in report.files if each.file])
    for each in report.files:
        if each.told:
            note(f"{each.outcome.value}: {each.file + ': ' if each.outcome is FileOutcome.TWICE else ''}{each.told}")
    decided = sum(each.outcome is FileOutcome.DECIDED for each in report.files)
    failed = sum(each.outcome is FileOutcome.FAILED for each in report.files)
    speed = f", {report.video_s / report.seconds:.1f} times real time" if report.video_s else ""
    say(
        f"Processed {decided} of {counted(len(report.files), 'recording')}: {report.video_s:.0f} s of video "
        f"in {report.seconds:.0f} s{speed}; {counted(report.retried, 'segment')} retried, {counted(report.replaced, 'worker')} replaced."
    )
    if failed:
        say(f"Not processed, or not to the end: {failed}. Run the command again; it writes no row twice.")


def _cells(each: FileReport) -> tuple[object, ...]:
    from engine.archive.report import FileOutcome

    remarks = [f"no picture from {begin:.0f} to {end:.0f} s" for begin, end in each.gaps]
    if each.unreadable:
        remarks.append(f"{each.unreadable} unreadable frames")
    if each.shortened:
        remarks.append(f"cut off: {each.shortened} frames fewer than the header says")
    file = (Path(each.file).name, each.camera, each.start, each.outcome.value)
    if each.outcome is not FileOutcome.DECIDED:
        return (*file, "", "", "", "", "", "; ".join(remarks))
    incidents = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in each.incidents.items())
    counts = (f"{each.seconds:.1f}", each.frames, each.tracks, each.punches)
    return (*file, *counts, incidents, "; ".join(remarks))


@app.command("reembed")
def reembed_command(
    drop_old: Annotated[bool, Option("--drop-old", help="Delete the kept galleries of other models.")] = False,
    author: Author = "",
    ray: _Ray = None,
    workers: _Workers = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Embed all enrolment pictures again, after a change of model.

    The exit code is 1 if a gallery could not be embedded.
    """
    from engine.archive.reembed import reembed
    from engine.config import load_config

    config = load_config(workspace)
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, config, progress=progress)
        report = reembed(bench, _crew(ray, workers), progress, author=author, drop_old=drop_old)
    if as_json:
        emit_json(dataclasses.asdict(report) | {"complete": report.complete})
    else:
        _show_galleries(report)
    if not report.complete:
        raise typer.Exit(1)


def _show_galleries(report: ReembedReport) -> None:
    columns = ("gallery", "", "templates", "left out", "before", "old one kept as")
    cells = [
        (row.name, row.outcome, row.templates, len(row.left_out), row.before, row.kept) for row in report.galleries
    ]
    table(f"Galleries for {report.recipe}", columns, cells)
    for row in report.galleries:
        for template_id, person, reason in row.left_out:
            say(f"Left out of {row.name}: {template_id} of {person}, {reason}.")
        if row.emptied and row.name == "people":
            say(f"These people have no template any more; enrol them again: {', '.join(row.emptied)}.")
    for line in (*report.told, *report.concerns):
        note(line)
    if report.dropped:
        say(f"Deleted {report.dropped} galleries of other models.")
    if all(row.outcome != "embedded" for row in report.galleries) and not report.told:
        say("The galleries are of this recipe already; nothing was changed.")
