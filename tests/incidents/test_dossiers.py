"""Strangers over days and cameras, and what people decide about them."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import T0, at
from hypothesis import given, settings
from hypothesis import strategies as st
from paperwork import Clock, bench, enrol, face, stranger
from two_processes import decide, run_twice

from engine.errors import InputError
from engine.incidents import DossierBook, IncidentKind, IncidentRow
from engine.incidents.dossiers import Action
from engine.workbench import Workbench

MON, TUE, WED = T0, T0 + timedelta(days=1), T0 + timedelta(days=2)
ADA, EVE, KIM = face(1), face(0, 1), face(0, 0, 1)


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return bench(tmp_path, Clock(WED))


def ids(workbench: Workbench) -> dict[str, int]:
    """Dossiers, and how many incidents each has."""
    return {each.unknown_id: len(each.incidents) for each in workbench.office.dossiers()}


def templates(workbench: Workbench, unknown_id: str) -> set[str]:
    return {each.template_id for each in workbench.strangers.current().of(unknown_id)[0]}


def visits(workbench: Workbench) -> list[str]:
    """Ada twice and Eve once; the incidents' ids."""
    rows = [
        stranger(workbench, ADA, MON, camera="door", track="run-1"),
        stranger(workbench, EVE, TUE, camera="gate", track="run-2"),
        stranger(workbench, face(1, 0.3), WED, camera="gate", track="run-3"),
    ]
    return [row.incident_id for row in rows]


def test_nobody_was_seen(workbench: Workbench) -> None:
    assert workbench.office.dossiers() == []
    assert workbench.office.suggestions() == []


def test_the_same_stranger_on_two_days_and_cameras_is_one_dossier_the_latest_seen_first(workbench: Workbench) -> None:
    visits(workbench)
    first, second = workbench.office.dossiers()
    assert (first.unknown_id, second.unknown_id) == ("unknown-1", "unknown-2")
    assert (first.days, first.cameras) == ([MON.date(), WED.date()], ["door", "gate"])
    assert (first.summary, second.summary) == ("seen 2 times on 2 days", "seen 1 time on 1 day")
    assert (first.watched, first.ignored, first.employee_id) == (False, False, "")


def test_merging_moves_incidents_and_templates(workbench: Workbench) -> None:
    visits(workbench)
    workbench.office.merge("unknown-2", "unknown-1", author="Sam")
    assert ids(workbench) == {"unknown-1": 3}
    assert templates(workbench, "unknown-1") == {"run-1", "run-2", "run-3"}
    stranger(workbench, EVE, at(60, WED), track="run-4")  # comes again, under the one that goes on
    assert ids(workbench) == {"unknown-1": 4}
    with pytest.raises(InputError, match="unknown-2") as error:
        workbench.office.merge("unknown-1", "unknown-2", author="Sam")
    assert "goes under unknown-1" in str(error.value)


def test_merges_of_merges_and_circles_end_at_one_dossier(workbench: Workbench) -> None:
    visits(workbench)
    stranger(workbench, KIM, WED, track="run-5")
    workbench.office.merge("unknown-3", "unknown-2", author="Sam")
    workbench.office.merge("unknown-2", "unknown-1", author="Sam")
    assert ids(workbench) == {"unknown-1": 4}
    for subject, into in (("unknown-1", "unknown-3"), ("unknown-2", "unknown-3"), ("unknown-1", "unknown-2")):
        workbench.dossiers.decide("merge", subject, author="Sam", now=WED, into=into)  # another process knew less
    register = workbench.dossiers.register()
    assert {register.current(f"unknown-{number}") for number in (1, 2, 3)} == {"unknown-1"}


