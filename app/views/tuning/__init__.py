"""The Tuning page: `page` shows it, the other modules are its parts."""

from app.views.tuning.page import show

__all__ = ["show"]
