"""Whether everything that is wanted runs, for monitoring and for the System page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.operations.recording import Recorded, recorded
from engine.operations.standing import PartStanding, Standing, standing
from engine.storage import writable


@dataclass(frozen=True)
class Health:
    """How a workspace's servers are.

    Attributes:
        standing: of the parts of `muster serve`; None: it does not run.
        cameras: what the recorder of each camera tells that `muster serve` is to record; None: nobody records it.
        faults: a sentence for each thing that is wanted and does not work; empty: everything does.
    """

    standing: Standing | None
    cameras: Mapping[str, Recorded | None]
    faults: tuple[str, ...]

    @property
    def parts(self) -> Mapping[str, PartStanding]:
        """The parts of `muster serve` by name."""
        return self.standing.parts if self.standing else {}


def health(workspace: Path) -> Health:
    """Look at a workspace; quick enough to be asked every second."""
    found = standing(workspace)
    cameras = {name: recorded(workspace, name) for name in found.cameras} if found else {}
    faults = [] if writable(workspace) else ["the workspace cannot be written"]
    if found is not None:
        faults += [
            f"{name} is {each.state}{_why(each)}" for name, each in found.parts.items() if each.state != "running"
        ]
        if found.gone:
            faults.append("the folder of the workspace is gone, or another one is in its place")
        if found.problem:
            faults.append("the newest settings are not followed")
    for name, told in cameras.items():
        if told is None:
            faults.append(f"nobody records camera {name}")
        elif told.state != "playing":
            faults.append(f"camera {name} is {told.state}")
        elif told.stuck:
            faults.append(f"rows of camera {name} cannot be written and are kept in memory")
    return Health(found, cameras, tuple(faults))


def _why(part: PartStanding) -> str:
    return f" ({part.why})" if part.why else ""
