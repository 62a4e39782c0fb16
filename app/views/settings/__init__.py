"""The Settings page: `page` shows it, `catalogue` says which setting is where, the other modules draw and save."""

from app.views.settings.checklist import show as checklist
from app.views.settings.draft import forget
from app.views.settings.page import show

__all__ = ["checklist", "forget", "show"]
