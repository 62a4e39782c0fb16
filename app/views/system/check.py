"""The check-up: problems of installation and logs, and their fixes."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.ui import parts
from app.web import access
from app.words import said, say, say_count, term
from engine.operations.doctor import examine
from engine.records import Finding
from engine.workbench import Workbench


def show(bench: Workbench) -> None:
    """The part of the page."""
    _doctor(bench)
    _integrity()


def _doctor(bench: Workbench) -> None:
    st.header(say("Installation"))
    with st.container(horizontal=True, vertical_alignment="center"):
        thorough = st.button(
            say("Check everything"), icon=":material/troubleshoot:", help=say("Also reads the complete model files.")
        )
    with st.spinner(say("Checking …")):
        checks = examine(bench.workspace, thorough=thorough)
    wrong = [check for check in checks if check.state == "wrong"]
    for check in (*wrong, *(check for check in checks if check.state == "advice")):
        parts.notice(f"{said(check.what)}: {said(check.found)}", check.hint, tone="bad" if check in wrong else "warn")
    if not wrong:
        parts.html(parts.status("ok", say_count("{count} check passed", "All {count} checks passed", len(checks))))
    if thorough:
        st.toast(say("All checks done"), icon=":material/check:")
    with st.expander(say("All checks ({count})", count=len(checks)), expanded=False):
        parts.table(
            (say("What"), say("State"), say("Found")),
            [(said(each.what), parts.status(each.state), said(each.line)) for each in checks],
        )


def _integrity() -> None:
    st.header(say("Integrity of the logs"))
    st.caption(
        say(
            "Each log row carries a seal chained to the row before. Verification finds changed, removed, moved and inserted rows."
        )
    )
    with st.container(horizontal=True):
        wanted = st.button(say("Verify now"), icon=":material/policy:")
        stop = st.empty()
    if wanted:
        findings = _verified(stop)
        grave = [finding for finding in findings if not finding.harmless]
        if grave:
            parts.notice(
                say("The logs have been altered (findings: {count})", count=len(grave)),
                say("Restore these files from a backup and find out who changed them."),
                tone="bad",
            )
        else:
            parts.html(parts.status("ok", say("All rows are unaltered")))
        if findings:
            rows = [
                (
                    each.file,
                    each.line or "–",
                    parts.status("ok" if each.harmless else "wrong", term(each.what)),
                    each.detail,
                )
                for each in findings
            ]
            parts.table((say("File"), say("Line"), say("What"), say("Detail")), rows)


def _verified(place: DeltaGenerator) -> list[Finding]:
    """Verify the logs with a progress bar. Any click ends this run and the work, which writes nothing."""
    bench = access.reading("system.view")
    place.button(say("Stop"), icon=":material/cancel:")
    bar = st.progress(0.0, say("Reading all logs …"))

    def told(_what: str, done: int, total: int) -> None:
        if total and (done % 5 == 0 or done == total):
            bar.progress(done / total, say("Reading all logs: {done} of {total} days", done=done, total=total))

    findings = bench.records.verify(told)
    bar.empty()
    place.empty()
    return findings
