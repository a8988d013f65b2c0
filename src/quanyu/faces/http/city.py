"""The city and what its packs declare: districts, units, roles, types, layers, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

import quanyu
from quanyu.faces.http.hub import entity_counts
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing


class Formatted(msgspec.Struct):
    """A list that can be had as CSV."""

    format: str = "json"


def city(ask: Ask) -> dict[str, Any]:
    """The city profile, the city's time and how fast it runs."""
    hub, profile = ask.hub, ask.hub.city
    return {
        "code": profile.code,
        "name": profile.name,
        "zone": profile.zone,
        "centre": profile.centre,
        "box": profile.box,
        "now": hub.clock.now(),
        "speed": hub.clock.speed,
        "simulated": hub.simulated,
        "seed": hub.seed,
        "districts": [_district(row) for row in profile.districts],
        "units": [_unit(row) for row in profile.units],
        "roles": [{"id": role.id, "title": role.title} for role in hub.access.roles.values()],
        "outline": profile.outline,
        "outline_source": ask.hub.catalogue.outlines().get("source"),
        "version": getattr(quanyu, "__version__", "0"),
    }


def _title(row: Mapping[str, Any]) -> Any:
    return row.get("name") or {"zh": row.get("zh"), "en": row.get("en")}


def _district(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": row["code"], "name": _title(row), "centre": row.get("centre") or [row.get("lon"), row.get("lat")]}


def _unit(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "name": _title(row), "kind": row.get("kind"), "district": row.get("district") or None}


def districts(ask: Ask) -> Response:
    """District outlines with their source, as a GeoJSON FeatureCollection."""
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(msgspec.json.encode(ask.hub.catalogue.outlines()), 200, headers, "application/geo+json")


def types(ask: Ask) -> Listing:
    """Entity types with their attributes and how many entities the actor may see."""
    counts = entity_counts(ask.hub, ask.scope)
    declared = {row["type"]: row for row in ask.hub.catalogue.types()}
    names = [name for name in {**declared, **counts} if ask.scope.types is None or name in ask.scope.types]
    plain: dict[str, Any] = {"title": None, "attributes": []}
    return Listing(
        [
            {"type": name, **plain, **_unmasked(declared.get(name, {}), ask.scope.masked), "count": counts.get(name, 0)}
            for name in sorted(names)
        ],
        name="types",
    )


def _unmasked(row: Mapping[str, Any], masked: frozenset[str]) -> dict[str, Any]:
    attributes = [each for each in row.get("attributes", ()) if each["name"] not in masked]
    return {**row, "attributes": attributes} if row else {}


def layers(ask: Ask) -> Listing:
    """Map layers that packs declare."""
    return Listing(ask.hub.catalogue.layers(), name="layers")


def parameters(ask: Ask) -> Listing:
    """Every dated row of every parameter, with source and status."""
    return Listing(ask.hub.catalogue.parameters(), name="parameters")


ROUTES = (
    Route(method="GET", path="/api/v1/city", permission="view:city", handle=city, summary="The city"),
    Route(method="GET", path="/api/v1/city/districts.geojson", permission="view:city", handle=districts,
          summary="District outlines"),
    Route(method="GET", path="/api/v1/types", permission="view:entities", handle=types, summary="Entity types",
          query=Formatted),
    Route(method="GET", path="/api/v1/layers", permission="view:entities", handle=layers, summary="Map layers",
          query=Formatted),
    Route(method="GET", path="/api/v1/parameters", permission="view:rules", handle=parameters,
          summary="Dated parameters", query=Formatted),
)  # fmt: skip
