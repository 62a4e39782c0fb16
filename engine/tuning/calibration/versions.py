"""The thresholds that people put in force: `calibration.json`, a history that only grows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from engine.errors import StorageError, Unreachable
from engine.storage import Document, document

log = logging.getLogger(__name__)

_FORMAT = 1


@dataclass(frozen=True)
class Version:
    """One decision about the threshold.

    Attributes:
        version: 1, 2, 3 …; the last one is in force.
        action: `apply`, or `rollback` to the threshold before.
        threshold: in force from then on; None: derived from the gallery, as without any calibration.
        previous: the threshold in force until then, wherever it came from.
        restores: the version whose threshold this is: itself, an earlier one, or 0: derived.
        before: what `restores` was until then: the version to which a rollback of this one leads.
        made_at: ISO 8601 with offset.
        author, reason: who decided, and why; the file names people by id, or by pseudonym where the id spells the name.
        evaluation_id: of the report that the decision rests on; for a rollback, that of the restored version.
        model_id, alignment_id, gallery_version, people: the gallery that was evaluated.
        target: the target that gave the threshold, such as `FMR 0.0001`; empty: a person chose the threshold.
        wrong_per_month, try_again: what was expected then; None: not known.
    """

    version: int
    action: Literal["apply", "rollback"]
    threshold: float | None
    previous: float
    restores: int
    before: int
    made_at: str
    author: str
    reason: str
    evaluation_id: str
    model_id: str
    alignment_id: str
    gallery_version: int
    people: int
    target: str = ""
    wrong_per_month: float | None = None
    try_again: float | None = None

    def fits(self, model_id: str, alignment_id: str) -> bool:
        """Whether the threshold was chosen for this model and alignment."""
        return (self.model_id, self.alignment_id) == (model_id, alignment_id)


class VersionStore:
    """The history, shared by processes: read again only when the file changed.

    Args:
        place: `calibration.json` in the workspace, or the document that replaces it.
    """

    def __init__(self, place: Path | Document) -> None:
        self._document = document(place)
        self._known: tuple[object, tuple[Version, ...]] = ((), ())  # what was read, and its stamp

    def history(self) -> tuple[Version, ...]:
        """All versions, oldest first; empty: the threshold was never calibrated.

        While the file is damaged, a process that has read the history before keeps using it and logs a warning: cameras must go on.

        Raises:
            StorageError: the file is damaged, and was never read before.
        """
        stamp = self._document.stamp()
        before, versions = self._known
        if stamp != before:
            try:
                versions = self._read()
            except Unreachable:
                if before == ():
                    raise
                return versions  # asked again the next time
            except StorageError as error:
                if before == ():
                    raise
                log.warning("%s (the threshold stays as it was)", error)
            self._known = (stamp, versions)
        return versions

    def current(self) -> Version | None:
        """The latest version; None: there is none."""
        versions = self.history()
        return versions[-1] if versions else None

    def _read(self) -> tuple[Version, ...]:
        content = self._document.read()
        if content is None:
            return ()
        try:
            table = json.loads(content)
            if table["format"] != _FORMAT:
                raise ValueError(f"format {table['format']!r} instead of {_FORMAT}")
            return tuple(_version(row, number) for number, row in enumerate(table["versions"], 1))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self._document.title} cannot be read ({error})",
                hint="restore it from a backup, or remove it and calibrate again",
            ) from error

    def add(self, make: Callable[[tuple[Version, ...]], Version]) -> Version:
        """Add a version under the cross-process lock.

        Args:
            make: is called with the history as it is then; if it raises, nothing is changed.

        Raises:
            StorageError: it could not be written, or the file is damaged.
        """
        with self._document.exclusive():
            versions = self._read()
            version = make(versions)
            rows = [asdict(each) for each in (*versions, version)]
            content = json.dumps({"format": _FORMAT, "versions": rows}, indent=1, ensure_ascii=False)
            self._document.write(content.encode() + b"\n")
            self._known = (self._document.stamp(), (*versions, version))
        return version


_NUMBER = (int, float)
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("version", "restores", "before", "gallery_version", "people"), int),
    **dict.fromkeys(("threshold", "wrong_per_month", "try_again"), (*_NUMBER, type(None))),
    "previous": _NUMBER,
}


def _version(row: Mapping[str, Any], number: int) -> Version:
    """A row of the file, checked: a mistyped threshold must not open the door."""
    unknown = set(row) - {field.name for field in fields(Version)}
    if unknown:
        raise ValueError(f"version {number} has {', '.join(sorted(unknown))}")
    version = Version(**row)
    for name, value in asdict(version).items():
        if not isinstance(value, _TYPES.get(name, str)) or isinstance(value, bool):
            raise ValueError(f"version {number}: {name} is {value!r}")
    if version.version != number or version.action not in {"apply", "rollback"}:
        raise ValueError(f"version {number} is out of order")
    if version.threshold is not None and not -1 <= version.threshold <= 1:
        raise ValueError(f"version {number}: threshold {version.threshold} is no similarity")
    if not (0 <= version.restores <= number and 0 <= version.before < number):
        raise ValueError(f"version {number} restores {version.restores}")
    return version
