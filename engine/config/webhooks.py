"""Settings of a webhook: where messages are posted, and the key that signs them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from engine.config.section import Section
from engine.words import phrase

SHORTEST_KEY = 16
"""Characters of a key that signs webhooks."""


class Webhook(Section):
    """What has a name and may post to a webhook."""

    name: str = Field(pattern=r"^\w[\w .-]{0,39}$")
    """Name in logs; unique."""
    webhook: SecretStr | None = None
    """http or https address that receives a signed POST."""
    webhook_key: SecretStr | None = None
    """Key that signs it, …"""
    webhook_secret_env: str = ""
    """… or the name of the environment variable that holds it, …"""
    webhook_secret_file: str = ""
    """… or a file that holds it, relative to the workspace."""

    @field_validator("webhook")
    @classmethod
    def _posted(cls, value: SecretStr | None) -> SecretStr | None:
        # an address may carry a token: no message may repeat one
        if value is None:
            return None
        text = value.get_secret_value()
        if not re.fullmatch(r"https?://((?![@/?#])[!-~])+([/?][!-~]*)?", text, re.ASCII | re.IGNORECASE):
            raise ValueError(
                phrase(
                    "expected http:// or https://, a host and a path in ASCII, without user and password "
                    "(the body is signed instead)"
                )
            )
        try:
            complete = bool(urlsplit(text).hostname and urlsplit(text).port != 0)
        except ValueError:
            complete = False
        if not complete:
            raise ValueError(phrase("the host or the port of the address is not valid"))
        return value

    @field_validator("webhook_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(phrase("a signing key has at least {count} characters", count=SHORTEST_KEY))
        return value

    @field_validator("webhook_secret_env")
    @classmethod
    def _free_variable(cls, value: str) -> str:
        if value.upper().startswith("MUSTER_"):
            raise ValueError(phrase("names that begin with MUSTER_ are settings; choose another, such as WEBHOOK_KEY"))
        return value

    @model_validator(mode="after")
    def _signed(self) -> Webhook:
        keys = bool(self.webhook_key) + bool(self.webhook_secret_env) + bool(self.webhook_secret_file)
        if keys != (self.webhook is not None):
            raise ValueError(
                phrase(
                    "{name}: a webhook needs one of webhook_key, webhook_secret_env and webhook_secret_file, "
                    "and these need a webhook",
                    name=repr(self.name),
                )
            )
        return self
