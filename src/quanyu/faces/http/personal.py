"""Personal data: opened for a stated purpose, written down, and shown to the person who is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from quanyu.assembly import Hub
from quanyu.assembly.personal import read_personal, readings
from quanyu.faces.http.cases import get_case
from quanyu.faces.http.city import Formatted
from quanyu.faces.http.route import SIGNED_IN, Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Missing

SEALED_TITLE: Final = "title"
"""Sealed beside a reporter's name only where a case keeps nothing of a person in clear."""

REFERENCE: Final = "personal:"


def reporter(ask: Ask) -> dict[str, Any]:
    """Name and telephone of who reported a case; needs the header Quanyu-Purpose, and leaves a record.

    Of a case that seals what it tells of a person: its title and words too, and under `said` what each action wrote.
    """
    case = get_case(ask, ask.scope)
    reference = case.get("reporter")
    if reference is None:
        raise Missing(
            f"Case {ask.path('id')[:200]} names no reporter.",
            code="case.reporter",
            where="id",
            remedy="The case was reported without a name, or by a rule.",
        )
    ask.hub.access.check_personal(ask.actor, "view:cases")
    hub = cast(Hub, ask.hub)
    found = read_personal(hub, str(reference), ask.actor.id, ask.purpose)
    opened: dict[str, Any] = {"reporter": reference, "purpose": ask.purpose, **found}
    if SEALED_TITLE in found:
        opened["said"] = [
            {"seq": seq, **read_personal(hub, each, ask.actor.id, ask.purpose)} for seq, each in sealed_in(case)
        ]
    return opened


def sealed_in(case: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the references into the vault that the actions of a case name, oldest first, each once."""
    seen: set[str] = set()
    for action in case["actions"]:
        for value in action["fields"].values():
            if isinstance(value, str) and value.startswith(REFERENCE) and value not in seen:
                seen.add(value)
                yield action["seq"], value


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
