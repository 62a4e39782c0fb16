"""Messages: scheduled reports with their last and next run, notification rules, and what waits."""

from __future__ import annotations

from datetime import date

import streamlit as st

from app.ui import parts
from app.words import say, say_count, say_date, say_moment
from engine.incidents.notifications import targets
from engine.operations.mailing import Planned, ReportMail
from engine.workbench import Workbench


def show(bench: Workbench) -> None:
    """The part of the page."""
    _reports(ReportMail(bench))
    _rules(bench)


def _reports(mail: ReportMail) -> None:
    st.header(say("Scheduled reports"))
    plan = mail.plan()
    if not plan:
        parts.notice(
            say("No scheduled reports"),
            say("To send attendance by e-mail, add a report under Settings › Notifications."),
        )
        return
    for each in plan:
        if each.unknown_departments:
            parts.notice(
                say("{name}: nobody works in {departments}", name=each.report.name, departments=_listed(each)),
                say("Correct the department under Settings › Notifications."),
                tone="warn",
            )
    heads = (say("Report"), say("Recipients"), say("Next report"), say("Last report"), say("State"))
    rows = [
        (
            each.report.name,
            ", ".join(each.recipients),
            parts.markup(
                "{when}<br><span class='m-soft'>{days}</span>",
                when=say_moment(each.following.due.astimezone(mail.zone), year=False),
                days=_days(each.following.first, each.following.last),
            ),
            parts.markup(
                "{when}<br><span class='m-soft'>{days}</span>",
                when=say_moment(each.queued.astimezone(mail.zone), year=False),
                days=_days(each.first, each.last),
            )
            if each.queued and each.first and each.last
            else "–",
            _state(each),
        )
        for each in plan
    ]
    parts.table(heads, rows)


def _listed(each: Planned) -> str:
    return ", ".join(each.unknown_departments)


def _days(first: date, last: date) -> str:
    if first == last:
        return say_date(first)
    return say("{a} to {b}", a=say_date(first, year=first.year != last.year), b=say_date(last))


def _state(each: Planned) -> object:
    if each.given_up:
        return parts.status("wrong", say_count("{count} given up", "{count} given up", each.given_up))
    if each.waiting:
        return parts.status("warning", say_count("{count} waiting", "{count} waiting", each.waiting))
    if each.delivered:
        return parts.status("ok", say_count("{count} delivered", "{count} delivered", each.delivered))
    return "–"


def _rules(bench: Workbench) -> None:
    st.header(say("Notifications"))
    rules = bench.config.notifications.rules
    if not rules:
        parts.notice(
            say("No notification rules"), say("To alert people, add a channel under Settings › Notifications.")
        )
        return
    waiting = bench.outbox.waiting()
    rows = [
        (
            rule.name,
            ", ".join(target.channel for target in targets(rule)),
            say_count("{count} waiting", "{count} waiting", count) if count else "–",
        )
        for rule in rules
        for count in [sum(message.rule == rule.name for message in waiting)]
    ]
    parts.table((say("Rule"), say("Recipients"), say("State")), rows)
