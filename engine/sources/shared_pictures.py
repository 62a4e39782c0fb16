"""Memory that a camera's reader shares with whoever asks for its pictures.

A picture of 1080p takes six megabytes. Sent through a pipe, it arrives in a hundred pieces, and a busy process waits for its turn before
each of them; here it is laid down once and copied once.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import weakref

import numpy as np
from numpy.typing import NDArray

SLOTS = 2
"""One picture is being copied while the next one is laid down."""


class SharedPictures:
    """Slots for pictures of one size or smaller.

    Args:
        handle: a file's descriptor, which this takes over.
        slot_bytes: size of a slot.
    """

    def __init__(self, handle: int, slot_bytes: int) -> None:
        self.handle, self.slot_bytes = handle, slot_bytes
        self._used = False
        self._memory = mmap.mmap(handle, SLOTS * slot_bytes)
        weakref.finalize(self, os.close, handle)

    @classmethod
    def made(cls, slot_bytes: int) -> SharedPictures:
        """New memory, which nothing but descriptors leads to; slots are as large as that at least."""
        slot_bytes = -(-slot_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        if sys.platform == "linux":  # not /dev/shm, which containers keep small
            handle = os.memfd_create("pictures")
        else:
            with tempfile.TemporaryFile() as file:
                handle = os.dup(file.fileno())
        os.ftruncate(handle, SLOTS * slot_bytes)
        return cls(handle, slot_bytes)

    def lay_down(self, slot: int, picture: NDArray[np.uint8]) -> None:
        """Put a picture, uint8 (H, W, 3), into a slot."""
        self._used = self._used or slot > 0
        np.copyto(self._slot(slot, picture.shape), picture)

    def release(self, slot: int) -> None:
        """Give back the memory of a slot after the first, whose picture nobody needs any more."""
        if self._used and sys.platform == "linux":
            self._memory.madvise(mmap.MADV_REMOVE, slot * self.slot_bytes, self.slot_bytes)
        self._used = False

    def taken(self, slot: int, height: int, width: int) -> NDArray[np.uint8]:
        """A copy of what lies in a slot, uint8 (height, width, 3)."""
        return self._slot(slot, (height, width, 3)).copy()

    def _slot(self, slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        flat = np.frombuffer(self._memory, np.uint8, count=int(np.prod(shape)), offset=slot * self.slot_bytes)
        return flat.reshape(shape)
