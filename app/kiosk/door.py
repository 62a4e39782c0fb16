"""What the public screen at a door shows of a camera's picture."""

from __future__ import annotations

from dataclasses import replace

from app.kiosk.greeter import first_name
from app.kiosk.words import screen_language, table
from engine.imaging import WORDS
from engine.operations.recording import Style, overlay
from engine.pipeline import FrameResult
from engine.types import Image
from engine.workbench import Workbench

DOOR = "door"
"""The style under which a recorder shows it to a kiosk."""


def door_style(bench: Workbench) -> Style:
    """The picture for the public screen: first names only, without strangers' identifiers or similarities."""
    config = bench.config.kiosk
    texts = table(screen_language(config.language, ()))
    words = {state: texts[f"tag_{state}"] for state in WORDS}

    def draw(result: FrameResult) -> Image:
        tracks = tuple(
            replace(track, unknown_id=None, identity=replace(track.identity, similarity=None))
            for track in result.tracks
        )
        return overlay(bench, replace(result, tracks=tracks), words, first_name)

    return Style(draw, config.longest_px, config.fps)
