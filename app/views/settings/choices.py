"""The values that a setting may have, in words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from app.words import LANGUAGES, marked, say, term
from app.words.terms import N_

_CHOICES: Mapping[tuple[str, Any], str] = {
    ("direction", "in"): N_("Arrivals only"),
    ("direction", "out"): N_("Departures only"),
    ("direction", "both"): N_("Both ways"),
    ("two_known", "incident"): N_("An open incident"),
    ("two_known", "note"): N_("A note"),
    ("two_known", "ignore"): N_("Nothing"),
    ("basis", ""): N_("Not decided"),
    ("basis", "consent"): N_("Consent"),
    ("basis", "agreement"): N_("Works agreement"),
    ("basis", "law"): N_("Law"),
    ("basis", "contract"): N_("Contract"),
    ("basis", "visit"): N_("Contract of a visit"),
    ("working_time", ""): N_("None"),
    ("working_time", "eu"): N_("EU directive"),
    ("working_time", "de"): N_("Germany"),
    ("working_time", "at"): N_("Austria"),
    ("keep", "nothing"): N_("Nothing"),
    ("keep", "incident"): N_("Incidents with pictures"),
    ("keep", "dossier"): N_("Incidents and who came again"),
    ("round_in", "up"): N_("the next step"),
    ("round_in", "down"): N_("the step before"),
    ("round_in", "nearest"): N_("the nearest step"),
    ("round_out", "up"): N_("the next step"),
    ("round_out", "down"): N_("the step before"),
    ("round_out", "nearest"): N_("the nearest step"),
    ("policy", "off"): N_("No checks"),
    ("policy", "mark"): N_("Note the result"),
    ("policy", "require"): N_("Record living people only"),
    ("every", "day"): N_("Each day"),
    ("every", "week"): N_("Each week"),
    ("every", "month"): N_("Each month"),
    ("format", "html"): N_("Page to print"),
    ("format", "xlsx"): N_("Excel workbook"),
    ("format", "both"): N_("Page and workbook"),
    ("who", "nobody"): N_("Nothing"),
    ("who", "ids"): N_("Their ids"),
    ("who", "names"): N_("Ids and names"),
    ("action", "off"): N_("Off"),
    ("action", "dry_run"): N_("Dry run"),
    ("action", "open"): N_("Open the door"),
    ("backend", "auto"): N_("Automatic"),
    ("backend", "onnx"): N_("ONNX Runtime (CPU)"),
    ("backend", "torch"): N_("torch"),
}


def choice(name: str, value: Any) -> str:
    """A value of the setting `name` in the viewer's language."""
    if value is None:
        return say("As for all")
    if isinstance(value, bool):
        return say("Yes") if value else say("No")
    if name == "rotate":
        return f"{value}°"
    if name == "language":
        return LANGUAGES.get(str(value), say("Browser's language"))
    text = _CHOICES.get((name, value))
    return marked(text) if text else _capital(term(str(value)))


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


@cache
def zones() -> list[str]:
    """The time zones that workplaces lie in, by name; the names are read from hundreds of files."""
    return sorted(each for each in available_timezones() if "/" in each or each == "UTC")
