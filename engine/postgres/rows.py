"""Documents, people and templates in the database, the counterparts of a workspace's files."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from engine.gallery import Gallery, Template
from engine.people import PEOPLE_COLUMNS, Person
from engine.postgres.connection import Database, table
from engine.postgres.templates import MAGIC, Changed, TemplateSeals
from engine.postgres.watch import VersionWatch
from engine.types import Floats

log = logging.getLogger(__name__)

DOCUMENTS = table("documents", site=sa.Text, name=sa.Text, version=sa.BigInteger, content=sa.LargeBinary)
PEOPLE = table(
    "people", site=sa.Text, **dict.fromkeys(PEOPLE_COLUMNS, sa.Text) | {"active": sa.Boolean}, seq=sa.BigInteger
)
GALLERIES = {"people": "templates", "strangers": "strangers", "anchors": "anchors"}
"""Tables of the galleries."""
_TEXTS = dict.fromkeys(("site", "gallery", "model_id", "alignment_id"), sa.Text)
_HEADS = table("galleries", **_TEXTS, version=sa.BigInteger, issued=sa.BigInteger)
_CHANGED = sa.text("SELECT muster.gallery_changed(:site, :gallery, :model, :alignment, :before, :after, :issued)")


class _Versioned:
    """What documents, people and galleries have in common: a lock, and a version that the watch follows."""

    def __init__(self, database: Database, watch: VersionWatch, name: str, lock: str) -> None:
        self._database, self._watch, self.name, self._lock = database, watch, name, lock

    @property
    def title(self) -> str:
        """Its name and database."""
        return f"{self.name} in {self._database}"

    def stamp(self) -> object:
        """Return its version; None if it does not exist."""
        return self._watch.version(self.name)

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold a lock that other machines respect."""
        return self._database.locked(self._lock)


class TableDocument(_Versioned):
    """A document in the database such as `accounts.json`, see `engine.storage.Document`."""

    def __init__(self, database: Database, watch: VersionWatch, name: str) -> None:
        super().__init__(database, watch, name, f"document/{name}")
        self._row = (DOCUMENTS.c.site == database.site, DOCUMENTS.c.name == name)

    def read(self) -> bytes | None:
        """Return the content, or None."""
        if recalled := self._watch.recalled:
            return recalled.document(self.name)
        with self._database.work() as connection:
            content: bytes | None = connection.execute(sa.select(DOCUMENTS.c.content).where(*self._row)).scalar()
        return content

    def write(self, content: bytes) -> None:
        """Replace the content."""
        with self._database.work() as connection:
            version = bump(connection, self._database.site, self.name, content)
        self._watch.tell(self.name, version)


def bump(connection: sa.Connection, site: str, name: str, content: bytes = b"") -> int:
    """Write a document's next version; return its number."""
    row = (DOCUMENTS.c.site == site, DOCUMENTS.c.name == name)
    changed = connection.execute(
        sa.update(DOCUMENTS)
        .where(*row)
        .values(content=content, version=DOCUMENTS.c.version + 1)
        .returning(DOCUMENTS.c.version)
    ).scalar()
    if changed is None:
        connection.execute(sa.insert(DOCUMENTS).values(site=site, name=name, version=1, content=content))
    return changed or 1


class PeopleRows(_Versioned):
    """People in the database, see `engine.people.PeopleKeep`."""

    def __init__(self, database: Database, watch: VersionWatch) -> None:
        super().__init__(database, watch, "people", "people")

    def load(self) -> dict[str, Person]:
        """Return everybody of the site by id."""
        if recalled := self._watch.recalled:
            return recalled.people()
        query = sa.select(*(PEOPLE.c[name] for name in PEOPLE_COLUMNS)).where(PEOPLE.c.site == self._database.site)
        with self._database.work() as connection:
            return {row.employee_id: Person(**row._mapping) for row in connection.execute(query.order_by(PEOPLE.c.seq))}

    def save(self, before: Mapping[str, Person], after: Mapping[str, Person]) -> None:
        """Write the differences in one transaction."""
        site = self._database.site
        with self._database.work() as connection:
            for key in before.keys() - after.keys():
                connection.execute(sa.delete(PEOPLE).where(PEOPLE.c.site == site, PEOPLE.c.employee_id == key))
            for key, person in after.items():
                if key in before and before[key] != person:
                    own = (PEOPLE.c.site == site, PEOPLE.c.employee_id == key)
                    connection.execute(sa.update(PEOPLE).where(*own).values(dataclasses.asdict(person)))
            added = [{"site": site, **dataclasses.asdict(each)} for key, each in after.items() if key not in before]
            if added:
                connection.execute(sa.insert(PEOPLE), added)
            version = bump(connection, site, "people")
        self._watch.tell("people", version)


