"""Settings of what people look at."""

from __future__ import annotations

from pydantic import Field, SecretStr

from engine.config.section import Section

__all__ = ["AppConfig", "KioskConfig", "OidcConfig"]


class OidcConfig(Section):
    """The organisation's own sign-in (OpenID Connect). Who comes from there is known by e-mail address, see `muster users add`."""

    metadata_url: str
    """The provider's description, such as `https://login.example.com/.well-known/openid-configuration`."""
    client_id: str
    client_secret: SecretStr
    """Better kept in the environment: `MUSTER_APP__OIDC__CLIENT_SECRET`."""
    base_url: str
    """Where browsers reach the workbench, such as `https://muster.example.com`; `/oauth2callback` below it must be allowed by the
    provider."""
    trust_unverified: bool = False
    """Take an address also when the provider does not say that it verified it: only where nobody can choose their own."""
    label: str = ""
    """What the button says; empty: a general text."""


class AppConfig(Section):
    """The workbench in the browser."""

    session_h: float = Field(12.0, gt=0, le=24 * 30)
    """After this time one must sign in again."""
    hosts: tuple[str, ...] = ()
    """Names under which browsers reach the workbench, beside `localhost` and plain addresses: `muster.example.com`."""
    ice_servers: tuple[str, ...] = ()
    """STUN or TURN servers for camera pictures across networks, such as `stun:stun.example.com:3478`; none are needed on a LAN."""
    oidc: OidcConfig | None = None
    language: str = Field("", pattern="^(en|de)?$")
    """`en` or `de` for everybody; empty: as each browser asks for."""


class KioskConfig(Section):
    """The screen at the door."""

    hosts: tuple[str, ...] = ()
    """Names under which browsers reach the kiosk, beside `localhost` and plain addresses."""
    language: str = Field("", pattern="^([a-z]{2})?$")
    """Of the screen, such as `de`; empty: as its browser asks for."""
    greeting_s: float = Field(4.0, ge=1, le=30)
    """How long a greeting is shown."""
    sound: bool = False
    """Two short tones: recorded, and please look."""
    head_turn: bool = True
    """Where `presentation.policy` is `require`: ask for turns of the head until it is proven that a living person stands there."""
    max_viewers: int = Field(30, ge=1, le=200)
    """Live pictures that are sent at the same time; more are refused."""
    fps: float = Field(15.0, ge=1, le=60)
    """Most pictures a second that are sent."""
    longest_px: int = Field(1280, ge=160, le=3840)
    """Larger pictures are sent smaller, to this length of their longer side."""
