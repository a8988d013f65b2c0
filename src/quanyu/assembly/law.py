"""The book of law of a home: packs' declarations with the city's releases, and what is asked of a definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from quanyu.engines.changes.deciding import Check, Checked, Moment
from quanyu.engines.changes.law import Base, Law, law_of, of_name, read_row, releases_in, row_document
from quanyu.engines.changes.store import Rows
from quanyu.engines.rules.amending import check_rule
from quanyu.engines.rules.compile import compile_rule, condition_of
from quanyu.kernel.bpmn import Drawing, Given, Layout, read_drawing, read_limit
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Invalid, Missing, Unsupported
from quanyu.kernel.flow import check_shape, expand_calls, flow_document, flow_from_document, flow_hash
from quanyu.kernel.journal import Body, Instant
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameter, Parameters
from quanyu.kernel.rule_file import rule_document, rule_from_document
from quanyu.kernel.time import day_of

Document = dict[str, Any]


class LawBook:
    """Says what holds, now or as of a record, and judges definitions against it. `law` is changed in the writer alone."""

    def __init__(self, packs: Sequence[Pack], parameters: Parameters, city: City, store: Rows) -> None:
        self._store, self._city = store, city
        self.base = Base(
            tuple(rule for pack in packs for rule in pack.rules),
            tuple(flow for pack in packs for flow in pack.flows),
            parameters,
        )
        self.packs: Mapping[tuple[str, str], str] = {
            (kind, each.name): pack.id
            for pack in packs
            for kind, declared in (("rule", pack.rules), ("flow", pack.flows))
            for each in declared
        }
        self._types: dict[str, set[str]] = {}
        for pack in packs:
            for row in pack.types:
                self._types.setdefault(row.type, set()).update([row.attribute] if row.attribute else [])
        self.law: Law = self.law_at(None)

    def law_at(self, seq: int | None) -> Law:
        """Return the law with everything that was released up to a record; None: everything that is durable."""
        return law_of(self.base, releases_in(self._store, seq), self._city.zone, compile_rule)

    def renew(self) -> Law:
        """Take durable releases in."""
        self.law = self.law_at(None)
        return self.law

    # -- what stands --------------------------------------------------------------------------------------------------

    def present(self, kind: str, name: str, at: Instant, place: str | None = None) -> Document | None:
        """Return the definition in force; None when there is none (a new rule or flow)."""
        if kind == "parameter":
            try:
                day = day_of(at, self._city.zone)
                return row_document(self.law.parameters.get_row(name, day, place or self._city.code))
            except Missing:
                return None
        if kind == "flow":
            flow = of_name(self.law.flows, name)
            return None if flow is None else flow_document(flow)
        rule = of_name(self.law.every_rule, name)
        return None if rule is None else rule_document(rule, condition_of(rule), name in self.law.off)

    def picture(self, digest: str) -> Layout | None:
        """Return where the drawing that a released flow came as places everything; None for any other flow."""
        for name, sent in self.law.drawings.items():
            drawing = _drawing_of(dict(sent), name)
            if drawing is not None and flow_hash(drawing.flow) == digest:
                return drawing.layout
        return None

    # -- what is asked of a definition --------------------------------------------------------------------------------

    @property
    def checks(self) -> Mapping[str, Check]:
        """Judgements by kind, for the engine of changes."""
        return {"rule": self._check_rule, "flow": self._check_flow, "parameter": self._check_parameter}

    def _check_rule(self, name: str, definition: Body, at: Instant, moment: Moment) -> Checked:
        present = of_name(self.law.every_rule, name)
        stands = self.present("rule", name, at)
        document = {**(stands or {}), **definition, "name": name}
        rule = rule_from_document(document)
        if present is not None and rule.on != present.on:
            raise Invalid(
                f"Rule {name} watches {present.on}; a change may not turn it to {rule.on[:80]}.",
                code="change.on_fixed",
                where="on",
                remedy="Switch this rule off and write a new one under another name.",
            )
        check_rule(rule, self._types, self.law.parameters, {flow.name for flow in self.law.flows})
        made = rule_document(rule, condition_of(rule), bool(document.get("off")))
        _check_new(made, stands, moment)
        return Checked(name, made, stands)

    def _check_flow(self, name: str, definition: Body, at: Instant, moment: Moment) -> Checked:
        stands = self.present("flow", name, at)
        drawing = _drawing_of(definition, name)
        flow = flow_from_document(check_shape(definition)) if drawing is None else drawing.flow
        if flow.name != name or (stands is not None and flow.case != stands["case"]):
            raise Invalid(
                f"The definition is of flow {flow.name!r} for {flow.case!r} cases.",
                code="change.flow_name",
                where="name",
                remedy=f"Keep the name {name!r}" + (f" and the case {stands['case']!r}." if stands else "."),
            )
        # With every call put in, as the cases will follow it, and as those that call it will.
        expand_calls([*(each for each in self.law.flows if each.name != name), flow])
        for parameter in flow.parameters:
            if parameter not in self.law.parameters:
                raise Invalid(
                    f"Flow {name} refers to the parameter {parameter!r}, which no pack gives.",
                    code="change.parameter_unknown",
                    where=parameter,
                    remedy="GET /api/v1/parameters lists them.",
                )
        units = {unit["id"] for unit in self._city.units}
        for unit in (*flow.roles.values(), flow.escalate):
            if unit and unit not in units:
                raise Invalid(
                    f"Flow {name} names the unit {unit!r}, which the city does not have.",
                    code="change.unit_unknown",
                    where="roles",
                    remedy="Choose a unit of the city profile.",
                )
        made = flow_document(flow)
        _check_new(made, stands, moment)
        return Checked(name, made, stands, None if drawing is None else dict(definition))

    def _check_parameter(self, name: str, definition: Body, at: Instant, moment: Moment) -> Checked:
        known = self.law.parameters.history(name)
        place = definition.get("jurisdiction") or self._city.code
        self._check_place(place)
        if place != self._city.code:
            self._check_district(name)
        today = day_of(at, self._city.zone)
        stands = self.present("parameter", name, at, place)
        pattern = stands or row_document(known[-1])
        kept: dict[str, Any] = {
            field: pattern[field] for field in ("unit", "applies", "zh", "en", "emergency") if field in pattern
        }
        given = {**kept, **definition, "id": name, "jurisdiction": place}
        first = given.get("valid_from") or today.isoformat()
        row = read_row({**given, "valid_from": first})
        if row.unit != known[0].unit or _shape(row) != _shape(known[0]):
            raise Invalid(
                f"Parameter {name} is {_shape(known[0])} in {known[0].unit or 'no unit'}; the new row is not.",
                code="change.parameter_shape",
                where="value",
                remedy=f"Write a value like {known[0].value!r}.",
            )
        if row.valid_from < today and moment != "restored":
            raise Invalid(
                f"The new row of {name} would be in force from {row.valid_from}, before today ({today}).",
                code="change.back_dated",
                where="valid_from",
                remedy="Name a day to come, or leave it out: then it holds from the day of its release.",
            )
        made = row_document(row)
        if moment == "proposed" and not given.get("valid_from"):
            made["valid_from"] = None
        _check_new({**made, "valid_from": None}, None if stands is None else {**stands, "valid_from": None}, moment)
        return Checked(f"{name}@{place}", made, stands)

    def _check_place(self, place: Any) -> None:
        places = {self._city.code, *(str(district["code"]) for district in self._city.districts)}
        if not isinstance(place, str) or place not in places:
            raise Invalid(
                f"The city may not set a value for {place!r:.40}.",
                code="change.jurisdiction",
                where="jurisdiction",
                remedy=f"Use the city's own code {self._city.code}, or one of its districts'.",
            )

    def _check_district(self, name: str) -> None:
        """Refuse a district's value of what is read for the whole city alone: it would never be looked at."""
        flows = [flow.name for flow in self.law.flows if any(refers(each, name) for each in flow.parameters)]
        if not flows:
            raise Unsupported(
                f"Parameter {name} is read for the whole city; a district's value would not be looked at.",
                code="change.district_value",
                where="jurisdiction",
                remedy=f"Set it for the city ({self._city.code}). Limits of flows may differ by district.",
            )


