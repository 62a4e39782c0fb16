"""The Alerts page: `page` shows it, the other modules are its parts."""

from app.views.alerts.page import open_count, show

__all__ = ["open_count", "show"]
