"""Replays of a workspace's past days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from engine.config import Config
from engine.errors import InputError
from engine.records import Records
from engine.tuning.replay.changes import Past
from engine.tuning.replay.result import Replay
from engine.tuning.replay.votes import TrackProgress, no_progress


class ReplayDesk:
    """Makes the decisions of past days again under another threshold.

    Args:
        records: the books.
        config: all settings.
        clock: the present.
    """

    def __init__(self, records: Records, config: Config, clock: Callable[[], datetime]) -> None:
        self._records, self._config, self._clock = records, config, clock

    def past(self, since: date, until: date | None = None, *, progress: TrackProgress = no_progress) -> Past:
        """Days whose decisions can be made again under any threshold, see `engine.tuning.replay`.

        Args:
            since, until: days; until today by default.
            progress: told how many of how many tracks are decided again, as they were.

        Raises:
            InputError: the days make no sense, or no sighting was logged.
        """
        records, config = self._records, self._config
        today = records.attendance.day_of(self._clock())
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
        gallery, passages, incidents = records.gallery.current(), records.attendance.log, records.incidents.rows
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
        """Which punches and alerts another threshold would have changed; for several thresholds ask one `past`.

        Raises:
            InputError: threshold, margin or days make no sense, or no sighting was logged.
        """
        return self.past(since, until).at(threshold, min_margin)