def refers(limit: str, name: str) -> bool:
    """Say whether a flow's limit takes this row: its own, or that of a sub-class."""
    return name == limit or name.startswith(f"{limit}_")


class _Drawn(msgspec.Struct, forbid_unknown_fields=True):
    """A flow as a BPMN 2.0 file, with what the drawing does not say; `overall` is a limit or `parameter:ID`."""

    bpmn: str
    case: str | None = None
    overall: str | None = None
    roles: dict[str, str] = {}


def _drawing_of(definition: Body, name: str) -> Drawing | None:
    """Return the drawing that a definition of a flow holds; None when it is a document."""
    if "bpmn" not in definition:
        return None
    try:
        drawn = msgspec.convert(definition, _Drawn)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"The drawing of flow {name} cannot be read: {fault}.",
            code="flow.document",
            where="definition",
            remedy="Send {bpmn, case, overall, roles}: the file's text, and what the drawing does not say.",
        ) from fault
    overall = read_limit(drawn.overall, "overall") if drawn.overall else None
    return read_drawing(drawn.bpmn.encode(), Given(name=name, case=drawn.case, overall=overall, roles=drawn.roles))


def _check_new(made: Document, stands: Document | None, moment: Moment) -> None:
    if moment == "proposed" and made == stands:
        raise Invalid(
            "The definition says what is in force already.",
            code="change.nothing",
            where="definition",
            remedy="Change something, or leave it.",
        )


def _shape(row: Parameter) -> str:
    if isinstance(row.value, tuple):
        return "a list"
    if not isinstance(row.value, str):
        return "a number"
    try:
        row.pinned().limit()
    except Invalid:
        return "a text"
    return "a limit of time"
