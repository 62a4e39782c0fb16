"""The Confirm page: two faces near the threshold, and the question whether they are one person's."""

from app.views.confirm.page import forget, show

__all__ = ["forget", "show"]
