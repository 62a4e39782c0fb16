"""`muster enrol`, `identify`, `people`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Panel, Workspace, open_workbench
from engine.cli.output import complain, emit_json, note, progress_bar, rounded, say, table
from engine.errors import EnrolmentRejected, InputError, MusterError

if TYPE_CHECKING:
    from engine.enrolment import Doubt, EnrolmentReport, Folder, Planned
    from engine.pipeline import IdentifiedFace
    from engine.types import Person, Progress
    from engine.workbench import Workbench

app = typer.Typer()
_people = typer.Typer(name="people", invoke_without_command=True)
app.add_typer(_people, rich_help_panel=Panel.RECOGNISE)

TemplateId = Annotated[str, Argument(help="Id of the template, as the check names it.", show_default=False)]


@app.command(rich_help_panel=Panel.RECOGNISE)
def enrol(
    paths: Annotated[list[Path], Argument(help="Folders or ZIP archives of people's photos; with --id, photos.")],
    employee_id: Annotated[str | None, Option("--id", help="Employee id; all photos then show this person.")] = None,
    name: Annotated[str | None, Option(show_default="the id", help="Name; only with --id.")] = None,
    department: Annotated[str, Option(show_default=False, help="Department.")] = "",
    email: Annotated[str, Option(show_default=False, help="E-mail address.")] = "",
    consent: Annotated[str, Option(show_default=False, help="Date of consent, YYYY-MM-DD.")] = "",
    basis: Annotated[
        str,
        Option(
            show_default=False,
            help="Basis other than consent: agreement, law, contract or visit; recorded with the day.",
        ),
    ] = "",
    basis_version: Annotated[
        str, Option(show_default="that of the settings", help="Version of the form, agreement or law.")
    ] = "",
    allow_look_alike: Annotated[
        bool, Option("--allow-look-alike", help="Accept that somebody enrolled looks the same.")
    ] = False,
    use_anyway: Annotated[
        list[Path] | None,
        Option("--use-anyway", show_default=False, help="Use this photo even if the check refuses it; repeatable."),
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would happen.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Enrol people from photos.

    Say when the person consented, or on what other basis you enrol them; for whom one is recorded, it stays.

    Give three good photos per person. The command names each file that it leaves out, with the reason.

    Each photo must show one good face. Photos that lie on their side or stand on their head are turned.

    A person who cannot be enrolled does not stop the others; the exit code is that of the first failure.
    """
    from engine.people.basis import Basis, country_of, doubt
    from engine.types import NOBODY

    details: dict[str, Any] = {"department": department, "email": email}
    details |= {"allow_look_alike": allow_look_alike, "author": author}
    reports: list[EnrolmentReport] = []
    errors: dict[str, MusterError] = {}
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, progress=progress, begin=True)
        jobs = _jobs(paths, employee_id, name, bench)
        anyway = {path.resolve() for path in use_anyway or ()}
        given = {file.place.resolve() for job in jobs for file in job.files if file.place is not None}
        if strays := anyway - given:
            raise InputError(
                f"{min(strays)} is not among the photos", hint="give --use-anyway a photo of one of the people"
            )
        if dry_run:
            plan = _tried(jobs, bench, progress)
            jobs = []
        stated = _stated(consent, basis, basis_version, bench)
        known = bench.people.all()
        for index, job in enumerate(jobs):
            progress("enrolling", index, len(jobs))
            person = job.employee_id
            used = [file.place for file in job.files if file.place is not None and file.place.resolve() in anyway]
            try:
                if job.problem is not None:
                    raise job.problem
                if not job.files:
                    raise InputError(f"the folder {job.label} contains no pictures", hint="add photos of the person")
                resting = stated or _resting(person, known.get(person, NOBODY), bench)
                reports.append(
                    bench.registrar.enrol_photos(
                        person, job.name, job.files, use_anyway=used, consent_at=resting, **details
                    )
                )
            except MusterError as error:
                errors.setdefault(person or job.label, error)
        progress("enrolling", len(jobs), len(jobs))
    if dry_run:
        _show_tried(plan, as_json=as_json)
        return
    if as_json:
        done = [dataclasses.asdict(report) for report in reports]
        failed = {person: str(error) for person, error in errors.items()}
        emit_json({"enrolled": done, "failed": failed, "left_out": {key: _left_out(errors[key]) for key in errors}})
    else:
        _show_enrolled(reports, errors, bench)
        concern = doubt(Basis.read(stated).kind, country_of(bench.config))
        if reports and concern:
            note(f"{concern}: `[people] basis` in the settings, or --basis.")
    _fail_with(list(errors.values()))


