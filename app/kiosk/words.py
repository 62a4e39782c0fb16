"""Words of the kiosk's screen, by the keys of its script."""

from __future__ import annotations

from collections.abc import Sequence

from app.words import LANGUAGES, choose, translations
from app.words.terms import N_
from engine.errors import ConfigError

_LOCALES = {"en": "en-GB", "de": "de-DE"}
"""How the browser writes dates."""

_WORDS = {
    "title": N_("Muster kiosk"),
    # What is said first; {name} is drawn large, wherever it stands.
    "greeting_morning": N_("Good morning, {name}"),
    "greeting_afternoon": N_("Good afternoon, {name}"),
    "greeting_evening": N_("Good evening, {name}"),
    "greeting_leaving": N_("Goodbye, {name}"),
    "group_morning": N_("Good morning"),
    "group_afternoon": N_("Good afternoon"),
    "group_evening": N_("Good evening"),
    "group_leaving": N_("Goodbye"),
    # The line beneath.
    "status_on_time": N_("Came in {time} · on time"),
    "status_late": N_("Came in {time} · late"),
    "status_late_minutes": N_("Came in {time} · {minutes} min late"),
    "status_late_hours": N_("Came in {time} · {hours} h {minutes} min late"),
    "status_came": N_("Came in {time}"),
    "status_back_minutes": N_("Came in {time} · away {minutes} min"),
    "status_back_hours": N_("Came in {time} · away {hours} h {minutes} min"),
    "status_recorded": N_("{time} · recorded"),
    "status_again": N_("Already recorded at {time}"),
    "status_leaving": N_("Went out {time}"),
    "status_saving": N_("One moment, saving your time"),
    "status_saving_short": N_("Saving"),
    "changed": N_("Changed: {line}"),
    # What somebody may say about their own passage that has just been shown.
    "offer": N_("Change"),
    "offer_hint": N_("Press Tab to change it"),
    "offer_in": N_("I am coming in"),
    "offer_out": N_("I am going out"),
    "offer_not_me": N_("Not me"),
    "denied": N_("Name removed"),
    "offer_over": N_("Too late to change it here"),
    "offer_over_hint": N_("Please tell HR"),
    "offer_failed": N_("That did not work"),
    # What to do, in about five words.
    "prompt_one_at_a_time": N_("One at a time, please"),
    "prompt_come_closer": N_("Please come closer"),
    "prompt_step_into_light": N_("Please step into the light"),
    "prompt_turn_left": N_("Turn your head left"),
    "prompt_turn_right": N_("Turn your head right"),
    "prompt_look_up": N_("Look up"),
    "prompt_not_proven": N_("That did not work"),
    # Below a request to move the head, for people who cannot.
    "or_pin": N_("Or use your PIN"),
    "or_badge": N_("Or show your badge"),
    "or_badge_pin": N_("Or use your badge or PIN"),
    "or_reception": N_("Or tell reception"),
    "prompt_look_straight": N_("Look straight ahead"),
    "prompt_hold_still": N_("Hold still, please"),
    "prompt_uncover_eyes": N_("Please take off your dark glasses"),
    "prompt_uncover_mouth": N_("Please take off your mask"),
    "prompt_uncover_face": N_("Please show your whole face"),
    "prompt_not_recognised": N_("Not recognised"),
    "prompt_take_off_picture": N_("Show your face, not a picture"),
    "please_pin": N_("Please use your PIN"),
    "please_badge": N_("Please show your badge"),
    "please_badge_pin": N_("Please use your badge or PIN"),
    "badge_wrong": N_("This badge is not valid"),
    "badge_wait": N_("Too many attempts"),
    "badge_wait_hint": N_("Please wait a minute, or tell reception"),
    "please_reception": N_("Please tell reception"),
    "idle_hint": N_("Look into the camera"),
    "camera_on": N_("Camera on"),
    "picture_missing": N_("No live picture right now"),
    "picture_missing_hint": N_("The camera still recognises you"),
    "connecting": N_("Connecting"),
    "connecting_hint": N_("One moment, please"),
    "starting": N_("The camera is starting"),
    "starting_hint": N_("One moment, please"),
    "camera_off": N_("The camera is off"),
    "since_time": N_("Since {time}"),
    "since_day": N_("Since {date}, {time}"),
    "offline": N_("No connection"),
    "offline_hint": N_("This screen is not recording your arrival. Please tell reception"),
    "unpaired": N_("No longer paired"),
    "unpaired_hint": N_("This screen does not record arrivals. Please tell reception"),
    "pin_use": N_("Use your PIN"),
    "pin_number": N_("Employee number"),
    "pin_secret": N_("PIN"),
    "pin_next": N_("Continue"),
    "pin_send": N_("Done"),
    "pin_back": N_("Back"),
    "pin_cancel": N_("Cancel"),
    "pin_clear": N_("Clear"),
    "pin_delete": N_("Delete the last character"),
    "pin_capitals": N_("Capital letters"),
    "pin_letters": N_("Letters"),
    "pin_digits": N_("Digits"),
    "pin_typed": N_("Digits entered: {count}"),
    "pin_number_missing": N_("Please enter your employee number"),
    "pin_secret_missing": N_("Please enter your PIN"),
    "pin_sending": N_("One moment, please"),
    "pin_wrong": N_("Wrong number or PIN. Please try again"),
    "pin_throttled_seconds": N_("Too many attempts. Please wait {seconds} s"),
    "pin_throttled_minutes": N_("Too many attempts. Please wait {minutes} min"),
    "pin_busy": N_("Not possible right now. Please try again, or tell reception"),
    "pin_offline": N_("No connection. Please try again, or tell reception"),
    "pin_failed": N_("That did not work. Please tell reception"),
    # In the picture, below a face
    "tag_pending": N_("looking…"),
    "tag_conflict": N_("not sure"),
    "tag_unknown": N_("unknown"),
}
_PAIRING = {
    "title": N_("This screen is not paired"),
    "hint": N_(
        "On the machine that runs the kiosk, run this command. Open its link here within ten minutes, or enter the code:"
    ),
    "code": N_("Pairing code"),
    "pair": N_("Pair"),
    "refused": N_("This code was used or is over. Make a new one."),
    "open": N_("Open the kiosk"),
}


def pairing_words(language: str) -> dict[str, str]:
    """The words of the page for screens that are not paired."""
    translate = translations(language).gettext
    return {key: translate(text) for key, text in _PAIRING.items()}


def table(language: str) -> dict[str, str]:
    """All words in a language."""
    translate = translations(language).gettext
    return {"locale": _LOCALES[language]} | {key: translate(text) for key, text in _WORDS.items()}


def screen_language(wanted: str, accepted: Sequence[str]) -> str:
    """The language of a screen: the one in the settings, else the best that the browser accepts.

    Raises:
        ConfigError: there are no words in the language that the settings want.
    """
    if wanted and wanted not in LANGUAGES:
        raise ConfigError(
            f"the kiosk has no words for language {wanted!r}", hint=f"choose one of {', '.join(LANGUAGES)}"
        )
    return wanted or choose(accepted)
