"""What enrolling many says: verdicts on photos and people, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.ui import parts
from app.views.registration.words import refusal
from app.words import said, say, say_count, say_number, term
from engine.enrolment import EnrolmentReport, Photo, Planned
from engine.storage import table_text
from engine.workbench import Workbench


@dataclass(frozen=True)
class Outcome:
    """What became of a person.

    Attributes:
        label: what their folder is called. done: whether something was stored.
        used, left_out: numbers of pictures. why: what happened, or why nothing did.
    """

    employee_id: str
    name: str
    label: str
    done: bool
    used: int
    left_out: int
    why: str


def verdict(photo: Photo) -> tuple[parts.Tone, str, str]:
    """Tone and words of a photo's verdict, and the whole reason."""
    if photo.verdict == "good":
        return "good", say("good"), ""
    own = {
        "unlike the others": say("unlike the others"),
        "already enrolled": say("already enrolled"),
        "duplicate file": say("duplicate file"),
        "several faces": say("several faces"),
        "not a picture": say("no picture"),
        "nobody's": say("not examined"),
        "too many pictures": say("not examined"),
    }
    quiet = photo.verdict in {"already enrolled", "duplicate file", "nobody's"}
    reason = "" if quiet or photo.verdict == "unlike the others" else refusal(photo.verdict)
    return "quiet" if quiet else "warn", own.get(photo.verdict) or term(photo.verdict), reason


def reason(bench: Workbench, each: Planned) -> str:
    """What would happen to a person, or why nothing can, and what to do."""
    other = bench.people.known().get(each.other)
    who = f"{other.name} ({each.other})" if other is not None and other.name else each.other
    found = {
        "safe": say("The photos show one person."),
        "few photos": say("Few photos: cameras will miss this person more often."),
        "no usable photo": say("No photo can be used. Give others."),
        "nothing new": say("These photos are enrolled already."),
        "different people": say("The photos show different people. Sort them, and upload the folder again."),
        "somebody else": say("The photos do not look like the person enrolled under this id. Check the id."),
        "looks like": say("Looks like {who}, who is enrolled. If they are two people, use Registration.", who=who),
        "twice": say("Same face as {who} in this upload. Leave one of them out.", who=who),
        "withdrawn": say("Withdrew their consent. Register them alone, with a new basis."),
    }
    if each.reason == "nobody":
        return _nobody(each)
    text = found[each.reason]
    if each.similarity is not None:
        text += " " + say("Similarity {value}.", value=say_number(each.similarity, 2))
    return text


def _nobody(each: Planned) -> str:
    if not each.folder.label:
        return say("Nothing says whose these photos are. Put them into a folder with the person's id or name.")
    problem = each.folder.problem
    ambiguous = problem is None or not problem.hint
    return say("Several people are called so. Name the folder by the id.") if ambiguous else said(problem)


def standing(each: Planned) -> Markup:
    """What would happen to a person, as a status."""
    if each.standing == "enrol":
        return parts.status("few pictures") if each.reason == "few photos" else parts.status("good", say("ready"))
    if each.standing == "add":
        return parts.status("good", say("more pictures"))
    if each.standing == "look":
        return parts.status("failed", say("needs a look"))
    return parts.status("noted", say("nothing to do"))


def enrolled(each: Planned, report: EnrolmentReport) -> Outcome:
    """Who was enrolled."""
    why = say_count("Recognised by {count} picture.", "Recognised by {count} pictures.", report.templates)
    folder = each.folder
    return Outcome(
        folder.employee_id,
        folder.name,
        folder.label,
        True,
        len(report.accepted),
        len(each.photos) - len(report.accepted),
        why,
    )


def not_enrolled(each: Planned, why: str) -> Outcome:
    """Who was not."""
    folder = each.folder
    return Outcome(folder.employee_id, folder.name, folder.label, False, 0, len(each.photos), why)


def outcome(bench: Workbench, each: Planned, *, left_out: bool) -> Outcome:
    """Somebody whom nothing was stored of."""
    return not_enrolled(each, say("You left this person out.") if left_out else reason(bench, each))


def table(told: Sequence[Outcome]) -> None:
    """What became of everybody."""
    heads = (say("Id"), say("Name"), say("Result"), say("Pictures used"), say("Left out"), say("Reason"))
    parts.table(
        heads,
        [
            (
                each.employee_id or each.label,
                each.name,
                parts.status("good", say("enrolled")) if each.done else parts.status("failed", say("not enrolled")),
                each.used,
                each.left_out,
                each.why,
            )
            for each in told
        ],
    )


def as_csv(told: Sequence[Outcome]) -> bytes:
    """The same for a spreadsheet, which takes no cell for a formula."""
    columns = ("employee_id", "name", "folder", "enrolled", "pictures_used", "left_out", "reason")
    rows = [
        dict(
            zip(
                columns,
                (
                    each.employee_id,
                    each.name,
                    each.label,
                    "yes" if each.done else "no",
                    each.used,
                    each.left_out,
                    each.why,
                ),
                strict=True,
            )
        )
        for each in told
    ]
    return table_text(columns, rows).encode()
