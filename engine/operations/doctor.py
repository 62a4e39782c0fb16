"""Find faults of an installation and its workspace, and how to fix them: `muster doctor`, and the workbench's own check."""

from __future__ import annotations

import contextlib
import platform
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from engine.access import find_sites
from engine.config import load_config
from engine.config.ids import did_you_mean
from engine.config.retention import BEFORE, began_before
from engine.config.section import LOOPBACK
from engine.errors import MusterError
from engine.masking import mask_address
from engine.models import FACENET, MOBILEFACENET, EmbedderSpec, ModelStore, cache_dir, embedder_spec, usual_model
from engine.operations.mqtt import check_broker, publisher_standing
from engine.operations.overview import GREY_MISSES, GREY_SHARE, cameras, other_ways, versions
from engine.people.basis import basis_of, country_of, doubt
from engine.sources import probe_live
from engine.storage.logs.witnesses import key_folder
from engine.types import Person
from engine.words import N_, phrase
from engine.workbench import Workbench

_BASIS_WORDS: Mapping[str, str] = {
    "consent": N_("{count} by consent"),
    "agreement": N_("{count} by a works agreement"),
    "law": N_("{count} by law"),
    "contract": N_("{count} by contract"),
    "visit": N_("{count} by a contract with visitors"),
    "withdrawn": N_("{count} withdrawn"),
}
_LATELY = timedelta(days=7)
_NAMED = 12
_PATIENCE = timedelta(minutes=1)
"""A restarting database is back within this time."""


@dataclass(frozen=True)
class Check:
    """The result of one check: the thing checked, its state, whether that is good, and how to fix it (may be empty)."""

    what: str
    found: str
    ok: bool = True
    hint: str = ""

    @property
    def state(self) -> Literal["ok", "advice", "wrong"]:
        """`advice`: nothing is wrong, but something could be better."""
        return "wrong" if not self.ok else "advice" if self.hint else "ok"

    @property
    def line(self) -> str:
        """The state and the hint in one line."""
        return phrase("{what} → {hint}", what=self.found, hint=self.hint) if self.hint else self.found


def examine(workspace: Path, sources: Sequence[str] = (), *, thorough: bool = True) -> list[Check]:
    """Run all checks.

    Args:
        sources: cameras to try, as for `muster watch --source`.
        thorough: read every byte of the models instead of only checking that they exist.
    """
    checks = [Check("python", platform.python_version(), sys.version_info >= (3, 11))]
    for package, version in versions().items():
        checks.append(
            Check(package, version)
            if version
            else Check(package, phrase("missing"), False, phrase("install muster again"))
        )
    checks += _workspace(workspace, thorough=thorough)
    checks += [_camera(spec, workspace) for spec in sources]
    return checks


def _failure(what: str, error: MusterError) -> Check:
    return Check(what, error.message, False, error.hint)


def _models(store: ModelStore, wanted: EmbedderSpec, *, thorough: bool) -> Iterator[Check]:
    for status in store.statuses(thorough=thorough):
        needed = status.model_id in {"mtcnn", *(wanted.parts or [wanted.model_id])}
        ok = status.state == "ready" or not (needed or status.state == "damaged")
        better = status.model_id == MOBILEFACENET and status.state == "missing" and wanted.model_id == FACENET
        hint = phrase("with it, new workspaces miss about a third as many people") if better else ""
        yield Check(phrase("model {name}", name=status.model_id), f"{status.state} ({status.detail})", ok, hint)
    free = store.free_bytes() / 1e9
    hint = "" if free > 1 else phrase("free at least 1 GB")
    found = phrase("{place} · {free} GB free", place=cache_dir(), free=f"{free:.1f}")
    yield Check(phrase("model cache"), found, free > 1, hint)
    yield Check(phrase("networks run on"), store.backend)


def _workspace(workspace: Path, *, thorough: bool) -> Iterator[Check]:
    store = ModelStore()
    try:
        workbench = Workbench(workspace, models=store)
    except MusterError as error:
        yield from _models(store, embedder_spec(usual_model(store)), thorough=thorough)
        yield _failure(phrase("workspace"), error)
        return
    with contextlib.closing(workbench.store):
        yield from _models(store, workbench.spec, thorough=thorough)
        yield from _opened(workspace, workbench, thorough=thorough)


