"""Search by photo: where and when somebody was seen. Not here: how faces are compared (`engine.records.face_search`)."""

from app.views.search.page import forget, give, show

__all__ = ["forget", "give", "show"]
