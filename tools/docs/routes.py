"""The page of HTTP routes: the interface from its own table, the citizen pages from what their face lists."""

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.docs.markdown import section, table

INTRO = (
    "The permission is what a role must hold: `public` is for everybody, `signed-in` for everybody who has signed in, "
    "`view:…` also limits what is shown, the rest are command kinds. Bodies and answers are described in "
    "`/api/openapi.json`, errors in [error codes](errors.md)."
)
HEAD = ("Method", "Path", "Permission", "Query", "Body", "Does")


def page(faces: Path) -> str:
    """Every route: of the HTTP face by subject, then the pages of the faces that have no table."""
    from quanyu.faces import http

    groups: dict[str, list[Any]] = {}
    for route in http.table():
        groups.setdefault(importlib.import_module(route.handle.__module__).__name__, []).append(route)
    text = "".join(_group(module, routes) for module, routes in groups.items())
    pages = sorted(set(listed(faces / "web" / "__init__.py")))
    shown = section(2, "Pages", table(("Method", "Path"), pages), "HTML, and what the pages load; public.")
    return f"{INTRO}\n\n{text}{shown}"


def _group(module: str, routes: Iterable[Any]) -> str:
    doc = inspect.getdoc(importlib.import_module(module)) or module
    return section(2, doc.splitlines()[0].rstrip("."), table(HEAD, map(_row, routes)))


def _row(route: Any) -> tuple[object, ...]:
    if hasattr(route, "parameters"):
        return _ngsi_row(route)
    query = ", ".join(f"`{name}`" for name in getattr(route.query, "__struct_encode_fields__", ()))
    shape = "" if route.body is None else "bytes" if route.body.__name__ == "Raw" else "object"
    fields = ", ".join(f"`{name}`" for name in getattr(route.body, "__struct_encode_fields__", ()))
    return route.method, f"`{route.path}`", f"`{route.permission}`", query, fields or shape, route.summary


def _ngsi_row(route: Any) -> tuple[object, ...]:
    query = ", ".join(f"`{name}`" for name in sorted(route.parameters))
    path = f"`/ngsi-ld/v1{route.path}`"
    return route.method, path, f"`{route.permission}`", query, route.body or "", route.summary


def listed(init: Path) -> Iterator[tuple[str, str]]:
    """(method, path) for each `route("/path", …)` that a face's `__init__` spells out."""
    tree = ast.parse(init.read_text(encoding="utf-8")) if init.is_file() else ast.Module([], [])
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"route", "Route"}):
            continue
        words = [str(part.value) for part in node.args if isinstance(part, ast.Constant)]
        if words and words[0].startswith("/"):
            yield words[1] if len(words) > 1 else "GET", f"`{words[0]}`"
