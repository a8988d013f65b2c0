"""Services: what people may apply for, how much of it there is, and what each step of a process costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from quanyu.faces.http.route import SIGNED_IN, Ask, Route
from quanyu.faces.http.shown import Listing
from quanyu.kernel.errors import Missing
from quanyu.kernel.view import CaseQuery

DAY_US: Final = 86_400_000_000


class ServicesQuery(msgspec.Struct):
    """Which services: those of one life cycle or stage, or whose words hold a text."""

    life: str | None = None
    stage: str | None = None
    text: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    format: Literal["json", "csv"] = "json"


class ProcessQuery(msgspec.Struct):
    """Cases of how many days back, and the step to leave out."""

    days: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 90
    without: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    format: Literal["json", "csv"] = "json"


def services(ask: Ask) -> dict[str, Any] | Listing:
    """Stages of the two life cycles, bundles and items, with what each form fetches and what it asks; the items as CSV."""
    known, sought = ask.hub.catalogue.services(), ask.query
    found = [each for each in known["services"] if _meant(each, sought)]
    if sought.format == "csv":
        return Listing([_row(each) for each in found], None, name="services")
    return {"lives": known["lives"], "stages": known["stages"], "services": found}


def service(ask: Ask) -> Mapping[str, Any]:
    """One bundle or item."""
    return _find(ask)


def volume(ask: Ask) -> dict[str, Any]:
    """How many applications of each flow stand open, and how many were begun in thirty days, as far as one may see."""
    now, cases = ask.hub.clock.now(), ask.hub.views.cases
    flows = [each["flow"] for each in ask.hub.catalogue.services()["services"] if each["flow"]]
    begun = now - 30 * DAY_US
    return {
        "at": now,
        "flows": {
            flow: {
                "open": cases.count(CaseQuery(list="open", flow=flow), ask.scope),
                "month": cases.count(CaseQuery(list="all", flow=flow, opened_from=begun), ask.scope),
            }
            for flow in flows
        },
    }


def process(ask: Ask) -> dict[str, Any] | Listing:
    """What the steps of a service cost in days and drop-outs; with `without`, past cases as they would have been."""
    found, now = _find(ask), ask.hub.clock.now()
    if found["flow"] is None:
        raise Missing(
            f"Service {found['id']} is handled by no flow here.",
            code="service.no_flow",
            where="id",
            remedy="Its name alone is known; build it with a flow and a form.",
        )
    start = now - ask.query.days * DAY_US
    made = ask.hub.views.cases.process(found["flow"], start, now + 1, ask.scope, ask.query.without)
    titles = {step["name"]: step["title"] for each in ask.hub.catalogue.flows() if each["name"] == found["flow"]
              for step in each["steps"]}  # fmt: skip
    for step in made["steps"]:
        step["title"] = titles.get(step["step"])
    if ask.query.format == "csv":
        return Listing(made["steps"], None, name=f"process-{found['id']}")
    return {"service": found["id"], "simulated": ask.hub.simulated} | made


def _row(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return a service as a row: how many fields are fetched, and how many are asked."""
    fields = service["fields"]
    plain = {name: service.get(name) for name in ("id", "kind", "title", "life", "stage", "flow", "source", "status")}
    fetched = sum(bool(field["held"]) for field in fields)
    return plain | {"fetched": fetched, "asked": len(fields) - fetched, "offices": len(service["parts"]) or 1}


def _find(ask: Ask) -> Mapping[str, Any]:
    id = ask.path("id")
    known: list[Mapping[str, Any]] = ask.hub.catalogue.services()["services"]
    found = next((each for each in known if each["id"] == id), None)
    if found is None:
        raise Missing(
            f"Service {id[:80]} does not exist.",
            code="service.unknown",
            where="id",
            remedy="List them with GET /api/v1/services.",
        )
    return found


def _meant(service: Mapping[str, Any], query: ServicesQuery) -> bool:
    words = (*service["title"].values(), *service["what"].values())
    return (
        (query.life is None or service["life"] == query.life)
        and (query.stage is None or service["stage"] == query.stage)
        and (query.text is None or any(query.text.lower() in word.lower() for word in words))
    )


ROUTES = (
    Route(method="GET", path="/api/v1/services", permission=SIGNED_IN, handle=services,
          summary="What people may apply for", query=ServicesQuery),
    Route(method="GET", path="/api/v1/services/volume", permission="view:cases", handle=volume,
          summary="How many applications there are"),
    Route(method="GET", path="/api/v1/services/{id}", permission=SIGNED_IN, handle=service, summary="One service"),
    Route(method="GET", path="/api/v1/services/{id}/process", permission="view:cases", handle=process,
          summary="What the steps of a service cost", query=ProcessQuery),
)  # fmt: skip
