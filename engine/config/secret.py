"""Which settings hold passwords or tokens, so that no message, page or log repeats their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from engine.config.kinds import choices, models

_ALSO = frozenset({"store", "reports"})
"""Addresses that may carry a password although their type does not say so."""


def holds_secret(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    """Return whether the setting at a path holds a secret, or has one below it.

    Args:
        path: sections and keys; names of entries and places in lists count, too. An empty one means all settings.
    """
    return bool(path and path[0] in _ALSO) or _secret(_below(model, path))


def is_secret_itself(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    """Return whether the value at a path is a password or token as a whole; an address with a password in it is not."""
    return path == ("store",) or SecretStr in choices(_below(model, path))


def _below(kind: Any, path: Sequence[str | int]) -> Any:
    """The type of what is at a path; the last one that is known."""
    for part in path:
        fields = [each.model_fields[part].annotation for each in models(kind) if part in each.model_fields]
        if fields:
            kind = fields[0]
        elif entries := [each for each in get_args(kind) if each not in (type(None), ...)]:
            kind = entries[-1]  # an entry of a list or of a table by names
    return kind


def _secret(kind: Any) -> bool:
    if kind is SecretStr:
        return True
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return any(_secret(field.annotation) for field in kind.model_fields.values())
    return any(_secret(each) for each in get_args(kind))
