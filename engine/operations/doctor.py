"""Find faults of an installation and its workspace, and how to fix them: `muster doctor`, and the workbench's own check."""

from __future__ import annotations

import contextlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from engine.access import find_sites
from engine.config import load_config
from engine.config.ids import did_you_mean
from engine.errors import MusterError
from engine.masking import mask_address
from engine.models import FACENET, MOBILEFACENET, EmbedderSpec, ModelStore, cache_dir, embedder_spec, usual_model
from engine.operations.overview import GREY_MISSES, GREY_SHARE, cameras, versions
from engine.sources import probe_live
from engine.storage.logs.witnesses import key_folder
from engine.types import Person
from engine.workbench import Workbench

_LATELY = timedelta(days=7)
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
        return f"{self.found} → {self.hint}" if self.hint else self.found


def examine(workspace: Path, sources: Sequence[str] = (), *, thorough: bool = True) -> list[Check]:
    """Run all checks.

    Args:
        sources: cameras to try, as for `muster watch --source`.
        thorough: read every byte of the models instead of only checking that they exist.
    """
    checks = [Check("python", platform.python_version(), sys.version_info >= (3, 11))]
    for package, version in versions().items():
        checks.append(Check(package, version) if version else Check(package, "missing", False, "install muster again"))
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
        hint = "with it, new workspaces miss about a third as many people" if better else ""
        yield Check(f"model {status.model_id}", f"{status.state} ({status.detail})", ok, hint)
    free = store.free_bytes() / 1e9
    hint = "" if free > 1 else "free at least 1 GB"
    yield Check("model cache", f"{cache_dir()} · {free:.1f} GB free", free > 1, hint)
    yield Check("networks run on", store.backend)


def _workspace(workspace: Path, *, thorough: bool) -> Iterator[Check]:
    store = ModelStore()
    try:
        workbench = Workbench(workspace, models=store)
    except MusterError as error:
        yield from _models(store, embedder_spec(usual_model(store)), thorough=thorough)
        yield _failure("workspace", error)
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
        yield _failure("workspace", error)
        return
    place = workspace
    while not place.exists():
        place = place.resolve().parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
            pass
        free = shutil.disk_usage(place).free / 1e9
        yield Check("workspace", f"{workspace} · writable · {free:.1f} GB free")
    except OSError as error:
        yield Check("workspace", f"{workspace}: {error.strerror}", False, "give this user write access")
    zone = workbench.config.zone
    yield Check("time zone", f"{workbench.config.timezone} · now {datetime.now(UTC).astimezone(zone):%Y-%m-%d %H:%M}")
    yield Check("people", f"{len(people)} listed, {len(gallery)} with templates")
    yield from _shifts(workbench, people)
    yield from _key(workbench)
    yield from _clock(workbench)
    yield from _encryption(workbench)
    yield from _threshold(workbench)
    yield from _pictures(workbench)
    yield from _stored_pictures(workbench, thorough=thorough)
    if without := sorted(set(people) - set(gallery.people)):
        yield Check("people without templates", ", ".join(without[:5]), False, "enrol them")
    with contextlib.suppress(MusterError):  # the threshold cannot be read, which its own check says
        if few := workbench.registrar.few_photos():
            named = ", ".join(f"{key} ({count})" for key, count in sorted(few.items()))
            yield Check("people with few photos", named, hint=workbench.registrar.advice)
    if strays := sorted(set(gallery.people) - set(people)):
        yield Check("templates without a person", ", ".join(strays[:5]), False, "`muster forget` them")


