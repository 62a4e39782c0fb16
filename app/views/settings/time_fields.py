"""Fields of the rules of attendance and of retention."""

from __future__ import annotations

from app.views.settings.described import Named
from app.words.terms import N_

ATTENDANCE = (
    Named("four_eyes", N_("Four eyes"), N_("Somebody other than the author must approve a correction.")),
    Named("count_unapproved", N_("Count at once"), N_("Corrections count before somebody approves them.")),
    Named("overtime_after_min", N_("Overtime after"), N_("Time beyond the plan that is no overtime.")),
    Named("longest_day_h", N_("Longest day"), N_("Somebody must look at a day with more hours inside.")),
    Named("round_in_min", N_("Round arrivals"), N_("To steps of so many minutes; 0: not at all.")),
    Named("round_in", N_("Arrivals to")),
    Named("round_out_min", N_("Round departures"), N_("To steps of so many minutes; 0: not at all.")),
    Named("round_out", N_("Departures to")),
    Named("payroll_day", N_("Payroll month from"), N_("Day on which it begins, at most the 28th."), N_("day")),
    Named("day_starts", N_("Day begins"), N_("Where no shift says so; at most noon.")),
    Named("night", N_("Night"), N_("Hours of the column of night hours. Empty: none.")),
    Named("working_time", N_("Working time law"), N_("Days beyond it carry a note. Agreements are not known.")),
    Named("compare_people", N_("Compare people"), N_("Why charts may show people by name. Empty: they do not.")),
    Named(
        "lead_min",
        N_("Watching before"),
        N_("A camera off so long before a shift may have missed somebody."),
        more=True,
    ),
    Named("outage_s", N_("Shortest outage"), N_("Shorter outages of a camera are ignored."), more=True),
    Named("gap_s", N_("Not watching"), N_("A camera without pictures for longer was not watching."), more=True),
    Named(
        "coverage_every_s", N_("Noted every"), N_("How often a recorder notes that its camera is watching."), more=True
    ),
)

RETENTION = (
    Named("evidence_images", N_("Evidence"), N_("Pictures of punches. Empty: for ever."), N_("days")),
    Named(
        "unknown_images",
        N_("Unknown people"),
        N_("Pictures of people who were not recognised. Empty: for ever."),
        N_("days"),
    ),
    Named(
        "tailgating_images",
        N_("Tailgating"),
        N_("Its pictures, and those of failed liveness checks. Empty: for ever."),
        N_("days"),
    ),
    Named(
        "strangers", N_("Strangers"), N_("Their templates; those on the watch list stay. Empty: for ever."), N_("days")
    ),
    Named(
        "faces",
        N_("Faces"),
        N_("Of everyone whom cameras saw, for the search. 0: none. Empty: for ever."),
        N_("days"),
    ),
    Named("sightings", N_("Sightings"), N_("The log from which decisions are replayed. Empty: for ever."), N_("days")),
    Named("attendance", N_("Attendance"), N_("Log, sheets and corrections; at least 31. Empty: for ever."), N_("days")),
    Named("closed_sheets", N_("Closed months"), N_("Sealed sheets. Empty: as long as attendance."), N_("days")),
    Named(
        "incidents",
        N_("Incidents"),
        N_("Log, dossiers, deliveries, answers; at least 31. Empty: for ever."),
        N_("days"),
    ),
    Named("quarantine", N_("Quarantine"), N_("How long erased files can still be brought back."), N_("days")),
)
