"""The engine's day sheets against a computation of their own, made from the prose alone: nothing differs.

More people and months: `python -m tests.attendance.independent --people 200 --months 2`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.attendance.company import COUNTRIES, Author
from tests.attendance.independent import COLUMNS, Independent, differences, engine_sheets

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)


@pytest.mark.parametrize("zone", COUNTRIES)
def test_a_month_of_a_company_is_what_the_prose_says(tmp_path: Path, zone: str) -> None:
    bench = Author(tmp_path, zone, 12, FIRST, LAST, seed=1).write()
    found = engine_sheets(bench, FIRST, LAST)
    assert len(found) > 200
    assert {"on time", "late", "absent", "missing out", "on leave"} <= set(found.status)
    wrong = differences(Independent(tmp_path).sheets(FIRST, LAST), found)
    assert wrong.empty, wrong.to_string()


def test_a_difference_is_noticed() -> None:
    """A comparison that finds nothing must be able to find something."""
    row = {
        "employee_id": "E1",
        "status": "on time",
        "hours": 8.0,
        "planned": 8.0,
        "credited": 0.0,
        "balance": 0.0,
        "late": "no",
    }
    found = pd.DataFrame([row | {"date": f"2026-10-{day:02}"} for day in range(1, 9)], columns=COLUMNS)
    changed = found.copy()
    changed.loc[3, "hours"] += 0.01
    changed.loc[5, "status"] = "excused"
    less = found.drop(index=7)
    assert list(differences(found, changed).column) == ["hours", "status"]
    assert "status" in set(differences(found, less).column)
