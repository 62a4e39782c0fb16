"""Log lines of a served site: text or JSON, in a file that is rotated, without secrets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import logging, sys
from pathlib import Path
from engine.operations import logs
logs._LARGEST = 20_000
logs.begin_written_logs(sys.argv[1], Path(sys.argv[2]))
logging.getLogger("app.recorder").info("camera north: rtsp://admin:hunter22@10.0.0.7/a is lost")
logs.write_on("recorder", '{"time": "2026-11-30T08:00:00+00:00", "level": "ERROR", "logger": "x", "message": "of a part"}')
logs.write_on("kiosk north", "a library prints rtsp://admin:hunter22@10.0.0.7/a")
logs.write_on("recorder", '{"time": broken')
for number in range(400):
    logging.getLogger("app.recorder").info("line %d %s", number, "x" * 200)
logs.flush()
"""


def written(form: str, path: Path) -> tuple[list[str], str]:
    """Lines of standard error, and the rotated file with its older ones."""
    done = subprocess.run([sys.executable, "-c", CODE, form, str(path)], capture_output=True, text=True, check=True)
    files = sorted(path.parent.glob(f"{path.name}*"))
    assert len(files) == 6
    assert all(each.stat().st_mode & 0o777 == 0o640 and each.stat().st_size <= 20_000 for each in files)
    return done.stderr.splitlines(), "".join(each.read_text() for each in files)


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_name_their_part_and_no_secret(form: str, tmp_path: Path) -> None:
    lines, kept = written(form, tmp_path / "logs" / "serve.log")
    assert "line 399" in kept
    assert "hunter22" not in kept + "".join(lines)
    assert len(lines) == 404
    if form == "json":
        told = [json.loads(line) for line in lines]
        assert [each["part"] for each in told[:4]] == ["serve", "recorder", "kiosk north", "recorder"]
        assert (told[1]["level"], told[1]["message"]) == ("ERROR", "of a part")
        assert logging.getLevelName(told[2]["level"]) == logging.INFO
    else:
        assert "ERROR   recorder: of a part" in lines[1]
