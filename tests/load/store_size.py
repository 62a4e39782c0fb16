"""A month's sheet among a million punches: `python tests/load/store_size.py [--sites 40]`, on a server of its own on loopback."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support")]

from many_punches import fill  # noqa: E402
from postgres import running  # noqa: E402
from sites import Place  # noqa: E402

from engine.workbench import Workbench  # noqa: E402

LAST = date(2026, 10, 31)


def main() -> None:
    """Fill, then ask as the attendance page does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=40)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=32)
    options = parser.parse_args()
    with running() as server, tempfile.TemporaryDirectory() as folder:
        place = Place(server, Path(folder))
        began = time.perf_counter()
        count = fill(place, sites=options.sites, people=options.people, days=options.days, last=LAST)
        size = place.ask("SELECT pg_size_pretty(pg_total_relation_size('muster.attendance'))")[0][0]
        print(
            f"{count} punches at {options.sites} sites ({size} with indexes), made in {time.perf_counter() - began:.0f} s"
        )
        workspace = place.workspace("office", "site-1" if options.sites > 1 else "main")
        first = LAST.replace(day=1)
        bench = Workbench(workspace)
        for what in ("first time in a process", "again", "another process, sheets kept"):
            if what != "again":
                bench.store.close()
                bench = Workbench(workspace)
            people = bench.people.known()
            began = time.perf_counter()
            rows = bench.attendance.sheets.between(first, LAST, people)
            seconds = time.perf_counter() - began
            print(
                f"{what}: {len(rows)} rows of {(LAST - first) // timedelta(1) + 1} days, {len(people)} people: {seconds:.2f} s"
            )
        bench.store.close()
        place.close()


if __name__ == "__main__":
    main()
