"""The one place where concrete classes meet: a workspace on disk, the networks, and what can be done with both."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engine.access import AccountBook, Audit, DeviceBook, PinBook, site_names
from engine.alignment import ALIGNMENT_ID
from engine.attendance import AttendanceBook, CoverageBook, Plan, Rota
from engine.config import Config, load_config
from engine.enrolment import EnrolmentReport, Registrar
from engine.errors import InputError, Unreachable
from engine.face_reader import FaceReader, open_reader
from engine.gallery import Gallery, GalleryStore
from engine.incidents import DossierBook, IncidentBook
from engine.incidents.notifications import Channels, Courier, Outbox
from engine.models import ModelStore, Progress, embedder_spec, no_progress
from engine.people import LeaveBook, PeopleStore, clean_id, clean_name
from engine.pipeline import Pipeline, Services, open_pipeline
from engine.postgres import open_store
from engine.privacy import Expired, Prospect, export_subject, foresee, forget, purge
from engine.records import AlertBoard, KioskDesk, Office, Records, StaffDesk, UserDesk, gather, pack, upkeep, verify
from engine.reports import incident_sheet
from engine.storage import claimed, file_name, new_id
from engine.storage.logs import Finding, Logs, Sealer
from engine.tracking import SightingBook
from engine.tuning.calibration import Calibration
from engine.tuning.replay import Past, Replay, TrackProgress
from engine.tuning.replay import no_progress as not_told
from engine.types import FaceQuality, Match, Person

__all__ = ["IdentifiedFace", "Workbench"]


_SHEETS_S = 10.0
"""Where recorders write to a database, day sheets are exported so often."""


@dataclass(frozen=True, eq=False)
class IdentifiedFace:
    """One face of a photo and who it is.

    Attributes:
        box: (4,) xyxy in pixels. landmarks: (5, 2).
        score: the detector's.
        quality: measured.
        match: the 1:N search.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    quality: FaceQuality
    match: Match


