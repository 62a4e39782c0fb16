"""Error rates by groups of people, from a table that says who belongs where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import InputError
from engine.evaluation import Estimate, GroupRates, few_of_each, group_rates
from engine.tuning.reading import LabelledPhotos
from engine.tuning.tables import read_table

_COLUMNS = ("person", "group")
_HINT = "give a CSV file with the columns person and group; a person is the name of a folder of photos"
_NAMED = 3  # unknown people named in an error


def read_groups(table: Path, people: Collection[str]) -> dict[str, str]:
    """Read the group of each person; people without one are left out.

    Raises:
        InputError: the table cannot be read, lacks a column, is empty, names somebody unknown, or gives somebody two groups.
    """
    found: dict[str, str] = {}
    for line, (person, group) in enumerate(read_table(table, _COLUMNS, _HINT), start=2):
        if group and found.setdefault(person, group) != group:
            raise InputError(
                f"{table}, line {line}: {person} is in {found[person]} and in {group}",
                hint="give each person one group",
            )
    if unknown := [person for person in found if person not in people]:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise InputError(f"{table}: there are no photos of {', '.join(unknown[:_NAMED])}{more}", hint=_HINT)
    if not found:
        raise InputError(f"{table} gives nobody a group", hint=_HINT)
    return found


def assess_groups(photos: LabelledPhotos, group_of: Mapping[str, str], threshold: float) -> dict[str, Any]:
    """Compare photos of people who have a group at one threshold, at most five of each that pass the quality gate.

    Returns:
        `threshold`, `labelled` and `left_out` people; `groups` with people, photos, FNMR and FMR within the group; `across` with the
        FMR between two groups; `mean` over the groups and the `worst` group of both rates. Rates have `value`, `low` and `high`.
    """
    names = sorted(set(group_of.values()))
    kept = [number for number, person in enumerate(photos.people) if person in group_of]
    few = few_of_each(photos.owners, photos.weights, np.random.default_rng(0))
    rows = few[np.isin(photos.owners[few], kept)]
    owners = np.searchsorted(kept, photos.owners[rows]).astype(np.intp)
    groups = np.array([names.index(group_of[photos.people[number]]) for number in kept], np.intp)
    found = group_rates(photos.embeddings[rows], owners, groups, names, threshold)
    within = {
        "fmr": [found.fmr[number][number] for number in range(len(names))],
        "fnmr": list(found.fnmr),
    }
    return {
        "threshold": threshold,
        "labelled": len(kept),
        "left_out": len(photos.people) - len(kept),
        "groups": [
            {
                "group": name,
                "people": int(found.people[number]),
                "photos": int(found.photos[number]),
                **{rate: _rate(rates[number]) for rate, rates in within.items()},
            }
            for number, name in enumerate(names)
        ],
        "across": _across(found),
        "mean": {rate: _mean(rates) for rate, rates in within.items()},
        "worst": {rate: _worst(names, rates) for rate, rates in within.items()},
    }


def _across(found: GroupRates) -> list[dict[str, Any]]:
    count = len(found.names)
    return [
        {"groups": [found.names[one], found.names[other]], "fmr": _rate(found.fmr[one][other])}
        for one in range(count)
        for other in range(one + 1, count)
    ]


def _rate(found: Estimate) -> dict[str, Any] | None:
    """A rate, or None if the group has no such comparison."""
    if not found.trials:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "comparisons": found.trials}


def _mean(rates: list[Estimate]) -> float | None:
    known = [each.value for each in rates if each.trials]
    return float(np.mean(known)) if known else None


def _worst(names: list[str], rates: list[Estimate]) -> str | None:
    known = [(each.value, name) for name, each in zip(names, rates, strict=True) if each.trials]
    return max(known)[1] if known else None
