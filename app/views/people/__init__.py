"""The People page: `page` shows it, the other modules are its parts."""

from app.views.people.page import show

__all__ = ["show"]
