"""The screen at the door: a thin Flask endpoint around one camera, see `create_app`."""

from app.kiosk.application import create_app

__all__ = ["create_app"]
