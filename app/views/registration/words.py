"""The Registration page's words about pictures: instructions, quality, reasons for refusal."""

from __future__ import annotations

from markupsafe import Markup

from app.ui import parts
from app.views.registration.state import MOST_PICTURES, camera_name
from app.web.pictures import inline
from app.words import say, say_count, say_percent, term
from engine.enrolment import ENOUGH_PHOTOS, STEPS, Guidance, Shot, Step
from engine.types import FaceQuality
from engine.workbench import Workbench

_GOOD, _FAIR = 0.7, 0.4  # of a face's quality score


def steps(stage: str, *names: tuple[str, str]) -> None:
    """The progress through the steps: (stage, name) of each; a stage that is none of them comes after all."""
    place = next((index for index, (each, _) in enumerate(names) if each == stage), len(names))
    items = parts.joined(
        parts.markup(
            '<li class="{state}"{current}><span aria-hidden="true">{sign}</span> {name}{done}</li>',
            state="m-done" if index < place else "m-now" if index == place else "",
            current=Markup(' aria-current="step"') if index == place else "",
            sign="✓" if index < place else str(index + 1),
            name=name,
            done=parts.markup('<span class="m-unseen"> ({text})</span>', text=say("done")) if index < place else "",
        )
        for index, (_, name) in enumerate(names)
    )
    parts.show('<ol class="m-steps">{items}</ol>', items=items)


def step_name(step: Step) -> str:
    """What a picture of the guided capture shows."""
    return {"front": say("Front"), "left": say("Left"), "right": say("Right"), "up": say("Up")}[step]


def quality_mark(quality: FaceQuality) -> Markup:
    """The quality of a face as a status."""
    if quality.score >= _GOOD:
        return parts.status("passed", say("good"))
    return parts.status("medium", say("fair")) if quality.score >= _FAIR else parts.status("low", say("poor"))


def photo_name(name: str) -> str:
    """The name of an uploaded file; where a picture from elsewhere comes from."""
    taken = {camera_name(step): step_name(step) for step in STEPS}
    return taken.get(name) or (say("from the dossier") if "/" in name else name)


def shot_marks(shot: Shot) -> Markup:
    """How good a picture is, or why the check had refused it, and whether it was turned."""
    mark = quality_mark(shot.quality)
    if shot.overruled:
        mark = parts.joined(
            [
                parts.status("late", say("used anyway")),
                parts.markup('<span class="m-soft">{reason}</span>', reason=term(shot.overruled)),
            ]
        )
    if not shot.turned_deg:
        return mark
    turned = say("turned by {degrees}°", degrees=shot.turned_deg)
    return mark + parts.markup('<span class="m-soft">↻ {turned}</span>', turned=turned)


def shot_face(shot: Shot, alt: str) -> Markup:
    """The face in a picture; if the check had refused it, all that is there."""
    source = inline(shot.picture, whole=True) if shot.overruled else inline(shot.picture, share=0.76)
    return parts.face(source, 112, alt)


def cost(bench: Workbench, photos: int) -> str:
    """What it costs to enrol so few photos."""
    return say_count(
        "With {count} picture, a single look misses the person in {share} of cases; with {enough}, in {less}.",
        "With {count} pictures, a single look misses the person in {share} of cases; with {enough}, in {less}.",
        photos,
        share=say_percent(bench.registrar.misses(photos)),
        enough=ENOUGH_PHOTOS,
        less=say_percent(bench.registrar.misses(ENOUGH_PHOTOS)),
    )


def instruction(guidance: Guidance, *, playing: bool) -> tuple[str, str, str]:
    """Instruction, explanation and tone."""
    if guidance.step is None:
        return say("All pictures taken"), say("Continue with “Check”."), "m-good"
    if not playing:
        return say("Start the camera"), say("Muster takes the pictures."), "m-quiet"
    if guidance.just_taken is not None:
        return say("Taken"), "", "m-good"
    if not guidance.reason:
        return say("Hold still"), say("Taking the picture."), "m-good"
    asked = {
        "front": say("Look straight at the camera"),
        "left": say("Turn your head slightly to your left"),
        "right": say("Turn your head slightly to your right"),
        "up": say("Lift your chin slightly"),
    }[guidance.step]
    words = {
        "no face": (say("Look into the camera"), say("No face in view.")),
        "two faces": (say("One person only, please"), say("Two faces in view.")),
        "too small": (say("Come closer"), say("The face is too small.")),
        "too close": (say("Move back a little"), say("The face is too close.")),
        "off centre": (say("Move into the oval"), say("The face is not in the middle.")),
        "cut off by the edge": (say("Move into the oval"), say("The face is cut off by the edge.")),
        "too dark": (say("More light from the front"), say("The picture is too dark.")),
        "too bright": (say("Less light"), say("The picture is too bright.")),
        "too little contrast": (say("Use even light"), say("The contrast is too low.")),
        "blurred": (say("Hold still"), say("The picture is blurred.")),
        "eyes covered": (say("Take off dark glasses"), say("The eyes are covered.")),
        "mouth covered": (say("Take off the mask or scarf"), say("Mouth and nose are covered.")),
        "eyes and mouth covered": (say("Show your whole face"), say("Eyes and mouth are covered.")),
        "hold still": (say("Hold still"), say("The face is moving.")),
        "looking up or down too far": (asked, say("The head is tilted too far up or down.")),
        "turned aside": (asked, say("The head is also turned another way.")),
        "other way": (asked, say("Turn the other way.")),
        "turned too far": (asked, say("The head is turned to the side."))
        if guidance.step == "front"
        else (say("Turn back a little"), say("You turned too far.")),
    }
    if guidance.reason == "not turned yet":
        return asked, say("Follow the arrow."), "m-info"
    return (*words.get(guidance.reason, (asked, term(guidance.reason))), "m-warn")


def refusal(reason: str) -> str:
    """The reason why a picture is not used and what to do, from the engine's reason."""
    known = {
        "no face found": say("no face found: use a picture of the face from the front"),
        "unclear which way is up": say("unclear which way is up: turn the picture upright, or use another"),
        "several faces": say("several faces: use a picture of one person. “Use anyway” takes the framed face"),
        "not a picture": say("not a picture that can be read: use JPEG, PNG or HEIC up to 30 MB and 50 megapixels"),
        "too many pictures": say("more than {count} pictures: this one was not examined", count=MOST_PICTURES),
        "too small": say("the face is too small: come closer, or use a larger picture"),
        "cut off by the edge": say("the face is cut off: show all of it"),
        "too dark": say("too dark: more light from the front"),
        "too bright": say("too bright: less light"),
        "too little contrast": say("too little contrast: use even light"),
        "blurred": say("blurred: hold still, or use a sharper picture"),
        "turned too far": say("turned too far to the side: look at the camera"),
        "looking up or down too far": say("looking up or down too far: look at the camera"),
        "eyes covered": say("eyes covered: take off dark glasses, and keep the eyes free"),
        "mouth covered": say("mouth covered: take off the mask or scarf"),
        "eyes and mouth covered": say("eyes and mouth covered: show the whole face"),
    }
    return known.get(reason, term(reason))