_DIGEST = "md5(coalesce(string_agg(template_id || chr(9) || person, chr(10) ORDER BY seq), ''))"


def _digest(templates: Sequence[Template]) -> str:
    """Return what `_DIGEST` gives for the same templates: it shows whether the copy in memory is still the database's."""
    text = "\n".join(f"{each.template_id}\t{each.person}" for each in templates)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _combined(
    before: Gallery, order: Sequence[str], fetched: Mapping[str, tuple[Template, bytes]]
) -> tuple[list[Template] | None, dict[str, int]]:
    """Put known and fetched templates in order (None: some are missing), and return the rows of the known ones in `before`."""
    held = {each.template_id: row for row, each in enumerate(before.templates) if each.template_id not in fetched}
    if not all(key in fetched or key in held for key in order):
        return None, held
    return [fetched[key][0] if key in fetched else before.templates[held[key]] for key in order], held


class GalleryRows(_Versioned):
    """A gallery in the database, a row per template, see `engine.gallery.GalleryKeep`."""

    def __init__(
        self, database: Database, watch: VersionWatch, gallery: str, empty: Gallery, seals: TemplateSeals
    ) -> None:
        super().__init__(database, watch, f"gallery/{gallery}", f"gallery/{gallery}")
        self._gallery, self._empty, self._seals = gallery, empty, seals
        self.table = table(
            GALLERIES[gallery],
            **dict.fromkeys(("site", "template_id", "person"), sa.Text),
            quality=sa.Float,
            embedding=sa.LargeBinary,
            added=sa.BigInteger,
            seq=sa.BigInteger,
        )

    @property
    def title(self) -> str:
        """Its name and database."""
        return f"the gallery of {self._gallery} in {self._database}"

    def keep_aside(self, gallery: Gallery) -> None:
        """Do nothing: the database has backups, and another copy of templates would be one more to erase."""

    def aside(self) -> list[Path]:
        """Return nothing, see `keep_aside`."""
        return []

    def change_aside(self, change: Callable[[Gallery], Gallery]) -> None:
        """Do nothing, see `keep_aside`."""

    def made_with(self) -> str | None:
        """Return the model of the gallery's head."""
        if recalled := self._watch.recalled:
            return recalled.gallery(self._gallery).model_id
        with self._database.work() as connection:
            return connection.execute(
                sa.select(_HEADS.c.model_id).where(
                    _HEADS.c.site == self._database.site, _HEADS.c.gallery == self._gallery
                )
            ).scalar_one_or_none()

    def load(self, before: Gallery) -> Gallery:
        """Return the present gallery; embeddings in `before` are not fetched again.

        Raises:
            StorageError: the gallery cannot be read.
        """
        if recalled := self._watch.recalled:
            return recalled.gallery(self._gallery)
        table, site = self.table, self._database.site
        with self._database.work() as connection:
            # one consistent state
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            head = connection.execute(
                sa.select(_HEADS).where(_HEADS.c.site == site, _HEADS.c.gallery == self._gallery)
            ).one_or_none()
            if head is None:
                return self._empty
            recipe = (head.model_id, head.alignment_id)
            if before.recipe != recipe or before.version > head.version:  # older: the database was restored
                before = Gallery.empty(*recipe, 0)
            # all ids as one value, which also shows what was removed
            ids: sa.Select[Any, Any] = (
                sa.select(sa.literal_column("array_agg(template_id ORDER BY seq)"), sa.literal_column(_DIGEST))
                .select_from(table)
                .where(table.c.site == site)
            )
            order, digest = connection.execute(ids).one()
            ids_now: list[str] = order or []
            order, fetched = self._fetched(connection, before.version if before.templates else -1, ids_now)
            templates, held = _combined(before, order, fetched)
            if templates is None or _digest(templates) != digest:  # restored, and changed since
                before = Gallery.empty(*recipe, 0)
                order, fetched = self._fetched(connection, -1, ids_now)
                templates = [fetched[key][0] for key in order]
        width = next((len(content) // 4 for _, content in fetched.values()), before.embeddings.shape[1])
        rows = np.empty((len(order), width or self._empty.embeddings.shape[1]), np.float32)
        if same := [index for index, key in enumerate(order) if key not in fetched]:
            rows[same] = before.embeddings[[held[order[index]] for index in same]]
        for index, key in enumerate(order):
            if key in fetched:
                rows[index] = np.frombuffer(fetched[key][1], "<f4")
        return Gallery(*recipe, rows, tuple(templates), head.version, head.issued)

    def _fetched(
        self, connection: sa.Connection, after: int, order: Sequence[str]
    ) -> tuple[list[str], dict[str, tuple[Template, bytes]]]:
        """Return templates and embeddings that were added after a version, by id, and the order without those that were changed."""
        table = self.table
        new = sa.select(table.c.template_id, table.c.person, table.c.quality, table.c.embedding).where(
            table.c.site == self._database.site, table.c.added > after
        )
        found: dict[str, tuple[Template, bytes]] = {}
        changed = set[str]()
        for row in connection.execute(new):
            template = Template(row.template_id, row.person, row.quality)
            try:
                found[row.template_id] = template, self._seals.open(self._gallery, template, row.embedding)
            except Changed as error:  # nobody is recognised by it; the others are
                changed.add(row.template_id)
                log.error("%s: %s", self.title, error.message)
        return [each for each in order if each not in changed], found

    def _sealed(self, template: Template, row: Floats) -> bytes:
        return self._seals.seal(self._gallery, template, row.astype("<f4").tobytes())

    def convert(self) -> int:
        """Encrypt the templates that an earlier version wrote plain, or the other way round if encryption is off; return how many.

        Raises:
            StorageError: they cannot be read or written, or were encrypted with another seal key.
        """
        table, site = self.table, self._database.site
        count = 0
        with self.exclusive(), self._database.work() as connection:
            own = sa.select(table.c.template_id, table.c.person, table.c.quality, table.c.embedding)
            for row in connection.execute(own.where(table.c.site == site)).all():
                if row.embedding.startswith(MAGIC) == self._seals.at_rest:
                    continue
                self._seals.check(connection)
                template = Template(row.template_id, row.person, row.quality)
                plain = self._seals.open(self._gallery, template, row.embedding)
                changed = sa.update(table).where(table.c.site == site, table.c.template_id == row.template_id)
                connection.execute(changed.values(embedding=self._seals.seal(self._gallery, template, plain)))
                count += 1
        return count

    def save(self, before: Gallery, after: Gallery) -> None:
        """Write the differences in one transaction."""
        table, site = self.table, self._database.site
        had = {each.template_id: each for each in before.templates}
        has = {each.template_id: each for each in after.templates}
        rows = {each.template_id: row for each, row in zip(after.templates, after.embeddings, strict=True)}
        with self._database.work() as connection:
            self._seals.check(connection)
            if before.recipe != after.recipe:  # no embedding stays
                connection.execute(sa.delete(table).where(table.c.site == site))
                had = {}
            gone = sorted(had.keys() - has.keys())
            if gone:
                own = (table.c.site == site, table.c.template_id == sa.func.any(gone))
                connection.execute(sa.delete(table).where(*own))
            for key in had.keys() & has.keys():
                if had[key] != has[key]:
                    own = (table.c.site == site, table.c.template_id == key)
                    values = {"person": has[key].person, "quality": has[key].quality, "added": after.version}
                    values["embedding"] = self._sealed(has[key], rows[key])
                    connection.execute(sa.update(table).where(*own).values(values))
            added: list[dict[str, Any]] = [
                {
                    "site": site,
                    "template_id": each.template_id,
                    "person": each.person,
                    "quality": each.quality,
                    "embedding": self._sealed(each, row),
                    "added": after.version,
                }
                for each, row in zip(after.templates, after.embeddings, strict=True)
                if each.template_id not in had
            ]
            if added:
                connection.execute(sa.insert(table), added)
            connection.execute(
                _CHANGED,
                {
                    "site": site,
                    "gallery": self._gallery,
                    "model": after.model_id,
                    "alignment": after.alignment_id,
                    "before": before.version,
                    "after": after.version,
                    "issued": after.issued,
                },
            )
        self._watch.tell(self.name, after.version)
