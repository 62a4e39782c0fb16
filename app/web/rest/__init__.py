"""The REST interface for other programs such as payroll: `/api/v1`, GET only, with a token in each request. No cookie counts here."""

from app.web.rest.server import routes

__all__ = ["routes"]
