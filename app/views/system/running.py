"""The parts of `muster serve` and how they stand."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app.ui import parts
from app.words import say, say_count, say_time
from engine.operations.health import health
from engine.operations.standing import PartStanding
from engine.workbench import Workbench

_STATES = {"running": "running", "starting": "starting", "waiting": "failed", "stopping": "starting"}


def problem(bench: Workbench) -> None:
    """What keeps the parts from following the settings."""
    standing = health(bench.workspace).standing
    if standing is not None and standing.problem:
        parts.notice(
            say("The newest settings are not followed"),
            say("Those before hold on. {problem}", problem=standing.problem),
            tone="bad",
        )


def show(bench: Workbench) -> None:
    """What runs beside this workbench, if `muster serve` runs it."""
    found = health(bench.workspace)
    if found.standing is None:
        return
    st.header(say("Parts"))
    rows = [
        (
            name,
            parts.status(_STATES[part.state]),
            _time(bench, part.since),
            say_count("{count} restart", "{count} restarts", part.restarts),
            _ended(bench, part),
        )
        for name, part in found.parts.items()
    ]
    heads = (say("Part"), say("State"), say("Since"), say("Restarts"), say("Ended last"))
    parts.table(heads, rows)


def _time(bench: Workbench, moment: str) -> str:
    return say_time(datetime.fromisoformat(moment).astimezone(bench.config.zone)) if moment else ""


def _ended(bench: Workbench, part: PartStanding) -> str:
    return f"{_time(bench, part.ended)} · {part.why}" if part.why else "–"
