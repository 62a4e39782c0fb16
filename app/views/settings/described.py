"""How the page describes settings: fields with titles, in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.words.terms import N_

Takes = Literal["now", "recorder", "kiosk", "server"]
"""Who takes a change over: the workbench at once, or a recorder, a kiosk or the server of the workbench when it starts."""
_UNITS = {
    "_s": N_("seconds"),
    "_min": N_("minutes"),
    "_h": N_("hours"),
    "_days": N_("days"),
    "_px": N_("pixels"),
    "_megapixels": N_("megapixels"),
    "_deg": N_("degrees"),
    "_gb": N_("GB"),
}
"""What the names of settings end in."""


@dataclass(frozen=True)
class Named:
    """A setting as the page shows it; texts are English and are translated where they are shown.

    Attributes:
        name: in the model.
        title, help: texts. unit: text, where the name does not end in it.
        shows: a field of its own, such as a list of time zones; empty: as the model's kind of value asks for.
        unless: another setting of the block that replaces this one.
        more: rarely needed; shown on demand.
    """

    name: str
    title: str
    help: str = ""
    unit: str = ""
    shows: str = ""
    unless: str = ""
    more: bool = False

    @property
    def measure(self) -> str:
        """The unit of its values, a text; empty: they have none."""
        return self.unit or next((unit for end, unit in _UNITS.items() if self.name.endswith(end)), "")


@dataclass(frozen=True)
class Block:
    """Settings that are shown and saved together.

    Attributes:
        path: of their section; ends in `*` if there are several entries.
        title: text. fields: from the top.
        entries: `table`: entries have names. `list`: they are numbered, and their setting `name` names them.
        entry: what one of them is called. summary: settings that tell it from the others.
        takes: see `Takes`. home: only the home site has it.
        optional: the section need not be there. more: rarely needed; shown on demand.
    """

    path: tuple[str, ...]
    title: str
    fields: tuple[Named, ...]
    entries: Literal["", "table", "list"] = ""
    entry: str = ""
    summary: tuple[str, ...] = ()
    takes: Takes = "now"
    home: bool = False
    optional: bool = False
    more: bool = False
