"""Arrays in a file (npz), read without pickle."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import StorageError


def read_arrays(content: bytes, title: str, *names: str) -> list[NDArray[Any]]:
    """Return the arrays of these names.

    Args:
        title: names the file in an error.

    Raises:
        StorageError: the file is damaged, or packed in a way that NumPy cannot read.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return [np.asarray(file[name]) for name in names]
    except Exception as error:  # unpacking raises many: a packing of another kind, wrong sizes, broken headers
        told = str(error) or type(error).__name__
        raise StorageError(
            f"{title} is damaged ({told})", hint="run the command again: Muster makes the file anew"
        ) from error
