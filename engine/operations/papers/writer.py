"""Statements that several papers make, in the reader's language, with their sources."""

from __future__ import annotations

from collections.abc import Mapping

from engine.access import EMPLOYEE
from engine.evaluation import Estimate
from engine.operations.overview import CLASSES
from engine.operations.papers.facts import Facts
from engine.operations.papers.model import Line, Part
from engine.people.basis import doubt
from engine.words import N_, Words

_BASES: Mapping[str, str] = {
    "consent": N_("{count} people: their consent"),
    "agreement": N_("{count} people: a works agreement"),
    "law": N_("{count} people: a law"),
    "contract": N_("{count} people: their contract"),
    "visit": N_("{count} people: a contract with visitors"),
    "withdrawn": N_("{count} people withdrew; cameras do not recognise them"),
    "": N_("{count} people: nobody has said on what it rests"),
}
_ROLES: Mapping[str, str] = {
    "admin": N_("administrator: settings, accounts, everything else"),
    "hr": N_("HR: people, enrolment, attendance, corrections"),
    "manager": N_("manager: attendance of their departments"),
    "security": N_("security: alerts, strangers, search by photo, threshold"),
    "viewer": N_("viewer: attendance, to read"),
    "employee": N_("employee: their own record"),
}
_KEPT: Mapping[str, tuple[str, str]] = {
    "templates": (N_("templates (embeddings) of enrolled people"), N_("to recognise them")),
    "enrolment pictures": (
        N_("pictures of the enrolment"),
        N_("to show by what somebody is recognised, and to make templates anew"),
    ),
    "evidence": (N_("pictures of punches"), N_("to show why a punch was written")),
    "unknown people": (N_("pictures of people who were not recognised"), N_("security at the entrance")),
    "tailgating and attacks": (N_("pictures of tailgating and failed liveness checks"), N_("security at the entrance")),
    "attendance logs": (N_("attendance log, corrections, requests, coverage"), N_("working time and payroll")),
    "day sheets": (N_("day sheets"), N_("working time and payroll")),
    "sighting logs": (N_("log of decisions: ids, similarities, threshold"), N_("to examine decisions and overrides")),
    "incident logs": (N_("alerts, reviews, answers, deliveries"), N_("security at the entrance")),
    "audit and seals": (N_("audit log: who did and looked at what"), N_("accountability")),
}
_RATES: Mapping[str, str] = {
    "fmr": N_("two people taken for one, per comparison (FMR)"),
    "fnmr": N_("one person not matched with their own picture (FNMR)"),
    "fpir": N_("a stranger named, per search (FPIR)"),
    "fnir": N_("an enrolled person not named, per search (FNIR)"),
}
_OVERRIDES: Mapping[str, str] = {
    "not_this": N_("punch revoked"),
    "confirm": N_("face near the threshold answered"),
    "overrule": N_("picture used anyway"),
    "calibrate": N_("threshold changed"),
    "calibrate_rollback": N_("threshold changed back"),
    "change_setting": N_("setting changed"),
    "reopen_month": N_("month reopened"),
}
_STRANGERS: Mapping[str, str] = {
    "nothing": N_(
        "Of people who are not enrolled nothing is kept. Who passes together with somebody enrolled is counted, without pictures."
    ),
    "incident": N_(
        "Of people who are not enrolled alerts with pictures are kept, and nothing by which they could be recognised again."
    ),
    "dossier": N_(
        "Of people who are not enrolled alerts with pictures are kept, and templates by which they are recognised when they come again."
    ),
}
_SOURCES: Mapping[str, str] = {
    "settings": N_("from the settings"),
    "calibration": N_("from a calibration"),
    "derived": N_("derived from the gallery"),
}
_POLICIES: Mapping[str, str] = {
    "off": N_("Muster does not check whether a face is a living person's."),
    "mark": N_("Muster notes whether a face seems to be a living person's; a picture before the camera is an alert."),
    "require": N_("Muster records only faces that passed a check for living people."),
}


