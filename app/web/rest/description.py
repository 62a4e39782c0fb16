"""The description of the REST interface (OpenAPI 3.1), made from the routes that are served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.web.rest.query import Parameter
from app.web.rest.resources import Resource
from engine import __version__
from engine.access import REST_SCOPES
from engine.reports.typed_json import Column, Form

_FORMS: Mapping[Form, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "date-time"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "truth": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
}
_REFUSALS = {
    "400": "A parameter cannot be used.",
    "401": "The token is missing, unknown, revoked or expired.",
    "403": "The token lacks the scope.",
    "405": "Only GET is served.",
    "429": "The token has sent too many requests; `Retry-After` says when to go on.",
    "503": "Muster cannot read the workspace right now.",
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details, RFC 9457.",
    "required": ["type", "title", "status", "error", "detail", "hint"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "error": {"type": "string", "description": "One word for programs."},
        "detail": {"type": "string", "description": "What is wrong."},
        "hint": {"type": "string", "description": "What to do."},
    },
}


def described(resources: Sequence[Resource]) -> dict[str, Any]:
    """The description of some routes."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": __version__,
            "description": "Attendance for other programs. Read only. `muster token add` makes tokens; `x-scope` names the scope that a "
            "token needs.",
        },
        "security": [{"token": []}],
        "paths": {f"/api/v1/{each.name}": {"get": _operation(each)} for each in resources},
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "; ".join(f"`{scope}`: {meaning}" for scope, meaning in REST_SCOPES.items()),
                }
            },
            "schemas": {**{each.name: _row(each.fields) for each in resources}, "problem": _PROBLEM},
            "responses": {
                f"refused{status}": {
                    "description": meaning,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
                }
                for status, meaning in _REFUSALS.items()
            },
        },
    }


def _operation(resource: Resource) -> dict[str, Any]:
    page = {
        "type": "object",
        "additionalProperties": False,
        "required": [*resource.about, "rows", "next_cursor"],
        "properties": {
            **resource.about,
            "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{resource.name}"}},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "Send it as `cursor` for the next page; null: no more.",
            },
        },
    }
    return {
        "operationId": resource.name,
        "summary": resource.summary,
        "x-scope": resource.scope,
        "parameters": [_parameter(each) for each in resource.parameters],
        "responses": {
            "200": {
                "description": resource.summary,
                "headers": {"ETag": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": page}},
            },
            "304": {"description": "Nothing has changed since the ETag in `If-None-Match`."},
            **{status: {"$ref": f"#/components/responses/refused{status}"} for status in _REFUSALS},
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": parameter.schema,
    }


def _row(columns: Sequence[Column]) -> dict[str, Any]:
    """The schema of a row: all columns, always."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [column.name for column in columns],
        "properties": {column.name: _field(column) for column in columns},
    }


def _field(column: Column) -> dict[str, Any]:
    schema = dict(_FORMS[column.form])
    if column.empty:
        schema["type"] = [schema["type"], "null"]
    return {**schema, "description": column.meaning} if column.meaning else schema
