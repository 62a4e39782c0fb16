"""`muster watch`."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from engine.cli.context import Json, Panel, Workspace, moment, open_workbench
from engine.cli.output import emit_json, note, progress_bar, say
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.imaging import VideoWriter
    from engine.pipeline import FrameResult, RunStats
    from engine.sources import Source

app = typer.Typer()
_FPS_OF_PICTURES = 12.5
"""Frame rate of an annotated video when the source has none of its own."""


@app.command(rich_help_panel=Panel.RECOGNISE)
def watch(
    source: Annotated[str, Option(help="Webcam number, rtsp:// or http:// URL, video file or picture folder.")],
    camera: Annotated[str, Option(help="Name of the camera in the logs.")],
    start: Annotated[str | None, Option(show_default="now", help="Time of a file's first frame, ISO 8601.")] = None,
    fast: Annotated[bool, Option("--fast", help="Process every frame of a file, as fast as possible.")] = False,
    save_video: Annotated[Path | None, Option(help="Write an annotated MP4 video to this file.")] = None,
    min_face: Annotated[
        int | None, Option(min=12, show_default="from the settings", help="Smallest face, pixels.")
    ] = None,
    frames: Annotated[int | None, Option(min=1, help="Stop after this many frames.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Watch a camera or video: record punches and incidents.

    The command ends with the source, or with Ctrl-C.
    """
    from engine.config import load_config
    from engine.imaging import VideoWriter
    from engine.operations.upkeep import attended, recording
    from engine.sources import VideoSource, is_live, open_source
    from engine.storage import clean_text

    config = load_config(workspace)
    camera = clean_text(camera, what="camera's name", limit=64)
    if save_video and save_video.suffix.lower() != ".mp4":
        raise InputError(f"{save_video} is not an MP4 file", hint="end the file name in .mp4")
    rotate = config.camera(camera).rotate
    opened = open_source(source, camera, config.sources, rotate=rotate, start=moment(start, config.zone), fast=fast)
    is_video = isinstance(opened, VideoSource)
    total, fps = (opened.frame_count, opened.fps) if isinstance(opened, VideoSource) else (0, _FPS_OF_PICTURES)
    with contextlib.ExitStack() as stack:
        stack.callback(opened.close)
        progress = stack.enter_context(progress_bar(quiet=as_json))
        bench = open_workbench(workspace, config, progress=progress)
        pipeline = bench.pipeline(camera, min_face_px=min_face, live=is_live(source) or (is_video and not fast))
        if is_live(source) and not stack.enter_context(recording(bench, camera)):
            raise InputError(
                f"another process already records camera {camera}", hint="stop that process, or use another --camera"
            )
        stack.enter_context(attended(bench))
        stack.enter_context(_stops_cleanly(opened))
        names = bench.people.names()
        writer = stack.enter_context(VideoWriter(save_video, fps)) if save_video else None
        draw = _drawing(writer, names, config.voting.min_agreeing) if writer else None
        sink = _sink(progress, pipeline.stats, total, draw, quiet=as_json)
        began = time.perf_counter()
        stats = pipeline.run(opened, sink, limit=frames)
        seconds = time.perf_counter() - began
    result = _result(stats, seconds)
    if as_json:
        emit_json(result)
    else:
        _show(result)


@contextlib.contextmanager
def _stops_cleanly(source: Source) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM close the source, so that the pipeline settles and writes its open incidents."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        source.close()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _drawing(writer: VideoWriter, names: Mapping[str, str], needed: int) -> Callable[[FrameResult], None]:
    """A function that adds an annotated frame to the video."""
    from engine.imaging import draw_tracks

    def draw(result: FrameResult) -> None:
        writer.write(draw_tracks(result.frame.image, result.tracks, names, alarmed=result.alarmed, needed=needed))

    return draw


def _sink(
    progress: Callable[[str, int, int], None],
    stats: RunStats,
    total: int,
    draw: Callable[[FrameResult], None] | None,
    *,
    quiet: bool,
) -> Callable[[FrameResult], None]:
    """A function that shows each frame's result: in the video, in the progress bar and, unless quiet, row by row."""
    from engine.attendance import PunchRow

    def show(result: FrameResult) -> None:
        if draw is not None:
            draw(result)
        incidents = sum(stats.incidents.values())
        progress(f"watching · {stats.punches} punches · {incidents} incidents", stats.frames, total)
        for row in () if quiet else result.rows:
            if isinstance(row, PunchRow):
                what = f"{row.event}  {row.employee_id}"
            else:
                what = f"{row.kind}  {row.detail or ';'.join(row.unknown_ids)}"
            note(f"{row.timestamp.isoformat(timespec='milliseconds')}  {what}")

    return show


def _result(stats: RunStats, seconds: float) -> dict[str, Any]:
    frames = ("dropped", "scans", "faces", "embedded", "passed_over", "tracks")
    decisions = ("punches", "seen", "retracted", "unresolved")
    return {
        "frames": stats.frames,
        "fps": stats.frames / seconds if seconds > 0 else 0.0,
        **{name: getattr(stats, name) for name in (*frames, *decisions)},
        "incidents": dict(stats.incidents),
        "stage_ms": {name: value * 1000 / max(stats.frames, 1) for name, value in stats.stage_s.items()},
        "latency_s": _latency(stats),
        "seconds": seconds,
    }


def _latency(stats: RunStats) -> dict[str, float] | None:
    """Seconds from the first good frame to the durable punch; None without punches."""
    import numpy as np

    if not stats.latencies_s:
        return None
    median, late, longest = np.percentile(stats.latencies_s, [50, 95, 100]).tolist()
    return {"median": median, "p95": late, "max": longest}


def _show(result: dict[str, Any]) -> None:
    incidents = ", ".join(f"{count} {kind}" for kind, count in result["incidents"].items())
    say(
        f"{result['frames']} frames at {result['fps']:.1f} fps · {result['faces']} faces in {result['tracks']} tracks · "
        f"{result['punches']} punches · incidents: {incidents or 'none'}"
    )
    if result["dropped"] or result["passed_over"]:
        say(f"Skipped to keep up: {result['dropped']} frames, {result['passed_over']} faces.")
    if (latency := result["latency_s"]) is not None:
        say(
            f"From the first good frame to the stored punch: median {latency['median']:.2f} s, "
            f"95th percentile {latency['p95']:.2f} s."
        )
    say("Per frame: " + " · ".join(f"{name} {value:.1f} ms" for name, value in result["stage_ms"].items()))
