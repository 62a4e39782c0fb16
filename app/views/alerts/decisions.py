"""Decisions about alerts: one row each, never overwriting someone else's."""

from __future__ import annotations

from collections.abc import Mapping

from app.views.alerts.pieces import act
from app.words import say, say_count, term
from engine.errors import InputError
from engine.records.alerts import next_states
from engine.workbench import Workbench


def decide(seen: Mapping[str, str], state: str, *, note: str = "", assignee: str = "") -> bool:
    """Record a decision about alerts, and tell whether all was done; what was not is said by `pieces.problem`.

    Args:
        seen: the state in which each was shown, by id: nobody overrules unseen what somebody else has decided meanwhile.
        state: the new one; the same one as before only adds a note or an assignee.
    """

    def deed(bench: Workbench, author: str) -> str:
        done, overtaken = 0, 0
        for incident_id, before in seen.items():
            alert = bench.alerts.get(incident_id)
            if alert is None or alert.state != before:
                overtaken += 1
            elif state == before or state in next_states(before):
                bench.office.review(incident_id, state, author=author, note=note, assignee=assignee)
                done += 1
        if overtaken:
            raise InputError(
                say_count(
                    "Someone else has just decided on {count} alert.",
                    "Someone else has just decided on {count} alerts.",
                    overtaken,
                ),
                hint=say("Read their note, then decide again."),
            )
        if len(seen) == 1:
            return say("The alert is now {state}.", state=term(state))
        return say_count("{count} alert is {state}.", "{count} alerts are {state}.", done, state=term(state))

    return act(deed)