def _resting(employee_id: str, before: Person, bench: Workbench) -> str:
    """On what recognising somebody rests of whom nothing was stated now; empty: what is recorded holds on.

    Raises:
        InputError: nothing does.
    """
    from engine.people.basis import based_on

    usual = "" if before.consent_at else bench.staff.usual_basis()
    if not usual and not based_on(before):
        raise InputError(
            f"nobody has said that {employee_id} agreed to be recognised",
            hint="give --consent DATE, or --basis agreement, law, contract or visit",
        )
    return usual


def _stated(consent: str, basis: str, version: str, bench: Workbench) -> str:
    """On what the recognition rests, as stored; empty: nothing was said.

    Raises:
        InputError: both or an unknown basis was given, or the date is none.
    """
    from engine.config import BASES
    from engine.people.basis import clean_consent

    now, version = bench.records.now(), version or bench.config.people.basis_version
    if basis and (consent or basis not in BASES or basis == "consent"):
        raise InputError(
            "give either --consent DATE or --basis",
            hint="--basis takes agreement, law, contract or visit; it holds from today",
        )
    stated = f"{basis} {now.date().isoformat()}" if basis else consent
    return clean_consent(f"{stated} {version}", now) if stated else ""


def _left_out(error: MusterError) -> list[str]:
    """Why photos of a person who was not enrolled were left out, apart from the reason that the error itself gives."""
    found = error.left_out if isinstance(error, EnrolmentRejected) else ()
    return [text for text in found if text.partition(" → ")[0] not in error.message]


def _jobs(paths: Sequence[Path], employee_id: str | None, name: str | None, bench: Workbench) -> list[Folder]:
    """The people to enrol, with their photos."""
    from engine.enrolment import Folder, Folders, PhotoFile, in_archive, in_folder, on_disk
    from engine.imaging import list_images

    if employee_id is not None:
        photos = [photo for path in paths for photo in (list_images(path) if path.is_dir() else [path])]
        return [Folder(employee_id, name or employee_id, employee_id, files=[on_disk(photo) for photo in photos])]
    if name is not None:
        raise InputError("--name needs --id", hint="give both, or folders named after people")
    folders = Folders(bench.people.all(), bench.registrar.fresh_ids())
    labelled: list[tuple[str, list[PhotoFile]]] = []
    for path in paths:
        if path.is_dir():
            found = in_folder(path)
            own = not found or found[0].place is None or found[0].place.parent == path
            labelled += [(path.resolve().name, found)] if own else folders.labelled(found)
        elif path.is_file() and path.suffix.casefold() == ".zip":
            labelled += folders.labelled(in_archive(path, path.name))
        else:
            fault = "is neither a folder nor a ZIP archive" if path.exists() else "does not exist"
            raise InputError(f"{path} {fault}", hint="give a folder of photos per person, or --id ID with photos")
    return folders.people(labelled)


def _tried(jobs: Sequence[Folder], bench: Workbench, progress: Progress) -> list[Planned]:
    """What enrolling people would come to."""
    from engine.enrolment import Batch

    batch = Batch(bench.registrar)
    batch.add(jobs)
    count = batch.waiting
    while batch.waiting:
        progress("examining", count - batch.waiting, count)
        batch.examine_next()
    progress("examining", count, count)
    return batch.plan()


