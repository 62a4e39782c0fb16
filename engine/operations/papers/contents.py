"""What each paper says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.operations.papers.facts import Facts
from engine.operations.papers.model import Kind, Line, Paper, Part
from engine.operations.papers.versions import PaperVersion, changes
from engine.operations.papers.writer import Writer
from engine.words import N_, Words

_TITLES: Mapping[Kind, str] = {
    "dpia": N_("Data protection impact assessment: face recognition at the entrance"),
    "workers": N_("Notice to workers and their representatives"),
    "door": N_("Face recognition at this entrance"),
    "overseers": N_("Instructions for those who oversee the system"),
    "retention": N_("Retention schedule"),
    "changes": N_("What changed since the last version"),
}


def paper(kind: Kind, facts: Facts, words: Words, version: PaperVersion, before: PaperVersion | None) -> Paper:
    """Return a paper.

    Args:
        version: that it belongs to. before: the one before that; None: there is none.
    """
    write = Writer(facts, words)
    makers: Mapping[Kind, Callable[[Writer], list[Part]]] = {
        "dpia": _dpia,
        "workers": _workers,
        "door": _door,
        "overseers": _overseers,
        "retention": lambda each: [each.retention(), _retention_rules(each)],
        "changes": lambda each: [_changed(each, before, version)],
    }
    stamp = words.say(
        "{place} · {day} · version {number}",
        place=facts.config.organisation or words.say("workplace without a name"),
        day=words.whole_day(facts.day),
        number=version.number,
    )
    lead = words.say(
        "A draft from the settings and figures of this installation. Yellow: somebody must fill it in. No legal advice."
    )
    return Paper(kind, words.say(_TITLES[kind]), lead, stamp, tuple(makers[kind](write)))


def _dpia(write: Writer) -> list[Part]:
    facts = write.facts
    config = facts.config
    return [
        write.part(
            N_("Responsible"),
            write.controller(),
            write.gap(N_("Data protection officer, and what they advised (GDPR Art. 35(2))")),
            write.gap(N_("What workers or their representatives said (GDPR Art. 35(9)), with the day")),
        ),
        write.part(
            N_("What is done"),
            write.line(
                N_(
                    "Cameras at the entrance find faces. Each is turned into a template and compared with those of enrolled people (1:N)."
                )
            ),
            write.line(
                N_("{count} people are in the list; {enrolled} are enrolled with {templates} templates."),
                "people.csv",
                count=facts.people,
                enrolled=facts.enrolled,
                templates=facts.templates,
            ),
            write.line(
                N_("Model: {model}, run on this installation ({backend})."),
                "embedding.model",
                model=facts.model,
                backend=facts.backend,
            ),
            write.line(
                N_("A name needs {count} agreeing pictures and {share} of the votes."),
                "voting.min_agreeing, voting.min_share",
                count=config.voting.min_agreeing,
                share=write.share(config.voting.min_share),
            ),
            write.strangers(),
            write.comparison(),
        ),
        write.cameras(),
        write.part(
            N_("Purpose and necessity"),
            write.gap(N_("Purpose, such as recording working time or securing the entrance")),
            write.gap(N_("Why milder means (badge, PIN, a person at the door) are not enough")),
            write.other_way(N_("Which way without the face people may choose, without a disadvantage")),
        ),
        write.part(N_("Legal basis (GDPR Art. 6, 9 and 88)"), *write.bases()),
        write.retention(),
        write.access(),
        write.errors(),
        write.limits(),
        _risks(write),
        write.part(
            N_("Result"),
            write.gap(N_("Whether the remaining risk is acceptable, or the authority must be asked (GDPR Art. 36)")),
            write.gap(N_("Who decided it, and the day of the next review")),
        ),
    ]


def _risks(write: Writer) -> Part:
    say, config = write.say, write.facts.config
    encrypted = say("Templates and pictures are encrypted at rest.") if config.encryption.at_rest else ""
    four_eyes = say("Somebody else must approve a correction.") if config.attendance.four_eyes else ""
    roles = ", ".join(config.app.second_factor)
    factor = say("A second factor is asked of: {roles}.", roles=roles) if roles else ""

    def measure(text: str, source: str) -> Line:
        return Line(text, source) if text else Line(say("No measure is set"), source, gap=True)

    rows = (
        (
            say("A person is taken for somebody else"),
            measure(
                say(
                    "Several pictures must agree; a name is withdrawn when later pictures disagree; every row says what decided it."
                ),
                "voting, matching",
            ),
        ),
        (say("A person is not recognised"), measure(say("Punches can be added by hand, with a reason."), "attendance")),
        (say("Somebody changes times unseen"), measure(four_eyes, "attendance.four_eyes")),
        (
            say("Logs are changed afterwards"),
            measure(say("Every row is sealed; `muster verify` shows changes."), "seal_key"),
        ),
        (say("Templates are stolen"), measure(encrypted, "encryption.at_rest")),
        (say("An account is taken over"), measure(factor, "app.second_factor")),
        (
            say("Somebody looks at people without need"),
            measure(say("Who looks at whom is in the audit log."), "log/audit.csv"),
        ),
        (
            say("A picture is held before the camera"),
            measure(
                write.liveness().text if config.presentation.policy != "off" else "",
                "presentation.policy",
            ),
        ),
        (say("Bystanders are recorded"), write.strangers()),
    )
    return Part(
        say("Risks and measures"), (), (say("Risk"), say("Measure")), tuple((Line(risk), line) for risk, line in rows)
    )


def _workers(write: Writer) -> list[Part]:
    return [
        write.part(
            N_("What happens"),
            write.controller(),
            write.line(
                N_("Cameras at the entrance recognise faces of enrolled people, and write down when they come and go.")
            ),
            write.gap(N_("Purpose, such as recording working time or securing the entrance")),
            write.strangers(),
            write.comparison(),
            write.line(N_("People can correct what cameras wrote, and give a reason."), "attendance.four_eyes"),
        ),
        write.cameras(),
        write.part(N_("On what it rests"), *write.bases()),
        write.retention(),
        write.access(),
        write.errors(),
        write.part(
            N_("Your rights"),
            write.line(
                N_(
                    "You may see what is stored about you, get a copy, and have mistakes corrected (GDPR Art. 15, 16, 20)."
                ),
                "muster export-subject",
            ),
            write.line(
                N_(
                    "You may have your data erased, or object (GDPR Art. 17, 21). A withdrawal ends recognition at once."
                ),
                "muster forget",
            ),
            write.other_way(N_("Which way without the face you may choose, without a disadvantage")),
            write.gap(N_("Whom you may ask: contact of the data protection officer and of the works council")),
            write.gap(N_("The supervisory authority to which you may complain")),
        ),
    ]


def _door(write: Writer) -> list[Part]:
    kept = write.facts.config.retention
    strangers = write.facts.config.strangers
    pictures = (
        write.line(
            N_("Pictures of people who are not enrolled are kept for {days}."),
            "retention.unknown_images",
            days=write.days(kept.unknown_images),
        )
        if strangers.leave_traces
        else None
    )
    return [
        write.part(
            N_("Cameras here recognise enrolled people by their faces"),
            write.controller(),
            write.gap(N_("Purpose, such as recording working time or securing the entrance")),
            write.strangers(),
            pictures,
            write.line(
                N_("Pictures of passages are kept for {days}."),
                "retention.evidence_images",
                days=write.days(kept.evidence_images),
            ),
            write.gap(N_("Where to enter without face recognition")),
            write.gap(N_("Contact, and where the whole notice can be read")),
            write.line(N_("You may ask what is stored about you, and complain to the supervisory authority.")),
        )
    ]


def _overseers(write: Writer) -> list[Part]:
    return [
        write.part(
            N_("Your task"),
            write.overseers_named(),
            write.gap(N_("Who trained the overseers, and when (AI Act Art. 4 and 26(2))")),
            write.line(
                N_(
                    "A name is a suggestion of a machine. Look at the picture and at the similarity before you act on it."
                )
            ),
            write.line(
                N_(
                    "A machine that is mostly right invites to believe it always: expect errors above all where pictures are poor."
                )
            ),
        ),
        write.errors(),
        write.limits(),
        write.part(
            N_("How to override"),
            write.line(
                N_(
                    "A wrong name: open the punch, then “Not this person”. The row stays, and a correction takes it back."
                ),
                "Attendance",
            ),
            write.line(
                N_("Faces near the threshold: answer them, so that the threshold can be judged."), "muster confirm"
            ),
            write.line(
                N_("A missing punch: add it by hand with a reason. With four eyes, somebody else approves it."),
                "attendance.four_eyes",
            ),
            write.line(N_("An alert: look at the pictures, decide, and write down why."), "Alerts"),
            write.line(
                N_("To stop recognition: switch the camera off, or set a person inactive."), "cameras.NAME.enabled"
            ),
        ),
        write.part(
            N_("When to stop and report"),
            write.line(
                N_(
                    "A person was refused, accused or paid wrongly because of a name: stop, keep the rows, tell the controller."
                )
            ),
            write.line(
                N_("A group of people is recognised worse than others: have it measured before you go on."),
                "muster evaluate",
            ),
            write.gap(N_("To whom serious incidents are reported, and how fast")),
        ),
        write.overrides(),
    ]


def _retention_rules(write: Writer) -> Part:
    kept = write.facts.config.retention
    return write.part(
        N_("How it is erased"),
        write.line(
            N_(
                "Running recorders and the workbench erase what is older, every day; `muster purge --apply` does it at once."
            ),
            "retention",
        ),
        write.line(
            N_("Pictures and logs can be brought back for {days}."),
            "retention.quarantine",
            days=write.days(kept.quarantine),
        ),
        write.line(N_("`muster forget` erases a person, and destroys the keys of their templates and pictures.")),
        write.line(
            N_("Decisions (ids, similarities, threshold) are kept apart from pictures and embeddings, for {days}."),
            "retention.sightings",
            days=write.days(kept.sightings),
        ),
        write.gap(N_("How long attendance must be kept here by law")) if kept.attendance is None else None,
    )


def _changed(write: Writer, before: PaperVersion | None, version: PaperVersion) -> Part:
    say = write.say
    if before is None:
        return write.part(N_("Changes"), write.line(N_("This is the first version.")))
    rows = tuple(
        (Line(change.setting), Line(_spelt(change.before)), Line(_spelt(change.after)))
        for change in changes(before, version)
    )
    lead = write.line(
        N_("From version {before} of {then} to version {after} of {now}."),
        before=before.number,
        then=write.words.whole_day(before.day),
        after=version.number,
        now=write.words.whole_day(version.day),
    )
    return Part(say("Changes"), (lead,), (say("Setting"), say("Before"), say("Now")), rows)


def _spelt(value: str | None) -> str:
    return "–" if value is None else value or "“”"
