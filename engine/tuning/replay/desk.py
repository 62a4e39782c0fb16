"""Replays of a workspace's past days."""

from __future__ import annotations

from datetime import date

from engine.config import Config
from engine.errors import InputError
from engine.records import Records
from engine.tuning.replay.changes import Past
from engine.tuning.replay.result import Replay
from engine.tuning.replay.votes import TrackProgress, no_progress


class ReplayDesk:
    """Repeats the decisions of past days under another threshold."""

    def __init__(self, records: Records, config: Config) -> None:
        self._records, self._config = records, config

    def past(self, since: date, until: date | None = None, *, progress: TrackProgress = no_progress) -> Past:
        """Return days whose decisions can be repeated under any threshold, by default until today.

        Args:
            progress: called while the logged decisions are repeated.

        Raises:
            InputError: the range of days is invalid, or no sighting was logged.
        """
        records, config = self._records, self._config
        today = records.attendance.day_of(records.clock())
        last = min(until or today, today)
        if since > last:
            what = f"{since} has not come yet" if since > today else f"{since} lies after {last}"
            raise InputError(what, hint="give days that have been, the earlier one first")
        tracks, unreadable = records.sightings.tracks(since, last)
        if not tracks and not unreadable:
            raise InputError(
                f"no sighting was logged from {since} to {last}",
                hint="sightings are logged while a camera is watched, and kept as [retention] sightings says",
            )
        gallery, passages, incidents = records.gallery.current(), records.attendance.log, records.incidents.log
        around = [day for day in passages.days() if (since - day).days <= 2 and (day - last).days <= 2]
        return Past(
            tracks,
            passages.on(around),
            incidents.on(day for day in incidents.days() if day >= since),
            first=since,
            last=last,
            zone=records.zone,
            voting=config.voting,
            events=config.events,
            require_liveness=config.presentation.policy == "require",
            directions=records.attendance.plan.directions,
            gallery=(gallery.model_id, gallery.version),
            unreadable=unreadable,
            progress=progress,
        )

    def replay(
        self, threshold: float, since: date, until: date | None = None, *, min_margin: float | None = None
    ) -> Replay:
        """Return the punches and alerts that another threshold would have changed; for several thresholds use one `past`.

        Raises:
            InputError: threshold, margin or range of days is invalid, or no sighting was logged.
        """
        return self.past(since, until).at(threshold, min_margin)
