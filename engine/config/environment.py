"""Variables of the environment that begin with `MUSTER_`: which are settings, and what is said about those that are none.

Nobody owns the names of the environment. Kubernetes sets `MUSTER_PORT` and `MUSTER_SERVICE_HOST` for a service that is named muster, and
an older version meets settings of a newer one. So what is no setting is ignored, and named once.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel

from engine.config.kinds import choices, models

log = logging.getLogger(__name__)

PREFIX = "MUSTER_"
OTHERS = ("AUTHOR", "CACHE", "DEBUG", "KEYS", "PASSPHRASE", "WORKSPACE")
"""Variables of the product that are no settings."""
_ANY = "*"
_SERVICE = re.compile(r"MUSTER_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_LIKENESS = 0.8
_named: set[str] = set()
Value = TypeVar("Value")


def is_setting(model: type[BaseModel], name: str) -> bool:
    """Whether a variable gives a setting of a model, or a section as JSON; names of entries may be anything."""
    kind: Any = model
    for part in name.upper().removeprefix(PREFIX).lower().split("__"):
        if (found := models(kind)) and part in found[0].model_fields:
            kind = found[0].model_fields[part].annotation
        elif (entries := _entries(kind)) is not None and part:
            kind = entries
        else:
            return False
    return True


def settings_only(model: type[BaseModel], variables: Mapping[str, Value]) -> dict[str, Value]:
    """Variables without those that begin like settings and are none."""
    return {
        name: value
        for name, value in variables.items()
        if not name.upper().startswith(PREFIX) or is_setting(model, name)
    }


def name_unknown(model: type[BaseModel]) -> None:
    """Warn of variables that begin like settings and are none, of each once in the life of the process."""
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX)
        and name.upper().removeprefix(PREFIX) not in OTHERS
        and not is_setting(model, name)
        and name not in _named
    )
    _named.update(unknown)
    services = [each for each in unknown if _of_a_service(each, os.environ[each])]
    if services:
        log.warning("ignored, as Kubernetes sets them for a service that is named muster: %s", ", ".join(services))
    if mistaken := [each for each in unknown if each not in services]:
        known = {_folded(each): each for each in _names(model)} | {
            _folded(PREFIX + each): PREFIX + each for each in OTHERS
        }
        told = [f"{each} (did you mean {near}?)" if (near := _near(each, known)) else each for each in mistaken]
        log.warning("ignored, as no setting has this name: %s → docs/settings.md lists them all", ", ".join(told))


def _of_a_service(name: str, value: str) -> bool:
    return _SERVICE.fullmatch(name) is not None or (name.endswith("_PORT") and "://" in value)


def _near(name: str, known: Mapping[str, str]) -> str:
    """The name of a setting that somebody may have meant; empty: there is none.

    Args:
        known: names by how they are compared; `*` stands for the name of an entry, such as a camera.
    """
    parts = name.upper().split("__")
    wanted = [_folded(name)]
    if len(parts) > 2:
        wanted.insert(0, _folded("__".join((parts[0], _ANY, *parts[2:]))))
    for each in wanted:
        if found := difflib.get_close_matches(each, known, 1, _LIKENESS):
            return known[found[0]].replace(_ANY, parts[1] if len(parts) > 2 else "NAME")
    return ""


def _folded(name: str) -> str:
    return re.sub("_+", "_", name.upper())


def _names(model: type[BaseModel], above: str = PREFIX) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind, own = field.annotation, above + name.upper()
        while (entries := _entries(kind)) is not None:
            kind, own = entries, f"{own}__{_ANY}"
        yield own
        for inner in models(kind):
            yield from _names(inner, f"{own}__")


def _entries(kind: Any) -> Any:
    """What a mapping by names holds; None for any other type."""
    return next((get_args(each)[1] for each in choices(kind) if get_origin(each) is dict), None)
