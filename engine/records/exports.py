"""What left the workspace as a file: its SHA-256 in the audit log, by which somebody later proves that a file is unchanged."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.access import AuditRow
from engine.records.books import Records
from engine.storage.logs import Finding

_MARK = "SHA-256 "


@dataclass(frozen=True)
class Exported:
    """What is known of a file.

    Attributes:
        sha256: of the file's bytes.
        rows: of the audit log that name it, oldest first; none: it is no export of this workspace, or it was changed since.
        faults: of the audit log itself; with one, its rows prove nothing.
    """

    sha256: str
    rows: Sequence[AuditRow]
    faults: Sequence[Finding]

    @property
    def holds(self) -> bool:
        """Whether it is proven that the file is as it was exported."""
        return bool(self.rows) and not self.faults


def note_export(records: Records, action: str, subject: str, detail: str, content: bytes, *, author: str) -> None:
    """Record in the audit log that a file leaves, before anybody gets it; see `Records.note_reading`.

    Raises:
        StorageError: it could not be written.
    """
    records.note_reading(action, subject, f"{detail}, {_MARK}{_sha256(content)}", author=author)


def find_exports(records: Records, contents: Iterable[bytes]) -> list[Exported]:
    """Look files up in the audit log; what is known of each, in their order.

    Raises:
        StorageError: the log cannot be read.
    """
    named = defaultdict[str, list[AuditRow]](list)
    for row in records.audit.read():
        _, mark, sha256 = row.detail.rpartition(f", {_MARK}")
        if mark:
            named[sha256].append(row)
    # a row without its key's seal would be as good as any that somebody typed
    sealed = records.sealer.key_path.exists()
    faults = [each for each in records.audit.raw.check() if not each.harmless] if sealed else [_NO_KEY]
    return [Exported(sha256, named[sha256], faults) for sha256 in map(_sha256, contents)]


_NO_KEY = Finding("audit.csv", 0, "missing", "the key of the seals is gone: no row can be checked")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
