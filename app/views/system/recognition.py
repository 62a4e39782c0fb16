"""Recognition: the models, the versions they run on, and the settings in force. Read-only."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.web import access
from app.words import say, say_number, term
from app.words.tuning import origin
from engine.operations.overview import versions
from engine.tuning.calibration import ErrorTarget
from engine.workbench import Workbench

__all__ = ["show", "table"]


def show(bench: Workbench) -> None:
    """The part of the page."""
    _models(bench)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header(say("Settings in force"))
        parts.html(table((say("Setting"), say("Value"), say("Meaning")), _settings(bench)))
        st.caption(say("They stand in muster.toml and in MUSTER_* variables; the workbench does not change them."))
    with right:
        st.header(say("Versions"))
        rows = [(name, version or parts.status("missing")) for name, version in versions().items()]
        rows.insert(1, ("python", platform.python_version()))
        parts.html(table((say("Package"), say("Version")), rows))


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """A table; cells that are no markup are shown as they are."""
    return parts.markup(
        '<table class="m-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>',
        heads=Markup("").join(parts.markup("<th>{head}</th>", head=head) for head in heads),
        rows=Markup("").join(
            parts.markup(
                "<tr>{cells}</tr>",
                cells=Markup("").join(parts.markup("<td>{cell}</td>", cell=cell) for cell in row),
            )
            for row in rows
        ),
    )


def _models(bench: Workbench) -> None:
    st.header(say("Models"))
    with st.container(horizontal=True, vertical_alignment="center"):
        thorough = st.button(
            say("Verify the files"), icon=":material/verified:", help=say("Reads every byte and compares its checksum.")
        )
    with st.spinner(say("Reading the models …")) if thorough else st.container():
        found = bench.models.statuses(thorough=thorough)
    used = {"mtcnn", bench.spec.model_id}
    rows = [
        (
            parts.markup("<b>{id}</b><br><span class='m-soft'>{text}</span>", id=each.model_id, text=each.summary),
            say("in use") if each.model_id in used else say("not in use"),
            parts.status(each.state) if each.model_id in used or each.state != "missing" else say("not fetched"),
            parts.markup("{a}<br><span class='m-soft'>{b}</span>", a=each.detail, b=each.path),
        )
        for each in found
    ]
    parts.html(table((say("Model"), say("Use"), say("State"), say("File")), rows))
    if thorough:
        st.toast(say("Every file was read and compared"), icon=":material/check:")
    parts.html(
        parts.markup(
            '<p class="m-soft">{text}</p>',
            text=say(
                "They run on {backend} with {threads} threads.",
                backend=bench.models.backend,
                threads=bench.models.threads,
            ),
        )
    )
    if any(each.state != "ready" for each in found if each.model_id in used):
        parts.notice(
            say("A model that is needed is not ready"),
            say("Nobody can be recognised or registered until it is. Run `muster models fetch` on this machine."),
            tone="bad",
        )


def _settings(bench: Workbench) -> list[tuple[object, object, object]]:
    matching, quality, voting = bench.config.matching, bench.config.quality, bench.config.voting
    found = bench.calibration.in_force()
    why: object = origin(found, ErrorTarget(matching.target_fmr, matching.target_fpir), len(bench.gallery.current()))
    if access.may("system.tune"):
        why = parts.markup(
            '{why} · <a href="{address}" target="_self">{text}</a>',
            why=why,
            address=to("/tuning"),
            text=say("What it means, and how to change it"),
        )
    return [
        (say("Threshold"), say_number(found.threshold, 3), why),
        (say("Margin"), say_number(matching.min_margin, 2), say("how far the next best person must lie behind")),
        (say("Agreeing frames"), voting.min_agreeing, say("good frames that must say the same name")),
        (say("Distance of the eyes"), f"≥ {quality.min_size_px:g} px", say("below it a face is too small")),
        (say("Sharpness"), f"≥ {quality.min_sharpness:g}", say("below it a face is blurred")),
        (
            say("Brightness"),
            f"{quality.min_brightness:g} – {quality.max_brightness:g}",
            say("outside it a face is too dark or too bright"),
        ),
        (say("Contrast"), f"≥ {quality.min_contrast:g}", say("below it the light is too even or too weak")),
        (
            say("Turned"),
            f"≤ {quality.max_yaw_deg:g}° / {quality.max_pitch_deg:g}°",
            say("to the side, and up or down"),
        ),
        (say("Presentation checks"), term(bench.config.presentation.policy), say("against photos and screens")),
    ]  # fmt: skip