def _opened(workspace: Path, workbench: Workbench, *, thorough: bool) -> Iterator[Check]:
    yield from _sites(workspace, workbench.config.site)
    yield from _database(workbench)
    yield from _erasures(workbench)
    yield from _state_files(workbench)
    try:
        people, gallery = workbench.people.all(), workbench.gallery.current()
    except MusterError as error:
        yield _failure(phrase("workspace"), error)
        return
    place = workspace
    while not place.exists():
        place = place.resolve().parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
            pass
        free = shutil.disk_usage(place).free / 1e9
        found = phrase("{place} · writable · {free} GB free", place=workspace, free=f"{free:.1f}")
        yield Check(phrase("workspace"), found)
    except OSError as error:
        yield Check(phrase("workspace"), f"{workspace}: {error.strerror}", False, phrase("give this user write access"))
    zone = workbench.config.zone
    now = f"{datetime.now(UTC).astimezone(zone):%Y-%m-%d %H:%M}"
    yield Check(phrase("time zone"), phrase("{zone} · now {time}", zone=workbench.config.timezone, time=now))
    listed = phrase("{count} listed, {enrolled} with templates", count=len(people), enrolled=len(gallery))
    yield Check(phrase("people"), listed)
    yield from _shifts(workbench, people)
    yield from _key(workbench)
    yield from _clock(workbench)
    yield from _encryption(workbench)
    yield from _strangers(workbench)
    yield from _bases(workbench, people)
    yield from _retention(workbench)
    yield from _broker(workbench)
    yield from _threshold(workbench)
    yield from _pictures(workbench)
    yield from _stored_pictures(workbench, thorough=thorough)
    ways: set[str] = set()
    with contextlib.suppress(MusterError):  # what is wrong with these files, their own check says
        ways = other_ways(workbench)
    if without := sorted(set(people) - set(gallery.people) - ways):
        yield Check(phrase("people without templates"), _some(without), False, phrase("enrol them"))
    with contextlib.suppress(MusterError):  # the threshold cannot be read, which its own check says
        if few := workbench.registrar.few_photos():
            named = _some([f"{key} ({count})" for key, count in sorted(few.items())])
            yield Check(phrase("people with few photos"), named, hint=workbench.registrar.advice)
    if strays := sorted(set(gallery.people) - set(people)):
        yield Check(phrase("templates without a person"), _some(strays), False, phrase("`muster forget` them"))


def _shifts(workbench: Workbench, people: Mapping[str, Person]) -> Iterator[Check]:
    """Check that shifts hold for somebody, that people have shifts, and that the list agrees with what is dated."""
    rota, today = workbench.attendance.rota, workbench.attendance.day_of(workbench.clock())
    book = workbench.people.dated()
    book.refresh()
    here = {key: person.at(book.on(key, today)) for key, person in people.items()}
    differing = [key for key, person in people.items() if person != here[key]]
    if differing:
        hint = phrase("a recorder or the workbench brings it up to date when it runs")
        found = phrase("differs from employment.csv: {names}", names=_some(differing))
        yield Check("people.csv", found, hint=hint)
    if not rota:
        return
    active = [person for person in here.values() if person.active]
    assigned = {book.on(person.employee_id, today).shift for person in active} - {""}
    if unknown := sorted(assigned - {*rota.names}):
        found = phrase("not in the settings: {names}", names=_some(unknown))
        yield Check(phrase("assigned shifts"), found, False, phrase("assign others, or add them"))
    if unused := rota.choice.unused([(person.employee_id, person.department) for person in active], assigned):
        hint = phrase("check the spelling of its people and departments, or assign it")
        yield Check(phrase("shifts for nobody"), _some(unused), False, hint)
    config = workbench.config
    named = [(name, shift.people) for name, shift in config.shifts.items()]
    named += [(name, turns.people) for name, turns in config.rotas.items()]
    named += [(name, group.people) for name, group in config.holidays.groups.items()]
    if strange := [(name, each) for name, ids in named for each in ids if each not in people]:
        asked = [(name, each, did_you_mean(each, people)) for name, each in strange]
        told = [f"{name}: {each}" + (f" ({question})" if question else "") for name, each, question in asked]
        hint = phrase("correct the id in the settings, or import the staff list")
        found = phrase("nobody is known as {names}", names=_some(told))
        yield Check(phrase("people of shifts"), found, False, hint)
    weeks = [today + timedelta(days=offset) for offset in range(28)]
    without: dict[str, int] = {}
    for person in active:
        if not any(rota.shift(person.employee_id, person.department, day) for day in weeks):
            without[person.department or "no department"] = without.get(person.department or "no department", 0) + 1
    if without:
        departments = _some([f"{name} ({count})" for name, count in sorted(without.items())])
        hint = phrase("nobody of them counts as late or absent; give their department a shift, or assign one")
        yield Check(phrase("people without a shift"), departments, hint=hint)


