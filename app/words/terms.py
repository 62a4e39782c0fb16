"""English words that pages show in place of the engine's, and sentences of the engine for the translators."""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:
    """Mark a text that is translated where it is shown; `make words` finds it."""
    return text


TERMS: Mapping[str, str] = {
    "admin": N_("administrator"),
    "hr": N_("HR"),
    "presentation_attack": N_("liveness failed"),
    "watch_list": N_("watch list"),
    "camera_lost": N_("camera lost"),
    "camera_back": N_("camera back"),
    "enrol": N_("enrolled"),
    "overrule": N_("picture used anyway"),
    "change_person": N_("person changed"),
    "deactivate": N_("set inactive"),
    "reactivate": N_("set active"),
    "remove_templates": N_("templates removed"),
    "forget": N_("forgotten"),
    "export_subject": N_("copy of data exported"),
    "export_incident": N_("alert exported"),
    "import": N_("list imported"),
    "purge": N_("old data erased"),
    "not_this": N_("punch revoked"),
    "add_user": N_("user added"),
    "change_user": N_("user changed"),
    "remove_user": N_("user removed"),
    "pair_device": N_("device paired"),
    "revoke_device": N_("device revoked"),
    "set_pin": N_("PIN set"),
    "remove_pin": N_("PIN removed"),
    "close_month": N_("month closed"),
    "reopen_month": N_("month reopened"),
    "first_admin": N_("first account created"),
    "sign_in": N_("signed in"),
    "sign_out": N_("signed out"),
    "known+known": N_("two known people"),
    "known+unknown": N_("a known and an unknown person"),
    "unknown+unknown": N_("two unknown people"),
    "has no pictures enrolled yet": N_("no pictures enrolled yet"),
    "made up for the sample": N_("sample data"),
    "calibrate": N_("threshold applied"),
    "calibrate_rollback": N_("threshold rolled back"),
    "Look through that day's unknown people.": N_("Check that day's unknown people."),
    "of {count} that voted": N_("of {count} votes"),
    "seen although {leave}": N_("seen despite {leave}"),
    "late by {minutes} min": N_("{minutes} min late"),
    "somebody like them was seen at {times}": N_("someone similar was seen at {times}"),
}
"""The English that pages show in place of a word of the engine."""

MARKED = (
    # explanations and notes of the day sheet
    N_("1 agreeing frame"),
    N_("{count} agreeing frames"),
    N_("similarity {value}"),
    N_("next best {value}"),
    N_("next best {value} ({who})"),
    N_("threshold {value}"),
    N_("liveness passed"),
    N_("liveness not proven"),
    N_("liveness failed"),
    N_("because {reason}"),
    N_("not certain: {reason}"),
    N_("taken back: {reason}"),
    N_("the person entered their PIN at camera {camera}"),
    N_("the picture of that moment is kept"),
    N_("camera off {times}"),
    N_("left on the next day"),
    N_("longer than {hours} h"),
    N_("present without all times: the missing planned hours are credited"),
    N_("worked on a holiday: {holiday}"),
    # stored data, findings, messages of an import, settings
    N_("attendance logs"),
    N_("audit and seals"),
    N_("changed"),
    N_("day sheets"),
    N_("enrolment pictures"),
    N_("error"),
    N_("evidence"),
    N_("incident logs"),
    N_("inserted"),
    N_("mark"),
    N_("messages"),
    N_("moved"),
    N_("note"),
    N_("off"),
    N_("other"),
    N_("receipts"),
    N_("removed"),
    N_("require"),
    N_("sighting logs"),
    N_("tailgating and attacks"),
    N_("taken back"),
    N_("templates"),
    N_("torn"),
    N_("unknown people"),
    N_("warning"),
)
"""Words and sentences in the engine's code, marked for `make words` alone; it reads the engine's vocabularies itself."""
