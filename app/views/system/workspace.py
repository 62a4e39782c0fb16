"""The workspace: location, stored data and retention."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.web import access
from app.words import say, say_count, say_date, say_number, say_time, term
from engine.operations.overview import free_bytes, kept
from engine.operations.papers import papers
from engine.workbench import Workbench


def _size(count: float) -> str:
    """A size such as `1.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{say_number(count, 0 if unit == 'B' or count >= 100 else 1)} {unit}"
        count /= 1000
    return f"{say_number(count, 1)} TB"


def show(bench: Workbench) -> None:
    """The part of the page."""
    rows, free = kept(bench), free_bytes(bench)
    enough = free > 2e9
    parts.figures(
        parts.Metric(
            say("Stored"),
            _size(sum(row.size for row in rows)),
            say_count("{count} file", "{count} files", sum(row.files for row in rows)),
        ),
        parts.Metric(
            say("Free"),
            _size(free),
            say("on its disk") if enough else say("on its disk: free some space"),
            "quiet" if enough else "bad",
        ),
    )
    parts.soft(say("Folder: {path}", path=bench.workspace))
    _database(bench)
    largest = max(1, *(row.size for row in rows))
    body = parts.joined(
        parts.markup(
            '<tr><td>{what}</td><td class="m-number">{files}</td><td class="m-number">{size}</td>'
            '<td class="m-wide"><span class="m-bar m-info" aria-hidden="true"><b style="width:{share}%"></b></span></td>'
            "<td>{days}</td></tr>",
            what=(what := term(row.what))[:1].upper() + what[1:],
            files=say_number(row.files),
            size=_size(row.size),
            share=f"{100 * row.size / largest:.1f}",
            days=say_count("{count} day", "{count} days", row.days) if row.days else say("until it is erased"),
        )
        for row in rows
        if row.files or row.what != "other"
    )
    heads = [(say("What"), ""), (say("Files"), "m-number"), (say("Size"), "m-number"), ("", ""), (say("Retention"), "")]
    parts.show(
        '<table class="m-table"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>',
        heads=parts.joined(parts.markup('<th class="{c}">{head}</th>', c=c, head=head) for head, c in heads),
        body=body,
    )
    st.caption(say("Settings › Retention sets these periods. Muster erases older data."))
    if access.may("system.settings"):
        _papers(bench)


def _papers(bench: Workbench) -> None:
    """The papers that the law asks for, drafted from settings and figures."""
    author = access.own().name
    st.header(say("Papers"))
    st.write(
        say(
            "Drafts from your settings: impact assessment, notices, instructions, retention. Fill in what is yellow. No legal advice."
        )
    )
    st.download_button(
        say("Download papers"),
        access.on_click("system.settings", lambda: papers(bench, author=author).archive()),
        "muster-papers.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
        key="papers",
    )


def _login_kind(kind: str) -> str:
    return {
        "owner": say("owner: all rights, including tables"),
        "workbench": say("workbench: all rights of the pages"),
        "reader": say("reader: may read"),
        "recorder": say("recorder: may append rows and read people"),
        "kiosk": say("kiosk: may append rows, check PINs and see today"),
    }.get(kind, say("unknown"))


def _database(bench: Workbench) -> None:
    """The database: address, state and waiting rows."""
    backlog = bench.store.backlog()
    if backlog is None:
        return
    with st.spinner(say("Asking the database …")):
        state = bench.store.state()
    assert state is not None
    since = backlog.since.astimezone(bench.config.zone) if backlog.since else None
    facts: list[tuple[str, object]] = [
        (say("Address"), state.address),
        (say("Site"), state.site),
        (say("Login"), f"{state.login} · {_login_kind(state.kind)}"),
        (
            say("State"),
            parts.status("wrong", say("not usable")) if state.problem else parts.status("ok", say("available")),
        ),
        (
            say("Waiting rows"),
            say(
                "rows: {count}, {size}, since {day}, {time}",
                count=backlog.rows,
                size=_size(backlog.size),
                day=say_date(since.date(), year=False),
                time=say_time(since),
            )
            if since
            else say("nothing"),
        ),
    ]
    with st.container(border=True):
        parts.show(
            '<h2 style="padding:0;margin:0 0 .6rem">{title}</h2>{facts}',
            title=say("Database"),
            facts=parts.facts(facts),
        )
        if state.concern:
            parts.show(
                "<p><b>{a}</b> {b}</p>",
                a=say("The connection is not protected:"),
                b=say("add ?sslmode=verify-full to the address of the database."),
            )
        if state.problem:
            meanwhile = say(
                "Muster still recognises and records people. Their rows wait on this machine. ({problem})",
                problem=state.problem,
            )
            parts.show("<p><b>{a}</b> {b}</p><p>{c}</p>", a=say("Next step:"), b=state.hint, c=meanwhile)
        elif backlog.problem:
            parts.show("<p><b>{a}</b> {b}</p>", a=say("The database refuses the waiting rows:"), b=backlog.problem)
        if backlog.refused:
            parts.show(
                "<p><b>{a}</b> {b}</p>",
                a=say("Rows that the database refused: {count}.", count=backlog.refused),
                b=say("They are kept in spool/refused.csv with the reason."),
            )
        if not state.problem and (machines := bench.privacy.unconfirmed()):
            since = min(machines.values()).astimezone(bench.config.zone)
            parts.show(
                "<p><b>{a}</b> {b}</p>",
                a=say("Machines that may still hold pictures of erased people: {names}.", names=", ".join(machines)),
                b=say("They have not confirmed since {day}, {time}.", day=say_date(since.date()), time=say_time(since)),
            )
