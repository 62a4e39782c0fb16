"""Leave: entries, balances, history, and the import of lists."""

from app.views.leave.page import show

__all__ = ["show"]
