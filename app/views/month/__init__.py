"""The Month page: people × days, what is open, and closing the month; `page` shows it, the other modules are its parts."""

from app.views.month.page import show

__all__ = ["show"]
