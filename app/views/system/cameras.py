"""Cameras: current state and outages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.views.system import running
from app.words import say, say_count, say_date, say_minutes, say_percent, say_time, term
from engine.operations.overview import GREY_MISSES, GREY_SHARE, CameraDay, CameraView, cameras
from engine.sources import NoPicture
from engine.workbench import Workbench


def show(bench: Workbench) -> None:
    """The part of the page: how they stand, what they covered, and below it what runs them."""
    running.problem(bench)
    _cameras(bench)
    running.show(bench)


def _cameras(bench: Workbench) -> None:
    found = cameras(bench)
    if not found:
        parts.notice(
            say("No cameras yet"),
            say("Add cameras under Settings › Cameras, and start `muster serve`."),
        )
        return
    watching = sum(each.watching for each in found)
    shares = [each.today.share for each in found if each.entrance and each.today.share is not None]
    parts.figures(
        parts.Metric(
            say("Watching now"),
            say("{count} of {all}", count=watching, all=len(found)),
            say("cameras"),
            "good" if watching == len(found) else "warn",
        ),
        parts.Metric(
            say("Covered today"),
            _percent(min(shares, default=None)),
            say("lowest entrance camera") if len(shares) > 1 else "" if shares else term("day off"),
            "quiet" if not shares or min(shares) > 0.99 else "warn",
        ),
    )
    st.caption(
        say("Covered: share of shift time, or of the whole day without shifts. Blue: watching. Hatched: outage.")
    )
    for each in found:
        _camera(each)


def _percent(share: float | None) -> str:
    # round down: 99.6% must not read as 100%
    return "–" if share is None else say_percent(int(share * 100 + 1e-6) / 100)


def _camera(camera: CameraView) -> None:
    state = "watching" if camera.watching else "not watching" if camera.last or camera.configured else "never seen"
    facts = [
        say("source {source}", source=camera.source or say("not in the settings")),
        {"in": say("in only"), "out": say("out only")}.get(camera.direction, say("both ways")),
        say("entrance") if camera.entrance else say("not an entrance"),
    ]
    if not camera.watching and camera.last:
        reason = {
            "lost": say("connection lost"),
            "stopped": say("stopped"),
            "gap": say("no more pictures"),
            "running": say("recorder ended without notice"),
        }
        day = say_date(camera.last.date(), year=False)
        facts.append(
            say(
                "last watching {day}, {time}: {why}",
                day=day,
                time=say_time(camera.last),
                why=reason.get(camera.why, camera.why),
            )
        )
    with st.container(border=True):
        parts.show(
            '<h2 style="padding:0;margin:0">{name} &nbsp; {state}</h2>'
            '<p style="margin:.2rem 0 0"><b>{today}</b> {a} &nbsp;&nbsp; <b>{week}</b> {b}</p>',
            name=camera.name,
            state=parts.status(state),
            today=_percent(camera.today.share),
            a=say("covered today"),
            week=_percent(camera.share),
            b=say_count("in the last day", "in the last {count} days", len(camera.days)),
        )
        if camera.trouble is not None:
            parts.notice(no_picture(camera.trouble), f"{term(camera.trouble.hint)}.", tone="warn")
        parts.show(
            '{days}<p class="m-soft" style="margin:.6rem 0 0">{facts}</p>',
            days=_days(camera.days),
            facts=" · ".join(facts),
        )
        _pictures(camera)


def _pictures(camera: CameraView) -> None:
    """What its pictures say about the camera."""
    if camera.rotate is not None:
        tell_turned(camera.name, camera.rotate)
    if camera.grey is not None and camera.grey >= GREY_SHARE:
        colour, grey = map(say_percent, GREY_MISSES)
        st.caption(
            say(
                "{share} of faces were grey (night or infrared). "
                "At first sight Muster misses about {grey} of grey faces, {colour} of coloured ones.",
                share=say_percent(camera.grey),
                grey=grey,
                colour=colour,
            )
        )


def no_picture(why: NoPicture) -> str:
    """Say why there is no picture."""
    return f"{term(why.what)} ({why.extra})" if why.extra else term(why.what)


def tell_turned(name: str, rotate: int) -> None:
    """Say that a camera hangs upside down or on its side, and what to do."""
    parts.notice(
        say("People do not stand upright"),
        say(
            "Muster hardly finds their faces. Set rotate = {degrees} in muster.toml, section [cameras.{name}], and restart Muster.",
            degrees=rotate,
            name=name,
        ),
        tone="warn",
    )


def _days(days: Sequence[CameraDay]) -> Markup:
    rows = [
        parts.markup(
            "<span>{day}</span>{track}<span>{watched} {share}</span>",
            watched=_watched(day),
            day=say_date(day.day, year=False),
            track=_track(day),
            share=_percent(day.share)
            if day.share is not None or day.begin < day.end
            else term("day off")
            if day.planned
            else "–",
        )
        for day in reversed(days)
    ]
    hours = parts.joined(
        parts.markup('<span style="left:{x}%">{hour}</span>', x=f"{hour / 0.24:.1f}", hour=f"{hour:02}")
        for hour in (6, 12, 18)
    )
    return parts.markup(
        '<div class="m-days">{rows}<span></span><div class="m-hours" aria-hidden="true">{hours}</div><span></span></div>',
        rows=parts.joined(rows),
        hours=hours,
    )


def _watched(day: CameraDay) -> Markup | str:
    """For how long the camera watched."""
    minutes = sum((until - since).total_seconds() for since, until in day.watched) / 60
    return parts.markup("<small>{time} ·</small>", time=say_minutes(minutes)) if minutes >= 1 else ""


def _track(day: CameraDay) -> Markup:
    zone = day.begin.tzinfo

    def place(moment: datetime) -> float:
        local = moment.astimezone(zone)
        if local.date() != day.day:
            return 0.0 if local.date() < day.day else 100.0
        return (local.hour * 3600 + local.minute * 60 + local.second) / 864

    def piece(template: str, since: datetime, until: datetime, title: str = "") -> Markup:
        left, right = place(since), place(until)
        return parts.markup(template, left=f"{left:.2f}", width=f"{max(0.0, right - left):.2f}", title=title)

    told = [
        say("not watching {a} to {b}", a=say_time(since.astimezone(zone)), b=say_time(until.astimezone(zone)))
        for since, until in day.gaps
    ]
    pieces = [piece('<b style="left:{left}%;width:{width}%"></b>', *span) for span in day.watched]
    pieces += [
        piece('<i style="left:{left}%;width:{width}%" title="{title}"></i>', *span, title)
        for span, title in zip(day.gaps, told, strict=True)
    ]
    if day.planned and day.begin < day.end:
        pieces.append(piece('<u style="left:{left}%;width:{width}%"></u>', day.begin, day.end))
    label = "; ".join(told[:5]) or (
        say("no outage") if day.share is not None else term("day off") if day.planned else say("not watching")
    )
    return parts.markup(
        '<div class="m-track" role="img" aria-label="{label}">{pieces}</div>', label=label, pieces=parts.joined(pieces)
    )
