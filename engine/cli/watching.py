"""`muster watch`."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from engine.cli.context import Json, Panel, Workspace, moment, open_workbench
from engine.cli.output import emit_json, note, progress_bar, say
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.operations.recording import Recorder
    from engine.pipeline import FrameResult, Pipeline, RunStats
    from engine.sources import Source
    from engine.workbench import Workbench

app = typer.Typer()
_FPS_OF_PICTURES = 12.5
"""Frame rate of an annotated video when the source has none of its own."""
_SHOWN_EVERY_S = 0.5


@app.command(rich_help_panel=Panel.RECOGNISE)
def watch(
    camera: Annotated[list[str], Option(help="Name of the camera in the logs. Repeat it to watch several cameras.")],
    source: Annotated[
        list[str] | None,
        Option(
            show_default="the camera's in the settings",
            help="Webcam number, rtsp:// or http:// URL, video file or picture folder; one for each --camera.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        Option(
            show_default="now; for pictures, what they say",
            help="Time of the first frame of a file or folder, ISO 8601.",
        ),
    ] = None,
    fast: Annotated[bool, Option("--fast", help="Process every frame of a file, as fast as possible.")] = False,
    save_video: Annotated[Path | None, Option(help="Write an annotated MP4 video to this file.")] = None,
    min_face: Annotated[
        int | None, Option(min=12, show_default="from the settings", help="Smallest face, pixels.")
    ] = None,
    frames: Annotated[int | None, Option(min=1, help="Stop after this many frames.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Watch cameras or videos: record punches and incidents.

    Several cameras share the networks and the processor. The command ends with its sources, or with Ctrl-C.
    """
    from engine.config import load_config
    from engine.operations.doors import opening_doors
    from engine.operations.kiosks import waits_s
    from engine.operations.recording import Reported
    from engine.operations.upkeep import attended, returning_memory
    from engine.sources import VideoSource, is_live, open_source

    config = load_config(workspace)
    specs = _paired(camera, source or [], config)
    if save_video and len(specs) > 1:
        raise InputError("--save-video records one camera", hint="watch the others in a process of their own")
    if save_video and save_video.suffix.lower() != ".mp4":
        raise InputError(f"{save_video} is not an MP4 file", hint="end the file name in .mp4")
    begin = moment(start, config.zone)
    with contextlib.ExitStack() as stack:
        stack.enter_context(returning_memory())
        opened: dict[str, Source] = {}
        for name, spec in specs.items():
            rotate = config.camera(name).rotate
            opened[name] = open_source(
                spec,
                name,
                config.sources,
                rotate=rotate,
                start=begin,
                zone=config.zone,
                fast=fast,
                doze_s=0.0 if save_video else config.doze_s_of(name),
            )
            stack.callback(opened[name].close)
        progress = stack.enter_context(progress_bar(quiet=as_json))
        bench = open_workbench(workspace, config, progress=progress, begin=True)
        stack.enter_context(opening_doors(bench))
        pipelines: dict[str, Pipeline] = {}
        recorders: dict[str, Recorder] = {}
        for name, each in opened.items():
            live = is_live(specs[name]) or (isinstance(each, VideoSource) and not fast)
            pipelines[name] = bench.pipeline(
                name, min_face_px=min_face, live=live, waits_s=waits_s(bench, name), opens=is_live(specs[name])
            )
            if is_live(specs[name]):
                recorders[name] = stack.enter_context(_claimed(bench, name))
                recorders[name].claimed = pipelines[name].claim
                opened[name] = Reported(each, partial(_lost, recorders[name]))
        stack.enter_context(attended(bench))
        stack.enter_context(_stops_cleanly(opened.values()))
        if len(specs) > 1:
            results = _watch_all(opened, pipelines, recorders, progress, limit=frames, quiet=as_json)
        else:
            ((name, only),) = opened.items()
            draw = stack.enter_context(_drawing(save_video, only, bench)) if save_video else None
            total = only.frame_count if isinstance(only, VideoSource) else 0
            sink = _sink(progress, pipelines[name], total, draw, recorders.get(name), quiet=as_json)
            began = time.perf_counter()
            stats = pipelines[name].run(only, sink, limit=frames)
            results = {name: _result(stats, time.perf_counter() - began, only)}
    if as_json:
        emit_json({"cameras": results} if len(specs) > 1 else results[name])
        return
    for name, result in results.items():
        if len(specs) > 1:
            say(f"Camera {name}:")
        _show(result)


def _paired(cameras: Sequence[str], sources: Sequence[str], config: Config) -> dict[str, str]:
    """Sources by camera, in the order of the command.

    Raises:
        InputError: a camera is named twice, or has no source, or there are sources without a camera.
    """
    from engine.storage import clean_text

    names = [clean_text(name, what="camera's name", limit=64) for name in cameras]
    if len(set(names)) < len(names):
        raise InputError("two cameras have the same name", hint="give each --camera a name of its own")
    if not sources:
        sources = [config.camera(name).source for name in names]
        missing = [name for name, each in zip(names, sources, strict=True) if not each]
        if missing:
            raise InputError(
                f"camera {missing[0]} has no source", hint=f"give --source, or set source in [cameras.{missing[0]}]"
            )
    if len(sources) != len(names):
        raise InputError(
            f"{len(names)} cameras and {len(sources)} sources",
            hint="give one --source for each --camera, in the same order",
        )
    return dict(zip(names, sources, strict=True))


