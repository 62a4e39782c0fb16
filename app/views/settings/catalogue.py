"""Every setting and where on the pages it is: its title, what it means, and the part of the Settings page that changes it.

Kinds of values, limits, choices and defaults are not here: the model in `engine.config` has them. A path has `*` for the names of
entries and for places in lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from app.views.settings import door_fields, message_fields, mqtt_fields, recognition_fields, time_fields
from app.views.settings.described import Block, Named
from app.words.terms import N_

Part = Literal[
    "organisation",
    "cameras",
    "shifts",
    "attendance",
    "recognition",
    "retention",
    "notifications",
    "kiosk",
    "sign_in",
    "sites",
]

TITLES: Mapping[Part, str] = {
    "organisation": N_("Workplace"),
    "cameras": N_("Cameras"),
    "shifts": N_("Shifts and holidays"),
    "attendance": N_("Attendance"),
    "recognition": N_("Recognition"),
    "retention": N_("Retention"),
    "notifications": N_("Notifications"),
    "kiosk": N_("Kiosk"),
    "sign_in": N_("Sign-in"),
    "sites": N_("Sites"),
}
"""The parts in the order of the page."""
_PATTERN = tuple[str, ...]


@dataclass(frozen=True)
class Elsewhere:
    """A setting that this page does not change.

    Attributes:
        place: the page that does, or empty. why: nothing does.
    """

    place: str = ""
    why: str = ""


_HOLIDAYS = (
    Named("country", N_("Country"), N_("Its public holidays are days off."), shows="country"),
    Named("subdivision", N_("State or province"), shows="subdivision"),
    Named("extra", N_("Further days off"), N_("Company holidays, with their names.")),
    Named("working", N_("Working after all"), N_("Public holidays that are working days here.")),
)
_WHOM = (
    Named("people", N_("People"), N_("Whom it is for."), shows="people"),
    Named("departments", N_("Departments"), N_("Whose people it is for."), shows="departments"),
)
_VALID = (
    Named("valid_from", N_("From"), N_("First day on which it begins."), more=True),
    Named("valid_until", N_("Until"), N_("Last day on which it begins."), more=True),
)
_KEYS_ELSEWHERE = (
    Named(
        "webhook_secret_env",
        N_("Key from variable"),
        N_("Environment variable that holds the signing key."),
        more=True,
    ),
    Named(
        "webhook_secret_file",
        N_("Key from file"),
        N_("File with the signing key, relative to the workspace."),
        more=True,
    ),
)
_PROXIES = Named("proxies", N_("Proxies"), N_("Addresses of proxies with TLS whose headers Muster believes."))

BLOCKS: Mapping[Part, tuple[Block, ...]] = {
    "organisation": (
        Block(
            (),
            N_("Workplace"),
            (
                Named("organisation", N_("Name"), N_("Printed on reports and shown beside the menu.")),
                Named("timezone", N_("Time zone"), N_("A day begins and ends there."), shows="zone"),
            ),
        ),
        Block(
            ("app",),
            N_("Language"),
            (Named("language", N_("Language"), N_("For everybody who has not chosen their own."), shows="language"),),
            home=True,
        ),
        Block(
            ("people",),
            N_("Legal basis"),
            (
                Named("basis", N_("Basis"), N_("On what recognising people rests, unless another is stated.")),
                Named(
                    "basis_version",
                    N_("Version"),
                    N_("Of the form, agreement or law, such as BV 7 of 2026-03."),
                ),
            ),
        ),
    ),
    "cameras": (
        Block(
            ("cameras", "*"),
            N_("Cameras"),
            (
                Named("source", N_("Address"), N_("rtsp:// or http:// address, number of a webcam, or a video file.")),
                Named("enabled", N_("On"), N_("While it is off, nobody records it.")),
                Named("kiosk_port", N_("Kiosk port"), N_("A screen for this camera. Empty: none.")),
                Named(
                    "kiosk_address",
                    N_("Kiosk address"),
                    N_("Behind a proxy, such as https://door.example.com. Empty: without one."),
                    more=True,
                ),
                Named("direction", N_("Direction"), N_("Whom the camera sees: who comes, who goes, or both.")),
                Named("entrance", N_("Entrance"), N_("While it is off, nobody's absence is certain.")),
                Named("rotate", N_("Turn pictures"), N_("Clockwise, until people stand upright."), N_("degrees")),
                Named("region", N_("Region"), N_("Muster looks for faces here only."), shows="region"),
                Named(
                    "masks",
                    N_("Masks"),
                    N_("Faces in them do not count. Test shows a picture to draw on."),
                    shows="lines",
                ),
                Named("min_face_px", N_("Smallest face"), N_("A larger value is faster. Empty: as for all.")),
                Named(
                    "quiet_hours",
                    N_("Quiet hours"),
                    N_("Such as 20:00-06:00. Every incident is then of high severity."),
                ),
                Named("tailgating", N_("Tailgating"), N_("Record people who pass together.")),
                Named("two_known", N_("Two known people"), N_("What a passage of known people becomes.")),
                Named("hosts", N_("Hosts"), N_("People who may bring visitors; * is everybody."), shows="people"),
                Named("visitors_per_host", N_("Visitors per host"), N_("How many one host may bring."), N_("people")),
                Named("door_window_s", N_("Door window"), N_("Who comes within it passes together."), more=True),
                Named(
                    "doze_s", N_("Key frames only"), N_("While nothing moves; 0: never. Empty: as for all."), more=True
                ),
            ),
            entries="table",
            entry=N_("camera"),
            summary=("source", "direction"),
            takes="recorder",
        ),
        door_fields.BLOCK,
        Block(
            ("sources",),
            N_("Connections"),
            (
                Named("stall_timeout_s", N_("Lost after"), N_("A camera without pictures for so long is lost.")),
                Named("open_timeout_s", N_("Time to open"), N_("How long opening a camera may take.")),
                Named("backoff_s", N_("Waits"), N_("First and longest wait before connecting again.")),
                Named(
                    "doze_s",
                    N_("Key frames only"),
                    N_("While nothing moves, of cameras with key frames this close; 0: never."),
                ),
            ),
            takes="recorder",
            more=True,
        ),
    ),
    "shifts": (
        Block(
            ("shifts", "*"),
            N_("Shifts"),
            (
                Named("start", N_("Begin"), unless="hours"),
                Named("end", N_("End"), N_("On the next day if it is not later than the begin."), unless="hours"),
                Named("days", N_("Days"), N_("Days on which it begins.")),
                *_WHOM,
                Named("grace_min", N_("Late after"), N_("An arrival up to this long after the begin is on time.")),
                Named(
                    "leave_grace_min", N_("Early before"), N_("Leaving up to this long before the end is not early.")
                ),
                Named("break_min", N_("Break"), N_("Unpaid; deducted unless cameras saw a longer one.")),
                Named("break_after_h", N_("Break after"), N_("Only a longer presence has the break.")),
                Named(
                    "hours", N_("Split shift"), N_("Instead of begin and end: 06:00-10:00 and 16:00-20:00."), more=True
                ),
                Named(
                    "break_floor", N_("Fair break"), N_("The break never takes a presence below its limit."), more=True
                ),
                Named(
                    "break_off_plan",
                    N_("Break off plan"),
                    N_("On public holidays and days without a shift, too."),
                    more=True,
                ),
                Named(
                    "full_day_h",
                    N_("Full day from"),
                    N_("A day with fewer hours is half a day; 0: no rule."),
                    more=True,
                ),
                Named(
                    "half_day_h",
                    N_("Half day from"),
                    N_("A day with fewer hours is an absence; 0: no rule."),
                    more=True,
                ),
                *_VALID,
                Named("on_holidays", N_("On holidays"), N_("Worked on public holidays, too."), more=True),
                Named("assigned_only", N_("If assigned"), N_("Only for people to whom it is assigned."), more=True),
            ),
            entries="table",
            entry=N_("shift"),
            summary=("start", "end", "hours", "days", "people", "departments"),
        ),
        Block(
            ("rotas", "*"),
            N_("Rotas"),
            (
                Named("cycle", N_("Shifts in turn"), N_("In this order; off is time off."), shows="shifts"),
                Named("anchor", N_("First day"), N_("A day on which the first shift's turn begins.")),
                Named("days_each", N_("Turn length"), unit=N_("days")),
                *_WHOM,
                *_VALID,
            ),
            entries="table",
            entry=N_("rota"),
            summary=("cycle", "days_each"),
        ),
        Block(("holidays",), N_("Holidays"), _HOLIDAYS),
        Block(
            ("holidays", "groups", "*"),
            N_("Holidays elsewhere"),
            (*_HOLIDAYS, *_WHOM),
            entries="table",
            entry=N_("group"),
            summary=("country", "subdivision", "departments", "people"),
        ),
    ),
    "attendance": (Block(("attendance",), N_("Attendance rules"), time_fields.ATTENDANCE),),
    "recognition": recognition_fields.BLOCKS,
    "retention": (
        Block(
            ("strangers",),
            N_("Strangers"),
            (
                Named(
                    "keep",
                    N_("Keep"),
                    N_("Of people who are not enrolled. If nothing, tailgating is only counted."),
                ),
            ),
            takes="recorder",
        ),
        Block(("retention",), N_("Retention"), time_fields.RETENTION),
        Block(
            ("encryption",),
            N_("Encryption"),
            (
                Named(
                    "at_rest",
                    N_("Encrypt pictures"),
                    N_("New templates and pictures. Older ones can be read either way."),
                ),
            ),
            takes="recorder",
        ),
    ),
    "notifications": (
        Block(
            ("notifications", "rules", "*"),
            N_("Alert channels"),
            (
                Named("name", N_("Name"), N_("In the logs; each has its own.")),
                Named("to", N_("Addresses"), N_("Such as mailto://, slack:// or dbus://."), shows="addresses"),
                Named("webhook", N_("Webhook"), N_("http:// or https:// address that gets a signed POST.")),
                Named("webhook_key", N_("Signing key"), N_("The receiver checks the signature with it."), shows="key"),
                Named("min_severity", N_("From severity")),
                Named("kinds", N_("Kinds"), N_("Empty: all."), shows="kinds"),
                Named("cameras", N_("Cameras"), N_("Empty: all."), shows="cameras"),
                Named("hours", N_("Hours"), N_("Such as 20:00-06:00. Empty: always.")),
                Named("days", N_("Days"), N_("None: every day.")),
                Named("attach_image", N_("With picture"), N_("Send the incident's picture, too.")),
                Named(
                    "limit",
                    N_("At most"),
                    N_("Further incidents of a camera are counted only."),
                    N_("incidents"),
                    more=True,
                ),
                Named("per_s", N_("Within"), more=True),
                *_KEYS_ELSEWHERE,
            ),
            entries="list",
            entry=N_("channel"),
            summary=("to", "webhook", "min_severity"),
            takes="recorder",
        ),
        Block(
            ("notifications",),
            N_("Delivery"),
            (
                Named(
                    "give_up_s",
                    N_("Give up after"),
                    N_("A message that could not be delivered for so long is dropped."),
                ),
                Named("interval_s", N_("Look every"), N_("How often Muster looks through the outbox.")),
            ),
            takes="recorder",
            more=True,
        ),
        mqtt_fields.BLOCK,
        Block(
            ("reports",),
            N_("Mailbox"),
            (
                Named("mail_server", N_("Mailbox"), N_("mailtos://USER:PASSWORD@example.org?smtp=smtp.example.org")),
                Named("catch_up_h", N_("Catch up"), N_("A report missed while Muster was off is sent for so long.")),
            ),
        ),
        Block(("reminders",), N_("Reminders by e-mail"), message_fields.REMINDERS),
        Block(
            ("reports", "scheduled", "*"),
            N_("Reports by e-mail"),
            (
                Named("name", N_("Name"), N_("In the logs; each has its own.")),
                Named("to", N_("Recipients"), N_("E-mail addresses; each gets its own message.")),
                Named("every", N_("About"), N_("The day, week or month that is over.")),
                Named("at", N_("Sent at")),
                Named("days", N_("On days"), N_("Days on which it may be sent. None: every day.")),
                Named("departments", N_("Departments"), N_("Empty: everybody."), shows="departments"),
                Named("format", N_("Attached")),
                Named("language", N_("Language"), shows="language"),
                Named("webhook", N_("Webhook"), N_("Gets heads alone, as a signed POST."), more=True),
                Named(
                    "webhook_key",
                    N_("Signing key"),
                    N_("The receiver checks the signature with it."),
                    shows="key",
                    more=True,
                ),
                *_KEYS_ELSEWHERE,
            ),
            entries="list",
            entry=N_("report"),
            summary=("every", "at", "to", "webhook"),
        ),
    ),
    "kiosk": (
        Block(
            ("kiosk",),
            N_("Screen"),
            (
                Named("language", N_("Language"), N_("Of the screen. Empty: as its browser asks."), shows="language"),
                Named("sound", N_("Sound"), N_("Two short tones: recorded, and please look.")),
                Named("greeting_s", N_("Greeting"), N_("How long it is shown.")),
                Named("change_s", N_("Changes"), N_("How long people may change in or out. 0: never.")),
                Named("pin_digits", N_("PIN length"), N_("Fewest digits of a new PIN.")),
                Named("pin_tries", N_("Wrong PINs"), N_("So many before a person must wait.")),
                Named("head_turn", N_("Head turn"), N_("Ask for it where a living person must be proven.")),
                Named("paired_days", N_("Pair again after"), N_("A screen unused for so long must be paired again.")),
                Named("hosts", N_("Host names"), N_("Under which browsers reach the kiosk."), more=True),
                Named(_PROXIES.name, _PROXIES.title, _PROXIES.help, more=True),
                Named("fps", N_("Picture rate"), N_("Most pictures sent each second."), N_("pictures/s"), more=True),
                Named("longest_px", N_("Picture size"), N_("Longest side of a picture that is sent."), more=True),
                Named("max_viewers", N_("Most viewers"), N_("Live pictures sent at the same time."), more=True),
                Named(
                    "streams_per_device",
                    N_("Streams per device"),
                    N_("Live pictures of one device at the same time."),
                    more=True,
                ),
            ),
            takes="kiosk",
        ),
    ),
    "sign_in": (
        Block(
            ("app",),
            N_("Sessions"),
            (
                Named("session_h", N_("Session ends after")),
                Named("idle_min", N_("Without a click"), N_("A session ends then; 0: never.")),
                Named("second_factor", N_("Second factor"), N_("Roles that must give a code beside their password.")),
            ),
            takes="server",
            home=True,
        ),
        Block(
            ("app",),
            N_("Reaching the workbench"),
            (
                Named("hosts", N_("Host names"), N_("Under which browsers reach the workbench.")),
                _PROXIES,
                Named("ice_servers", N_("STUN and TURN"), N_("For camera pictures across networks; a LAN needs none.")),
                Named("connections", N_("Connections"), N_("Most of one address at the same time."), more=True),
                Named("rest_per_minute", N_("Requests a minute"), N_("Of each access token."), more=True),
            ),
            takes="server",
            home=True,
        ),
        Block(
            ("app", "oidc"),
            N_("Organisation's sign-in"),
            (
                Named(
                    "metadata_url",
                    N_("Provider"),
                    N_("Address of its description, …/.well-known/openid-configuration."),
                ),
                Named("client_id", N_("Client id"), N_("The provider gave it to Muster.")),
                Named("client_secret", N_("Client secret"), N_("The provider gave it to Muster, too.")),
                Named("base_url", N_("Own address"), N_("Where browsers reach the workbench.")),
                Named("label", N_("Button"), N_("Its text. Empty: a general one.")),
                Named(
                    "trust_unverified",
                    N_("Trust unverified"),
                    N_("Only where nobody can choose their own e-mail address."),
                ),
            ),
            takes="server",
            home=True,
            optional=True,
        ),
    ),
    "sites": (),
}
"""What each part of the page shows, from the top."""

ELSEWHERE: Mapping[_PATTERN, Elsewhere] = {
    **{
        ("leave", "*", name): Elsewhere(place="Leave › Kinds")
        for name in ("name", "status", "credit", "paid", "days_per_year", "withdrawn")
    },
    ("leave", "*", "words"): Elsewhere(why="a name that changes becomes a word by itself"),
    ("sample",): Elsewhere(why="only `make run` and `muster demo` make sample workspaces"),
    ("store",): Elsewhere(why="a workspace moves into a database by `muster store`"),
    ("site",): Elsewhere(why="the rows of a site bear its name; it is given when the site is added"),
    ("recorder",): Elsewhere(why="each machine has its own name, and its rows are sealed under it"),
    ("offline_start",): Elsewhere(why="each machine decides where it may keep copies"),
    ("seal_key",): Elsewhere(why="whoever can move the key can forge the seals"),
}
"""Settings that other pages change, or none, by pattern."""


def patterns() -> Iterator[tuple[_PATTERN, Part, Named]]:
    """Every setting of the page with its part."""
    for part, blocks in BLOCKS.items():
        for block in blocks:
            for field in block.fields:
                yield (*block.path, field.name), part, field


def places() -> dict[_PATTERN, str]:
    """Where each setting is changed, in English; of those that only the file changes, why."""
    found = {pattern: f"Settings › {TITLES[part]}" for pattern, part, _ in patterns()}
    for pattern, each in ELSEWHERE.items():
        found[pattern] = each.place or f"only the file: {each.why}"
    return found


@cache
def _titles() -> dict[_PATTERN, tuple[str, str]]:
    found: dict[_PATTERN, tuple[str, str]] = {}
    for blocks in BLOCKS.values():
        for block in blocks:
            found.setdefault(block.path, (block.title, ""))
            for field in block.fields:
                found.setdefault((*block.path, field.name), (block.title, field.title))
    return found


def pattern_of(path: Sequence[str | int]) -> _PATTERN:
    """The pattern that a path fits; of an unknown one the path itself."""
    texts = tuple(map(str, path))
    for pattern in _titles():
        if len(pattern) == len(texts) and all(a in {"*", b} for a, b in zip(pattern, texts, strict=True)):
            return pattern
    return texts


def title_of(path: Sequence[str | int]) -> tuple[str, str]:
    """The titles of a setting's block and of itself, in English; empty: the page does not have it."""
    return _titles().get(pattern_of(path), ("", ""))
