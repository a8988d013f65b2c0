"""OpenAPI 3.1, made from the route table and the msgspec structs: what is not in the table is not in the API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

import quanyu
from quanyu.faces.http.ngsi.route import BASE, NgsiRoute
from quanyu.faces.http.problem import MEDIA_TYPE, Problem
from quanyu.faces.http.route import PUBLIC, NoQuery, Raw, Route

REFERENCE = "#/components/schemas/{name}"
PARAMETER = re.compile(r"{(\w+)}")


def openapi(table: Sequence[Route | NgsiRoute]) -> dict[str, Any]:
    """Return the whole description."""
    bodies = {route.body: None for route in table if isinstance(route, Route) and _is_struct(route.body)}
    shapes = [Problem, *bodies]
    _, components = msgspec.json.schema_components(shapes, ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        if isinstance(route, NgsiRoute):
            paths.setdefault(BASE + route.path, {})[route.method.lower()] = _ngsi_operation(route)
        else:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Quanyu",
            "version": getattr(quanyu, "__version__", "0"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "quanyu_session"},
            },
        },
    }


def _is_struct(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)


def operation_id(method: str, path: str) -> str:
    """Return the id of an operation, from its path alone: two rooms may call their handlers alike."""
    return "_".join([method.lower(), *re.findall(r"[A-Za-z0-9]+", path.removeprefix("/api/v1"))])


def _operation(route: Route) -> dict[str, Any]:
    problem = {
        "description": "Problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name="Problem")}}},
    }
    operation: dict[str, Any] = {
        "operationId": operation_id(route.method, route.path),
        "summary": route.summary,
        "description": (route.handle.__doc__ or "").strip(),
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.query)],
        "responses": {str(route.status): {"description": "Done"}, "default": problem},
        "x-permission": route.permission,
    }
    if route.permission != PUBLIC:
        operation["security"] = [{"token": []}, {"session": []}]
    if route.body is Raw:
        binary = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": binary}}
    elif route.body is not None:
        schema = {"$ref": REFERENCE.format(name=route.body.__name__)} if _is_struct(route.body) else {"type": "object"}
        content = {"application/json": {"schema": schema}}
        if route.read is not None:
            content["application/x-ndjson"] = {"schema": {"type": "string", "description": "One item a line."}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _ngsi_operation(route: NgsiRoute) -> dict[str, Any]:
    """Return an operation of NGSI-LD; its bodies are described by the standard."""
    asked = [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
        for name in sorted(route.parameters)
    ]
    operation: dict[str, Any] = {
        "operationId": f"ngsi_{route.method.lower()}_{route.handle.__module__.rpartition('.')[2]}_{route.handle.__name__}",
        "summary": route.summary,
        "description": (route.handle.__doc__ or "").strip(),
        "parameters": [*_path_parameters(route.path), *asked],
        "responses": {
            str(route.status): {"description": "Done"},
            "default": {
                "description": "ProblemDetails",
                "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name="Problem")}}},
            },
        },
        "x-permission": route.permission,
        "security": [{"token": []}, {"session": []}],
    }
    if route.body is not None:
        kind = {"object": "object", "list": "array"}.get(route.body)
        schema = {"type": kind} if kind else {}
        operation["requestBody"] = {"required": True, "content": {media: {"schema": schema} for media in route.reads}}
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in PARAMETER.findall(path)
    ]


def _query_parameters(query: type[msgspec.Struct]) -> list[dict[str, Any]]:
    if query is NoQuery:
        return []
    (reference,), components = msgspec.json.schema_components([query], ref_template=REFERENCE)
    schema = components[reference["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema["properties"].items()
    ]
