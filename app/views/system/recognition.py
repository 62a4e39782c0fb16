"""Recognition: models, versions and active settings. Read-only."""

from __future__ import annotations

import platform

import streamlit as st

from app.ui import parts
from app.ui.address import to
from app.web import access
from app.words import say, say_number, term
from app.words.tuning import origin
from engine.operations.overview import versions
from engine.workbench import Workbench


def show(bench: Workbench) -> None:
    """The part of the page."""
    _models(bench)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header(say("Active settings"))
        parts.table((say("Setting"), say("Value"), say("Meaning")), _settings(bench))
        st.caption(say("An administrator changes them under Settings › Recognition."))
    with right:
        st.header(say("Versions"))
        rows = [(name, version or parts.status("missing")) for name, version in versions().items()]
        rows.insert(1, ("python", platform.python_version()))
        parts.table((say("Package"), say("Version")), rows)


def _models(bench: Workbench) -> None:
    st.header(say("Models"))
    with st.container(horizontal=True, vertical_alignment="center"):
        thorough = st.button(
            say("Verify the files"), icon=":material/verified:", help=say("Reads each file and compares its checksum.")
        )
    with st.spinner(say("Reading the models …")) if thorough else st.container():
        found = bench.models.statuses(thorough=thorough)
    used = {"mtcnn", bench.spec.model_id}
    rows = [
        (
            parts.markup("<b>{id}</b><br><span class='m-soft'>{text}</span>", id=each.model_id, text=each.summary),
            say("in use") if each.model_id in used else say("not in use"),
            parts.status(each.state) if each.model_id in used or each.state != "missing" else say("not downloaded"),
            parts.markup("{a}<br><span class='m-soft'>{b}</span>", a=each.detail, b=each.path),
        )
        for each in found
    ]
    parts.table((say("Model"), say("Use"), say("State"), say("File")), rows)
    if thorough:
        st.toast(say("All files match"), icon=":material/check:")
    models = bench.models
    parts.soft(say("They run on {backend} with {threads} threads.", backend=models.backend, threads=models.threads))
    if any(each.state != "ready" for each in found if each.model_id in used):
        parts.notice(
            say("A required model is missing"),
            say("Muster cannot recognise or register anyone. Run `muster models fetch` on this machine."),
            tone="bad",
        )


def _short(value: float) -> str:
    """A number with the digits that it has."""
    return say_number(value, len(f"{value:g}".partition(".")[2]))


def _settings(bench: Workbench) -> list[tuple[object, object, object]]:
    matching, quality, voting = bench.config.matching, bench.config.quality, bench.config.voting
    found = bench.calibration.in_force()
    why: object = origin(found, len(bench.gallery.current()))
    if access.may("system.tune"):
        why = parts.joined((str(why), " · ", parts.link(to("/tuning"), say("Meaning and changes"))))
    return [
        (say("Threshold"), say_number(found.threshold, 3), why),
        (say("Margin"), say_number(matching.min_margin, 2), say("required distance to the next best person")),
        (say("Agreeing frames"), voting.min_agreeing, say("good frames needed for one name")),
        (say("Eye distance"), f"≥ {_short(quality.min_size_px)} px", say("smaller faces do not count")),
        (say("Sharpness"), f"≥ {_short(quality.min_sharpness)}", say("blurred faces do not count")),
        (
            say("Brightness"),
            f"{_short(quality.min_brightness)} – {_short(quality.max_brightness)}",
            say("darker and brighter faces do not count"),
        ),
        (say("Contrast"), f"≥ {_short(quality.min_contrast)}", say("faces with less contrast do not count")),
        (
            say("Head turn"),
            f"≤ {_short(quality.max_yaw_deg)}° / {_short(quality.max_pitch_deg)}°",
            say("sideways, and up or down"),
        ),
        (say("Liveness checks"), term(bench.config.presentation.policy), say("against photos and screens")),
    ]
