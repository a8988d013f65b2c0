"""Open cases on their way to another version of their flow: seen before, then moved, each with its own outcome."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.faces.http.bulk import ACTIONS_MAX, MULTI_STATUS, told
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.journal import Command
from quanyu.kernel.view import CaseQuery

Element = Annotated[str, msgspec.Meta(max_length=200)]


class MovesQuery(msgspec.Struct):
    """Which cases of the flow: those that are worked on, or those in the problem bank."""

    list: Literal["open", "bank"] = "open"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    after: str | None = None


class Version(msgspec.Struct, forbid_unknown_fields=True):
    """Another version by name (as declared now) or hash; `map` leads from old elements to new ones."""

    to: Element
    map: Annotated[dict[Element, Element], msgspec.Meta(max_length=1000)] = {}


class Mover(msgspec.Struct, forbid_unknown_fields=True):
    """A case that moves; `version` is the one that the sender saw."""

    id: Element
    version: int | None = None


class Moves(msgspec.Struct, forbid_unknown_fields=True):
    """Cases that move to another version, and why."""

    to: Element
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    cases: Annotated[list[Mover], msgspec.Meta(min_length=1, max_length=ACTIONS_MAX)]
    map: Annotated[dict[Element, Element], msgspec.Meta(max_length=1000)] = {}


def preview(ask: Ask) -> Listing:
    """Where the open cases of a flow would stand in another version, what their clocks become, and what cannot go."""
    asked: MovesQuery = ask.query
    query = CaseQuery(list=asked.list, flow=ask.path("flow"), limit=asked.limit, after=asked.after)
    page = ask.hub.views.cases.moves(query, ask.body.to, ask.body.map, ask.scope)
    return Listing(page.items, page.after, name="moves")


async def move(ask: Ask) -> dict[str, Any]:
    """Move cases to another version of their flow; every case has its own outcome."""
    sent: Moves = ask.body
    scope = ask.scope_of("view:cases")
    body = {"to": sent.to, "note": sent.note, "map": sent.map}
    commands = [Command("case.migrate", each.id, body, expects=each.version) for each in sent.cases]
    taken = await ask.hub.commit(commands, ask.actor.id, key=ask.key, atomic=False)
    items = await run_in_threadpool(told, ask, scope, list(taken.outcomes))
    refused = sum("problem" in each for each in items)
    return {"outcomes": items, "done": len(items) - refused, "refused": refused, "seq": taken.seq, "at": taken.at}


ROUTES = (
    Route(method="POST", path="/api/v1/flows/{flow}/moves/preview", permission="view:cases", handle=preview,
          summary="What moving open cases to another version would do; writes nothing", query=MovesQuery, body=Version),
    Route(method="POST", path="/api/v1/flows/{flow}/moves", permission="case.act:migrate", handle=move,
          summary="Move open cases to another version of their flow", body=Moves, status=MULTI_STATUS),
)  # fmt: skip