def _watch_all(
    sources: Mapping[str, Source],
    pipelines: Mapping[str, Pipeline],
    recorders: Mapping[str, Recorder],
    progress: Callable[[str, int, int], None],
    *,
    limit: int | None,
    quiet: bool,
) -> dict[str, dict[str, Any]]:
    """Watch several cameras, each in a thread of its own. One that fails does not end the others; its error is raised at the end."""
    results: dict[str, dict[str, Any]] = {}
    failures: dict[str, BaseException] = {}

    def run(name: str) -> None:
        pipeline = pipelines[name]
        sink = _sink(
            lambda _text, _done, _total: None, pipeline, 0, None, recorders.get(name), quiet=quiet, camera=name
        )
        began = time.perf_counter()
        try:
            pipeline.run(sources[name], sink, limit=limit)
        except BaseException as error:  # noqa: BLE001 - raised when the other cameras have ended
            failures[name] = error
            note(f"{name}: {error}")
        results[name] = _result(pipeline.stats, time.perf_counter() - began, sources[name])

    threads = [threading.Thread(target=run, args=(name,), name=f"camera {name}") for name in pipelines]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        every = [pipeline.stats for pipeline in pipelines.values()]
        punches, incidents = (sum(stats.punches for stats in every), sum(stats.incidents.total() for stats in every))
        progress(f"watching {len(every)} cameras · {punches} punches · {incidents} incidents", 0, 0)
        for thread in threads:
            thread.join(_SHOWN_EVERY_S / len(threads))
    if failures:
        raise next(iter(failures.values()))
    return {name: results[name] for name in pipelines}


@contextlib.contextmanager
def _claimed(bench: Workbench, camera: str) -> Iterator[Recorder]:
    """Record a camera alone.

    Raises:
        InputError: another process records it.
    """
    from engine.operations.recording import recorded_by, recording

    with recording(bench, camera) as recorder:
        if recorder is None:
            raise InputError(
                f"{recorded_by(bench.workspace, camera)} already records camera {camera}",
                hint="stop that process, or use another --camera",
            )
        yield recorder


def _lost(recorder: Recorder, detail: str, _index: int) -> None:
    recorder.became("lost", detail)


@contextlib.contextmanager
def _stops_cleanly(sources: Iterable[Source]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM close the sources, so that the pipelines settle and write their open incidents."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for source in sources:
            source.close()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _drawing(path: Path, source: Source, bench: Workbench) -> Iterator[Callable[[FrameResult], None]]:
    """A function that adds an annotated frame to a video."""
    from engine.imaging import VideoWriter, draw_tracks
    from engine.sources import VideoSource

    names, needed = bench.people.names(), bench.config.voting.min_agreeing
    with VideoWriter(path, source.fps if isinstance(source, VideoSource) else _FPS_OF_PICTURES) as writer:

        def draw(result: FrameResult) -> None:
            writer.write(draw_tracks(result.frame.image, result.tracks, names, alarmed=result.alarmed, needed=needed))

        yield draw


def _sink(
    progress: Callable[[str, int, int], None],
    pipeline: Pipeline,
    total: int,
    draw: Callable[[FrameResult], None] | None,
    recorder: Recorder | None,
    *,
    quiet: bool,
    camera: str = "",
) -> Callable[[FrameResult], None]:
    """A function that shows each frame's result: in the video, to other processes, in the progress bar and, unless quiet, row by row.

    Args:
        camera: its name, if rows of several cameras are shown.
    """
    from engine.attendance import PunchRow

    stats = pipeline.stats

    def show(result: FrameResult) -> None:
        if draw is not None:
            draw(result)
        if recorder is not None:
            recorder.saw(
                result,
                dropped=stats.dropped,
                advice=pipeline.advice,
                waiting=pipeline.waiting,
                stuck=pipeline.stuck,
            )
        incidents = sum(stats.incidents.values())
        progress(f"watching · {stats.punches} punches · {incidents} incidents", stats.frames, total)
        for row in () if quiet else result.rows:
            if isinstance(row, PunchRow):
                what = f"{row.event}  {row.employee_id}"
            else:
                what = f"{row.kind}  {row.detail or ';'.join(row.unknown_ids)}"
            note("  ".join(filter(None, (row.timestamp.isoformat(timespec="milliseconds"), camera, what))))

    return show


def _result(stats: RunStats, seconds: float, source: Source) -> dict[str, Any]:
    frames = ("dropped", "scans", "faces", "embedded", "glances", "passed_over", "tracks")
    decisions = ("punches", "seen", "retracted", "unresolved")
    return {
        "frames": stats.frames,
        "fps": stats.frames / seconds if seconds > 0 else 0.0,
        **{name: getattr(stats, name) for name in (*frames, *decisions)},
        "damaged": getattr(source, "damaged", 0),
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
    if result["damaged"]:
        say(f"Damaged: {result['damaged']} packets could not be decoded and were passed over.")
    if (latency := result["latency_s"]) is not None:
        say(
            f"From the first good frame to the stored punch: median {latency['median']:.2f} s, "
            f"95th percentile {latency['p95']:.2f} s."
        )
    say("Per frame: " + " · ".join(f"{name} {value:.1f} ms" for name, value in result["stage_ms"].items()))
