"""What the database is asked: every question finds an index, and no value is ever part of a statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from log_builders import retraction
from many_punches import fill
from postgres import Server
from sites import Place, sighting
from sqlalchemy import event as sql_event

from engine.attendance import Correction, Span
from engine.gallery import Template
from engine.people import Person
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench

LAST = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "E'); DROP TABLE muster.people; --"


@pytest.fixture
def explained(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    """A database whose server logs the plan of everything it does, functions and triggers included, and avoids reading whole tables."""
    place = Place(postgres, tmp_path)
    fill(place, sites=3, people=20, days=40, last=LAST)
    for setting in (
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_nested_statements = on",
        "enable_seqscan = off",
    ):
        place.ask(f"ALTER DATABASE {place.name} SET {setting}")
    yield place
    place.close()


def use(bench: Workbench) -> None:
    """Everything that pages, kiosks and recorders ask for, and what they write."""
    people = bench.people.known()
    now = NOON
    bench.people.put(Person(HOSTILE, f"Name {HOSTILE}"))
    unit = np.eye(1, bench.spec.dimension, dtype=np.float32)
    for gallery in (bench.gallery, bench.strangers, bench.anchors):
        gallery.update(lambda g: g.add([Template(f"t{HOSTILE}", HOSTILE, 1.0)], unit))
        gallery.update(lambda g: g.reassign([f"t{HOSTILE}"], "E1"))
        gallery.update(lambda g: g.remove("E1"))
    bench.attendance.record(sighting(HOSTILE, day=LAST), people, renew=True)
    bench.attendance.retract(retraction(HOSTILE, now, "gate", "t0", HOSTILE), people)
    bench.office.inside()
    bench.attendance.sheets.between(LAST - timedelta(30), LAST, people)
    bench.attendance.correct(Correction("", now, LAST, "E1", "add", now, author=HOSTILE, reason=HOSTILE), people)
    found = bench.incidents.record(
        Event(EventKind.UNKNOWN, now, "gate", unknown_ids=("unknown-1",), severity=Severity.HIGH, detail=HOSTILE), {}
    )
    assert found is not None
    bench.incidents.review(found.incident_id, "resolved", author=HOSTILE, now=now, note=HOSTILE)
    bench.alerts.all()
    bench.alerts.get(found.incident_id)
    bench.dossiers.decide("watch", "unknown-1", author=HOSTILE, now=now)
    bench.dossiers.register()
    assert bench.attendance.plan.coverage is not None
    bench.attendance.plan.coverage.record(Span("gate", now - timedelta(minutes=5), now))
    bench.attendance.plan.coverage.between(LAST, LAST)
    bench.sightings.read(LAST - timedelta(7), LAST)
    bench.audit.note("edit", HOSTILE, HOSTILE, author=HOSTILE, now=now)
    bench.audit.read()
    bench.accounts.add("ann", "admin", "correct horse battery")
    bench.accounts.all()
    bench.pins.put("E1", "907461", now)
    bench.leave.away(LAST, LAST)
    bench.records.close(now + timedelta(days=5), people)
    for log in bench.records.logs:
        log.redact(HOSTILE)
        log.check()
    bench.privacy.purge(apply=True)
    bench.people.remove(HOSTILE)


def test_an_index_serves_every_query(explained: Place) -> None:
    bench = Workbench(explained.workspace("office"), clock=lambda: NOON)
    log = explained.server.folder / "log"
    before = log.stat().st_size
    use(bench)
    bench.store.close()
    text = log.read_bytes()[before:].decode()
    plans = [each for each in text.split("LOG:  duration:")[1:] if "plan:" in each]
    assert len(plans) > 200
    assert "Index" in text
    # tables of a few rows for good: which sites and logins there are
    whole = {name for each in plans for name in re.findall(r"Seq Scan on (?:muster\.)?(\w+)", each)}
    assert whole <= {"sites", "members", "added", "gone", "alembic_version"}
    assert not whole - {"added", "gone", "alembic_version", "sites", "members"}


def test_no_value_is_part_of_a_statement(explained: Place) -> None:
    bench = Workbench(explained.workspace("office"), clock=lambda: NOON)
    statements: list[str] = []
    sql_event.listen(
        bench.store.database.engine,  # type: ignore[attr-defined]
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_rest: statements.append(statement),
    )
    use(bench)
    bench.store.close()
    assert len(statements) > 200
    for statement in statements:
        for value in ("DROP", "E1'", "'gate'", "'main'", "2026-"):
            assert value not in statement
    assert explained.ask("SELECT count(*) FROM muster.people WHERE site = 'main'") == [(20,)]
