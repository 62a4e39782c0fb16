"""Kinds of leave: those that every workplace has, and what a workplace changes or adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from engine.config.section import Section

LEAVE_STATUSES = ("remote", "on leave", "sick")
"""What a leave can mean for a day. Where entries overlap, the later one in this order counts: someone who falls ill on holiday is sick."""

Credit = Literal["full", "none", "unplanned"]


class LeaveKindConfig(Section):
    """A kind of leave."""

    name: str = Field("", max_length=60)
    """As people read it; empty: the name of the section."""
    status: Literal["on leave", "remote", "sick"] = "on leave"
    """Status of a whole day: away, working elsewhere, or ill."""
    credit: Credit = "full"
    """`full`: the planned hours count as worked. `none`: they are missing in the balance. `unplanned`: the plan asks for none."""
    paid: bool = True
    """Days of leave that is not paid are counted for payroll."""
    days_per_year: float | None = Field(None, ge=0, le=366)
    """Entitlement of a whole year in working days, unless somebody has one of their own; empty: the kind has no balance."""
    words: tuple[str, ...] = ()
    """Further words for it in lists and calendars."""
    withdrawn: bool = False
    """Nobody can choose it any more; entries that have it keep it, and lists may still name it."""


STANDARD_KINDS: Mapping[str, Mapping[str, Any]] = {
    "annual": {
        "name": "annual leave",
        "words": "leave, on leave, vacation, holiday, holidays, pto, paid time off, time off, day off, days off, off, ooo, "
        "out of office, paid leave, urlaub, ferien, urlaubstag, erholungsurlaub, jahresurlaub, frei, conge, conges, conge paye, "
        "conges payes, vacaciones, ferie, vakantie, urlop, dovolena, отпуск, 年假, 年次有給休暇, 有給休暇, 年休",
    },
    "sick": {
        "name": "sick leave",
        "status": "sick",
        "words": "sick, sick day, sickness, ill, illness, krank, krankheit, krankmeldung, erkrankt, krankgeschrieben, krankenstand, "
        "arbeitsunfahig, maladie, arret maladie, enfermedad, malattia, ziekte, болезнь, больничныи, больничныи лист, 病假, 病気休暇",
    },
    "unpaid": {
        "name": "unpaid leave",
        "credit": "none",
        "paid": False,
        "words": "unpaid, unpaid time off, unpaid vacation, leave without pay, lwp, unbezahlt, unbezahlter urlaub, urlaub unbezahlt, "
        "unbezahlte freistellung, sonderurlaub unbezahlt, conge sans solde, sans solde, отпуск без содержания, 无薪假",
    },
    "parental": {
        "name": "parental leave",
        "credit": "unplanned",
        "paid": False,
        "words": "maternity, maternity leave, paternity, paternity leave, elternzeit, mutterschutz, vaterschaftsurlaub, "
        "conge parental, conge maternite, conge paternite, декретныи отпуск, 产假, 育児休業",
    },
    "remote": {
        "name": "remote work",
        "status": "remote",
        "words": "remote, home office, homeoffice, wfh, work from home, works from home, working from home, telework, teleworking, "
        "mobile work, mobiles arbeiten, mobile arbeit, teletravail",
    },
    "training": {
        "name": "training",
        "words": "training day, seminar, education leave, study leave, fortbildung, weiterbildung, schulung, bildungsurlaub, "
        "berufsschule, formation professionnelle",
    },
    "special": {
        "name": "special leave",
        "words": "compassionate leave, bereavement, bereavement leave, wedding leave, moving day, jury duty, sonderurlaub, "
        "trauerfall, umzugstag, freistellung, bezahlte freistellung, conge exceptionnel",
    },
    "time_off": {
        "name": "time off in lieu",
        "credit": "none",
        "words": "toil, comp time, compensatory off, compensatory leave, flexitime, flex day, freizeitausgleich, zeitausgleich, "
        "uberstundenabbau, uberstundenausgleich, gleittag, gleitzeit, rtt, recuperation",
    },
}
"""The kinds that are there without a setting; `words` in lower case without accents, separated by commas."""


def standard_words(key: str) -> frozenset[str]:
    """Return the name and the words that a standard kind has without a setting."""
    kind = STANDARD_KINDS.get(key)
    return frozenset((kind["name"], *kind["words"].split(", "))) if kind else frozenset()


def with_standard(given: Mapping[str, Any]) -> dict[str, Any]:
    """Put a workplace's settings of kinds over the standard ones; its words are added."""
    kinds: dict[str, Any] = {
        # the name is a word, too: it still means the kind when a workplace calls it differently
        key: dict(kind) | {"words": (kind["name"], *kind["words"].split(", "))}
        for key, kind in STANDARD_KINDS.items()
    }
    for key, own in given.items():
        if isinstance(own, Mapping) and isinstance(more := own.get("words", ()), list | tuple):
            before = kinds.get(key, {})
            kinds[key] = {**before, **own, "words": (*before.get("words", ()), *more)}
        else:
            kinds[key] = own
    return kinds
