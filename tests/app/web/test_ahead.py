"""What pages need is loaded before somebody opens them."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
from app.web import ahead
late = {"app.charts.tuning", "app.views.attendance.drawn", "plotly.graph_objs", "scipy.sparse", "holidays"}
assert not late & set(sys.modules)
ahead.load()
assert late <= set(sys.modules)
"""


def test_modules_are_loaded_ahead_under_the_names_that_they_have() -> None:
    subprocess.run([sys.executable, "-c", ASKED], check=True, capture_output=True, timeout=120)
