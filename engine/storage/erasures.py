"""What the machines of a site tell each other about people who were erased: pseudonyms, never who they were."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Erasure:
    """Somebody who was erased, and what this machine may still hold of them.

    Attributes:
        erasure_id: of the receipt.
        pseudonym: of the person.
        pictures: names within the workspace.
        incidents: those that the person took part in, whose messages must not be sent.
    """

    erasure_id: str
    pseudonym: str
    pictures: frozenset[str] = frozenset()
    incidents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Unconfirmed:
    """A machine that has not confirmed an erasure yet."""

    erasure_id: str
    machine: str
    erased_at: datetime


class ForgetList(Protocol):
    """The list of people who were erased, which all machines of a site follow."""

    def begin(self, erasure_id: str, pseudonym: str, at: datetime) -> None:
        """Note that somebody is being erased; when this returns, no row enters a log under their id any more.

        Raises:
            StorageError: the list cannot be written, or a log's lock could not be had.
        """

    def publish(
        self,
        erasure_id: str,
        *,
        punches: Mapping[str, str],
        incidents: Mapping[str, Collection[str]],
        pictures: Collection[str],
    ) -> None:
        """Tell every machine what it may hold of somebody whose erasure was begun.

        Args:
            punches: the picture of each of their rows in the attendance log, by its id.
            incidents: the pictures of each of their incidents, by its id.
            pictures: further pictures, by their names within the workspace.

        Raises:
            StorageError: the list cannot be written.
        """

    def pending(self) -> list[Erasure]:
        """Return what this machine has not confirmed yet; an empty list while the list cannot be reached.

        Raises:
            StorageError: the list, or what this machine keeps of it, cannot be read.
        """

    def confirm(self, erasure: Erasure, detail: str) -> None:
        """Note that this machine holds nothing more of somebody.

        Raises:
            StorageError: the list cannot be written.
        """

    def unconfirmed(self) -> list[Unconfirmed]:
        """Return which machines have not confirmed which erasures, oldest first; nothing if this login may not know.

        Raises:
            StorageError: the list cannot be read.
        """