def _shifts(workbench: Workbench, people: Mapping[str, Person]) -> Iterator[Check]:
    """Check that shifts hold for somebody, that people have shifts, and that the list agrees with what is dated."""
    rota, today = workbench.attendance.rota, workbench.attendance.day_of(workbench.clock())
    book = workbench.people.dated()
    book.refresh()
    here = {key: person.at(book.on(key, today)) for key, person in people.items()}
    differing = [key for key, person in people.items() if person != here[key]]
    if differing:
        hint = "a recorder or the workbench brings it up to date when it runs"
        yield Check("people.csv", f"differs from employment.csv: {_some(differing)}", hint=hint)
    if not rota:
        return
    active = [person for person in here.values() if person.active]
    assigned = {book.on(person.employee_id, today).shift for person in active} - {""}
    if unknown := sorted(assigned - {*rota.names}):
        yield Check("assigned shifts", f"not in the settings: {_some(unknown)}", False, "assign others, or add them")
    if unused := rota.choice.unused([(person.employee_id, person.department) for person in active], assigned):
        hint = "check the spelling of its people and departments, or assign it"
        yield Check("shifts for nobody", _some(unused), False, hint)
    config = workbench.config
    named = [(name, shift.people) for name, shift in config.shifts.items()]
    named += [(name, turns.people) for name, turns in config.rotas.items()]
    named += [(name, group.people) for name, group in config.holidays.groups.items()]
    if strange := [(name, each) for name, ids in named for each in ids if each not in people]:
        asked = [(name, each, did_you_mean(each, people)) for name, each in strange]
        told = [f"{name}: {each}" + (f" ({question})" if question else "") for name, each, question in asked]
        hint = "correct the id in the settings, or import the staff list"
        yield Check("people of shifts", f"nobody is known as {_some(told)}", False, hint)
    weeks = [today + timedelta(days=offset) for offset in range(28)]
    without: dict[str, int] = {}
    for person in active:
        if not any(rota.shift(person.employee_id, person.department, day) for day in weeks):
            without[person.department or "no department"] = without.get(person.department or "no department", 0) + 1
    if without:
        found = _some([f"{name} ({count})" for name, count in sorted(without.items())])
        hint = "nobody of them counts as late or absent; give their department a shift, or assign one"
        yield Check("people without a shift", found, hint=hint)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _key(workbench: Workbench) -> Iterator[Check]:
    key_path = workbench.records.sealer.key_path
    if not key_path.exists():
        return
    inside = key_path.resolve().is_relative_to(workbench.workspace.resolve())
    hint = (
        "whoever can write the workspace can forge rows: move the file elsewhere and set `seal_key`" if inside else ""
    )
    yield Check("seal key", str(key_path), True, hint)


def _encryption(workbench: Workbench) -> Iterator[Check]:
    """Check that templates and pictures are encrypted, with keys that lie elsewhere."""
    try:
        found = workbench.privacy.encryption()
    except MusterError as error:
        yield _failure("encryption", error)
        return
    if not found.at_rest:
        hint = "whoever copies the workspace sees every face: remove `at_rest = false` from [encryption]"
        yield Check("encryption", "off in the settings", hint="" if workbench.config.sample else hint)
    elif found.keys is not None and found.keys.inside:
        hint = f"they protect nothing there: let this user write {key_folder()}, then move {found.keys.folder} there"
        yield Check("encryption", f"the keys lie in the workspace: {found.keys.folder}", False, hint)
    elif found.plain:
        count = f"{found.plain} files with faces are not encrypted, {found.sealed} are"
        yield Check("encryption", count, hint="`muster keys encrypt`")
    elif found.keys is not None:
        yield Check("encryption", f"{found.sealed} files · keys in {found.keys.folder}")
        if found.keys.old:
            yield Check("data keys", f"{found.keys.old} are to be replaced", hint="`muster keys rotate --reencrypt`")


def _clock(workbench: Workbench) -> Iterator[Check]:
    try:
        doubt = workbench.privacy.clock_doubt()
    except MusterError as error:
        yield _failure("clock", error)
        return
    if doubt:
        hint = "set the clock right, or run `muster purge --apply --trust-clock` if it is"
        yield Check("clock", doubt, False, hint)


def _state_files(workbench: Workbench) -> Iterator[Check]:
    """Check that files such as accounts, people and templates are as Muster wrote them."""
    seals = workbench.records.seals
    for each in seals.check() if seals else ():
        hint = (
            f"restore it from a backup, or if the change is right run `muster verify --accept {each.file} --reason …`"
        )
        yield Check(each.file, each.detail, False, hint)


