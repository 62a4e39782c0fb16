"""`muster bench`."""

from __future__ import annotations

import math
from dataclasses import asdict

import typer

from engine.cli.context import Json, Panel
from engine.cli.output import emit_json, progress_bar, say

app = typer.Typer()


@app.command(rich_help_panel=Panel.MEASURE)
def bench(as_json: Json = False) -> None:
    """Measure how many cameras this machine can run.

    The command simulates one camera with 1280×720 pixels and 25 frames per second, which takes about a minute.
    """
    from engine.models import fetch_samples
    from engine.operations.bench import FPS, measure_load

    with progress_bar(quiet=as_json) as progress:
        load = measure_load(fetch_samples(progress), progress)
    if as_json:
        latency = None if math.isnan(load.latency_s) else round(load.latency_s, 3)
        emit_json({"cameras": load.cameras, **asdict(load), "used": round(load.used, 3), "latency_s": latency})
        return
    if load.cameras:
        say(
            f"This machine can run {load.cameras} camera{'s' if load.cameras > 1 else ''} (1280×720, {FPS:g} frames/s)."
        )
    else:
        say(f"This machine cannot keep up with one camera (1280×720, {FPS:g} frames/s).")
    say(
        f"One camera used {load.used:.2f} of {load.cores} cores; {load.dropped} of {load.frames + load.dropped} frames were left out."
    )
    if load.recognised:
        say(f"{load.recognised} of {load.shown} people were recognised, and recorded within {load.latency_s:.2f} s.")
