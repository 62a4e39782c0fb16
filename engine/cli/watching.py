"""`muster watch` and `muster demo`."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import typer

from engine.attendance import cells
from engine.cli.context import moment
from engine.cli.output import console, emit_json, note, progress_bar, rounded, table
from engine.cli.security import who
from engine.config import load_config
from engine.demo.minute import minute
from engine.demo.run import DemoOutcome, Script, clear_demo, run_demo
from engine.demo.week import prepare_week
from engine.demo.week import week as a_week
from engine.drawing import draw_tracks
from engine.errors import InputError
from engine.models import fetch_samples
from engine.pipeline import FrameResult, RunStats
from engine.sources import Source, VideoSource, is_live, open_source
from engine.storage import clean_text
from engine.video import VideoWriter
from engine.workbench import Workbench

__all__ = ["demo", "watch"]


@contextlib.contextmanager
def _stops_cleanly(source: Source) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the source, so that open incidents are settled and written."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        source.close()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stats(stats: RunStats, seconds: float) -> dict[str, Any]:
    return {
        "frames": stats.frames,
        "fps": stats.frames / seconds if seconds > 0 else 0.0,
        "dropped": stats.dropped,
        "scans": stats.scans,
        "faces": stats.faces,
        "embedded": stats.embedded,
        "passed_over": stats.passed_over,
        "tracks": stats.tracks,
        "punches": stats.punches,
        "seen": stats.seen,
        "retracted": stats.retracted,
        "unresolved": stats.unresolved,
        "incidents": dict(stats.incidents),
        "stage_ms": {name: value * 1000 / max(stats.frames, 1) for name, value in stats.stage_s.items()},
        "latency_s": _latency(stats),
        "seconds": seconds,
    }


def _latency(stats: RunStats) -> dict[str, float] | None:
    """From the first good frame to the durable punch; None without punches."""
    if not stats.latencies_s:
        return None
    median, late, longest = np.percentile(stats.latencies_s, [50, 95, 100]).tolist()
    return {"median": median, "p95": late, "max": longest}


def watch(
    spec: str,
    camera: str,
    workspace: Path,
    as_json: bool,
    *,
    start: str | None,
    fast: bool,
    save_video: Path | None,
    min_face_px: int | None,
    limit: int | None,
) -> None:
    """Run the pipeline on a source to its end."""
    config = load_config(workspace)
    camera = clean_text(camera, what="camera's name", limit=64)
    if save_video and save_video.suffix.lower() != ".mp4":
        raise InputError(f"{save_video}: only MP4 can be written", hint="end the name in .mp4")
    source = open_source(spec, camera, config.sources, start=moment(start, config.zone), fast=fast)
    try:
        with progress_bar(quiet=as_json) as progress:
            bench = Workbench(workspace, config, progress=progress)
            live = is_live(spec) or (isinstance(source, VideoSource) and not fast)
            pipeline = bench.pipeline(camera, min_face_px=min_face_px, live=live)
            total = source.frame_count if isinstance(source, VideoSource) else 0
            fps = source.fps if isinstance(source, VideoSource) else 12.5
            names = {key: row["name"] for key, row in bench.known_people().items()}
            with contextlib.ExitStack() as stack:
                if is_live(spec) and not stack.enter_context(bench.recording(camera)):
                    raise InputError(
                        f"camera {camera} is being recorded already", hint="end the other recorder, or use another name"
                    )
                stack.enter_context(bench.attended())
                stack.enter_context(_stops_cleanly(source))
                writer = stack.enter_context(VideoWriter(save_video, fps)) if save_video else None
                sink = _sink(progress, pipeline.stats, total, writer, names, config.voting.min_agreeing, quiet=as_json)
                began = time.perf_counter()
                stats = pipeline.run(source, sink, limit=limit)
                seconds = time.perf_counter() - began
    finally:
        source.close()
    result = _stats(stats, seconds)
    if as_json:
        emit_json(result)
        return
    incidents = ", ".join(f"{count} {kind}" for kind, count in stats.incidents.items())
    console.print(
        f"{stats.frames} frames at {result['fps']:.1f} fps · {stats.faces} faces in {stats.tracks} tracks · "
        f"{stats.punches} punches · incidents: {incidents}"
    )
    if stats.dropped or stats.passed_over:
        console.print(f"left out for want of time: {stats.dropped} frames, {stats.passed_over} faces")
    if (latency := result["latency_s"]) is not None:
        console.print(
            f"from the first good frame to the durable punch: median {latency['median']:.2f} s, 95% {latency['p95']:.2f} s"
        )
    console.print(" · ".join(f"{name} {value:.1f} ms" for name, value in result["stage_ms"].items()) + " per frame")


def _sink(
    progress: Callable[[str, int, int], None],
    stats: RunStats,
    total: int,
    writer: VideoWriter | None,
    names: dict[str, str],
    needed: int,
    *,
    quiet: bool,
) -> Callable[[FrameResult], None]:
    def show(result: FrameResult) -> None:
        if writer is not None:
            writer.write(draw_tracks(result.frame.image, result.tracks, names, alarmed=result.alarmed, needed=needed))
        incidents = sum(stats.incidents.values())
        progress(f"watching · {stats.punches} punches · {incidents} incidents", stats.frames, total)
        for row in () if quiet else result.rows:
            what = row.get("event") or row.get("kind")
            who = row.get("employee_id") or row.get("detail") or row.get("unknown_ids")
            note(f"{row['timestamp']}  {what}  {who}")

    return show


def demo(workspace: Path | None, start: str | None, as_json: bool, *, week: bool) -> None:
    """Run a demonstration and say whether everything came out as the script says."""
    name, prepared, told, shown = (
        ("week", _the_week, _week_json, _show_week) if week else ("demo", _the_minute, _minute_json, _show_minute)
    )
    workspace = workspace or Path("data", name)
    clear_demo(workspace)
    if week:
        prepare_week(workspace)
    config = load_config(workspace)
    begin = moment(start, config.zone)
    with progress_bar(quiet=as_json) as progress:
        bench = Workbench(workspace, config, progress=progress)
        script = prepared(bench, begin)
        outcome = run_demo(bench, fetch_samples(progress), script, progress)
    if as_json:
        files = {title: str(path) for title, path in outcome.files.items()}
        emit_json({"passed": outcome.passed, **told(outcome), "files": files})
    else:
        shown(outcome, script.days[0])
        table("Files", ("", "where"), outcome.files.items())
    if not outcome.passed:
        note(f"the {name} did not come out as its script says")
        raise typer.Exit(1)


def _the_minute(bench: Workbench, begin: datetime | None) -> Script:
    now = datetime.now(UTC).astimezone(bench.config.zone)
    begin = begin or now.replace(hour=8, minute=55, second=0, microsecond=0)
    return minute(begin, bench.attendance.day_of(begin))


def _the_week(bench: Workbench, begin: datetime | None) -> Script:
    today = datetime.now(UTC).astimezone(bench.config.zone).date()
    first = begin.date() if begin else today - timedelta(days=7)
    monday = first - timedelta(days=first.weekday())
    if monday + timedelta(days=6) > today:
        raise InputError(f"the week of {monday} is not over", hint="choose an earlier --start")
    return a_week(monday, bench.config.zone)


def _minute_json(outcome: DemoOutcome) -> dict[str, Any]:
    return {
        "checks": [dict(zip(("what", "expected", "found"), row, strict=True)) for row in outcome.checks],
        "attendance": list(map(cells, outcome.sheet)),
        "incidents": outcome.incidents,
        "frames": outcome.stats.frames,
    }


def _week_json(outcome: DemoOutcome) -> dict[str, Any]:
    return {
        "scores": [
            {**dataclasses.asdict(score), "precision": score.precision, "recall": score.recall}
            for score in outcome.scores
        ],
        "faults": outcome.faults,
        "sheet": list(map(cells, outcome.sheet)),
        "incidents": outcome.incidents,
        "dossiers": outcome.dossiers,
    }


def _show_minute(outcome: DemoOutcome, day: date) -> None:
    table(
        "Expected and found",
        ("", "expected", "found", ""),
        [(*row, "✓" if row[1] == row[2] else "✗ differs") for row in outcome.checks],
    )
    table(
        f"Attendance on {day}",
        ("name", "first in", "last out", "similarity", "status"),
        [
            (row["name"], row["first_in"], row["last_out"], rounded(each.similarity_in or 0.0), row["status"])
            for each in outcome.sheet
            for row in [cells(each)]
        ],
    )
    table(
        "Incidents",
        ("time", "kind", "who", "picture"),
        [(row["timestamp"][11:19], row["kind"], who(row), row["image"]) for row in outcome.incidents],
    )


def _show_week(outcome: DemoOutcome, monday: date) -> None:
    columns = ["date", "name", "first_in", "last_out", "hours", "status", "note"]
    rows = [[cells(row)[column] for column in columns] for row in outcome.sheet]
    table(f"Week of {monday}", [column.replace("_", " ") for column in columns], rows)
    table(
        "Incidents",
        ("time", "kind", "severity", "who"),
        [
            (row["timestamp"][:16].replace("T", " "), row["kind"].replace("_", " "), row["severity"], who(row))
            for row in outcome.incidents
        ],
    )
    for dossier in outcome.dossiers:
        console.print(dossier)
    table(
        "Found against the script",
        ("", "expected", "found", "precision", "recall", ""),
        [
            (
                score.what,
                score.expected,
                score.found,
                f"{score.precision:.3f}",
                f"{score.recall:.3f}",
                "; ".join([f"missed {each}" for each in score.missed] + [f"extra {each}" for each in score.extra])
                or "✓",
            )
            for score in outcome.scores
        ],
    )
    console.print("every row of the logs is as it was written" if not outcome.faults else "; ".join(outcome.faults))
