"""The System page: `page` shows it, the other modules are its parts."""

from app.views.system.page import show

__all__ = ["show"]