class Writer:
    """Writes the statements of one workspace in one language."""

    def __init__(self, facts: Facts, words: Words) -> None:
        self.facts, self.words, self.say = facts, words, words.say

    def line(self, text: str, source: str = "", /, **values: object) -> Line:
        return Line(self.say(text, **values), source)

    def gap(self, text: str, /, **values: object) -> Line:
        return Line(self.say(text, **values), gap=True)

    def part(self, title: str, *lines: Line | None) -> Part:
        return Part(self.say(title), tuple(each for each in lines if each is not None))

    def days(self, count: int | None) -> str:
        return self.say("{count} days", count=count) if count is not None else self.say("until somebody erases it")

    def share(self, rate: float) -> str:
        return f"{self.words.number(100 * rate, 2 if rate < 0.1 else 1)} %"

    # ------------------------------------------------------------------------------------- what several papers say

    def controller(self) -> Line:
        name = self.facts.config.organisation
        if not name:
            return self.gap(N_("Name and address of the controller"))
        return self.line(N_("Controller: {name}"), "organisation", name=name)

    def bases(self) -> list[Line]:
        facts = self.facts
        lines = [
            Line(self.say(_BASES[kind], count=count), "people.csv: consent_at", gap=not kind)
            for kind, count in sorted(facts.bases.items())
        ]
        usual, version = facts.config.people.basis, facts.config.people.basis_version
        if not usual:
            lines.append(self.gap(N_("The workplace's own legal basis (Settings › Workplace)")))
        elif usual != "consent" and not version:
            lines.append(self.gap(N_("Name and version of the agreement, law or contract on which it rests")))
        if facts.versions or version:
            named = ", ".join(dict.fromkeys(filter(None, (version, *facts.versions))))
            lines.append(self.line(N_("Texts that hold: {names}"), "people.basis_version", names=named))
        if any(doubt(kind, facts.country) for kind in facts.bases) or doubt(usual, facts.country):
            lines.append(
                self.gap(
                    N_(
                        "Consent at work is rarely free (GDPR Art. 7 and recital 43): say why it is free here, or choose another basis"
                    )
                )
            )
        return lines

    def other_way(self, missing: str) -> Line:
        """Who may pass without the face; `missing`: what to fill in if nobody may."""
        count = self.facts.other_ways
        if not count:
            return self.gap(missing)
        return self.line(
            N_("People who may identify themselves by badge or PIN at the kiosk: {count}."),
            "badges.json, pins.json",
            count=count,
        )

    def strangers(self) -> Line:
        return self.line(_STRANGERS[self.facts.config.strangers.keep], "strangers.keep")

    def liveness(self) -> Line:
        return self.line(_POLICIES[self.facts.config.presentation.policy], "presentation.policy")

    def cameras(self) -> Part:
        say = self.say
        rows = []
        for name, camera in sorted(self.facts.config.cameras.items()):
            seen = (
                say("arrivals")
                if camera.direction == "in"
                else say("departures")
                if camera.direction == "out"
                else say("both ways")
            )
            area = say("a part of the picture") if camera.region or camera.masks else say("the whole picture")
            rows.append(
                (
                    Line(name if camera.enabled else say("{name} (off)", name=name), f"cameras.{name}"),
                    Line(seen, f"cameras.{name}.direction"),
                    Line(area, f"cameras.{name}.region"),
                    Line(", ".join(camera.quiet_hours) or "–", f"cameras.{name}.quiet_hours"),
                )
            )
        none = () if rows else (self.gap(N_("Which cameras there are: none is in the settings")),)
        return Part(
            say("Cameras"), none, (say("Camera"), say("Sees"), say("Looks at"), say("Quiet hours")), tuple(rows)
        )

    def retention(self) -> Part:
        say, kept = self.say, self.facts.config.retention
        rows = []
        for what, (text, purpose) in _KEPT.items():
            setting = CLASSES[what][1]
            period = self.days(getattr(kept, setting)) if setting else say("until the person is erased")
            if what == "audit and seals":
                period = say("until somebody erases it")
            source = f"retention.{setting}" if setting else ""
            rows.append(
                (Line(say(text)), Line(say(purpose)), Line(period, source), Line(str(self.facts.stored.get(what, 0))))
            )
        faces = say("none is kept") if kept.faces == 0 else self.days(kept.faces)
        seen, search = (
            say("embeddings of everybody seen, for the search by photo"),
            say("to find where somebody was seen"),
        )
        rows.append((Line(seen), Line(search), Line(faces, "retention.faces"), Line("–")))
        strangers = self.days(kept.strangers) if self.facts.config.strangers.keep == "dossier" else say("none is kept")
        again = say("to recognise who comes again")
        rows.append(
            (Line(say("templates of strangers")), Line(again), Line(strangers, "retention.strangers"), Line("–"))
        )
        head = (say("Data"), say("Purpose"), say("Kept for"), say("Files now"))
        return Part(say("Data, purpose and retention"), (), head, tuple(rows))

    def access(self) -> Part:
        say = self.say
        rows = [
            (Line(say(_ROLES[role])), Line(str(len(names)) if role == EMPLOYEE else ", ".join(names), "accounts.json"))
            for role, names in self.facts.overseers.items()
        ]
        lines = [] if rows else [self.gap(N_("Who may open the workbench: there are no accounts yet"))]
        lines += self.published()
        lines += self.doors()
        return Part(say("Who has access"), tuple(lines), (say("Role"), say("Accounts")), tuple(rows))

    def published(self) -> list[Line]:
        """What an MQTT broker gets, and thus whoever may read it."""
        mqtt = self.facts.config.mqtt
        if not mqtt.on:
            return []
        told = {
            "nobody": N_("Passages and alerts go to the MQTT broker {broker}, without saying who it was."),
            "ids": N_("Passages and alerts go to the MQTT broker {broker}, with the ids of people."),
            "names": N_("Passages and alerts go to the MQTT broker {broker}, with the ids and names of people."),
        }
        states = N_("The MQTT broker {broker} gets how many people are inside, and nothing about single people.")
        return [
            self.line(told[mqtt.who] if mqtt.events else states, "mqtt.who, mqtt.events", broker=mqtt.place),
            self.gap(N_("Who may read the broker, and for how long it keeps what it gets")),
        ]

    def doors(self) -> list[Line]:
        """Which doors open by face, for how many people, and why."""
        told = {
            "open": N_("The door {door} opens by face for {count} chosen people: {reason}"),
            "dry_run": N_("The door {door} is tried out and opens for nobody; {count} people are chosen: {reason}"),
        }
        return [
            self.line(
                told[door.action],
                f"doors.{name}",
                door=name,
                count=self.facts.doors[name],
                reason=door.reason or "–",
            )
            for name, door in self.facts.config.doors.items()
            if door.action != "off"
        ]

    def overseers_named(self) -> Line:
        names = [name for role in ("security", "hr", "admin") for name in self.facts.overseers.get(role, ())]
        if not names:
            return self.gap(N_("Names of those who oversee the system"))
        return self.line(N_("Overseers: {names}"), "accounts.json", names=", ".join(dict.fromkeys(names)))

    def overrides(self) -> Part:
        say = self.say
        rows = tuple(
            (Line(author), Line(say(_OVERRIDES[action])), Line(str(count), "log/audit.csv"))
            for (author, action), count in self.facts.overrides.items()
        )
        lines = (
            () if rows else (self.line(N_("Nobody overrode a decision in the last twelve months."), "log/audit.csv"),)
        )
        return Part(
            say("Overrides of the last twelve months"), lines, (say("Who"), say("What"), say("How often")), rows
        )

    def errors(self) -> Part:
        say, facts = self.say, self.facts
        rows = tuple(
            (
                Line(say(_RATES[name])),
                Line(self.share(rate.value), "muster calibrate"),
                Line(self.interval(rate)),
                Line(str(rate.people)),
            )
            for name, rate in facts.rates.items()
        )
        lines = [
            self.line(
                N_("The threshold is {value} ({source})."),
                "threshold",
                value=self.words.number(facts.threshold, 3),
                source=say(_SOURCES[facts.threshold_source]),
            ),
        ]
        if facts.stranger_rate is not None and facts.missed_rate is not None:
            lines += [
                self.line(
                    N_("Expected of the model on its cohort: a single look names {share} of strangers."),
                    "muster calibrate",
                    share=self.share(facts.stranger_rate),
                ),
                self.line(
                    N_("A single look does not name {share} of enrolled people; they are looked at again."),
                    "muster calibrate",
                    share=self.share(facts.missed_rate),
                ),
            ]
        if not rows:
            lines.append(self.gap(N_("Error rates of this workplace: enrol people, then run `muster calibrate`")))
        lines.append(
            self.gap(
                N_(
                    "Error rates of groups (age, sex, skin): measure them with `muster evaluate`, or say why that is not possible"
                )
            )
        )
        if facts.near == 0:
            lines.append(
                self.gap(N_("Answers about faces near the threshold: nobody has given any (`muster confirm`)"))
            )
        else:
            lines.append(
                self.line(
                    N_("{count} faces near the threshold were answered by people."), "muster confirm", count=facts.near
                )
            )
        head = (say("Error"), say("Rate"), say("95% interval"), say("People"))
        return Part(say("How often it errs"), tuple(lines), head, rows)

    def interval(self, rate: Estimate) -> str:
        return f"{self.share(rate.low)} – {self.share(rate.high)}"

    def limits(self) -> Part:
        return self.part(
            N_("Limits of the liveness check"),
            self.liveness(),
            self.line(
                N_(
                    "It deters and is not certified (ISO/IEC 30107-3). It stops a flat photo that is turned and a stream that stands still."
                ),
                "docs/liveness.md",
            ),
            self.line(
                N_("A video on a screen mostly passes, a bent photo in about half of the attempts."), "docs/liveness.md"
            ),
            self.line(
                N_(
                    "Where a kiosk challenges everybody, a rendered video of all movements passed in about one of eight tries."
                ),
                "docs/liveness.md",
            ),
        )

    def comparison(self) -> Line:
        reason = self.facts.config.attendance.compare_people
        if reason:
            return self.line(
                N_("Charts compare people by name, because: {reason}"), "attendance.compare_people", reason=reason
            )
        return self.line(N_("No chart compares people by name."), "attendance.compare_people")
