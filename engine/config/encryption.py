"""Encryption at rest."""

from __future__ import annotations

from engine.config.section import Section


class EncryptionConfig(Section):
    """What lies encrypted in the workspace; the keys lie outside of it, beside the seal key."""

    at_rest: bool = True
    """Encrypt templates and pictures of faces. Files that are encrypted already can be read either way."""
