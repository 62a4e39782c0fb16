"""The Registration page: `page` shows it, the other modules are its parts."""

from app.views.registration.page import show
from app.views.registration.state import forget

__all__ = ["forget", "show"]
