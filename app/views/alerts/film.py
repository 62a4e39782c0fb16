"""An incident's film, with the boxes of the faces that were found."""

from __future__ import annotations

from app.ui import parts
from app.views.alerts.pieces import name_of
from app.web.films import film
from app.words import say
from engine.incidents import Incident, film_of
from engine.records.alerts import parties
from engine.workbench import Workbench

_draw = parts.component("film")


def show(bench: Workbench, alert: Incident) -> None:
    """The film, if there is one."""
    place = film_of(alert.row)
    if bench.records.inside(place) is None:
        return
    if bench.records.picture_fault(place):
        parts.show('<p class="m-soft">{text}</p>', text=say("The film was changed or deleted outside of Muster."))
        return
    register = bench.dossiers.register()
    keys = {each: bench.office.readable(each) for each in parties(alert.row)}
    names = {
        each: name_of(bench, key if key in bench.people.known() else register.current(key))
        for each, key in keys.items()
    }
    incident_id = alert.row.incident_id
    _draw(
        key=f"film-{incident_id}",
        data={
            "film": film(incident_id),
            "boxes": film(incident_id, "boxes"),
            "names": names,
            "words": {
                "label": say("Film of the incident"),
                "boxes": say("Show faces"),
                "failed": say("The film cannot be played."),
            },
        },
    )