def _show_tried(plan: Sequence[Planned], *, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "people": [
                    {
                        "id": each.folder.employee_id,
                        "name": each.folder.name,
                        "folder": each.folder.label,
                        "result": each.standing,
                        "reason": each.reason,
                        "like": each.other,
                        "similarity": each.similarity,
                        "photos": {photo.file: photo.verdict for photo in each.photos},
                    }
                    for each in plan
                ]
            }
        )
        return
    for each in plan:
        for photo in each.photos:
            if photo.verdict != "good":
                note(f"{photo.file}: {photo.verdict}")
    rows = [
        (
            each.folder.employee_id or each.folder.label,
            each.folder.name,
            each.used,
            len(each.photos) - each.used,
            each.standing,
            f"{each.reason} {each.other}".strip(),
        )
        for each in plan
    ]
    table("Nothing was stored", ("id", "name", "photos", "left out", "result", "reason"), rows)


def _show_enrolled(reports: Sequence[EnrolmentReport], errors: Mapping[str, MusterError], bench: Workbench) -> None:
    for reason in [text for error in errors.values() for text in _left_out(error)]:
        note(f"left out: {reason}")
    for report in reports:
        for reason in report.rejected.values():
            note(f"left out: {reason}")
        for photo, degrees in report.turned.items():
            note(f"{photo}: turned by {degrees}°")
        for photo, why in report.overruled.items():
            note(f"{photo}: used anyway ({why}); cameras recognise a person less well by it")
        for each in report.set_aside:
            note(f"set aside: {each}; `muster people aside` lists it")
        for other in report.look_alikes:
            note(f"{report.employee_id} resembles {other.person} (similarity {other.similarity:.2f}): check both")
    rows = [
        (row.employee_id, row.name, len(row.accepted), len(row.rejected), row.templates, rounded(row.coherence))
        for row in reports
    ]
    if rows:
        table("Enrolled", ("id", "name", "photos used", "left out", "templates", "coherence"), rows)
    enrolled = {row.employee_id for row in reports}
    _advise({key: count for key, count in bench.registrar.few_photos().items() if key in enrolled}, bench)


def _advise(few: Mapping[str, int], bench: Workbench) -> None:
    """Name the people with too few photos, and what that costs."""
    if few:
        names = ", ".join(f"{key} ({count})" for key, count in few.items())
        note(f"too few photos: {names} → {bench.registrar.advice}")


def _fail_with(errors: Sequence[MusterError]) -> None:
    """Report the failures; the first one gives the exit code."""
    for error in errors:
        complain(error)
    if errors:
        raise typer.Exit(errors[0].exit_code)


@app.command(rich_help_panel=Panel.RECOGNISE)
def identify(
    images: Annotated[list[Path], Argument(help="Photos.")], workspace: Workspace = Path("data"), as_json: Json = False
) -> None:
    """Name the people in photos.

    Each face is compared with everybody enrolled. A face below the threshold is unknown.
    """
    from engine.imaging import read_image

    answers: list[dict[str, Any]] = []
    errors: list[MusterError] = []
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, progress=progress)
        for path in images:
            try:
                faces = bench.services().identify(read_image(path))
            except InputError as error:
                if len(images) == 1:
                    raise
                errors.append(error)
                answers.append({"file": str(path), "faces": [], "error": str(error)})
                continue
            answers.append({"file": str(path), "faces": [_face(row) for row in faces]})
    if as_json:
        emit_json(answers)
    else:
        title = f"People in the pictures (threshold {bench.calibration.threshold():.2f})"
        columns = ("file", "person", "similarity", "runner-up", "margin", "face, pixels", "quality")
        table(title, columns, [row for answer in answers for row in _face_rows(answer)])
    _fail_with(errors)


def _face(row: IdentifiedFace) -> dict[str, Any]:
    match = row.match
    return {
        "box": row.box,
        "landmarks": row.landmarks,
        "detection_score": row.score,
        "quality": dataclasses.asdict(row.quality),
        "person": match.person,
        "similarity": match.similarity,
        "runner_up": match.runner_up.person if match.runner_up else None,
        "runner_up_similarity": match.runner_up.similarity if match.runner_up else None,
        "margin": match.margin,
        "threshold": match.threshold,
        "nearest": match.candidates[0].person if match.candidates else None,
    }


