"""Flows as documents and as BPMN 2.0 drawings, and what a drawing would be here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from quanyu.assembly.drawing import judge_drawing, read_given
from quanyu.faces.http.body import read_bytes
from quanyu.faces.http.city import Formatted
from quanyu.faces.http.route import Ask, Raw, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.bpmn import BYTES_MAX, write
from quanyu.kernel.errors import Missing
from quanyu.kernel.flow import flow_from_document

MEDIA_TYPE = "application/xml"


class DrawingQuery(msgspec.Struct):
    """What a plain drawing does not say: `overall` is a limit or `parameter:ID`, `roles` are LANE=ROLE, by commas."""

    name: str | None = None
    case: str | None = None
    overall: str | None = None
    roles: str = ""


def flows(ask: Ask) -> Listing:
    """Case flows with their steps, limits and outcomes."""
    return Listing(ask.hub.catalogue.flows(), name="flows")


def get_flow(ask: Ask) -> Mapping[str, Any]:
    """Return the document of a flow in force by name or hash, or of one that a case has pinned by its hash."""
    wanted = ask.path("flow")
    for document in ask.hub.catalogue.flows():
        if wanted in (document["name"], document["hash"]):
            return document
    pinned = ask.hub.views.cases.find_flow(wanted)
    if pinned is None:
        raise Missing(
            f"Flow {wanted[:80]} does not exist.",
            code="flow.missing",
            where="flow",
            remedy="GET /api/v1/flows lists those in force; a case names the hash of its own.",
        )
    return {**pinned, "hash": wanted}


def flow(ask: Ask) -> Mapping[str, Any]:
    """One flow: by name the one in force, by hash any that the journal knows."""
    return get_flow(ask)


def flow_drawing(ask: Ask) -> Response:
    """A flow as a BPMN 2.0 file with a picture, as its author placed it where it came as a drawing."""
    document = get_flow(ask)
    content = write(flow_from_document(dict(document)), ask.hub.catalogue.picture(document["hash"]))
    headers = {
        "Content-Disposition": f'attachment; filename="{document["name"]}.bpmn"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
    }
    return Response(content, 200, headers, MEDIA_TYPE)


async def drawing_of(request: Request) -> bytes:
    """Return the file that was sent, whatever its media type says: the content decides."""
    return await read_bytes(request, BYTES_MAX)


def check_drawing(ask: Ask) -> dict[str, Any]:
    """What a BPMN 2.0 file would be here: its definition, what is wrong, assumed and left out; nothing is kept."""
    asked: DrawingQuery = ask.query
    roles = [each for each in asked.roles.split(",") if each.strip()]
    catalogue = ask.hub.catalogue
    return judge_drawing(
        ask.body,
        read_given(asked.name, asked.case, asked.overall, roles),
        [flow_from_document(dict(each)) for each in catalogue.flows()],
        {row["id"] for row in catalogue.parameters()},
        {unit["id"] for unit in ask.hub.city.units},
    )


ROUTES = (
    Route(method="GET", path="/api/v1/flows", permission="view:city", handle=flows, summary="Case flows",
          query=Formatted),
    Route(method="POST", path="/api/v1/flows/check", permission="view:rules", handle=check_drawing,
          summary="What a BPMN file would be here; writes nothing", query=DrawingQuery, body=Raw, read=drawing_of),
    Route(method="GET", path="/api/v1/flows/{flow}.bpmn", permission="view:city", handle=flow_drawing,
          summary="A flow as a BPMN 2.0 file"),
    Route(method="GET", path="/api/v1/flows/{flow}", permission="view:city", handle=flow,
          summary="One flow, by name or hash"),
)  # fmt: skip
