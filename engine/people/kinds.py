"""Which kind of leave a text means, which status a request has, and how much of a day is leave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Literal

from engine.config import LEAVE_STATUSES, LeaveKindConfig
from engine.config.away import Away, AwayPart, Half
from engine.config.leave import standard_words, with_standard
from engine.errors import InputError
from engine.people.tables import plain

RequestStatus = Literal["approved", "pending", "rejected", "cancelled"]

_GENERAL = {"leave", "time off", "urlaub", "conge", "conges", "отпуск"}
"""Words that count only if a text says nothing more telling: "special leave", "Urlaub (unbezahlt)"."""
_LONG = 6  # phrases of at least this length also match inside compounds: Resturlaub
_STATUSES: Mapping[RequestStatus, str] = {
    "approved": "approved, accepted, granted, confirmed, taken, booked, ok, yes, genehmigt, bewilligt, bestatigt, angenommen, "
    "freigegeben, genommen, ja, approuve, accepte, valide, aprobado, aprobada, approvato, approvata, goedgekeurd, zatwierdzony, "
    "zatwierdzone, schvaleno, одобрено, согласовано, утверждено, 已批准, 已通过, 同意, 承認, 承認済, 承認済み",
    "pending": "pending, requested, open, submitted, draft, waiting, awaiting approval, waiting for approval, to approve, in progress, "
    "planned, beantragt, offen, ausstehend, eingereicht, in bearbeitung, in prufung, wartet, entwurf, geplant, en attente, demande, "
    "pendiente, solicitado, in attesa, in afwachting, aangevraagd, oczekujacy, ceka, на рассмотрении, на согласовании, "
    "审批中, 待审批, 申請中",
    "rejected": "rejected, declined, denied, refused, not approved, disapproved, no, abgelehnt, nicht genehmigt, verweigert, nein, "
    "refuse, rejete, rechazado, denegado, rifiutato, respinto, afgewezen, odrzucony, zamitnuto, отклонено, отказано, "
    "已拒绝, 拒绝, 却下",
    "cancelled": "cancelled, canceled, withdrawn, revoked, deleted, void, storniert, annulliert, zuruckgezogen, widerrufen, geloscht, "
    "abgesagt, annule, retire, cancelado, anulado, annullato, ritirato, geannuleerd, ingetrokken, anulowany, zruseno, "
    "отменено, отменен, отозвано, 已取消, 已撤销, 取消, 取消済",
}
_STATUS_OF = {plain(word): status for status, words in _STATUSES.items() for word in words.split(", ")}

_HALVES: Mapping[Half, str] = {
    "morning": "morning, forenoon, first half, 1st half, vormittag, vormittags, morgens, matin, manana, mattina, ochtend",
    "afternoon": "afternoon, second half, 2nd half, nachmittag, nachmittags, apres midi, tarde, pomeriggio, middag",
    "": "half day, half days, half a day, halfday, half, halber tag, halben tag, halbtags, halbtagig, halbtag, halber, halbe, "
    "demi journee, demi, medio dia, mezza giornata, halve dag",
}
_COMPOUND = re.compile(r"\bhalb(?:tags|er|en|e)?(?=urlaub|tag)")
_CLOCK: Mapping[str, Half] = {"AM": "morning", "A.M.": "morning", "PM": "afternoon", "P.M.": "afternoon"}
_SHARE = re.compile(
    r"(?<![\d.,/])(0?[.,]\d{1,2}|[13]\s*/\s*[24]|[½¼¾])(?![\d.,/]|\s*(?:-|–|to|bis)\s*\d)\s*(?:days?\b|tage?\b|d\b)?",
    re.IGNORECASE,
)
_WHOLE = {
    "",
    "no",
    "nein",
    "none",
    "full",
    "full day",
    "whole",
    "whole day",
    "all day",
    "false",
    "0",
    "ganz",
    "ganztags",
    "ganzer tag",
}
_YES = {"yes", "ja", "true", "x", "y", "1", "oui"}


def request_status(text: str) -> RequestStatus | None:
    """Return what a status cell says about a request, in any of several languages; None: it is not known."""
    words = plain(text)
    if words in _STATUS_OF:
        return _STATUS_OF[words]
    found = {status for word, status in _STATUS_OF.items() if len(word) >= _LONG and f" {word} " in f" {words} "}
    negative = found & {"rejected", "cancelled"}  # "approval cancelled", "not approved by …"
    return next(iter(negative or found)) if len(negative or found) == 1 else None


def part_of_day(text: str) -> tuple[float, Half, str] | None:
    """Return the share of a day that a text speaks of, which half that is, and the text without it; None: it speaks of none.

    "Half day annual leave", "0.5 vacation", "½ Urlaub", "Urlaub vormittags", "PM leave".
    """
    share, found = 0.5, False
    half: Half = ""
    if match := _SHARE.search(text):
        share, found = float(_number(match[1])), True
        text = f"{text[: match.start()]} {text[match.end() :]}"
    for mark, which in _CLOCK.items():
        if match := re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", text):
            half, found, text = which, True, text.replace(match[0], " ")
    line = f" {_COMPOUND.sub('half ', plain(text))} "
    for which, phrases in _HALVES.items():
        for phrase in phrases.split(", "):
            if f" {phrase} " in line:
                line, half, found = line.replace(f" {phrase} ", " "), half or which, True
    return (share, half if share == 0.5 else "", line.strip()) if found and 0 < share < 1 else None


def _number(text: str) -> Fraction:
    text = {"½": "1/2", "¼": "1/4", "¾": "3/4"}.get(text, text)
    return Fraction(text.replace(" ", "").replace(",", "."))


def part_in_cell(text: str) -> tuple[float, Half] | None:
    """Return the share and the half that a cell of a column about half days says; None: the whole day.

    Raises:
        ValueError: the cell says something else.
    """
    words = plain(text)
    if words in _WHOLE or words in {"1 0", "1"}:
        return None
    if words in _YES:
        return 0.5, ""
    if found := part_of_day(text.upper() if words in {"am", "pm", "a m", "p m"} else text):
        return found[0], found[1]
    raise ValueError(text)


class LeaveKinds:
    """The kinds of leave of a workplace.

    Args:
        kinds: settings by key; default: the standard ones.
    """

    def __init__(self, kinds: Mapping[str, LeaveKindConfig] | None = None) -> None:
        found = kinds or with_standard({})
        self.all = {key: LeaveKindConfig.model_validate(kind) for key, kind in found.items()}
        self._words: dict[str, str] = {}
        for own in (False, True):  # a workplace's own words come last, so that they win
            for key, kind in self.all.items():
                standard = standard_words(key)
                for word in (kind.name, *kind.words):
                    if plain(word) and (word not in standard) is own:
                        self._words[plain(word)] = key
        self._longest_first = sorted(self._words.items(), key=lambda pair: -len(pair[0]))

    @property
    def offered(self) -> list[str]:
        """The kinds that people can choose, without those that were withdrawn."""
        return [key for key, kind in self.all.items() if not kind.withdrawn]

    def with_words(self, words: Mapping[str, str]) -> LeaveKinds:
        """Return the same kinds with further words, each with its kind."""
        own = {key: (*kind.words, *(word for word, of in words.items() if of == key)) for key, kind in self.all.items()}
        return LeaveKinds({key: kind.model_copy(update={"words": own[key]}) for key, kind in self.all.items()})

    def name(self, key: str) -> str:
        """The name of a kind; its key if it has none, or is no longer there."""
        kind = self.all.get(key)
        return kind.name if kind and kind.name else key

    def exact(self, text: str) -> str:
        """Return the kind whose key, name or word this is; empty: none."""
        return text if text in self.all else self._words.get(plain(text), "")

    def within(self, text: str) -> set[str]:
        """Return the kinds that a text mentions; the longest phrases count, so "sick leave" is not annual leave."""
        if exact := self.exact(text):
            return {exact}
        line = f" {plain(text)} "
        kinds: set[str] = set()
        general: set[str] = set()
        for phrase, kind in self._longest_first:
            mark = phrase if len(phrase) >= _LONG else f" {phrase} "
            if mark in line:
                (general if phrase in _GENERAL else kinds).add(kind)
                line = line.replace(mark, " | ")
        found = kinds or general
        # "Elternzeit (unbezahlt)", "unpaid annual leave": the more telling word counts
        for weaker, stronger in (("unpaid", "parental"), ("annual", "unpaid")):
            if found == {weaker, stronger}:
                return {stronger}
        return found

    def only(self, text: str) -> str:
        """Return the kind that somebody typed.

        Raises:
            InputError: it is none, or the text means several.
        """
        found = self.within(text)
        if len(found) != 1:
            raise InputError(f"{text!r} is not a kind of absence", hint=f"choose one of {', '.join(self.all)}")
        return found.pop()

    def combined(self, entries: Iterable[tuple[str, float, Half]]) -> Away | None:
        """Combine the entries of a person's day: kind, share and half of each.

        Sick overrides leave, and leave overrides remote; parts never add up to more than the day.
        """
        ordered = sorted(
            ((self.all[kind], kind, share, half) for kind, share, half in set(entries) if kind in self.all),
            key=lambda each: (-LEAVE_STATUSES.index(each[0].status), -each[2], each[1], each[3]),
        )
        parts: list[AwayPart] = []
        free = 1.0
        for kind, key, share, half in ordered:
            if half and any(part.half == half for part in parts):
                continue
            taken = min(share, free)
            if taken > 0.001:
                parts.append(
                    AwayPart(
                        key, self.name(key), kind.status, taken, half if taken == share else "", kind.credit, kind.paid
                    )
                )
                free -= taken
        return Away(tuple(parts)) if parts else None
