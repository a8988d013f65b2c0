"""What is being done: cases, their lists, and the actions people take on them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.faces.http.city import Formatted
from quanyu.faces.http.entities import numbers
from quanyu.faces.http.evidence import judged
from quanyu.faces.http.route import Ask, Route, expected_version
from quanyu.faces.http.shown import Listing, shown
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import CaseQuery, Filter

SUMMARY_LEAVES_OUT = frozenset({"actions", "findings", "steps", "next"})


class CasesQuery(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """Filters of the case list; `from` and `to` bound the opening."""

    list: Literal[
        "open", "mine", "returned", "approvals", "waiting", "overdue", "unanswered", "bank", "calendar", "closed", "all"
    ] = "open"
    kind: str | None = None
    flow: str | None = None
    state: str | None = None
    unit: str | None = None
    place: str | None = None
    asset: str | None = None
    text: str | None = None
    historical: bool | None = None
    start: str | None = None
    end: str | None = None
    box: str | None = None
    sort: Literal["due", "opened", "oldest"] = "due"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    after: str | None = None
    count: bool = False
    format: str = "json"


class Place(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where it is, in degrees, with district code and address."""

    lon: float | None = None
    lat: float | None = None
    district: str | None = None
    grid: str | None = None
    address: str | None = None


class FileRef(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A file that was sent before."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    type: str
    name: str | None = None


class Reporter(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Who reported it; goes to the vault."""

    name: str | None = None
    phone: str | None = None


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A matter brought to the counter or written down at the console."""

    flow: str
    kind: str | None = None
    title: dict[Literal["zh", "en"], str] | None = None
    text: str = ""
    severity: Literal["info", "yellow", "orange", "red"] = "yellow"
    place: Place | None = None
    asset: str | None = None
    asset_type: str | None = None
    category: str | None = msgspec.field(default=None, name="class")
    reporter: Reporter | None = None
    channel: Literal["console", "counter", "phone"] = "counter"
    files: list[FileRef] = []


class Action(msgspec.Struct, forbid_unknown_fields=True):
    """One action on a case; `version` is the one that the sender saw, `step` the branch that is meant of several."""

    action: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    version: int | None = None
    note: str = ""
    fields: dict[str, Any] = {}
    files: list[FileRef] = []
    step: Annotated[str, msgspec.Meta(max_length=200)] | None = None


def case_query(asked: CasesQuery) -> CaseQuery:
    """Return the view's query; Invalid names what cannot be read."""

    def at(text: str | None, where: str) -> Instant | None:
        return parse_instant(text, where=where) if text else None

    return CaseQuery(
        list=asked.list,
        kind=asked.kind,
        flow=asked.flow,
        state=asked.state,
        unit=asked.unit,
        place=asked.place,
        asset=asked.asset,
        text=asked.text,
        historical=asked.historical,
        opened_from=at(asked.start, "from"),
        opened_to=at(asked.end, "to"),
        box=numbers(asked.box, 4, "box"),  # type: ignore[arg-type]
        sort=asked.sort,
        limit=asked.limit,
        after=asked.after,
    )


def cases(ask: Ask) -> Listing:
    """Case summaries: time left first, or newest first."""
    query, view = case_query(ask.query), ask.hub.views.cases
    page = view.query(query, ask.scope)
    return Listing(page.items, page.after, view.count(query, ask.scope) if ask.query.count else None, "cases")


def lists(ask: Ask) -> dict[str, int]:
    """How many cases stand in each list of the actor."""
    counted: dict[str, int] = ask.hub.views.cases.lists(ask.scope)  # type: ignore[attr-defined]
    return counted


def bank(ask: Ask) -> Listing:
    """The problem bank by unit: how many cases, how many past their review date, since when the oldest is open."""
    return Listing(ask.hub.views.cases.bank(ask.scope), name="bank")  # type: ignore[attr-defined]


def get_case(ask: Ask, scope: Filter) -> dict[str, Any]:
    """Return a case that the actor may see; Missing whether it does not exist or is not theirs to see."""
    id_ = ask.path("id")
    found = ask.hub.views.cases.find(id_, scope)
    if found is None:
        raise Missing(
            f"Case {id_[:200]} does not exist.",
            code="case.missing",
            where="id",
            remedy="Look it up with GET /api/v1/cases.",
        )
    return found


def case(ask: Ask) -> dict[str, Any]:
    """A case with its actions, its clock and what the actor may do next."""
    return named(ask, get_case(ask, ask.scope))


def named(ask: Ask, found: dict[str, Any]) -> dict[str, Any]:
    """Put the names of staff beside their ids; a person who was erased keeps the id alone."""
    names: dict[str, str] = {}
    for action in found["actions"]:
        actor = action["actor"]
        if not action.get("actor_name") and actor.startswith("person:"):
            if actor not in names:
                names[actor] = (ask.hub.access.find_person(actor) or {}).get("name", "")
            action["actor_name"] = names[actor] or None
    return found


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """Return the short form of a case, as lists and events show it."""
    short = {name: value for name, value in document.items() if name not in SUMMARY_LEAVES_OUT}
    short.setdefault("finding_count", len(document.get("findings") or ()))
    return short


async def open_case(ask: Ask) -> dict[str, Any]:
    """Open a case for a matter that somebody brings."""
    # The default here is the counter; the engine's own default is another, so it is always said.
    body = {**msgspec.to_builtins(ask.body), "channel": ask.body.channel}
    if ask.body.files:
        body["files"] = await run_in_threadpool(judged, ask.hub, ask.body.files)
    taken = await ask.hub.commit([Command("case.open", "", body)], ask.actor.id, key=ask.key)
    return {"id": taken.outcomes[0].subject, "seq": taken.seq, "at": taken.at}


async def act(ask: Ask) -> dict[str, Any]:
    """Take an action on a case; what the flow does not allow now is refused with what it does allow."""
    sent: Action = ask.body
    ask.hub.access.check(ask.actor, "case.act", sent.action)
    scope = ask.scope_of("view:cases")
    files = await run_in_threadpool(judged, ask.hub, sent.files) if sent.files else []
    body = {"action": sent.action, "note": sent.note, "fields": sent.fields, "files": files}
    body |= {"step": sent.step} if sent.step else {}
    expects = expected_version(ask.request, sent.version)
    command = Command("case.act", ask.path("id"), body, expects=expects)
    taken = await ask.hub.commit([command], ask.actor.id, key=ask.key)
    found = await run_in_threadpool(ask.hub.views.cases.find, ask.path("id"), scope)
    # Who hands a case on may lose sight of it: the receipt still says that it was done.
    return {"case": None if found is None else shown(named(ask, found), ask.zone), "seq": taken.seq, "at": taken.at}


ROUTES = (
    Route(method="GET", path="/api/v1/cases", permission="view:cases", handle=cases, summary="Cases",
          query=CasesQuery),
    Route(method="POST", path="/api/v1/cases", permission="case.open", handle=open_case, summary="Open a case",
          body=Entry, status=201),
    Route(method="GET", path="/api/v1/cases/lists", permission="view:cases", handle=lists,
          summary="How many cases stand in each list"),
    Route(method="GET", path="/api/v1/cases/bank", permission="view:cases", handle=bank,
          summary="The problem bank by unit", query=Formatted),
    Route(method="GET", path="/api/v1/cases/{id}", permission="view:cases", handle=case, summary="One case"),
    Route(method="POST", path="/api/v1/cases/{id}/actions", permission="case.act:*", handle=act,
          summary="Take an action on a case", body=Action),
)  # fmt: skip
