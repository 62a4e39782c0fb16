"""What the types of settings allow, for whoever reads the models."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def choices(kind: Any) -> tuple[Any, ...]:
    """Return the types that a value may have, without notes; None's among them, if it may be empty."""
    if get_origin(kind) is Annotated:
        return choices(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return tuple(inner for each in get_args(kind) for inner in choices(each))
    return (kind,)


def models(kind: Any) -> list[type[BaseModel]]:
    """Return the models that a value may be itself, not those of its entries."""
    return [each for each in choices(kind) if isinstance(each, type) and issubclass(each, BaseModel)]
