"""Templates as the database holds them: encrypted with a key that machines derive from the seal key, so that the database never has it.

    MTS1 · name of the seal key, 4 bytes · nonce, 12 bytes · ciphertext and tag of AES-256-GCM

The associated data are site, gallery, template and person, so that the templates of two people cannot be exchanged.
"""

from __future__ import annotations

import secrets
from functools import cached_property

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.errors import StorageError
from engine.gallery import Template
from engine.postgres.chain import CHAINS
from engine.storage.logs import Sealer
from engine.storage.logs.shelf import stem
from engine.storage.vault.ring import NONCE_BYTES

MAGIC = b"MTS1"
_NAME_BYTES = 4
_HINT = "copy the site's seal key to this machine and name it with `seal_key`, see docs/database.md"
_LATEST = 20
_HEADER = len(MAGIC) + _NAME_BYTES + NONCE_BYTES


class Changed(StorageError):
    """A template is not as it was written."""


class TemplateSeals:
    """Encrypts the embeddings of a site's templates.

    Args:
        sealer: holds the site's seal key.
        at_rest: whether new rows are encrypted; encrypted ones are opened either way.
    """

    def __init__(self, sealer: Sealer, site: str, *, at_rest: bool) -> None:
        self._sealer, self._site, self.at_rest = sealer, site, at_rest
        self._checked = False

    def check(self, connection: sa.Connection) -> None:
        """Check that the seal key is the site's, so that no machine writes what the others cannot read.

        Raises:
            StorageError: the latest chains of the site were sealed with another key.
        """
        if self._checked or not self.at_rest:
            return
        query = sa.select(CHAINS).where(CHAINS.c.site == self._site, CHAINS.c.mac != "")
        latest = connection.execute(query.order_by(CHAINS.c.day.desc()).limit(_LATEST)).all()
        own = [
            row.mac == self._sealer.mac("head", stem(row.log, row.day, row.recorder), str(row.number), row.head)
            for row in latest
        ]
        if latest and not any(own):
            raise StorageError(
                f"the rows of site {self._site} are not sealed with the key {self._sealer.key_id} of this machine",
                hint=_HINT,
            )
        self._checked = bool(latest)

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self._sealer.derived("templates"))

    def _bound(self, gallery: str, template: Template) -> bytes:
        return "\0".join((self._site, gallery, template.template_id, template.person)).encode()

    def seal(self, gallery: str, template: Template, embedding: bytes) -> bytes:
        """Return what the database is to hold of an embedding.

        Raises:
            StorageError: the seal key cannot be read.
        """
        if not self.at_rest:
            return embedding
        nonce = secrets.token_bytes(NONCE_BYTES)
        header = MAGIC + bytes.fromhex(self._sealer.key_id) + nonce
        return header + self._cipher.encrypt(nonce, embedding, self._bound(gallery, template))

    def open(self, gallery: str, template: Template, content: bytes) -> bytes:
        """Return the embedding that the database holds, encrypted or not.

        Raises:
            Changed: it was changed, or belongs to another template or person.
            StorageError: it was encrypted with another seal key.
        """
        if not content.startswith(MAGIC):
            return content
        name = content[len(MAGIC) : len(MAGIC) + _NAME_BYTES].hex()
        if name != self._sealer.key_id:
            raise StorageError(
                f"the templates of site {self._site} are encrypted with the seal key {name}, and this machine has {self._sealer.key_id}",
                hint=_HINT,
            )
        try:
            return self._cipher.decrypt(
                content[_HEADER - NONCE_BYTES : _HEADER], content[_HEADER:], self._bound(gallery, template)
            )
        except (InvalidTag, ValueError) as error:
            raise Changed(f"the template {template.template_id} was changed in the database") from error
