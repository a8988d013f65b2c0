"""The city's mode: normal or emergency, proposed by one person, set by another, lifted with a reason."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.staff import names_of
from quanyu.kernel.journal import Command


class Proposal(msgspec.Struct, forbid_unknown_fields=True):
    """An emergency for a district's code, or the whole city, for so many hours."""

    reason: str
    hours: float
    area: str = ""
    incident: str | None = None


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: str


def mode(ask: Ask) -> dict[str, Any]:
    """The mode that stands, what is proposed, and what an emergency changes."""
    return _document(ask)


async def propose(ask: Ask) -> dict[str, Any]:
    """Propose an emergency; a second person sets it."""
    return await _sent(ask, Command("mode.propose", "", msgspec.to_builtins(ask.body)))


async def set_(ask: Ask) -> dict[str, Any]:
    """Set an emergency that somebody else proposed."""
    return await _sent(ask, Command("mode.set", ask.path("id"), {}))


async def lift(ask: Ask) -> dict[str, Any]:
    """Lift an emergency, or take a proposal back."""
    return await _sent(ask, Command("mode.lift", ask.path("id"), {"reason": ask.body.reason}))


async def _sent(ask: Ask, command: Command) -> dict[str, Any]:
    taken = await ask.hub.commit([command], ask.actor.id, key=ask.key)
    document = await run_in_threadpool(_document, ask)
    return {"id": taken.outcomes[0].subject, "seq": taken.seq, "at": taken.at, **document}


def _document(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] = ask.hub.emergency.document()
    people = (each.get(f"{word}_by") for each in found["modes"] for word in ("proposed", "set"))
    return found | {"names": names_of(ask.hub, people)}


ROUTES = (
    Route(method="GET", path="/api/v1/mode", permission="view:city", handle=mode, summary="The city's mode"),
    Route(method="POST", path="/api/v1/mode", permission="mode.propose", handle=propose,
          summary="Propose an emergency", body=Proposal, status=201),
    Route(method="POST", path="/api/v1/mode/{id}/set", permission="mode.set", handle=set_,
          summary="Set an emergency that somebody else proposed"),
    Route(method="POST", path="/api/v1/mode/{id}/lift", permission="mode.lift", handle=lift,
          summary="Lift an emergency", body=Reason),
)  # fmt: skip