def _some(names: Sequence[str]) -> str:
    first = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    return phrase("{names} and {more} more", names=first, more=more) if more > 0 else first


def _key(workbench: Workbench) -> Iterator[Check]:
    key_path = workbench.records.sealer.key_path
    if not key_path.exists():
        return
    inside = key_path.resolve().is_relative_to(workbench.workspace.resolve())
    risk = phrase("whoever can write the workspace can forge rows: move the file elsewhere and set `seal_key`")
    yield Check(phrase("seal key"), str(key_path), True, risk if inside else "")


def _encryption(workbench: Workbench) -> Iterator[Check]:
    """Check that templates and pictures are encrypted, with keys that lie elsewhere."""
    try:
        found = workbench.privacy.encryption()
    except MusterError as error:
        yield _failure(phrase("encryption"), error)
        return
    if not found.at_rest:
        hint = phrase("whoever copies the workspace sees every face: remove `at_rest = false` from [encryption]")
        yield Check(phrase("encryption"), phrase("off in the settings"), hint="" if workbench.config.sample else hint)
    elif found.keys is not None and found.keys.inside:
        hint = phrase(
            "they protect nothing there: let this user write {place}, then move {folder} there",
            place=key_folder(),
            folder=found.keys.folder,
        )
        where = phrase("the keys lie in the workspace: {folder}", folder=found.keys.folder)
        yield Check(phrase("encryption"), where, False, hint)
    elif found.plain:
        count = phrase(
            "{plain} files with faces are not encrypted, {sealed} are", plain=found.plain, sealed=found.sealed
        )
        yield Check(phrase("encryption"), count, hint="`muster keys encrypt`")
    elif found.keys is not None:
        where = phrase("{count} files · keys in {folder}", count=found.sealed, folder=found.keys.folder)
        yield Check(phrase("encryption"), where)
        if found.keys.old:
            old = phrase("{count} are to be replaced", count=found.keys.old)
            yield Check(phrase("data keys"), old, hint="`muster keys rotate --reencrypt`")


def _strangers(workbench: Workbench) -> Iterator[Check]:
    """Say what is kept of people who are not enrolled, and what is left from when it was more."""
    found = {
        "nothing": phrase("nothing is kept of them"),
        "incident": phrase("incidents with pictures are kept, but nothing to recognise them by"),
        "dossier": phrase("incidents are kept, and templates to recognise them by"),
    }[workbench.config.strangers.keep]
    hint = ""
    if not workbench.config.strangers.recognised_again:
        with contextlib.suppress(MusterError):
            if count := len(workbench.strangers.current().people):
                hint = phrase(
                    "{count} from earlier still have templates: they go when [retention] strangers says so",
                    count=count,
                )
    yield Check(phrase("strangers"), found, hint=hint)


