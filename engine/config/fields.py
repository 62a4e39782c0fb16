"""What kind of value each setting takes, read from the models: whoever draws a form or a list of settings asks here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from engine.config.kinds import choices
from engine.config.section import Look

Kind = Literal[
    "truth", "number", "text", "secret", "choice", "time", "date", "list", "numbers", "dated", "section", "entries"
]

_PLAIN: dict[type, Kind] = {
    bool: "truth",
    int: "number",
    float: "number",
    time: "time",
    date: "date",
    SecretStr: "secret",
}


@dataclass(frozen=True)
class Setting:
    """A setting as its model describes it.

    Attributes:
        kind: `numbers`: several at once. `dated`: texts by days. `section`: a model of its own. `entries`: several of them, by names or
            in a list.
        entry: kind of a list's entries, such as `text`, `date`, `secret` or `choice`.
        look: what a text looks like: `days`, `window`, or empty.
        choices: of a choice, or of a list of choices.
        low, high: limits of a number, themselves allowed or not; None: there is none.
        whole: only integers. optional: it may be empty. required: it has no default.
        default: None where there is none.
        model: of a section or of entries. numbered: the entries are a list.
    """

    kind: Kind
    entry: Kind | None = None
    look: str = ""
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False
    optional: bool = False
    required: bool = False
    default: Any = None
    model: type[BaseModel] | None = None
    numbered: bool = False


def setting(model: type[BaseModel], path: tuple[str | int, ...]) -> Setting:
    """Describe the setting at a path; names of entries and places in lists may be anything.

    Raises:
        KeyError: there is none.
    """
    name, *rest = path
    found = _described(model.model_fields[str(name)])
    if not rest or found.model is None:
        return found
    return setting(found.model, tuple(rest[1:] if found.kind == "entries" else rest))


def settings_below(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Setting]]:
    """Yield every setting of a model that is no section itself, with its path; `*` stands for names and places of entries."""
    for name, field in model.model_fields.items():
        found = _described(field)
        path = (*above, name)
        if found.model is None:
            yield path, found
        else:
            yield from settings_below(found.model, (*path, "*") if found.kind == "entries" else path)


def _described(field: FieldInfo) -> Setting:
    kind, look = _without_notes(field.annotation, field.metadata)
    allowed = choices(kind)
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    limits = {type(each): each for each in field.metadata}
    low = next((float(getattr(limits[each], name)) for each, name in ((Ge, "ge"), (Gt, "gt")) if each in limits), None)
    high = next((float(getattr(limits[each], name)) for each, name in ((Le, "le"), (Lt, "lt")) if each in limits), None)
    return Setting(
        **_kind(next(each for each in allowed if each is not NoneType)),
        look=look,
        low=low,
        high=high,
        optional=NoneType in allowed,
        required=field.is_required() or MinLen in limits,
        default=default,
    )


def _kind(kind: Any) -> dict[str, Any]:
    """Kind, entry, choices, model and the like of a type."""
    arguments, origin = get_args(kind), get_origin(kind)
    if origin is Literal:
        return {"kind": "choice", "choices": arguments}
    if origin is tuple:
        return _several(arguments)
    if origin is dict:
        return {"kind": "entries", "model": arguments[1]} if _is(arguments[1], BaseModel) else {"kind": "dated"}
    if _is(kind, BaseModel):
        return {"kind": "section", "model": kind}
    if _is(kind, Enum):
        return {"kind": "choice", "choices": tuple(each.value for each in kind)}
    return {"kind": _PLAIN.get(kind, "text"), "whole": kind is int}


def _several(arguments: tuple[Any, ...]) -> dict[str, Any]:
    """The same for a tuple."""
    if arguments[-1] is not ...:
        return {"kind": "numbers"}
    inner, _ = _without_notes(arguments[0], ())
    if _is(inner, BaseModel):
        return {"kind": "entries", "model": inner, "numbered": True}
    found = _kind(inner)
    return {"kind": "list", "entry": found["kind"], "choices": found.get("choices", ())}


def _is(kind: Any, above: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, above)


def _without_notes(kind: Any, notes: Any) -> tuple[Any, str]:
    """A type without `Annotated`, and what its texts look like."""
    if get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
    inner = [note for each in get_args(kind) if get_origin(each) is Annotated for note in get_args(each)[1:]]
    look = next((each.name for each in (*notes, *inner) if isinstance(each, Look)), "")
    return kind, look
