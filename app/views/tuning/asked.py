"""The inputs of the tuning page, kept in the address, and the evaluation made for them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.words import say, say_number
from app.words.tuning import traffic as traffic_in_words
from engine.tuning.calibration import CalibrationReport, ErrorTarget
from engine.workbench import Workbench

_KEY = "tuning-{}".format
_STEPS = 200
"""Steps of the slider from 0 to 1."""
_MOST = 10**9
_KEPT_S = 600


@dataclass(frozen=True)
class Asked:
    """What to evaluate.

    Attributes:
        target: which rate; `settings`: both of the settings. one_in: one error in so many.
        arrivals, strangers: a day; None: as the logs say.
    """

    target: Literal["settings", "fmr", "fpir"]
    one_in: int
    arrivals: float | None
    strangers: float | None


def _number(name: str, low: float, high: float) -> float | None:
    try:
        value = float(st.query_params.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def asked(bench: Workbench) -> Asked:
    """The inputs in the address; invalid ones are ignored."""
    word = st.query_params.get("target", "")
    target: Literal["settings", "fmr", "fpir"] = "fmr" if word == "fmr" else "fpir" if word == "fpir" else "settings"
    matching = bench.config.matching
    usual = 1 / (matching.target_fpir if target == "fpir" else matching.target_fmr)
    return Asked(
        target,
        int(_number("one_in", 2, _MOST) or round(usual)),
        _number("arrivals", 0, 1e6),
        _number("strangers", 0, 1e6),
    )


@lru_cache(maxsize=4)
def _made(bench: Workbench, state: tuple[object, ...], fmr: float | None, fpir: float | None) -> CalibrationReport:
    """An evaluation with everything that the page needs at first; `state` keeps those of other states apart."""
    del state
    made = bench.calibration.report(fmr, fpir)
    # needed at every threshold: computed here, variants for other traffic share it
    _ = made.proposed, made.now, made.bands, made.look_alikes, made.outliers
    return made


def evaluated(bench: Workbench, wanted: Asked) -> CalibrationReport:
    """The evaluation, with the traffic of the logs. Kept for ten minutes, or until people, templates or the threshold in force change.

    Raises:
        MusterError: see `Calibration.report`.
    """
    gallery = bench.gallery.current()
    found = bench.calibration.in_force(gallery)
    state = (
        gallery,
        found.threshold,
        found.source,
        bench.attendance.day_of(bench.clock()),
        time.monotonic() // _KEPT_S,
    )
    rate = 1 / wanted.one_in
    return _made(bench, state, rate if wanted.target == "fmr" else None, rate if wanted.target == "fpir" else None)


def report(bench: Workbench, wanted: Asked) -> CalibrationReport:
    """The evaluation with the traffic that was asked for."""
    made = evaluated(bench, wanted)
    if wanted.arrivals is None and wanted.strangers is None:
        return made
    usual = made.traffic
    return made.under(
        replace(
            usual,
            arrivals_per_day=usual.arrivals_per_day if wanted.arrivals is None else wanted.arrivals,
            strangers_per_day=usual.strangers_per_day if wanted.strangers is None else wanted.strangers,
            source="given",
        )
    )


def usual_target(bench: Workbench) -> ErrorTarget:
    """Both targets of the settings."""
    return ErrorTarget(bench.config.matching.target_fmr, bench.config.matching.target_fpir)


def row(bench: Workbench, wanted: Asked, made: CalibrationReport) -> None:
    """The row of inputs."""
    names = {"settings": say("As configured"), "fmr": say("False matches (FMR)"), "fpir": say("Strangers named (FPIR)")}
    st.session_state[_KEY("target")] = wanted.target

    def target_chosen() -> None:
        word = str(st.session_state[_KEY("target")])
        put(target="" if word == "settings" else word, one_in="", at="")

    def number_chosen(name: str) -> None:
        value = st.session_state[_KEY(name)]
        usual = {"arrivals": made.traffic.arrivals_per_day, "strangers": made.traffic.strangers_per_day}.get(name)
        same = value is None or (usual is not None and abs(value - round(usual, 1)) < 1e-9)
        put(**{name: "" if same else f"{value:g}"} | ({"at": ""} if name == "one_in" else {}))

    grid = st.grid(4, min_column_width=150)
    with grid.cell():
        st.selectbox(
            say("Target"),
            list(names),
            format_func=lambda word: names[word],
            key=_KEY("target"),
            on_change=target_chosen,
            help=say("Goal of the proposed threshold. With both rates, the stricter one decides."),
        )
    with grid.cell():
        if wanted.target == "settings":
            st.text_input(say("At most"), _target(usual_target(bench)), disabled=True, key=_KEY("both"))
        else:
            st.session_state[_KEY("one_in")] = wanted.one_in
            st.number_input(
                say("At most 1 in"),
                2,
                _MOST,
                step=max(1, wanted.one_in // 10),
                key=_KEY("one_in"),
                on_change=number_chosen,
                args=("one_in",),
                help=say("Comparisons with a wrong person, or searches for strangers, per false match."),
            )
    usual = made.traffic
    about = parts.plain(traffic_in_words(usual))
    for name, label, value, given in (
        ("arrivals", say("Arrivals a day"), usual.arrivals_per_day, wanted.arrivals),
        ("strangers", say("Strangers a day"), usual.strangers_per_day, wanted.strangers),
    ):
        with grid.cell():
            st.session_state[_KEY(name)] = round(value if given is None else given, 1)
            st.number_input(
                label,
                0.0,
                1e6,
                step=1.0,
                format="%.1f",
                key=_KEY(name),
                on_change=number_chosen,
                args=(name,),
                help=about,
            )


def _target(target: ErrorTarget) -> str:
    rates = (("FMR", target.fmr), ("FPIR", target.fpir))
    return ", ".join(f"{name} 1:{say_number(round(1 / rate))}" for name, rate in rates if rate is not None)


def step(value: float) -> float:
    """The nearest step of the slider."""
    return round(min(1.0, max(0.0, value)) * _STEPS) / _STEPS


def tried(made: CalibrationReport) -> float:
    """The threshold that the address asks for; default: the one in force."""
    if st.query_params.get("at", "") == "proposed":
        return made.proposed_threshold
    value = _number("at", 0, 1)
    return made.in_force if value is None else value
