"""What the city holds of whoever signed in, from which register and as of when, and who read it: no values, but a trail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from starlette.responses import Response

from quanyu.assembly import Hub
from quanyu.assembly.personal import readings
from quanyu.faces.web.do import bar_of, moved
from quanyu.faces.web.following import unit_name
from quanyu.faces.web.page import Visit
from quanyu.faces.web.sitting import sitting_of

READINGS_MAX: Final = 50
PROOFS: Final[Mapping[str, str]] = {
    "signed_in": "do.known_by_signed_in",
    "document": "do.known_by_document",
    "simulated": "do.known_by_simulated",
    "hub": "do.known_by_hub",
    "register": "do.known_by_register",
}
"""How a subject was proven, as cases write it; whatever else stands in a record is shown as it was said."""


async def show(visit: Visit) -> Response:
    """Show what is held of the subjects of this sitting and who read it; whoever has not signed in is asked to."""
    sitting = sitting_of(visit)
    if not sitting.subjects:
        return moved(visit, "/do/sign-in")
    return await asyncio.to_thread(_show, visit)


def _show(visit: Visit) -> Response:
    hub, sitting = cast(Hub, visit.hub), sitting_of(visit)
    assert hub.views.registers is not None, "a hub with pages has registers"
    held = [
        {**line, "title": _title(visit, str(line["element"])), "kept_by": _keeper(visit, str(line["register"]))}
        for subject in sitting.subjects
        for line in hub.views.registers.shelf(subject)
    ]
    read = [_reading(visit, each) for subject in sitting.subjects for each in readings(hub, subject)]
    read.sort(key=lambda each: int(each["at"]), reverse=True)
    return visit.page("do_known.html", **bar_of(visit, sitting), held=held, read_by=read[:READINGS_MAX])


def _title(visit: Visit, element: str) -> str:
    found = visit.hub.forms.elements.get(element)
    return element if found is None else found.title.of(visit.words.language)


def _keeper(visit: Visit, register: str) -> str:
    found = visit.hub.forms.registers.get(register)
    return "" if found is None else unit_name(visit.hub.city, found.owner, visit.words)


def _reading(visit: Visit, each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": each["at"],
        "who": _who(visit, str(each["actor"])),
        "purpose": _purpose(visit, str(each["purpose"])),
        "proof": ", ".join(_proof(visit, word) for word in str(each.get("proof", "")).split(", ") if word),
        "elements": [_title(visit, str(id)) for id in each.get("elements", ())],
    }


def _purpose(visit: Visit, purpose: str) -> str:
    """Return a purpose in the visitor's language; those of forms are kept as `zh · en`."""
    zh, _, en = purpose.partition(" · ")
    return en if en and visit.words.language == "en" else zh


def _proof(visit: Visit, word: str) -> str:
    return visit.words(PROOFS[word]) if word in PROOFS else word


def _who(visit: Visit, actor: str) -> str:
    """Say which office read, not which person: the hub's records say that to those who answer for it."""
    if actor.startswith("person:"):
        grants = visit.hub.access.grants(actor)
        units = [grant.unit for grant in grants if grant.unit]
        return unit_name(visit.hub.city, units[0], visit.words) if units else visit.words("do.known_officer")
    return visit.words("do.known_yourself" if actor.startswith("citizen:") else "do.known_hub")
