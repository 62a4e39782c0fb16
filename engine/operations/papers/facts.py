"""What the papers state about a workspace: its settings, who uses it, and figures that were measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import BaseModel

from engine.access.doors import chosen
from engine.config import CameraConfig, Config
from engine.evaluation import Estimate
from engine.operations.overview import kept, other_ways
from engine.operations.papers.versions import Stated
from engine.people.basis import Basis, country_of
from engine.workbench import Workbench

_SECTIONS = (
    "retention",
    "strangers",
    "people",
    "presentation",
    "matching",
    "voting",
    "quality",
    "detection",
    "embedding",
    "events",
    "attendance",
    "encryption",
)
"""Sections without secrets, all of which decide what becomes of people's data."""
_OF_CAMERAS = frozenset(CameraConfig.model_fields) - {"source", "kiosk_address", "kiosk_port"}
OVERRIDES = ("not_this", "confirm", "overrule", "calibrate", "calibrate_rollback", "change_setting", "reopen_month")
"""Actions of the audit log by which somebody overrode a decision, or how decisions are made."""
_YEAR = timedelta(days=365)
_FEW = 2


@dataclass(frozen=True)
class Facts:
    """What is known.

    Attributes:
        settings: every setting that matters, by its name in the file.
        bases: how many active people rest on each basis; versions: those that are named.
        overseers: names of the accounts of each role that decides about people.
        overrides: how many a person made in the last year, by author and action.
        stored: files of each class of data.
        rates: error rates with intervals, of this gallery; empty where it is too small to measure.
        doors: for how many employed people each door that is not off is meant.
        near: answers about faces near the threshold.
        other_ways: people with a badge or a PIN.
    """

    config: Config
    day: date
    country: str
    settings: tuple[Stated, ...]
    people: int
    enrolled: int
    templates: int
    bases: Mapping[str, int]
    versions: tuple[str, ...]
    overseers: Mapping[str, tuple[str, ...]]
    overrides: Mapping[tuple[str, str], int]
    stored: Mapping[str, int]
    model: str
    threshold: float
    threshold_source: str
    rates: Mapping[str, Estimate]
    stranger_rate: float | None
    missed_rate: float | None
    near: int
    doors: Mapping[str, int]
    other_ways: int
    backend: str


def facts_of(bench: Workbench) -> Facts:
    """Gather them.

    Raises:
        MusterError: something cannot be read.
    """
    config, now = bench.settings.get(), bench.records.now()
    config = config.model_copy(
        update={"embedding": bench.config.embedding}
    )  # the model that is used, also if none is named
    people = [person for person in bench.people.all().values() if person.active]
    bases = [Basis.of(person) for person in people]
    gallery = bench.gallery.current()
    roles: dict[str, list[str]] = {}
    for account in bench.accounts.all().values():
        if account.active:
            roles.setdefault(account.role, []).append(account.name)
    made = Counter(
        (row.author, row.action)
        for row in bench.audit.read()
        if row.action in OVERRIDES and now - row.timestamp <= _YEAR and row.author not in {"", "engine"}
    )
    in_force = bench.calibration.in_force(gallery)
    rates, stranger, missed = _measured(bench)
    return Facts(
        config=config,
        day=now.date(),
        country=country_of(config),
        settings=settings_of(config, in_force.threshold),
        people=len(people),
        enrolled=len(gallery),
        templates=len(gallery.templates),
        bases=Counter(basis.kind for basis in bases),
        versions=tuple(sorted({basis.version for basis in bases if basis.version})),
        overseers={role: tuple(sorted(names)) for role, names in sorted(roles.items())},
        overrides=dict(sorted(made.items())),
        stored={row.what: row.files for row in kept(bench)},
        model=bench.spec.model_id,
        threshold=in_force.threshold,
        threshold_source=in_force.source,
        rates=rates,
        stranger_rate=stranger,
        missed_rate=missed,
        doors={
            name: sum(chosen(door, person.employee_id, person.department) for person in people)
            for name, door in config.doors.items()
            if door.action != "off"
        },
        near=bench.calibration.answers().answers,
        other_ways=len(other_ways(bench) & {person.employee_id for person in people}),
        backend=bench.models.backend,
    )


def _measured(bench: Workbench) -> tuple[dict[str, Estimate], float | None, float | None]:
    gallery = bench.gallery.current()
    if len(gallery) < _FEW:
        return {}, None, None
    found = bench.calibration.report(runs=200).now
    rates = {"fmr": found.fmr, "fnmr": found.fnmr, "fpir": found.fpir, "fnir": found.fnir}
    measured = {name: rate for name, rate in rates.items() if rate.trials}
    return measured, found.model_fpir, found.try_again


def settings_of(config: Config, threshold: float) -> tuple[Stated, ...]:
    """Every setting that decides what becomes of people's data, by its name in the file, and the threshold in force."""
    found = {"timezone": config.timezone, "store": "database" if config.store else "files"}
    found["threshold"] = f"{threshold:.3f}"
    for section in _SECTIONS:
        _flatten(found, section, getattr(config, section))
    for name, camera in config.cameras.items():
        for key in sorted(_OF_CAMERAS):
            found[f"cameras.{name}.{key}"] = _spelt(getattr(camera, key))
    found["app.second_factor"] = _spelt(config.app.second_factor)
    found["notifications.rules"] = _spelt([rule.name for rule in config.notifications.rules])
    for key in ("host", "who", "events"):
        found[f"mqtt.{key}"] = _spelt(getattr(config.mqtt, key)) if config.mqtt.on else ""
    for name, door in config.doors.items():
        for key in ("action", "cameras", "hours", "days", "reason"):
            found[f"doors.{name}.{key}"] = _spelt(getattr(door, key))
    found["reports.scheduled"] = _spelt([report.name for report in config.reports.scheduled])
    return tuple(Stated(name, value) for name, value in sorted(found.items()))


def _flatten(found: dict[str, str], name: str, section: BaseModel) -> None:
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            _flatten(found, f"{name}.{key}", value)
        else:
            found[f"{name}.{key}"] = _spelt(value)


def _spelt(value: object) -> str:
    return (
        "" if value is None else value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    )