def _stored_pictures(workbench: Workbench, *, thorough: bool) -> Iterator[Check]:
    """Check that pictures are as Muster wrote them; unless `thorough`, those of the last days."""
    since = date.min if thorough else workbench.attendance.day_of(workbench.clock()) - _LATELY
    try:
        findings = workbench.records.check_pictures(since)
    except MusterError as error:
        yield _failure("pictures", error)
        return
    for each in findings:
        if each.harmless:
            hint = "cover them from now on, as they are: `muster verify --accept pictures --author … --reason …`"
            yield Check("pictures", each.detail, hint=hint)
        else:
            hint = f"restore it from a backup, or if it is right run `muster verify --accept {each.file} --reason …`"
            yield Check(each.file, each.detail, False, hint)


def _sites(workspace: Path, home: str) -> Iterator[Check]:
    """Check the sites, if there are several."""
    found = find_sites(workspace, home)
    if len(found.names) > 1 or found.problems:
        yield Check("sites", ", ".join(found.names))
    for name, problem in found.problems.items():
        yield _failure(f"site {name}", problem)


def _database(workbench: Workbench) -> Iterator[Check]:
    state, backlog = workbench.store.state(), workbench.store.backlog()
    if state is None or backlog is None:
        return
    if state.problem:
        yield Check("database", state.problem, False, state.hint)
    else:
        yield Check("database", f"{state.address} · site {state.site} · login {state.login} ({state.kind})")
    if state.concern:
        yield Check("connection to the database", state.concern, False, "add ?sslmode=verify-full to `store`")
    if backlog.since is not None:
        late = workbench.clock() - backlog.since > _PATIENCE
        since = backlog.since.astimezone(workbench.config.zone)
        found = f"{backlog.rows} since {since:%Y-%m-%d %H:%M}"
        hint = "a running process of this workspace sends them: start one, and check that the database answers"
        if backlog.problem and not state.problem:
            hint = f"{hint} ({backlog.problem})"
        yield Check("rows waiting for the database", found, not late, hint if late else "")
    if backlog.refused:
        hint = "see spool/refused.csv for the reasons; then `muster store drain --again`"
        yield Check("rows that the database refused", str(backlog.refused), False, hint)


def _erasures(workbench: Workbench) -> Iterator[Check]:
    """Check that every machine has erased whoever was erased on one of them."""
    try:
        found = workbench.privacy.unconfirmed()
    except MusterError as error:
        yield _failure("erased people", error)
        return
    if found:
        since = min(found.values()).astimezone(workbench.config.zone)
        what = (
            f"not confirmed since {since:%Y-%m-%d %H:%M} by {', '.join(sorted(found))}: pictures of them may lie there"
        )
        hint = "start Muster there; for a machine that is gone, erase its disk, then `muster store revoke LOGIN`"
        yield Check("erased people", what, False, hint)


def _threshold(workbench: Workbench) -> Iterator[Check]:
    try:
        found = workbench.calibration.in_force()
    except MusterError as error:
        yield _failure("threshold", error)
        return
    origin = {"settings": "fixed in the settings", "derived": "derived from the people on the list"}
    by = f"calibrated on {found.version.made_at[:10]} by {found.version.author}" if found.version else ""
    yield Check("threshold", f"{found.threshold:.3f} · {origin.get(found.source, by)}")
    for concern in found.concerns:
        yield Check("calibration", concern.what, False, concern.hint)


def _pictures(workbench: Workbench) -> Iterator[Check]:
    """Check what cameras showed lately: upright people, in colour."""
    try:
        found = cameras(workbench)
    except MusterError as error:
        yield _failure("cameras", error)
        return
    for camera in found:
        if camera.rotate is not None:
            hint = f"set rotate = {camera.rotate} in [cameras.{camera.name}], or hang the camera the other way"
            yield Check(f"pictures of camera {camera.name}", "people do not stand upright", False, hint)
        if camera.grey is not None and camera.grey >= GREY_SHARE:
            colour, grey = GREY_MISSES
            share = f"{camera.grey:.0%} of the faces are grey (night or infrared)"
            cost = f"of known people about {grey:.0%} get no name at first sight there, in colour {colour:.0%}"
            yield Check(f"light of camera {camera.name}", f"{share}; {cost}")


def _camera(spec: str, workspace: Path) -> Check:
    what = f"camera {mask_address(spec)}"
    try:
        width, height = probe_live(spec, load_config(workspace).sources)
    except MusterError as error:
        return _failure(what, error)
    return Check(what, f"{width}×{height}")
