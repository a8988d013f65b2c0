"""Personal data: opened for a stated purpose, written down, and shown to the person who is read."""

from __future__ import annotations

from typing import Any, cast

from quanyu.assembly import Hub
from quanyu.assembly.personal import read_personal, readings
from quanyu.faces.http.cases import get_case
from quanyu.faces.http.city import Formatted
from quanyu.faces.http.route import SIGNED_IN, Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Missing


def reporter(ask: Ask) -> dict[str, Any]:
    """Name and telephone of who reported a case; needs the header Quanyu-Purpose, and leaves a record."""
    reference = get_case(ask, ask.scope).get("reporter")
    if reference is None:
        raise Missing(
            f"Case {ask.path('id')[:200]} names no reporter.",
            code="case.reporter",
            where="id",
            remedy="The case was reported without a name, or by a rule.",
        )
    ask.hub.access.check_personal(ask.actor, "view:cases")
    found = read_personal(cast(Hub, ask.hub), str(reference), ask.actor.id, ask.purpose)
    return {"reporter": reference, "purpose": ask.purpose, **found}


def who_read_me(ask: Ask) -> Listing:
    """Who read my personal data, when and why."""
    return Listing(readings(cast(Hub, ask.hub), ask.actor.id), name="readings")


def who_read(ask: Ask) -> Listing:
    """Who read a person's data, for those who answer for it."""
    return Listing(readings(cast(Hub, ask.hub), ask.path("id")), name="readings")


ROUTES = (
    Route(method="GET", path="/api/v1/cases/{id}/reporter", permission="view:cases", handle=reporter,
          summary="Who reported a case"),
    Route(method="GET", path="/api/v1/me/readings", permission=SIGNED_IN, handle=who_read_me,
          summary="Who read my data", query=Formatted),
    Route(method="GET", path="/api/v1/people/{id}/readings", permission="view:journal", handle=who_read,
          summary="Who read a person's data", query=Formatted),
)  # fmt: skip
