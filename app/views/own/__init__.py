"""My record: what is held on the person whose account it is, on a phone first."""

from app.views.own.page import forget, show

__all__ = ["forget", "show"]
