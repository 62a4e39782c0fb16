"""The Registration page: `page` shows it, the other modules are its parts."""

from app.views.registration.page import forget, show

__all__ = ["forget", "show"]