def _bases(workbench: Workbench, people: Mapping[str, Person]) -> Iterator[Check]:
    """Say on what recognition rests, and what may be wrong with that."""
    counts = Counter(basis_of(person) for person in people.values() if person.active)
    if not counts:
        return
    missing, country = counts.pop("", 0), country_of(workbench.config)
    found = [phrase(_BASIS_WORDS[kind], count=count) for kind, count in sorted(counts.items())]
    found += [phrase("{count} without one", count=missing)] if missing else []
    concern = next(filter(None, (doubt(kind, country) for kind in counts)), "")
    yield Check(phrase("legal basis"), " · ".join(found), hint="" if workbench.config.sample else concern)


def _retention(workbench: Workbench) -> Iterator[Check]:
    """Say how long decisions and pictures are kept, and whether that is still as it was before periods went by purpose."""
    kept = workbench.config.retention
    pictures = [kept.evidence_images, kept.tailgating_images, kept.unknown_images]
    longest = None if None in pictures else max(each for each in pictures if each is not None)
    found = phrase(
        "decisions {decisions} days, pictures up to {pictures} days",
        decisions=kept.sightings or "∞",
        pictures=longest or "∞",
    )
    as_before = not workbench.config.sample and began_before(workbench.workspace)
    as_before = as_before and all(getattr(kept, key) == days for key, days in BEFORE.items())
    hint = phrase(
        "as before; usual are 365 and 30 by now: set [retention] sightings, evidence_images and tailgating_images"
    )
    yield Check(phrase("retention"), found, hint=hint if as_before else "")


def _clock(workbench: Workbench) -> Iterator[Check]:
    try:
        doubt = workbench.privacy.clock_doubt()
    except MusterError as error:
        yield _failure(phrase("clock"), error)
        return
    if doubt:
        hint = phrase("set the clock right, or run `muster purge --apply --trust-clock` if it is")
        yield Check(phrase("clock"), doubt, False, hint)


def _state_files(workbench: Workbench) -> Iterator[Check]:
    """Check that files such as accounts, people and templates are as Muster wrote them."""
    seals = workbench.records.seals
    for each in seals.check() if seals else ():
        hint = phrase(
            "restore it from a backup, or if the change is right run `muster verify --accept {file} --reason …`",
            file=each.file,
        )
        yield Check(each.file, each.detail, False, hint)


def _stored_pictures(workbench: Workbench, *, thorough: bool) -> Iterator[Check]:
    """Check that pictures are as Muster wrote them; unless `thorough`, those of the last days."""
    since = date.min if thorough else workbench.attendance.day_of(workbench.clock()) - _LATELY
    try:
        findings = workbench.records.check_pictures(since)
    except MusterError as error:
        yield _failure(phrase("pictures"), error)
        return
    for each in findings:
        if each.harmless:
            hint = phrase(
                "cover them from now on, as they are: `muster verify --accept pictures --author … --reason …`"
            )
            yield Check(phrase("pictures"), each.detail, hint=hint)
        else:
            hint = phrase(
                "restore it from a backup, or if it is right run `muster verify --accept {file} --reason …`",
                file=each.file,
            )
            yield Check(each.file, each.detail, False, hint)


def _sites(workspace: Path, home: str) -> Iterator[Check]:
    """Check the sites, if there are several."""
    found = find_sites(workspace, home)
    if len(found.names) > 1 or found.problems:
        yield Check(phrase("sites"), ", ".join(found.names))
    for name, problem in found.problems.items():
        yield _failure(phrase("site {name}", name=name), problem)


def _database(workbench: Workbench) -> Iterator[Check]:
    state, backlog = workbench.store.state(), workbench.store.backlog()
    if state is None or backlog is None:
        return
    if state.problem:
        yield Check(phrase("database"), state.problem, False, state.hint)
    else:
        found = phrase(
            "{address} · site {site} · login {login} ({kind})",
            address=state.address,
            site=state.site,
            login=state.login,
            kind=state.kind,
        )
        yield Check(phrase("database"), found)
    if state.concern:
        yield Check(
            phrase("connection to the database"),
            state.concern,
            False,
            phrase("add ?sslmode=verify-full to `store`"),
        )
    if backlog.since is not None:
        late = workbench.clock() - backlog.since > _PATIENCE
        since = backlog.since.astimezone(workbench.config.zone)
        found = phrase("{count} since {time}", count=backlog.rows, time=f"{since:%Y-%m-%d %H:%M}")
        hint = phrase("a running process of this workspace sends them: start one, and check that the database answers")
        if backlog.problem and not state.problem:
            hint = phrase("{what} ({why})", what=hint, why=backlog.problem)
        yield Check(phrase("rows waiting for the database"), found, not late, hint if late else "")
    if backlog.refused:
        hint = phrase("see spool/refused.csv for the reasons; then `muster store drain --again`")
        yield Check(phrase("rows that the database refused"), str(backlog.refused), False, hint)


