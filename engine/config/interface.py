"""Settings of the workbench and the kiosk."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from engine.config.section import LOOPBACK, Network, Section


class OidcConfig(Section):
    """Sign-in through the organisation's own provider (OpenID Connect); the e-mail address finds the account the first time."""

    metadata_url: str
    """Address of the provider's metadata, such as `https://login.example.com/.well-known/openid-configuration`."""
    client_id: str
    client_secret: SecretStr
    """Best kept in the environment: `MUSTER_APP__OIDC__CLIENT_SECRET`."""
    base_url: str
    """Address at which browsers reach the workbench, such as `https://muster.example.com`. The provider must allow
    `/oauth2callback` below it."""
    trust_unverified: bool = False
    """Accept an e-mail address that the provider has not verified. Only safe where users cannot choose their address."""
    label: str = ""
    """Text of the sign-in button; empty: a general text."""


class AppConfig(Section):
    """The workbench in the browser."""

    session_h: float = Field(12.0, gt=0, le=24 * 30)
    """Hours until a user must sign in again."""
    idle_min: float = Field(60.0, ge=0, le=60 * 24 * 30)
    """Minutes without a click after which a session ends; 0: never. A page that renews itself does not count."""
    second_factor: tuple[Literal["admin", "hr", "manager", "security", "viewer", "employee"], ...] = ()
    """Roles that must give a code of an authenticator app beside their password; others may."""
    hosts: tuple[str, ...] = ()
    """Host names at which browsers reach the workbench, such as `muster.example.com`. `localhost` and plain addresses always work."""
    proxies: tuple[Network, ...] = LOOPBACK
    """Addresses and networks of proxies whose headers (`X-Forwarded-*`, `Forwarded`) tell where a browser is and that it uses TLS."""
    connections: int = Field(256, ge=16, le=10_000)
    """Most connections of one address at the same time, those of proxies excepted."""
    ice_servers: tuple[str, ...] = ()
    """STUN or TURN servers for camera pictures across networks, such as `stun:stun.example.com:3478`; a LAN needs none."""
    rest_per_minute: int = Field(120, ge=1, le=6000)
    """Requests a minute that each token may send to `/api/v1`."""
    oidc: OidcConfig | None = None
    language: str = Field("", pattern="^(en|de)?$")
    """`en` or `de` for everybody; empty: the language that each browser asks for."""


class KioskConfig(Section):
    """The screen at the door."""

    hosts: tuple[str, ...] = ()
    """Host names at which browsers reach the kiosk. `localhost` and plain addresses always work."""
    proxies: tuple[Network, ...] = LOOPBACK
    """Addresses and networks of proxies whose headers (`X-Forwarded-*`, `Forwarded`) tell that a browser uses TLS."""
    language: str = Field("", pattern="^([a-z]{2})?$")
    """Language of the screen, such as `de`; empty: the one that its browser asks for."""
    greeting_s: float = Field(4.0, ge=1, le=30)
    """How long the screen shows a greeting."""
    change_s: float = Field(8.0, ge=0, le=15)
    """How long the screen offers to change a passage: in or out, or that the name is wrong; 0: it offers nothing."""
    sound: bool = False
    """Play a short tone when a punch is recorded, and another when the person should look at the camera."""
    pin_digits: int = Field(6, ge=6, le=12)
    """Fewest digits of a new PIN, and those of one that is made up. PINs that there are stay good."""
    pin_tries: int = Field(5, ge=3, le=20)
    """Wrong PINs before a person must wait; each further one doubles the wait, up to a quarter of an hour."""
    head_turn: bool = True
    """With `presentation.policy = "require"`: ask people to turn their heads until the check has proven a living person."""
    max_viewers: int = Field(30, ge=1, le=200)
    """Most live streams at the same time; further viewers are refused."""
    streams_per_device: int = Field(6, ge=2, le=200)
    """Most live streams, and most event streams, of one device at the same time."""
    paired_days: int = Field(90, ge=1, le=400)
    """Days after which a screen that was not used must be paired again."""
    fps: float = Field(15.0, ge=1, le=60)
    """Highest frame rate of a live stream."""
    longest_px: int = Field(1280, ge=160, le=3840)
    """Longest side of a streamed picture; larger pictures are scaled down."""