def _face_rows(answer: dict[str, Any]) -> list[tuple[str, ...]]:
    parts = Path(answer["file"]).parts
    file = "/".join(parts[-2:]) if len(parts) > 2 else answer["file"]
    if not answer["faces"]:
        return [] if "error" in answer else [(file, "no face", "", "", "", "", "")]
    rows: list[tuple[str, ...]] = []
    for face in answer["faces"]:
        x1, y1, x2, y2 = (round(float(value)) for value in face["box"])
        person, similarity = face["person"] or "unknown", rounded(face["similarity"])
        place = f"{x2 - x1}×{y2 - y1} at {x1},{y1}"
        quality = face["quality"]["reason"] or "good"
        rows.append((file, person, similarity, face["runner_up"] or "–", rounded(face["margin"]), place, quality))
    return rows


@_people.callback()
def people(context: typer.Context, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List everybody with their number of templates."""
    if context.invoked_subcommand is not None:
        return
    bench = open_workbench(workspace)
    gallery = bench.gallery.current()
    found = [(person, len(gallery.of(key)[0])) for key, person in bench.people.all().items()]
    if as_json:
        people = [dataclasses.asdict(person) | {"templates": count} for person, count in found]
        threshold = bench.calibration.threshold(gallery)
        emit_json({"people": people, "threshold": threshold, "gallery_version": gallery.version})
        return
    if not found:
        say("Nobody is enrolled yet. Enrol people with `muster enrol FOLDER…`.")
        return
    cells = [
        (each.employee_id, each.name, each.department, count, each.enrolled_at[:10], each.consent_at or "–")
        for each, count in found
    ]
    table(f"People in {workspace}", ("id", "name", "department", "templates", "enrolled", "consent"), cells)
    _advise(bench.registrar.few_photos(), bench)


@_people.command()
def check(
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would be set aside.")] = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Set aside templates that make wrong names.

    A template is set aside if it would be named as somebody else, or if its owner's others show another face.

    Who merely looks like somebody else is told. Muster also checks after each enrolment.
    """
    bench = open_workbench(workspace)
    gone = [] if dry_run else bench.hygiene.check()
    left = bench.hygiene.doubts()
    if as_json:
        emit_json({"set_aside": [vars(each) for each in gone], "doubts": [vars(each) for each in left]})
        return
    heads = ("template", "person", "finding", "like own", "most like", "similarity")
    if gone:
        table("Set aside; `muster people put-back TEMPLATE` puts one back", heads, [_doubt(each) for each in gone])
    if left:
        table("In doubt", heads, [_doubt(each) for each in left])
    if not gone and not left:
        say("All templates are like their owners, and like nobody else.")


def _doubt(each: Doubt) -> tuple[str, ...]:
    own = "–" if each.own is None else f"{each.own:.2f}"
    return (each.template_id, each.employee_id, each.kind, own, each.other or "–", f"{each.rival:.2f}")


@_people.command()
def aside(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the templates that are set aside."""
    found = open_workbench(workspace).hygiene.aside()
    if as_json:
        emit_json([vars(each) | {"set_at": each.set_at.isoformat()} for each in found])
        return
    if not found:
        say("No template is set aside.")
        return
    rows = [
        (each.template_id, each.employee_id, f"{each.set_at:%Y-%m-%d %H:%M}", each.author, each.why) for each in found
    ]
    table("Set aside", ("template", "person", "since", "by", "why"), rows)


@_people.command("set-aside")
def set_aside(
    template_id: TemplateId,
    reason: Annotated[str, Option(help="Why, for the audit log.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Set a template aside; its picture stays."""
    open_workbench(workspace).hygiene.set_aside(template_id, author=author, why=reason)
    say(f"Set aside. `muster people put-back {template_id}` puts it back.")


@_people.command("put-back")
def put_back(template_id: TemplateId, author: Author = "", workspace: Workspace = Path("data")) -> None:
    """Put a template back that is set aside."""
    open_workbench(workspace).hygiene.put_back(template_id, author=author)
    say("Cameras use this template again.")
