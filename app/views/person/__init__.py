"""One person, one page: the same under People and Attendance, with a tab for each right. Not here: the tabs themselves."""

from app.views.person.page import show

__all__ = ["show"]
