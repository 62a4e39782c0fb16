"""Arrivals and departures compared with the plan, each part of a split shift by itself. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from engine.attendance.presence import Mark, TimesInside
from engine.attendance.rota import Planned

_MINUTE = timedelta(minutes=1)
Outages = Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Edge:
    """An arrival or a departure, compared with the plan.

    Attributes:
        time: None if it was not seen, or cameras may have missed the real one.
        off: later or earlier than plan and grace allow; None: unknown.
        minutes: by which it is off; 0 if `off` is False.
        gaps: outages of cameras that put it in doubt.
    """

    time: datetime | None = None
    off: bool | None = None
    minutes: int | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()


NO_EDGE = Edge()


@dataclass(frozen=True)
class Punctuality:
    """Compares a day with its plan.

    Attributes:
        outages: of cameras between two moments.
        lead: time before and after a shift in which an outage may have hidden an arrival or a departure.
        present: None: the day is over.
        by_hand: times that corrections added: they need no camera as a witness.
    """

    outages: Callable[[datetime, datetime], Outages]
    lead: timedelta
    present: datetime | None
    by_hand: frozenset[datetime] = frozenset()

    def edges(
        self,
        here: TimesInside,
        marks: Sequence[Mark],
        came: datetime | None,
        gone: datetime | None,
        planned: Planned | None,
    ) -> tuple[Edge, Edge]:
        """The arrival and the departure of a day; of a split shift, minutes of all its parts together.

        Args:
            came, gone: of the day; None: not known.
            planned: None: there is nothing to compare with.
        """
        if planned is None or len(planned.parts) == 1:
            return self._arrival(came, planned), self._departure(gone, planned)
        parts = planned.parts
        arrivals: list[Edge] = []
        departures: list[Edge] = []
        begins = [begin for begin, _ in here.spans] + ([here.open_since] if here.open_since else [])
        middles = [begin + (end - begin) / 2 for begin, end in planned.gaps]
        was_there = False
        for part, (low, high) in zip(parts, pairwise((None, *middles, None)), strict=True):

            def own(
                times: Iterable[datetime], low: datetime | None = low, high: datetime | None = high
            ) -> list[datetime]:
                return [time for time in times if (low is None or time >= low) and (high is None or time < high)]

            if not own(mark.time for mark in marks):
                missed = self._missed(part)
                (departures if was_there else arrivals).append(missed)
                continue
            was_there = True
            first = came if low is None else min(own(begins), default=None)
            last = gone if high is None else max(own(end for _, end in here.spans), default=None)
            arrivals.append(self._arrival(first, part))
            departures.append(self._departure(last, part))
        return _together(came, arrivals), _together(gone, departures)

    def _arrival(self, came: datetime | None, planned: Planned | None) -> Edge:
        """The arrival compared with the plan; unknown if a camera that was off may have missed an earlier one."""
        if came is None or planned is None:
            return Edge(came)
        if came <= planned.start + planned.grace:
            return Edge(came, off=False, minutes=0)
        gaps = () if came in self.by_hand else tuple(self.outages(planned.start - self.lead, came))
        return Edge(gaps=gaps) if gaps else Edge(came, off=True, minutes=(came - planned.start) // _MINUTE)

    def _departure(self, gone: datetime | None, planned: Planned | None) -> Edge:
        """The departure compared with the plan; during the shift, people who left may come back."""
        if gone is None or planned is None or not self._over(planned):
            return Edge(gone)
        if gone >= planned.end - planned.leave_grace:
            return Edge(gone, off=False, minutes=0)
        gaps = () if gone in self.by_hand else tuple(self.outages(gone, planned.end))
        return Edge(gaps=gaps) if gaps else Edge(gone, off=True, minutes=(planned.end - gone) // _MINUTE)

    def _missed(self, part: Planned) -> Edge:
        """A part of the shift in which nobody was seen: all of it is missing once it is over."""
        if not self._over(part):
            return NO_EDGE
        gaps = tuple(self.outages(part.start - self.lead, part.end + self.lead))
        return Edge(gaps=gaps) if gaps else Edge(off=True, minutes=(part.end - part.start) // _MINUTE)

    def _over(self, planned: Planned) -> bool:
        return self.present is None or self.present >= planned.end


def _together(time: datetime | None, edges: Sequence[Edge]) -> Edge:
    """What the parts of a split shift come to: late in one of them is late."""
    gaps = tuple(gap for edge in edges for gap in edge.gaps)
    if any(edge.off for edge in edges):
        return Edge(time, off=True, minutes=sum(edge.minutes or 0 for edge in edges), gaps=gaps)
    unknown = gaps or time is None or all(edge.off is None for edge in edges)
    return Edge(None if gaps else time, gaps=gaps) if unknown else Edge(time, off=False, minutes=0)


def without_gaps(here: TimesInside, marks: Sequence[Mark], planned: Planned | None) -> TimesInside:
    """Times inside without the unpaid gaps of a split shift through which somebody seems to have stayed.

    Cameras that see both ways take the last passage before the middle of the gap for the departure and the first one after it for the
    arrival. If only one of the two was seen, the other one was missed. If neither was, the person stayed, and the gap does not count.
    """
    for first, last in planned.gaps if planned else ():
        middle = first + (last - first) / 2
        at = next((place for place, (begin, end) in enumerate(here.spans) if begin < middle < end), None)
        if at is None:
            continue
        begin, end = here.spans[at]
        both = [mark for mark in marks if mark.direction == "both" and begin < mark.time < end]
        left = max((mark.time for mark in both if mark.time < middle), default=None)
        back = min((mark.time for mark in both if mark.time >= middle and not mark.seen), default=None)
        if left is None and back is None:
            cut = [(begin, first), (last, end)]
        else:
            cut = [(begin, left)] if left else []
            cut += [(back, end)] if back else []
        spans = (*here.spans[:at], *(span for span in cut if span[0] < span[1]), *here.spans[at + 1 :])
        missing_in = here.missing_in or (back is None and left is not None)
        missing_out = here.missing_out or (left is None and back is not None)
        here = replace(here, spans=spans, missing_in=missing_in, missing_out=missing_out)
    return here
