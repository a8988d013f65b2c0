"""Drawings of flows as the faces ask for them: what a file would be in this city, and the file of a flow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from quanyu.assembly.catalogue import Catalogue
from quanyu.kernel.bpmn import Drawing, Given, read_drawing, read_limit, write
from quanyu.kernel.errors import Invalid, Missing, QuanyuError
from quanyu.kernel.flow import Flow, expand_calls, flow_document, flow_from_document, flow_hash

UNREADABLE = ("bpmn.xml", "bpmn.doctype", "bpmn.not_bpmn", "bpmn.too_big")
"""Codes of files that are no drawing at all: there is nothing to say about them but the error."""


def read_given(
    name: str | None = None, case: str | None = None, overall: str | None = None, roles: Iterable[str] = ()
) -> Given:
    """Return what an importer says for a drawing; `roles` are `LANE=ROLE`, `overall` a limit or `parameter:ID`."""
    pairs = [each.rpartition("=") for each in roles]
    for lane, equals, role in pairs:
        if not lane or not equals or not role:
            raise Invalid(
                f"Role {(lane + equals + role)[:80]!r} names no lane.",
                code="bpmn.role",
                where="roles",
                remedy="Write LANE=ROLE, for example 核查科=supervisor.",
            )
    limit = read_limit(overall, "overall") if overall else None
    return Given(name=name or None, case=case or None, overall=limit, roles={lane: role for lane, _, role in pairs})


def drawing_of(catalogue: Catalogue, name: str) -> str:
    """Return the BPMN file of a flow in force, by name or hash; Missing lists those there are."""
    documents = list(catalogue.flows())
    for document in documents:
        if name in (document["name"], document["hash"]):
            return write(flow_from_document(dict(document)), catalogue.picture(document["hash"])).decode()
    raise Missing(
        f"Flow {name[:80]} does not exist.",
        code="flow.missing",
        where="NAME",
        remedy=f"Use one of: {', '.join(sorted(each['name'] for each in documents))}.",
    )


def judge_drawing(
    content: bytes, given: Given, flows: Iterable[Flow], parameters: Collection[str], units: Collection[str]
) -> dict[str, Any]:
    """Return what a file would be here, with all that stands against it; nothing is kept.

    Raises Invalid for a file that is no BPMN at all.
    """
    try:
        drawing = read_drawing(content, given)
    except QuanyuError as fault:
        if fault.code in UNREADABLE:
            raise
        return _verdict(None, [fault])
    return _verdict(drawing, list(_against(drawing.flow, {each.name: each for each in flows}, parameters, units)))


def _against(
    flow: Flow, book: Mapping[str, Flow], parameters: Collection[str], units: Collection[str]
) -> Iterator[QuanyuError]:
    """Yield what this city lacks for the flow."""
    try:
        expand_calls([flow, *(each for name, each in book.items() if name != flow.name)])
    except QuanyuError as fault:
        yield fault
    for name in flow.parameters:
        if name not in parameters:
            yield Missing(
                f"Flow {flow.name} refers to the parameter {name!r}, which does not exist here.",
                code="parameter.unknown",
                where=f"flow {flow.name}",
                remedy="Declare it in a params.toml, or state the limit itself.",
            )
    for unit in dict.fromkeys((*flow.roles.values(), flow.escalate or "")):
        if unit and unit not in units:
            yield Invalid(
                f"Flow {flow.name} gives work to the unit {unit!r}, which does not exist in this city.",
                code="case.unit_unknown",
                where=f"flow {flow.name}",
                remedy="Name a unit of the city profile.",
            )


def _verdict(drawing: Drawing | None, faults: list[QuanyuError]) -> dict[str, Any]:
    listed = [each for fault in faults for each in fault.details.get("elements", ())]  # type: ignore[attr-defined]
    return {
        "ok": drawing is not None and not faults,
        "faults": [
            {"code": each.code, "message": each.message, "where": each.where, "remedy": each.remedy} for each in faults
        ],
        "unsupported": listed,
        "definition": None if drawing is None else flow_document(drawing.flow),
        "hash": None if drawing is None else flow_hash(drawing.flow),
        "assumed": [] if drawing is None else msgspec.to_builtins(drawing.assumed),
        "left_out": [] if drawing is None else msgspec.to_builtins(drawing.left_out),
        "picture": drawing is not None and drawing.layout is not None,
    }
