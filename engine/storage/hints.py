"""What to do when the system refuses to read or write a file."""

from __future__ import annotations

import errno
from pathlib import Path

_ELSEWHERE = "choose another: --workspace for data, MUSTER_KEYS for keys, MUSTER_CACHE for models"
_HINTS = {
    errno.ENOSPC: "free space on the disk, then run the command again",
    errno.EDQUOT: "free space within the quota, then run the command again",
    errno.EFBIG: "the file reached its size limit: raise the limit or use another workspace",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), f"give this user write access to the folder {{folder}}, or {_ELSEWHERE}"
    ),
    **dict.fromkeys(
        (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP),
        "this file system has no locks: use a local disk, or mount the share with locks (NFS: without nolock)",
    ),
    errno.EROFS: f"nothing can be written to the folder {{folder}}: {_ELSEWHERE}",
    errno.ENOTDIR: f"{{folder}} lies below a file: {_ELSEWHERE}",
}


def hint_for(error: OSError, path: Path) -> str:
    """The next step after an error at `path`; it names the folder, as keys and models lie outside of the workspace."""
    hint = _HINTS.get(error.errno or 0, "check the disk and the workspace's access rights")
    return hint.replace("{folder}", str(path.parent))
