"""Versions of the papers: the settings that each was made of, so that the next one can say what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.errors import StorageError
from engine.storage import atomic_write, locked

PLACE = "papers/versions.json"


@dataclass(frozen=True)
class Stated:
    """A setting and its value, as the file spells them."""

    name: str
    value: str


@dataclass(frozen=True)
class PaperVersion:
    """A version.

    Attributes:
        number: from 1. day: on which it was made first.
    """

    number: int
    day: date
    settings: tuple[Stated, ...]


@dataclass(frozen=True)
class Change:
    """A setting that changed; None: there was none before, or is none now."""

    setting: str
    before: str | None
    after: str | None


_VERSIONS = TypeAdapter(list[PaperVersion])


def versions(workspace: Path) -> list[PaperVersion]:
    """Return the versions, oldest first.

    Raises:
        StorageError: they cannot be read.
    """
    path = workspace / PLACE
    try:
        return _VERSIONS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        raise StorageError(
            f"{path} cannot be read: {error}", hint="restore it from a backup, or move it away"
        ) from error


def issue(workspace: Path, day: date, settings: tuple[Stated, ...]) -> list[PaperVersion]:
    """Return the versions, the last of which has these settings; it is a new one if they changed.

    Raises:
        StorageError: they cannot be read or written.
    """
    path = workspace / PLACE
    with locked(path):
        known = versions(workspace)
        if not known or known[-1].settings != settings:
            known.append(PaperVersion(len(known) + 1, day, settings))
            atomic_write(path, _VERSIONS.dump_json(known, indent=1))
    return known


def changes(before: PaperVersion, after: PaperVersion) -> list[Change]:
    """Return what changed from one version to another, by name."""
    old, new = ({each.name: each.value for each in version.settings} for version in (before, after))
    pairs = ((name, old.get(name), new.get(name)) for name in sorted({*old, *new}))
    return [Change(*each) for each in pairs if each[1] != each[2]]