decisions = st.tuples(
    st.sampled_from(["merge", "split", "name", "watch", "unwatch", "ignore", "unignore"]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sets(st.sampled_from(["i1", "i2", "i3", "i4", "i5"]), min_size=1),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(decisions, max_size=8))
def test_whatever_is_decided_each_visit_is_in_one_dossier(made: list[tuple[Action, int, int, set[str]]]) -> None:
    rows = [
        IncidentRow(f"i{n}", at(n), IncidentKind.UNKNOWN, "door", unknown_ids=(f"unknown-{n}",)) for n in range(1, 6)
    ]
    with tempfile.TemporaryDirectory() as folder:
        book = DossierBook(Path(folder), ZoneInfo("UTC"))
        for action, subject, into, incidents in made:
            other = f"unknown-{into + 5 * (action == 'split')}" if action != "name" else f"E{into}"
            if other != f"unknown-{subject}":
                book.decide(
                    action, f"unknown-{subject}", author="Sam", now=MON, into=other, incidents=sorted(incidents)
                )
        register, dossiers = book.register(), book.dossiers(rows)
    assert sorted(row.incident_id for each in dossiers for row in each.incidents) == ["i1", "i2", "i3", "i4", "i5"]
    current = {f"unknown-{n}": register.current(f"unknown-{n}") for n in range(1, 11)}
    assert all(register.current(each) == each for each in current.values())
    assert all(current.get(each, each) == each for each in register.watched | register.ignored | register.named.keys())


def test_splitting_takes_incidents_with_their_templates_and_gives_a_new_number(workbench: Workbench) -> None:
    first, _, third = visits(workbench)
    new = workbench.office.split("unknown-1", [third], author="Sam", reason="another coat, another face")
    assert new == "unknown-3"
    assert ids(workbench) == {"unknown-3": 1, "unknown-2": 1, "unknown-1": 1}
    assert templates(workbench, new) == {"run-3"}
    assert templates(workbench, "unknown-1") == {"run-1"}
    stranger(workbench, KIM, at(60, WED), track="run-6")
    assert "unknown-4" in ids(workbench)  # no number is given twice
    with pytest.raises(InputError, match="all incidents"):
        workbench.office.split("unknown-1", [first], author="Sam")
    with pytest.raises(InputError, match="has no incident"):
        workbench.office.split("unknown-1", [third], author="Sam")
    with pytest.raises(InputError, match="has no incident named"):
        workbench.office.split("unknown-1", [], author="Sam")


def test_what_was_merged_can_be_split_again_and_merged_again(workbench: Workbench) -> None:
    _, second, _ = visits(workbench)
    workbench.office.merge("unknown-2", "unknown-1", author="Sam")
    new = workbench.office.split("unknown-1", [second], author="Sam")
    assert ids(workbench) == {"unknown-1": 2, new: 1}
    assert templates(workbench, new) == {"run-2"}
    workbench.office.merge(new, "unknown-1", author="Sam")
    assert ids(workbench) == {"unknown-1": 3}
    assert len(templates(workbench, "unknown-1")) == 3


def test_templates_stored_under_an_earlier_number_go_along(workbench: Workbench) -> None:
    visits(workbench)
    workbench.office.merge("unknown-2", "unknown-1", author="Sam")
    workbench.strangers.update(lambda gallery: gallery.reassign(["run-2"], "unknown-2"))  # a process that knew less
    assert workbench.office.suggestions() == []
    enrol(workbench, "E7", "Ada Lovelace")
    workbench.office.name("unknown-1", "E7", author="Sam")
    assert len(workbench.strangers.current()) == 0


def test_a_stranger_with_a_name_leaves_the_gallery_and_keeps_the_history(workbench: Workbench) -> None:
    visits(workbench)
    with pytest.raises(InputError, match="nobody is known as E7"):
        workbench.office.name("unknown-1", "E7", author="Sam")
    enrol(workbench, "E7", "Ada Lovelace")
    workbench.office.name("unknown-1", "E7", author="Sam", reason="Ada Lovelace's first day")
    assert templates(workbench, "unknown-1") == set()
    assert {each.unknown_id: each.employee_id for each in workbench.office.dossiers()}["unknown-1"] == "E7"
    assert "Ada Lovelace" not in workbench.dossiers.log.raw.shelf.path(WED.date()).read_text(encoding="utf-8")
    stranger(workbench, ADA, at(60, WED), track="run-7")
    assert "unknown-3" in ids(workbench)  # not recognised: a new stranger, not the old number
    workbench.office.merge("unknown-1", "unknown-3", author="Sam")
    assert workbench.dossiers.register().named["unknown-3"] == "E7"


def test_the_watch_list_takes_strangers_and_employees(workbench: Workbench) -> None:
    visits(workbench)
    enrol(workbench, "E7", "Ada Lovelace")
    office, book = workbench.office, workbench.dossiers
    for subject in ("unknown-2", "E7"):
        office.watch(subject, author="Sam", reason="badge stolen")
    assert book.register().watched == {"unknown-2", "E7"}
    with pytest.raises(InputError, match="unknown-99"):
        office.watch("unknown-99", author="Sam", reason="")
    office.merge("unknown-2", "unknown-1", author="Sam")
    assert "unknown-1" in book.register().watched
    workbench.people.remove("E7")
    for subject in ("unknown-1", "E7"):  # who is gone can be taken off it
        office.watch(subject, author="Sam", reason="", on=False)
    assert book.register().watched == set()


def test_whoever_is_ignored_is_until_that_is_taken_back(workbench: Workbench) -> None:
    visits(workbench)
    workbench.office.ignore("unknown-1", author="Sam", reason="postman")
    assert [each.ignored for each in workbench.office.dossiers()] == [True, False]
    workbench.office.ignore("unknown-1", author="Sam", reason="", on=False)
    assert not workbench.dossiers.register().ignored


def test_somebody_is_watched_for_though_the_log_of_their_visits_is_gone(workbench: Workbench) -> None:
    visits(workbench)
    for day in workbench.incidents.log.days():
        workbench.incidents.log.raw.purge(day, WED, "test")
    workbench.office.watch("unknown-1", author="Sam", reason="seen on the street")
    assert workbench.dossiers.register().watched == {"unknown-1"}


def test_dossiers_that_look_alike_are_suggested_and_named_by_what_they_are_called_now(workbench: Workbench) -> None:
    stranger(workbench, face(1, 0.9), MON, track="run-1")
    stranger(workbench, face(0.2, 1), MON + timedelta(hours=1), track="run-2")  # 0.8 with the first: the same person
    assert ids(workbench) == {"unknown-1": 2}
    new = workbench.office.split("unknown-1", [workbench.office.dossiers()[0].incidents[1].incident_id], author="Sam")
    (suggestion,) = workbench.office.suggestions()
    assert {suggestion.first, suggestion.second} == {"unknown-1", new}
    assert suggestion.similarity == pytest.approx((0.2 + 0.9) / (1.81 * 1.04) ** 0.5, abs=1e-4)


@pytest.mark.parametrize("author", ["", "  ", "\u200e"])
def test_a_decision_needs_an_author_and_makes_sense(workbench: Workbench, author: str) -> None:
    visits(workbench)
    with pytest.raises(InputError, match="is empty"):
        workbench.office.merge("unknown-1", "unknown-2", author=author)
    with pytest.raises(InputError, match="into what"):
        workbench.office.merge("unknown-1", "unknown-1", author="Sam")
    assert workbench.dossiers.rows() == []
    assert len(ids(workbench)) == 2


def test_decisions_of_two_processes_are_all_kept_and_seen_by_a_third(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    assert workbench.dossiers.register().watched == set()
    run_twice(decide, tmp_path)
    assert len(workbench.dossiers.register().watched) == 40
    assert workbench.records.verify() == []


def test_decisions_are_read_again_when_as_many_rows_say_something_else(workbench: Workbench) -> None:
    visits(workbench)
    enrol(workbench, "ada_lovelace", "Ada Lovelace")
    workbench.office.watch("ada_lovelace", author="Sam", reason="")
    assert workbench.dossiers.register().watched == {"ada_lovelace"}
    assert workbench.dossiers.log.raw.redact("ada_lovelace") == 1
    (watched,) = workbench.dossiers.register().watched
    assert watched.startswith("erased-")


def test_strangers_of_today_leave_out_whoever_was_recognised_or_named_since(tmp_path: Path) -> None:
    clock = Clock(MON + timedelta(hours=4))
    workbench = bench(tmp_path, clock)
    rows = [stranger(workbench, each, at(60 * n), track=f"run-{n}") for n, each in enumerate((ADA, EVE, KIM))]
    assert workbench.office.strangers_today() == 3
    workbench.incidents.review(rows[0].incident_id, "resolved", author="engine", now=clock(), employee_id="E7")
    assert workbench.office.strangers_today() == 2
    enrol(workbench, "E8", "Eve Adams")
    workbench.office.name("unknown-2", "E8", author="Sam")
    assert workbench.office.strangers_today() == 1
