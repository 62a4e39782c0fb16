"""The column of docs/settings.md that says where on the pages each setting is: run it after a setting was added or has moved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from app.views.settings.catalogue import places

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
_HEAD = "| setting | default | unit | meaning |"


def with_places(text: str) -> str:
    """The text of docs/settings.md with the column as the pages are now."""
    known, lines = places(), []
    section: tuple[str, ...] = ()
    for line in text.splitlines():
        if found := re.fullmatch(r"## `\[+([^\]]+)\]+`", line):
            section = tuple(found[1].replace("NAME", "*").split("."))
            if found[0].startswith("## `[["):
                section = (*section, "*")
        lines.append(_with_place(line, section, known))
    return "\n".join(lines) + "\n"


def _with_place(line: str, section: tuple[str, ...], known: Mapping[tuple[str, ...], str]) -> str:
    if line.startswith(_HEAD):
        return f"{_HEAD} page |"
    if re.fullmatch(r"(\| --- ){4,5}\|", line):
        return "| --- " * 5 + "|"
    if row := re.match(r"(\| `(\w+)` (?:\|[^|]*){3})\|", line):
        path = (*section, row[2])
        assert path in known, f"{'.'.join(path)}: give it a place in app/views/settings/catalogue.py"
        return f"{row[1]}| {known[path]} |"
    return line


if __name__ == "__main__":
    PAGE.write_text(with_places(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
