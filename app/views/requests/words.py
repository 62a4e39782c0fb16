"""Requests in the words of who is looking."""

from __future__ import annotations

from app.views.leave import words as leave_words
from app.words import say, say_date, say_time
from engine.attendance import Request, RequestRow
from engine.people import Leave, LeaveKinds
from engine.records import Outcome


def asked_for(row: RequestRow, kinds: LeaveKinds, outcome: Outcome | None = None) -> str:
    """What a request asks for, without its days.

    Args:
        outcome: tells when the passage was that is not theirs.
    """
    if row.kind == "leave":
        entry = leave_of(row)
        part = leave_words.part(entry)
        name = leave_words.kind_name(kinds, row.value) if row.value in kinds.all else row.value
        return f"{name}, {part}" if part else name
    if row.kind == "remove":
        passage = outcome.passage if outcome else None
        return (
            say("The passage at {time} is somebody else", time=say_time(passage.timestamp))
            if passage
            else say("A passage is somebody else")
        )
    at = say_time(row.time) if row.time else ""
    if row.kind == "hours":
        return say("Hours from {begin} to {end}", begin=at, end=say_time(row.until) if row.until else "")
    return say("Came at {time}", time=at) if row.direction == "in" else say("Left at {time}", time=at)


def days_of(row: RequestRow) -> str:
    """The days that a request is about."""
    return say_date(row.day) if row.day == row.end else f"{say_date(row.day)} – {say_date(row.end)}"


def state(request: Request) -> tuple[str, str]:
    """What became of a request: its tone and its name."""
    return {
        "open": ("warn", say("open")),
        "approved": ("good", say("approved")),
        "declined": ("bad", say("declined")),
        "withdrawn": ("quiet", say("withdrawn")),
    }[request.state]


def leave_of(row: RequestRow) -> Leave:
    """The leave of a request, to be named."""
    return Leave("", row.employee_id, row.day, row.end, row.value, share=row.share, half=row.half)
