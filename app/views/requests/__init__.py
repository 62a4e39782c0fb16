"""Requests: what people ask for about their own days and leave, decided one after the other."""

from app.views.requests.page import open_count, show

__all__ = ["open_count", "show"]
