"""The one place where concrete classes meet: a workspace on disk, the networks, and the rooms that work with both."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import cast

from engine.access import (
    AccountBook,
    Audit,
    BadgeBook,
    BindingBook,
    DeviceBook,
    PinBook,
    SecretTexts,
    TokenBook,
    home_of,
    site_names,
)
from engine.access.doors import DoorBook, DoorKeeper
from engine.alignment import ALIGNMENT_ID
from engine.attendance import AttendanceBook, CoverageBook, Plan, Rota
from engine.config import CameraConfig, Config, LeaveKindConfig, load_config
from engine.config.current import CurrentSettings
from engine.enrolment import ConfirmedPictures, Hygiene, Registrar
from engine.errors import MusterError
from engine.evaluation import cohort_of
from engine.face_reader import FaceReader, open_reader
from engine.gallery import GalleryStore, SeenFaces
from engine.incidents import DossierBook, IncidentBook
from engine.incidents.notifications import Outbox
from engine.models import ModelStore, Progress, embedder_spec, no_progress, usual_model
from engine.people import EmploymentBook, LeaveBook, LeaveKinds, PeopleStore, TimeAccountBook
from engine.people.basis import usual_basis
from engine.pipeline import Pipeline, SearchBeside, Services, open_pipeline
from engine.postgres import open_store
from engine.privacy import PrivacyDesk
from engine.records import (
    AccountDesk,
    AlertBoard,
    BindingDesk,
    ConfirmDesk,
    FaceSearch,
    KindDesk,
    KioskDesk,
    LeaveDesk,
    MonthDesk,
    Office,
    PunchDesk,
    Records,
    RequestDesk,
    SettingsDesk,
    SitesDesk,
    StaffDesk,
    TokenDesk,
    UserDesk,
    Views,
)
from engine.reports import CaseFiles
from engine.storage import new_id
from engine.storage.logs import FileLogs, Logs, Sealer, sealer_of
from engine.storage.pictures import PictureList
from engine.storage.vault import Vault
from engine.tracking import AnswerBook, SightingBook
from engine.tuning.calibration import Calibration
from engine.tuning.replay import ReplayDesk

__all__ = ["Workbench"]


log = logging.getLogger(__name__)


class Workbench:
    """Puts a workspace together and hands out its rooms; what can be done is theirs to do.

    Args:
        workspace: folder; made when something is first written.
        config: settings; default: read from the workspace and the environment.
        progress: told of downloads and conversions.
        models: networks; default: the user's cache.
        clock: the present.

    Attributes:
        door_keeper: opens doors, in a process that records cameras, see `engine.operations.doors`.
    """

    door_keeper: DoorKeeper | None = None

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
        zone, sealer = self.config.zone, sealer_of(workspace, self.config.seal_key)
        self.store = store = open_store(workspace, self.config, sealer, clock)
        vault, listing, self.door_book = self._local(sealer)
        self.spec = embedder_spec(self.config.embedding.model or self._model())
        embedding = self.config.embedding.model_copy(update={"model": self.spec.model_id})
        self.config = self.config.model_copy(update={"embedding": embedding})
        made_with = (self.spec.model_id, self._alignment_id, self.spec.dimension)
        employment = EmploymentBook(store.document("employment.csv"))
        self.people = PeopleStore(
            store.people(),
            employment,
            lambda: clock().astimezone(zone).date(),
            passing=self._end_access,
        )
        self.gallery, self.strangers, self.anchors = (
            GalleryStore(store.gallery(name, *made_with), *made_with) for name in ("people", "strangers", "anchors")
        )
        logs = store.logs
        self.accounts = AccountBook(
            store.document("accounts.json", mode=0o600),
            self.config.site,
            about=(self.config.organisation,),
            tries=workspace / "tries.json",
            secrets=SecretTexts(vault, plain=store.seals() is None),
        )
        self.devices = DeviceBook(store.document("devices.json", mode=0o600))
        self.tokens = TokenBook(store.document("tokens.json", mode=0o600))
        self.pins = PinBook(
            store.document("pins.json", mode=0o600),
            digits=self.config.kiosk.pin_digits,
            tries=self.config.kiosk.pin_tries,
        )
        self.audit = Audit(zone, logs)
        self.settings = CurrentSettings(workspace, self.config)
        self._kinds: tuple[Mapping[str, LeaveKindConfig], LeaveKinds] | None = None
        self.leave = LeaveBook(store.document("leave.csv"), self._leave_kinds)
        self.attendance = AttendanceBook(
            workspace,
            zone,
            self.config.events,
            self._plan(logs),
            logs,
            may_write_sheets=lambda: store.writes_sheets,
            vault=vault,
        )
        self.incidents = IncidentBook(
            workspace,
            zone,
            logs,
            vault=vault,
            episode_gap_s=self.config.events.episode_gap_s,
            film_bytes=self.config.events.film_gb * 1e9,
        )
        self.dossiers = DossierBook(workspace, zone, logs)
        self.sightings = SightingBook(workspace, zone, logs)
        self.outbox = Outbox(workspace, zone, self.config.notifications, clock=clock, logs=logs)
        self.records = Records(
            workspace,
            zone,
            clock,
            people=self.people,
            leave=self.leave,
            accounts=TimeAccountBook(store.document("time_account.csv")),
            gallery=self.gallery,
            strangers=self.strangers,
            anchors=self.anchors,
            seen=SeenFaces(
                workspace,
                zone,
                made_with[:2],
                made_with[2],
                vault,
                kept=self.config.retention.faces != 0,
                strangers=self.config.strangers.recognised_again,
            ),
            attendance=self.attendance,
            incidents=self.incidents,
            dossiers=self.dossiers,
            sightings=self.sightings,
            answers=AnswerBook(workspace, zone, logs),
            deliveries=self.outbox.log,
            audit=self.audit,
            pins=self.pins,
            badges=BadgeBook(store.document("badges.json", mode=0o600), lambda code: logs.sealer.mac("badge", code)),
            bindings=BindingBook(store.document("bindings.json", mode=0o600)),
            vault=vault,
            seals=store.seals(),
            users=self.accounts,
            listing=listing,
            doors=self.door_book,
        )
        self.calibration = Calibration(
            self.records, store.document("calibration.json"), self.config.matching, self.config.voting
        )
        threshold = self.calibration.threshold
        self.office = Office(self.records, self._networks, threshold)
        self.months = MonthDesk(self.records)
        self.alerts = AlertBoard(self.incidents.log)
        # similarity below which two photos are taken for two people: about one in forty impostor pairs lies above
        cohort = cohort_of(self.spec.model_id)
        self._other_person = cohort.pairs_mean + 2 * cohort.pairs_std
        self.registrar = Registrar(
            self.records,
            self._networks,
            threshold,
            self._other_person,
            clock,
            1e6 * self.config.detection.photo_max_megapixels,
            self._checked,
        )
        self.privacy = PrivacyDesk(
            self.records,
            self._networks,
            threshold,
            self.config.retention,
            store.erasures(),
            lambda: store.writes_sheets,
            self.bindings.erase,
        )
        self.cases = CaseFiles(
            self.records, self.alerts, self.registrar.portrait, self.office.readable, self.config.organisation, clock
        )
        self.replays = ReplayDesk(self.records, self.config)
        self.staff = StaffDesk(
            self.records, threshold, lambda: usual_basis(self.settings.get(), self.records.now().date())
        )
        self.leave_desk = LeaveDesk(self.records)
        self.settings_desk = SettingsDesk(self.records)
        self.leave_kinds = KindDesk(self.records, self.settings_desk)
        self.time_accounts = AccountDesk(self.records)
        self.punches = PunchDesk(self.records, self.config.retention.attendance)
        self.users = UserDesk(self.records, self.accounts, lambda: site_names(workspace, self.config.site))
        self.kiosk = KioskDesk(self.records, self.devices, self.outbox)
        self.token_desk = TokenDesk(self.records, self.tokens)
        self._opening = threading.Lock()

    def _local(self, sealer: Sealer) -> tuple[Vault, PictureList, DoorBook]:
        """What encrypts pictures, their list, and the door log: they lie in files, whatever holds the other rows."""
        logs = self.store.logs
        local = logs if isinstance(logs, FileLogs) else FileLogs(self.workspace / "log", sealer)
        listing = PictureList(self.workspace, local, lambda: self.clock().astimezone(self.config.zone))
        vault = Vault(self.workspace, at_rest=self.config.encryption.at_rest, listing=listing)
        return vault, listing, DoorBook(local)

    @cached_property
    def bindings(self) -> BindingDesk:
        """Says which account reads whose own record."""
        return BindingDesk(self.records, self.config.site, lambda: self._home.users)

    def _end_access(self, ids: Collection[str]) -> None:
        """Nobody inherits the access of somebody else of the same id."""
        self.records.bindings.remove(ids)

    @cached_property
    def _home(self) -> Workbench:
        """The workspace that holds the accounts."""
        home = home_of(self.workspace)
        return self if home == self.workspace else Workbench(home, models=self.models, clock=self.clock)

    @cached_property
    def face_search(self) -> FaceSearch:
        """Searches by photo, and lists who was seen when."""
        return FaceSearch(self.records, self._networks, self.calibration.threshold, self.config.retention.faces)

    @property
    def answers(self) -> AnswerBook:
        """Answers about faces near the threshold."""
        return self.records.answers

    @cached_property
    def requests(self) -> RequestDesk:
        """Takes what people ask for about their own days, and decides."""
        return RequestDesk(self.records, self.leave_desk)

    @cached_property
    def confirm(self) -> ConfirmDesk:
        """Asks about faces near the threshold."""
        return ConfirmDesk(self.records, self.office, self.calibration.threshold)

    @cached_property
    def confirmed(self) -> ConfirmedPictures:
        """Makes templates of confirmed pictures."""
        threshold, margin = self.calibration.threshold, self.config.matching.min_margin
        return ConfirmedPictures(self.records, self.registrar, threshold, margin)

    @cached_property
    def hygiene(self) -> Hygiene:
        """Finds templates that make wrong names, and sets them aside."""
        return Hygiene(self.records, self.registrar, self.calibration.threshold, self._other_person)

    def _checked(self, employee_id: str) -> list[str]:
        """Set aside what an enrolment made doubtful, and return it in words; the enrolment holds even if that fails."""
        try:
            return [f"a template of {each.employee_id}: {each}" for each in self.hygiene.check(employee_id)]
        except MusterError as error:
            log.warning("templates were not checked after an enrolment: %s", error)
            return []

    @cached_property
    def views(self) -> Views:
        """Records who looks at what."""
        return Views(self.records)

    def _model(self) -> str:
        """The gallery's model, or the usual one if there is no gallery (or none that can be used: whoever reads it is told)."""
        with contextlib.suppress(MusterError):
            if (model := self.store.gallery("people", "", "", 0).made_with()) is not None:
                return embedder_spec(model).model_id
        return usual_model(self.models)

    def take_over(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Take over the settings of cameras as they are now; pipelines that run keep those before."""
        self.config = self.config.model_copy(update={"cameras": dict(cameras)})

    def _leave_kinds(self) -> LeaveKinds:
        now = self.settings.get().leave
        if self._kinds is None or self._kinds[0] is not now:
            self._kinds = now, LeaveKinds(now)
        return self._kinds[1]

    def _plan(self, logs: Logs) -> Plan:
        config, cameras = self.config, self.config.cameras
        coverage = CoverageBook(
            self.workspace / "log",
            config.zone,
            entrances=[name for name, camera in cameras.items() if camera.entrance and camera.enabled],
            others=[name for name, camera in cameras.items() if not (camera.entrance and camera.enabled)],
            outage_s=config.attendance.outage_s,
            logs=logs,
        )
        return Plan(
            rota=Rota(
                config.shifts,
                config.holidays,
                config.zone,
                day_starts=config.attendance.day_starts,
                rotas=config.rotas,
                employment=self.people.employment,
                language=config.app.language or "en",
            ),
            config=config.attendance,
            coverage=coverage,
            leave=self.leave.away,
            directions={name: camera.direction for name, camera in cameras.items()},
            clock=self.clock,
        )

    @cached_property
    def sites_desk(self) -> SitesDesk:
        """Adds sites to this one."""
        return SitesDesk(self.records, self.config.site)

    @property
    def _alignment_id(self) -> str:
        return f"{ALIGNMENT_ID}{'+mirror' if self.config.alignment.mirror else ''}"

    # ----------------------------------------------------------------------------------------- networks

    def _networks(self) -> FaceReader:
        return self.reader

    @property
    def badges(self) -> BadgeBook:
        """Badges of people who identify themselves without their face."""
        return self.records.badges

    @cached_property
    def reader(self) -> FaceReader:
        """Detector and embedder, opened on first use (weights are fetched if need be)."""
        with self._opening:
            if (opened := self.__dict__.get("reader")) is not None:  # by another thread, while this one waited
                return cast(FaceReader, opened)
            config = self.config
            return open_reader(self.models, config.embedding, config.alignment, config.detection, config.quality)

    @cached_property
    def _searcher(self) -> SearchBeside:
        """One for all live cameras of the process, so that they share what a search may cost."""
        return SearchBeside(self.reader.beside.detector)

    # ----------------------------------------------------------------------------------------- recognition

    def services(self, reader: FaceReader | None = None) -> Services:
        """What pipelines work with; `reader`: networks, by default the workbench's own."""
        cohort = cohort_of(self.spec.model_id)
        return Services(
            reader=reader or self.reader,
            gallery=self.gallery,
            strangers=self.strangers,
            anchors=self.anchors,
            seen=self.records.seen,
            attendance=self.attendance,
            incidents=self.incidents,
            dossiers=self.dossiers,
            sightings=self.sightings,
            people=self.people.known,
            threshold=self.calibration.threshold,
            swap_similarity=cohort.pairs_mean + cohort.pairs_std,
            min_margin=self.config.matching.min_margin,
            inactive=self.people.inactive,
            searcher=self._searcher if reader is None else None,
            alert=self.outbox.submit,
            announce=self.outbox.announce,
        )

    def pipeline(
        self,
        camera: str,
        *,
        run_id: str | None = None,
        min_face_px: int | None = None,
        live: bool = False,
        incidents: bool = True,
        waits_s: Callable[[], float] = lambda: 0.0,
        opens: bool = False,
    ) -> Pipeline:
        """A pipeline for one camera, see `engine.pipeline.open_pipeline`; `run_id`: by default one of its own.

        Args:
            opens: a real camera, live: it may open doors, if this process does.

        Raises:
            GalleryMismatch: the gallery is of another model.
            StorageError: a gallery cannot be read.
        """
        return open_pipeline(
            self.services(),
            self.config,
            camera,
            run_id=run_id or new_id(self.clock()),
            min_face_px=min_face_px,
            live=live,
            incidents=incidents,
            waits_s=waits_s,
            doors=self.door_keeper if opens and live else None,
        )