class Workbench:
    """Everything Muster can do with a workspace.

    Args:
        workspace: folder; made when something is first written.
        config: settings; default: read from the workspace and the environment.
        progress: told of downloads and conversions.
        models: networks; default: the user's cache.
        clock: the present.
    """

    def __init__(
        self,
        workspace: Path,
        config: Config | None = None,
        *,
        progress: Progress = no_progress,
        models: ModelStore | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.workspace = workspace
        self.clock = clock
        self.config = config or load_config(workspace)
        self.models = models or ModelStore(self.config.runtime.backend, self.config.runtime.threads, progress)
        self.spec = embedder_spec(self.config.embedding.model)
        zone, sealer = self.config.zone, Sealer(self.config.seal_key or workspace / "seal.key")
        self.store = store = open_store(workspace, self.config, sealer, clock)
        made_with = (self.spec.model_id, self._alignment_id, self.spec.dimension)
        self.people = PeopleStore(store.people())
        self.gallery, self.strangers, self.anchors = (
            GalleryStore(store.gallery(name, *made_with), *made_with) for name in ("people", "strangers", "anchors")
        )
        logs = store.logs
        self.accounts = AccountBook(store.document("accounts.json", mode=0o600), self.config.site)
        self.devices = DeviceBook(store.document("devices.json", mode=0o600))
        self.pins = PinBook(store.document("pins.json", mode=0o600))
        self.audit = Audit(zone, logs)
        self.leave = LeaveBook(store.document("leave.csv"))
        self.attendance = AttendanceBook(
            workspace, zone, self.config.events, self._plan(logs), logs, sheets=lambda: store.writes_sheets
        )
        self.incidents = IncidentBook(workspace, zone, logs, episode_gap_s=self.config.events.episode_gap_s)
        self.dossiers = DossierBook(workspace, zone, logs)
        self.sightings = SightingBook(workspace, zone, logs)
        self.outbox = Outbox(workspace, zone, self.config.notifications, clock=clock, logs=logs)
        self.records = Records(
            workspace, zone, self.people, self.leave, self.gallery, self.strangers, self.anchors, self.attendance,
            self.incidents, self.dossiers, self.sightings, self.outbox.log, self.audit, self.pins,
        )  # fmt: skip
        self.calibration = Calibration(
            self.records, store.document("calibration.json"), self.config.matching, self.spec, clock
        )
        self.office = Office(self.records, self.known_people, lambda: self.reader, self.threshold, clock)
        self.alerts = AlertBoard(self.incidents.log)
        self.registrar = Registrar(self.records, lambda: self.reader, self.threshold, self._other_person, clock)
        self.staff = StaffDesk(self.records, self.threshold, clock)
        self.users = UserDesk(self.records, self.accounts, clock, lambda: site_names(workspace, self.config.site))
        self.kiosk = KioskDesk(self.records, self.devices, self.known_people, clock)
        self._names: tuple[object, Mapping[str, Person]] | None = None
        self._inactive: frozenset[str] = frozenset()
        self._opening = threading.Lock()

    @property
    def writable(self) -> bool:
        """Whether this process may write into the workspace, as far as can be told without writing."""
        place = next((each for each in (self.workspace, *self.workspace.parents) if each.exists()), self.workspace)
        return os.access(place, os.W_OK)

    def _plan(self, logs: Logs) -> Plan:
        config, cameras = self.config, self.config.cameras
        coverage = CoverageBook(
            self.workspace / "log",
            config.zone,
            entrances=[name for name, camera in cameras.items() if camera.entrance],
            others=[name for name, camera in cameras.items() if not camera.entrance],
            outage_s=config.attendance.outage_s,
            logs=logs,
        )
        return Plan(
            rota=Rota(config.shifts, config.holidays, config.zone),
            config=config.attendance,
            coverage=coverage,
            leave=self.leave.kinds,
            directions={name: camera.direction for name, camera in cameras.items()},
            clock=self.clock,
        )

    @property
    def _alignment_id(self) -> str:
        return f"{ALIGNMENT_ID}{'+mirror' if self.config.alignment.mirror else ''}"

    # ----------------------------------------------------------------------------------------- networks

    @cached_property
    def reader(self) -> FaceReader:
        """Detector and embedder, opened on first use (weights are fetched if need be)."""
        with self._opening:
            if (opened := self.__dict__.get("reader")) is not None:  # by another thread, while this one waited
                return cast(FaceReader, opened)
            config = self.config
            return open_reader(self.models, config.embedding, config.alignment, config.detection, config.quality)

    def threshold(self, gallery: Gallery | None = None) -> float:
        """The matching threshold in force: fixed by the settings, applied by `muster calibrate`, or derived from the gallery."""
        return self.calibration.threshold(gallery)

    def threshold_of(self, gallery: Gallery) -> float:
        """The same, computed anew for any gallery."""
        return self.calibration.in_force(gallery).threshold

    @property
    def _other_person(self) -> float:
        """Similarity below which two photos are taken for two people: about one in forty impostor pairs lies above."""
        return self.spec.impostor_mean + 2 * self.spec.impostor_std

    # ----------------------------------------------------------------------------------------- people

    def known_people(self) -> Mapping[str, Person]:
        """Everybody in people.csv by id; read again only when the file changed."""
        stamp = self.people.stamp()
        if self._names is None or self._names[0] != stamp:
            try:
                people = self.people.all()
            except Unreachable:
                if self._names is None:
                    raise
                return self._names[1]  # as they were read last: a camera must not stop for that
            self._names = (stamp, people)
            self._inactive = frozenset(key for key, person in people.items() if not person.active)
        return self._names[1]

    def inactive(self) -> frozenset[str]:
        """Ids of people whose row in people.csv says `active` = `no`: they are not recognised any more."""
        self.known_people()
        return self._inactive

    def enrol(
        self,
        employee_id: str,
        name: str,
        photos: Sequence[Path],
        *,
        department: str = "",
        email: str = "",
        consent_at: str = "",
        allow_look_alike: bool = False,
        author: str = "",
        now: datetime | None = None,
    ) -> EnrolmentReport:
        """Enrol a person from photos, or give an enrolled one more templates.

        Raises:
            InputError: id or name cannot be used.
            EnrolmentRejected: see `engine.enrolment`; nothing was changed.
            StorageError: the workspace cannot be written; nothing was changed.
        """
        employee_id, name = clean_id(employee_id), clean_name(name)
        shots, refused = self.registrar.examine((str(path), path) for path in photos)
        return self.registrar.enrol(
            self.registrar.draft(employee_id, name, shots, refused),
            department=department,
            email=email,
            consent_at=consent_at,
            allow_look_alike=allow_look_alike,
            author=author,
            now=now,
        )

    def enrolment_picture(self, template_id: str) -> Path:
        """The picture that a template was made from; it may be gone."""
        return self.workspace / "images" / "enrolment" / f"{template_id}.jpg"

    def best_template(self, employee_id: str) -> str | None:
        """The template of a person that was made from their best picture; None: they have none."""
        templates = self.gallery.current().of(employee_id)[0]
        return max(templates, key=lambda template: template.quality).template_id if templates else None

    # ----------------------------------------------------------------------------------------- records

    def forget(
        self, employee_id: str, *, author: str = "", thorough: bool = True, progress: Progress = no_progress
    ) -> dict[str, object]:
        """Erase a person, see `engine.privacy.erasure`; `thorough`: look for their face in all other pictures, too."""
        return forget(
            self.records,
            employee_id,
            reader=(lambda: self.reader) if thorough else None,
            threshold=self.threshold(),
            people=self.known_people,
            author=author,
            now=self.clock(),
            progress=progress,
        )

    def foresee(self, employee_id: str) -> Prospect:
        """What `forget` would take away; nothing is changed."""
        return foresee(self.records, employee_id, self.threshold())

    def export_subject(self, employee_id: str, target: Path, *, author: str = "") -> dict[str, int]:
        """Write all that is held on a person into a ZIP file, see `engine.privacy.disclosure`."""
        counts = export_subject(
            self.records,
            employee_id,
            target,
            reader=self.reader,
            threshold=self.threshold(),
            people=self.known_people(),
            now=self.clock(),
        )
        self.audit.note(
            "export_subject", employee_id, f"{counts['pictures']} pictures", author=author, now=self.clock()
        )
        return counts

    def export_incident(self, incident_id: str, *, author: str) -> bytes:
        """An alert as a ZIP file: rows, pictures, a sheet to print, and whether the seals hold, see `engine.records.bundle`.

        Raises:
            InputError: there is no such alert.
            StorageError: something could not be read, or the audit log not be written.
        """

        def portrait(employee_id: str) -> Path | None:
            best = self.best_template(employee_id)
            path = self.enrolment_picture(best) if best else None
            return path if path and path.is_file() else None

        case = gather(
            self.records, self.alerts, incident_id, people=self.known_people(), portrait=portrait, readable=self.office.readable
        )  # fmt: skip
        now = self.clock().astimezone(self.config.zone)
        content = pack(case, incident_sheet(case, generated_at=now, place=self.config.organisation), now)
        self.audit.note("export_incident", incident_id, f"{len(case.pictures)} pictures", author=author, now=now)
        return content

    def punch_by_pin(
        self, employee_id: str, pin: str, camera: str, picture: NDArray[np.uint8] | None
    ) -> dict[str, object] | None:
        """Somebody entered their number and PIN at a camera, see `KioskDesk.punch`."""
        return self.kiosk.punch(employee_id, pin, camera, picture)

    def purge(self, *, apply: bool, author: str = "") -> list[Expired]:
        """Erase, or count, what is kept longer than the settings say, see `engine.privacy.retention`."""
        return purge(self.records, self.config.retention, self.clock(), apply=apply, author=author)

    def verify(self, progress: Progress = no_progress) -> list[Finding]:
        """Everything about the logs that does not hold."""
        return verify(self.records, progress)

    @contextlib.contextmanager
    def attended(self) -> Iterator[None]:
        """While this lasts, notifications are delivered, days that are over closed, and what is too old erased.

        Raises:
            ConfigError: a notification rule cannot be followed.
        """

        def keep_house() -> None:
            if self.store.writes_sheets:  # else this is a recorder, which others keep house for
                self.records.close(self.clock(), self.known_people())
                self.purge(apply=True, author="engine")

        def follow() -> None:
            if self.store.writes_sheets:
                self.attendance.follow(self.clock(), self.known_people())

        rules = self.config.notifications
        with upkeep(keep_house), contextlib.ExitStack() as stack:
            if self.config.store:
                stack.enter_context(upkeep(follow, _SHEETS_S))
            if rules.rules:
                channels = Channels(self.workspace, rules, clock=self.clock)
                stack.callback(Courier(self.outbox, channels.send, interval_s=rules.interval_s).close)
            yield

    def past(self, since: date, until: date | None = None, *, progress: TrackProgress = not_told) -> Past:
        """Days whose decisions can be made again under any threshold, see `engine.tuning.replay`.

        Args:
            since, until: days; until today by default.
            progress: told how many of how many tracks are decided again, as they were.

        Raises:
            InputError: the days make no sense, or no sighting was logged.
        """
        today = self.attendance.day_of(self.clock())
        last = min(until or today, today)
        if since > last:
            what = f"{since} has not come yet" if since > today else f"{since} lies after {last}"
            raise InputError(what, hint="give days that have been, the earlier one first")
        tracks, unreadable = self.sightings.tracks(since, last)
        if not tracks and not unreadable:
            raise InputError(
                f"no sighting was logged from {since} to {last}",
                hint="sightings are logged while a camera is watched, and kept as [retention] sightings says",
            )
        gallery, passages, incidents = self.gallery.current(), self.attendance.log, self.incidents.log
        around = [day for day in passages.days() if (since - day).days <= 2 and (day - last).days <= 2]
        return Past(
            tracks,
            passages.on(around),
            incidents.on(day for day in incidents.days() if day >= since),
            first=since,
            last=last,
            zone=self.config.zone,
            voting=self.config.voting,
            events=self.config.events,
            require_liveness=self.config.presentation.policy == "require",
            directions=self.attendance.plan.directions,
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

    # ----------------------------------------------------------------------------------------- recognition

    def identify(self, image: NDArray[np.uint8]) -> list[IdentifiedFace]:
        """Who is in a photo, largest face first; with nobody enrolled every face is unknown."""
        faces = self.reader.photo(image)
        assert faces.embeddings is not None
        matches = self.services().search(faces.embeddings)
        found = faces.detections
        rows = [
            IdentifiedFace(found.boxes[i], found.landmarks[i], float(found.scores[i]), faces.qualities[i], matches[i])
            for i in range(len(faces))
        ]
        return [rows[i] for i in np.argsort(-found.areas, kind="stable")]

    def services(self, reader: FaceReader | None = None) -> Services:
        """What pipelines work with; `reader`: networks, by default the workbench's own."""
        return Services(
            reader=reader or self.reader,
            gallery=self.gallery,
            strangers=self.strangers,
            anchors=self.anchors,
            attendance=self.attendance,
            incidents=self.incidents,
            dossiers=self.dossiers,
            sightings=self.sightings,
            people=self.known_people,
            threshold=self.threshold,
            swap_similarity=self.spec.impostor_mean + self.spec.impostor_std,
            min_margin=self.config.matching.min_margin,
            inactive=self.inactive,
            alert=self.outbox.submit,
        )

    @contextlib.contextmanager
    def recording(self, camera: str) -> Iterator[bool]:
        """While this lasts, nobody else writes down what a live camera sees: two recorders would tell everything twice.

        Yields:
            False: another process, or another part of this one, does so already.
        """
        with claimed(self.workspace / "log" / f"recording-{file_name(camera)}") as first:
            if first:
                self.store.keep_known()
            yield first

    def pipeline(
        self, camera: str, *, run_id: str | None = None, min_face_px: int | None = None, live: bool = False,
        incidents: bool = True,
    ) -> Pipeline:  # fmt: skip
        """A pipeline for one camera.

        Args:
            camera: its name.
            run_id: makes track names unique among runs.
            min_face_px: smallest face; default: as the settings say.
            live: where a camera must be kept up with, see `engine.pipeline`.
            incidents: False: strangers and people who pass together are nothing new, as in a recording that is shown again.
        """
        config = self.config
        if not incidents:
            quiet = {"unknown": False, "tailgating": False}
            cameras = {name: each.model_copy(update={"tailgating": False}) for name, each in config.cameras.items()}
            config = config.model_copy(update={"events": config.events.model_copy(update=quiet), "cameras": cameras})
        run = run_id or new_id(self.clock())
        return open_pipeline(self.services(), config, camera, run_id=run, min_face_px=min_face_px, live=live)
