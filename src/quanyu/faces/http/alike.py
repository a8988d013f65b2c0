"""Reports of one matter: candidates before a case is opened, beside a case, and pairs that somebody should judge."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from quanyu.faces.http.cases import Place, get_case
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Unsupported
from quanyu.kernel.view import Alike, Sketch


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """A report as far as it is written."""

    flow: str
    text: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    category: str | None = msgspec.field(default=None, name="class")
    place: Place | None = None


class PairsQuery(msgspec.Struct):
    """Pages of suggestions."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: str | None = None


def _alike(ask: Ask) -> Alike:
    view: Alike | None = ask.hub.views.alike
    if view is None:
        raise Unsupported("This home takes no reports.", code="alike.none", remedy="Ask the city's own home.")
    return view


def sketched(ask: Ask) -> list[dict[str, Any]]:
    """Open cases that may be what a report tells, best first; nothing is written."""
    draft: Draft = ask.body
    place = draft.place or Place()
    sketch = Sketch(
        flow=draft.flow, text=draft.text, category=draft.category, lon=place.lon, lat=place.lat,
        district=place.district, address=place.address or "",
    )  # fmt: skip
    return _alike(ask).near(sketch, ask.scope)


def beside(ask: Ask) -> dict[str, Any]:
    """What may be the same as a case, what was suggested, and the outbreak that it belongs to."""
    return _alike(ask).of(get_case(ask, ask.scope)["id"], ask.scope)


def pairs(ask: Ask) -> Listing:
    """Pairs of reports that may be about one matter and that nobody has judged yet, newest first."""
    page = _alike(ask).suggestions(ask.scope, ask.query.after, ask.query.limit)
    return Listing(page.items, page.after, None, "alike")


ROUTES = (
    Route(method="GET", path="/api/v1/cases/alike", permission="view:cases", handle=pairs,
          summary="Pairs of reports that may be about one matter", query=PairsQuery),
    Route(method="POST", path="/api/v1/cases/alike", permission="view:cases", handle=sketched,
          summary="Open cases that may be what a report tells", body=Draft),
    Route(method="GET", path="/api/v1/cases/{id}/alike", permission="view:cases", handle=beside,
          summary="What may be the same as a case"),
)  # fmt: skip
