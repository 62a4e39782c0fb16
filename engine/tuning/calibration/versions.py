"""The append-only history of thresholds that people put in force, `calibration.json`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from engine.errors import StorageError, Unreachable
from engine.storage import Document, parse_json

log = logging.getLogger(__name__)

_FORMAT = 1


@dataclass(frozen=True)
class Version:
    """A decision about the threshold.

    Attributes:
        version: 1, 2, 3 …; the last one is in force.
        threshold: in force from then on; None: derived from the gallery.
        previous: the threshold in force until then, from any source.
        restores: the version with this threshold: itself, an earlier one, or 0 for a derived threshold.
        before: the earlier value of `restores`, to which a rollback returns.
        made_at: ISO 8601 with offset.
        author, reason: the file names people by id, or by pseudonym where the id reveals the name.
        evaluation_id: of the report behind the decision; after a rollback, of the restored version's.
        model_id, alignment_id, gallery_version, people: the evaluated gallery.
        target: that gave the threshold, such as `FMR 0.0001`; empty if a person chose it.
        wrong_per_month, try_again: as expected then; None if unknown.
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
    """The history, shared by processes and read again only after a change."""

    def __init__(self, place: Document) -> None:
        self._document = place
        self._known: tuple[object, tuple[Version, ...]] = ((), ())  # what was read, and its stamp

    def history(self) -> tuple[Version, ...]:
        """Return all versions, oldest first.

        If the file is damaged, a process that has read the history before keeps using it and logs a warning, so that cameras continue.

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
                return versions  # Muster tries again the next time
            except StorageError as error:
                if before == ():
                    raise
                log.warning("%s (the threshold stays as it was)", error)
            self._known = (stamp, versions)
        return versions

    def current(self) -> Version | None:
        """Return the latest version, or None."""
        versions = self.history()
        return versions[-1] if versions else None

    def _read(self) -> tuple[Version, ...]:
        content = self._document.read()
        if content is None:
            return ()
        try:
            table = parse_json(content)
            if table["format"] != _FORMAT:
                raise ValueError(f"format {table['format']!r} instead of {_FORMAT}")
            return tuple(_version(row, number) for number, row in enumerate(table["versions"], 1))
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self._document.title} cannot be read ({error})",
                hint="restore it from a backup, or remove it and calibrate again",
            ) from error

    def add(self, make: Callable[[tuple[Version, ...]], Version]) -> Version:
        """Add the version that `make` returns for the history, under the cross-process lock.

        Raises:
            StorageError: the version cannot be written, or the file is damaged.
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
    """Return a checked row of the file, because a mistyped threshold must not open the door."""
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
