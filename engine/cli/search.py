"""`muster search`: where and when somebody was seen, by photo."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Panel, Workspace, open_workbench, parse_day
from engine.cli.output import counted, emit_json, note, progress_bar, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.records import Answer, Seen
    from engine.workbench import Workbench

app = typer.Typer()


@app.command(rich_help_panel=Panel.SECURITY)
def search(
    image: Annotated[Path, Argument(help="Picture of the face; it is not stored.", show_default=False)],
    camera: Annotated[str, Option(show_default="any", help="Only what this camera saw.")] = "",
    first: Annotated[str | None, Option("--from", show_default="all", help="First day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, Option("--until", show_default="today", help="Last day, YYYY-MM-DD.")] = None,
    at_least: Annotated[
        float | None,
        Option(min=-1, max=1, show_default="0.08 below the threshold", help="Smallest similarity."),
    ] = None,
    who: Annotated[
        Literal["people", "strangers"] | None, Option(show_default="everybody", help="Enrolled people, or strangers.")
    ] = None,
    limit: Annotated[int, Option(min=1, max=10_000, help="Sightings to list.")] = 20,
    face: Annotated[
        int | None, Option(min=1, show_default="main face", help="Which face of several, by number.")
    ] = None,
    read_pictures: Annotated[
        bool, Option("--read-pictures", help="First read the pictures of earlier punches and strangers.")
    ] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Find where and when a person was seen, by a photo of them.

    It covers everybody whom a camera saw well within the days of `[retention] faces`. The audit log notes each search.
    """
    from engine.imaging import read_image
    from engine.records import Wanted

    begin, end = parse_day(first) if first else date.min, parse_day(last) if last else date.max
    if begin > end:
        raise InputError("--from is after --until", hint="swap the two days")
    with progress_bar(quiet=as_json) as progress:
        bench = open_workbench(workspace, progress=progress)
        faces = bench.face_search.faces(read_image(image))
        if face is not None and face > len(faces):
            raise InputError(f"there are only {counted(len(faces), 'face')}", hint="choose another number with --face")
        if read_pictures:
            bench.face_search.read_pictures(author=author, progress=progress)
    chosen = faces[(face or 1) - 1]
    wanted = Wanted(camera=camera, first=begin, last=end, at_least=at_least, who=who or "", limit=limit)
    answer = bench.face_search.search(chosen.embedding, wanted, author=author)
    if as_json:
        emit_json(_json(bench, answer, len(faces), face or 1))
        return
    if len(faces) > 1 and face is None:
        note(f"There are {len(faces)} faces in the picture; --face N chooses another one.")
    _tell(bench, answer)


def _name(bench: Workbench, key: str) -> str:
    person = bench.people.known().get(key)
    return f"{key} ({person.name})" if person and person.name else key


def _decision(seen: Seen) -> str:
    return seen.face.state if seen.certain else f"{seen.face.state}, unsure" if seen.key else seen.face.state


def _tell(bench: Workbench, answer: Answer) -> None:
    for title, found in (("Enrolled people", answer.people), ("Strangers", answer.strangers)):
        if found:
            alike = [(f"{each.similarity:.2f}", _name(bench, each.person)) for each in found]
            table(title, ("similarity", "who"), alike)
    if not answer.seen:
        say(f"No camera saw this face, down to a similarity of {answer.at_least:.2f}.")
        return
    rows = [
        (
            f"{each.similarity:.2f}",
            f"{each.face.first_seen:%Y-%m-%d %H:%M:%S}",
            each.face.camera,
            _name(bench, each.key),
            _decision(each),
            each.punch.event_id if each.punch else each.incident_id,
        )
        for each in answer.seen
    ]
    table("Seen", ("similarity", "time", "camera", "who", "decision", "punch or incident"), rows)
    if answer.total > len(rows):
        say(f"{answer.total - len(rows)} more; --limit {answer.total} lists them all.")
    say(f"From a similarity of {answer.threshold:.2f} on, Muster takes two faces for one person's.")


def _json(bench: Workbench, answer: Answer, faces: int, face: int) -> dict[str, Any]:
    def candidates(found: Any) -> list[dict[str, Any]]:
        return [{"id": each.person, "similarity": each.similarity} for each in found]

    return {
        "faces": faces,
        "face": face,
        "threshold": answer.threshold,
        "at_least": answer.at_least,
        "people": candidates(answer.people),
        "strangers": candidates(answer.strangers),
        "total": answer.total,
        "seen": [
            {
                "similarity": each.similarity,
                "timestamp": each.face.first_seen.isoformat(),
                "until": each.face.last_seen.isoformat(),
                "camera": each.face.camera,
                "track": each.face.track,
                "state": each.face.state,
                "id": each.key,
                "certain": each.certain,
                "event_id": each.punch.event_id if each.punch else "",
                "incident_id": each.incident_id,
                "picture": each.picture,
            }
            for each in answer.seen
        ],
    }
