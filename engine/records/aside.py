"""Templates that are set aside: out of the gallery, with their pictures kept, so that they can be put back.

The audit log says which they are. The picture is what a template is made from again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from engine.storage.pictures import FOLDER, pictures_in

if TYPE_CHECKING:
    from engine.records.books import Records

SET_ASIDE, PUT_BACK = "set_template_aside", "put_template_back"
"""Actions of the audit log; their details begin with the template's id."""


_FOUND = re.compile(r"(wrong|unlike)(?:, (-?[\d.]+) like its owner's others)?(?:, (-?[\d.]+) like (.+))?")


def finding(kind: str, own: float | None, other: str, rival: float) -> str:
    """What the check found, for the audit log: the similarity with the owner's other templates, and with somebody else."""
    return ", ".join(
        (
            kind,
            *([] if own is None else [f"{own:.2f} like its owner's others"]),
            *([f"{rival:.2f} like {other}"] if other else []),
        )
    )


@dataclass(frozen=True)
class Aside:
    """A template that is set aside.

    Attributes:
        template_id: also the name of its picture.
        employee_id: whose it was. author: who set it aside; `muster`: the check did.
        why: similarities, and a remark.
    """

    template_id: str
    employee_id: str
    set_at: datetime
    author: str
    why: str

    @property
    def found(self) -> tuple[str, float | None, str, float]:
        """What the check found, see `finding`; the first is empty if somebody else set the template aside."""
        match = _FOUND.fullmatch(self.why)
        if match is None:
            return "", None, "", -1.0
        kind, own, rival, other = match.groups()
        return kind, float(own) if own else None, other or "", float(rival) if rival else -1.0


def set_aside(records: Records) -> dict[str, Aside]:
    """Return what is out of the gallery and whose picture is still there, by template id, oldest first.

    Raises:
        StorageError: the audit log cannot be read.
    """
    pictures = {path.stem for path in pictures_in(records.workspace / FOLDER, "enrolment")}
    if not (unused := pictures - records.gallery.current().template_ids):  # as a rule: the log may be long
        return {}
    found: dict[str, Aside] = {}
    for row in records.audit.read():
        template_id, _, why = row.detail.partition(": ")
        if row.action == SET_ASIDE and template_id in unused:
            found[template_id] = Aside(template_id, row.subject, row.timestamp, row.author, why)
        elif row.action == PUT_BACK:
            found.pop(template_id, None)
    return found
