"""The results of a run as a page: tables and a plot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from engine.storage import atomic_write

__all__ = ["BY_HAND", "kept", "plot", "put", "table", "write_page"]

Result = Mapping[str, Any]

BY_HAND = "<!-- Written by hand from here on: `make bench` keeps it. -->"
"""Begins the part of a page that is not measured."""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _fps(row: Mapping[str, Any] | None) -> str:
    return f"{row['fps']:.1f}" if row else "–"


def _people(row: Mapping[str, Any] | None) -> str:
    return str(len(row.get("named", row["people"]))) if row else "–"


def _page(result: Result, picture: str) -> str:
    machine, versions = result["machine"], result["versions"]
    parts = [
        "# Performance",
        "`python -m tests.bench --pages docs` writes this page; every figure comes from one run on "
        f"{machine['cores']} cores ({machine['processor']}, {machine['system']}), {result['date']}. "
        "Machines are noisy, so quote ratios, not times: both sides of a ratio took turns in that run, each in a process of "
        "its own. Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        f"![frames per second of the loops]({picture})",
        "## Targets and results",
        table(
            ("work", "unit", "found", "wanted", ""),
            [
                (row["work"], row["unit"], f"{row['found']:.3g}", row["wanted"], "met" if row["met"] else "**missed**")
                for row in result["targets"]
            ],
        ),
        "## The stations, median milliseconds",
        table(
            ("work", "muster", "facenet-pytorch", "faster", "same results"),
            [
                (
                    name.replace("_", " "),
                    f"{row['muster']:.1f}",
                    f"{row['facenet-pytorch']:.1f}",
                    f"{result['ratios'][name]:.2f}×",
                    ", ".join(
                        f"{what.replace('_', ' ')} {value:.6g}" for what, value in result["parity"][name].items()
                    ),
                )
                for name, row in result["medians_ms"].items()
            ],
        ),
        f"The limit: this machine multiplies single-precision matrices at {result['sgemm_gflops']:.0f} GFLOP/s. FaceNet is 1.417 billion "
        f"multiply-adds a face and runs at {result['facenet_share_of_sgemm']['embedder_1_face']:.0%} of that rate (8 faces: "
        f"{result['facenet_share_of_sgemm']['embedder_8_faces']:.0%}). So embedding cannot become much faster; the live loop "
        "is fast because it embeds few faces.",
        "## The whole loop over a clip, every frame",
        "The streets are the hard clips: people at several depths walk and stand before a wall of photographs, with blur, sensor noise "
        "and a camera's compression. Faces from 40 pixels are looked for. In the other clips people cut out of sample photos walk up and "
        "down before a plain wall, and faces from 60 pixels are looked for at 1080 lines. The table shows frames per second, and how many "
        "of the enrolled people in the clip each side found. The plain loops find and embed every face of every frame; we time them on "
        "frames spread over the clip. The samples show only five people. In clips of ten each appears twice, and Muster refuses the name "
        "to the second, because nobody stands in two places.",
        table(
            (
                "clip",
                "muster",
                "facenet-pytorch",
                "faster",
                "face_recognition",
                "enrolled",
                "found: muster",
                "facenet-pytorch",
                "peak MB",
            ),
            [
                (
                    name.replace("_", ", ") + (" person" if name.endswith("_1") else " people"),
                    _fps(row["muster"]),
                    _fps(row["facenet-pytorch"]),
                    f"{row['ratio']:.1f}×",
                    _fps(row.get("face_recognition")),
                    len(row["shown"]),
                    _people(row["muster"]),
                    _people(row["facenet-pytorch"]),
                    f"{row['muster']['peak_mb']:.0f} / {row['facenet-pytorch']['peak_mb']:.0f}",
                )
                for name, row in result["loops"].items()
            ],
        ),
        "## Live, at the clip's own rate",
        "Reading, searching, embedding and writing run in threads of their own; the cores used include decoding the video. Faces of "
        "decided tracks are glanced at with one network. Finding counts following and the searches beside the loop. The latency is the "
        "time from a person's first good frame to the durable row.",
        table(
            (
                "clip",
                "frames",
                "left out",
                "cores used",
                "faces embedded",
                "glanced at",
                "passed over",
                "named",
                "decided of those who stay 3 s",
                "ms of finding a frame",
                "latency median",
                "95%",
            ),
            [
                (
                    name.replace("_", ", "),
                    row["frames"],
                    row["dropped"],
                    f"{row['cores']:.2f}",
                    row["embedded"],
                    row["glances"],
                    row["passed_over"],
                    f"{len(row['named'])} of {len(row['shown'])}",
                    f"{row['stayed'][1]} of {row['stayed'][0]}",
                    f"{row['finding_ms']:.1f}",
                    f"{row['latency_median_s']:.2f} s",
                    f"{row['latency_p95_s']:.2f} s",
                )
                for name, row in result["live"].items()
            ],
        ),
        f"An empty 1080p camera at 25 frames a second with sensor noise takes {result['idle']['cores']:.2f} cores, decoding alone "
        f"{result['idle']['decoding']:.2f}.",
        "Eight 1080p cameras at 25 frames a second in one `muster watch`, six of them empty, one and two people before the others: "
        f"{result['site']['cores']:.2f} cores; {result['site']['kept']:.2%} of the frames with people were looked at. All processes "
        f"together hold {result['site']['last_mb']:.0f} MB, at most {result['site']['peak_mb']:.0f} MB (at the start).",
        "## Searching a gallery",
        "One probe at a time. Rows are spread evenly over the sphere, the hardest case for an index; half of the probes belong to nobody.",
        table(
            (
                "templates",
                "muster",
                "one matrix product",
                "distances, as `face_distance`",
                "recall of the best",
                "of the best 5",
                "prepared in",
                "peak MB",
            ),
            [
                (
                    f"{row['templates']:,}" + (" (exact)" if row["exact"] else " (index)"),
                    f"{row['probe_ms']:.2f} ms",
                    f"{row['exact_ms']:.2f} ms",
                    f"{row['plain_ms']:.1f} ms",
                    f"{row['recall']:.4f}",
                    f"{row['recall_5']:.4f}",
                    f"{row['build_s']:.1f} s",
                    f"{row['peak_mb']:.0f}",
                )
                for row in result["search"].values()
            ],
        ),
        "## Start-up",
        f"From the start of the process to the first recognised face: {result['start']['muster_s']:.1f} s (torch is "
        f"{'imported' if result['start']['torch_imported'] else 'not imported'}); with facenet-pytorch to the first embedding: "
        f"{result['start']['facenet_pytorch_s']:.1f} s.",
    ]
    return "\n\n".join(parts) + "\n"


def plot(result: Result) -> str:
    """Frames per second of the loops as bars, an SVG picture."""
    names = list(result["loops"])
    sides = (("muster", "#0072b2"), ("facenet-pytorch", "#e69f00"), ("face_recognition", "#999999"))
    top = max(row["muster"]["fps"] for row in result["loops"].values())
    left, wide, high, gap = 150, 560, 13, 12
    lines: list[str] = []
    y = 46
    for name in names:
        row = result["loops"][name]
        present = [(side, colour) for side, colour in sides if side in row]
        label = name.replace("x", "×").replace("_", ", ")
        lines.append(
            f'<text x="{left - 10}" y="{y + len(present) * high / 2 + 4}" text-anchor="end">{escape(label)}</text>'
        )
        for side, colour in present:
            length = row[side]["fps"] / top * wide
            lines.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{high - 2}" fill="{colour}"/>')
            lines.append(f'<text x="{left + length + 5:.1f}" y="{y + high - 4}">{row[side]["fps"]:.1f}</text>')
            y += high
        y += gap
    real = left + 25 / top * wide
    lines.append(
        f'<line x1="{real:.1f}" y1="38" x2="{real:.1f}" y2="{y - gap + 4}" stroke="#d55e00" stroke-dasharray="4 3"/>'
    )
    lines.append(f'<text x="{real + 4:.1f}" y="34" fill="#d55e00">25 fps</text>')
    x = left
    for side, colour in sides:
        lines.append(
            f'<rect x="{x}" y="8" width="11" height="11" fill="{colour}"/><text x="{x + 16}" y="18">{escape(side)}</text>'
        )
        x += 40 + 8 * len(side)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + wide + 70} {y + 6}" font-family="sans-serif" font-size="11" '
        'fill="#222"><title>Frames per second of the whole loop: resolution and people in view</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(lines)}</svg>\n'
    )


def put(text: str, blocks: Mapping[str, str]) -> str:
    """A page with the blocks in place of those between its markers: `<!-- NAME: … -->` begins one, `<!-- end of NAME -->` ends it."""

    def block(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{found['begin']}\n\n{blocks[name]}\n\n<!-- end of {name} -->" if name in blocks else found[0]

    return re.sub(
        r"(?P<begin><!-- (?P<name>[a-z-]+): [^>]* -->).*?<!-- end of (?P=name) -->", block, text, flags=re.DOTALL
    )


def kept(path: Path) -> str:
    """What was written by hand at the end of a page; empty: nothing, or there is no page."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, mark, end = text.partition(BY_HAND)
    return f"\n{mark}{end}" if mark else ""


def write_page(path: Path, result: Result) -> None:
    """Write the page, and its plot into `images/` beside it. What was written by hand at its end stays.

    Raises:
        StorageError: it cannot be written.
    """
    if "loops" not in result:
        raise ValueError("a quick run has no page")
    picture = path.parent / "images" / f"{path.stem}.svg"
    atomic_write(picture, plot(result).encode())
    atomic_write(path, (_page(result, f"images/{picture.name}") + kept(path)).encode())