def _broker(workbench: Workbench) -> Iterator[Check]:
    """Check that the MQTT broker takes messages, if there is one."""
    config = workbench.config.mqtt
    if not config.on:
        return
    try:
        check_broker(workbench)
    except MusterError as error:
        yield _failure(phrase("MQTT broker"), error)
        return
    stands = publisher_standing(workbench.workspace)
    waiting = stands.waiting if stands else 0
    found = phrase("{place} · {count} messages wait", place=config.place, count=waiting)
    hint = ""
    if not config.tls and config.host not in {"localhost", *LOOPBACK}:
        hint = phrase("everybody on the way can read messages and password: set [mqtt] tls = true")
    yield Check(phrase("MQTT broker"), found, hint=hint)


def _erasures(workbench: Workbench) -> Iterator[Check]:
    """Check that every machine has erased whoever was erased on one of them."""
    try:
        found = workbench.privacy.unconfirmed()
    except MusterError as error:
        yield _failure(phrase("erased people"), error)
        return
    if found:
        since = min(found.values()).astimezone(workbench.config.zone)
        what = phrase(
            "not confirmed since {time} by {names}: pictures of them may lie there",
            time=f"{since:%Y-%m-%d %H:%M}",
            names=", ".join(sorted(found)),
        )
        hint = phrase(
            "start Muster there; for a machine that is gone, erase its disk, then `muster store revoke LOGIN`"
        )
        yield Check(phrase("erased people"), what, False, hint)


def _threshold(workbench: Workbench) -> Iterator[Check]:
    try:
        found = workbench.calibration.in_force()
    except MusterError as error:
        yield _failure(phrase("threshold"), error)
        return
    origin = {
        "settings": phrase("fixed in the settings"),
        "derived": phrase("derived from the people on the list"),
    }
    made = found.version
    by = phrase("calibrated on {day} by {name}", day=made.made_at[:10], name=made.author) if made else ""
    shown = phrase("{threshold} · {origin}", threshold=f"{found.threshold:.3f}", origin=origin.get(found.source, by))
    yield Check(phrase("threshold"), shown)
    for concern in found.concerns:
        yield Check(phrase("calibration"), concern.what, False, concern.hint)


def _pictures(workbench: Workbench) -> Iterator[Check]:
    """Check what cameras showed lately: upright people, in colour."""
    try:
        found = cameras(workbench)
    except MusterError as error:
        yield _failure(phrase("cameras"), error)
        return
    for camera in found:
        if camera.rotate is not None:
            hint = phrase(
                "set rotate = {degrees} in [cameras.{name}], or hang the camera the other way",
                degrees=camera.rotate,
                name=camera.name,
            )
            what = phrase("pictures of camera {name}", name=camera.name)
            yield Check(what, phrase("people do not stand upright"), False, hint)
        if camera.grey is not None and camera.grey >= GREY_SHARE:
            colour, grey = GREY_MISSES
            told = phrase(
                "{share} of the faces are grey (night or infrared); of known people about {grey} get no name at first sight "
                "there, in colour {colour}",
                share=f"{camera.grey:.0%}",
                grey=f"{grey:.0%}",
                colour=f"{colour:.0%}",
            )
            yield Check(phrase("light of camera {name}", name=camera.name), told)


def _camera(spec: str, workspace: Path) -> Check:
    what = phrase("camera {name}", name=mask_address(spec))
    try:
        width, height = probe_live(spec, load_config(workspace).sources)
    except MusterError as error:
        return _failure(what, error)
    return Check(what, f"{width}×{height}")
