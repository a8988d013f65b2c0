"""One box to find everything: entities, cases, districts, pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from quanyu.faces.http.route import SIGNED_IN, Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Denied
from quanyu.kernel.view import CaseQuery, Query

EACH_MAX = 8
PAGES = (
    ("/", "总览", "Overview"),
    ("/map", "地图", "Map"),
    ("/board", "事件与办件", "Board"),
    ("/rules", "规则与流程", "Rules and flows"),
    ("/shifts", "交接班", "Shift hand-over"),
    ("/incidents", "突发事件", "Incidents"),
    ("/warnings", "预警", "Warnings"),
    ("/operations", "运行", "Operations"),
)
"""Paths of the console."""


class SearchQuery(msgspec.Struct):
    """What to look for."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def search(ask: Ask) -> Listing:
    """What matches, of what the actor may see; each kind on its own right."""
    text = ask.query.text.strip()
    found: list[dict[str, Any]] = []
    for look in (_districts, _cases, _entities, _pages):
        try:
            found.extend(look(ask, text))
        except Denied:
            continue
    return Listing(found, name="search")


def _hit(kind: str, id_: str, title: Any, hint: Any = None) -> dict[str, Any]:
    return {"kind": kind, "id": id_, "title": title, "hint": hint}


def _districts(ask: Ask, text: str) -> Iterator[dict[str, Any]]:
    ask.scope_of("view:city")
    for row in ask.hub.city.districts:
        name = row.get("name") or {"zh": row.get("zh"), "en": row.get("en")}
        if text == row["code"] or any(text.lower() in str(each).lower() for each in name.values()):
            yield _hit("district", row["code"], name)


def _cases(ask: Ask, text: str) -> Iterator[dict[str, Any]]:
    scope, view = ask.scope_of("view:cases"), ask.hub.views.cases
    if text.startswith("urn:ngsi-ld:Case:"):
        exact = view.find(text, scope)
        if exact is not None:
            yield _hit("case", text, exact.get("title"), exact.get("step_title"))
        return
    page = view.query(CaseQuery(list="all", text=text, sort="opened", limit=EACH_MAX), scope)
    for each in page.items:
        yield _hit("case", each["id"], each.get("title"), each.get("step_title"))


def _entities(ask: Ask, text: str) -> Iterator[dict[str, Any]]:
    scope, view = ask.scope_of("view:entities"), ask.hub.views.entities
    seen = set()
    if text.startswith("urn:"):
        found = [document] if (document := view.find(text, scope)) is not None else []
    else:
        found = [*view.query(Query(where=(("name", "==", text),), limit=EACH_MAX), scope).items]
    for document in found:
        if document["id"] not in seen:
            seen.add(document["id"])
            yield _hit("entity", document["id"], _name(document), document["type"])


def _name(document: dict[str, Any]) -> Any:
    name = document.get("name")
    return name.get("value") if isinstance(name, dict) else document["id"].rpartition(":")[2]


def _pages(ask: Ask, text: str) -> Iterator[dict[str, Any]]:
    for id_, zh, en in PAGES:
        if text in zh or text.lower() in en.lower():
            yield _hit("page", id_, {"zh": zh, "en": en})


ROUTES = (
    Route(method="GET", path="/api/v1/search", permission=SIGNED_IN, handle=search, summary="Search",
          query=SearchQuery),
)  # fmt: skip
