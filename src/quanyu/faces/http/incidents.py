"""Incidents: declared, graded, answered, commanded, and told in the end; the steps of their cases are case actions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from quanyu.faces.http import incident_page
from quanyu.faces.http.cases import Place
from quanyu.faces.http.incident_report import report_document
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import Listing, shown
from quanyu.faces.http.staff import names_of
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class NewIncident(msgspec.Struct, forbid_unknown_fields=True):
    """An incident: its kind, what is known, where, and the alarm or case that it came from."""

    kind: str
    text: Text
    title: dict[Literal["zh", "en"], str] | None = None
    severity: Literal["info", "yellow", "orange", "red"] = "orange"
    place: Place | None = None
    source: str | None = None


class Declaration(msgspec.Struct, forbid_unknown_fields=True):
    """What kind of incident a case is; `why` where it was declared as another kind before."""

    kind: str
    source: str | None = None
    why: str = ""


class Figures(msgspec.Struct, forbid_unknown_fields=True):
    """Figures by measure, and who says so."""

    values: dict[str, float]
    source: str
    note: str = ""


class LevelBody(msgspec.Struct, forbid_unknown_fields=True):
    """The level to put in force; `seen` is the `moves` of the incident that was read."""

    level: int
    why: str
    seen: int


class ResponseBody(msgspec.Struct, forbid_unknown_fields=True):
    """A response as it is announced; `seen` is the `issues` of the incident that was read."""

    level: int
    matter: str
    hours: float
    measures: list[str]
    seen: int


class LiftBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why the response is over."""

    why: str
    seen: int


class PlanBody(msgspec.Struct, forbid_unknown_fields=True):
    """The plan to activate."""

    plan: str


class OrderBody(msgspec.Struct, forbid_unknown_fields=True):
    """An order to a unit."""

    unit: str
    text: Text


class ResourceBody(msgspec.Struct, forbid_unknown_fields=True):
    """A resource: an entity's id or a name, whose it is, and how many."""

    resource: str
    unit: str
    count: float = 1


class ReturnBody(msgspec.Struct, forbid_unknown_fields=True):
    """The number of a resource that is given back."""

    number: int
    note: str = ""


class NoteBody(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the command log."""

    text: str


class WarningBody(msgspec.Struct, forbid_unknown_fields=True):
    """The warning that belongs to the incident."""

    warning: str


class FunctionBody(msgspec.Struct, forbid_unknown_fields=True):
    """A function of the city: an attribute of an entity with its normal value."""

    entity: str
    attribute: str
    normal: float
    zh: str
    en: str


class FunctionsBody(msgspec.Struct, forbid_unknown_fields=True):
    """All functions whose return is followed."""

    functions: list[FunctionBody]


class ReportQuery(msgspec.Struct):
    """How a report is wanted: as JSON or as a page to print."""

    format: Literal["json", "html"] = "json"
    lang: Literal["zh", "en"] | None = None


class CurveQuery(msgspec.Struct):
    """How a curve is wanted: as JSON, or one function as a picture."""

    format: Literal["json", "svg"] = "json"
    function: int = 0
    lang: Literal["zh", "en"] | None = None


def kinds(ask: Ask) -> Listing:
    """Kinds of incidents, with what grades them."""
    return Listing(ask.hub.incidents.view.kinds(), name="incident-kinds")


def warned(ask: Ask, found: dict[str, Any]) -> dict[str, Any]:
    """Lay in the warnings of an incident (those that were issued, drafts for whoever may see them) and names of staff."""
    views, drafts = ask.hub.warnings.views, ask.hub.access.may(ask.actor, "view:warnings")
    linked = [ask.hub.warnings.get(id_) for id_ in (found.get("incident") or {}).get("warnings", ())]
    shown_ = [each for each in linked if drafts or each.published_at is not None]
    if found.get("ending"):
        role = ask.hub.access.roles.get(str(found["ending"]["next"]["role"]))
        found["ending"]["next"]["role_title"] = None if role is None else dict(role.title)
    names = names_of(ask.hub, (line["actor"] for line in found["log"]))
    return found | {"warnings": [views.summary(each) | {"reach": views.reach(each)} for each in shown_], "names": names}


def find(ask: Ask) -> dict[str, Any]:
    """Return an incident that the actor may see; Missing whether it does not exist or is not theirs to see."""
    id_ = ask.path("id")
    found: dict[str, Any] | None = ask.hub.incidents.view.find(id_, ask.scope_of("view:cases"))
    if found is None:
        raise Missing(
            f"Incident {id_[:200]} does not exist.",
            code="incident.missing",
            where="id",
            remedy="Look it up with GET /api/v1/cases?kind=incident.",
        )
    return warned(ask, found)


def incident(ask: Ask) -> dict[str, Any]:
    """An incident with its case, level, response, plan, tasks, reports, resources and log."""
    return find(ask)


def recovery(ask: Ask) -> Any:
    """How the watched functions fell and came back, with sources and gaps; or one of them as a picture."""
    find(ask)
    curves = ask.hub.incidents.view.curves(ask.path("id"))
    if ask.query.format == "json":
        return {"curves": curves}
    if not 0 <= ask.query.function < len(curves):
        raise Missing(
            f"The incident watches no function number {ask.query.function}.",
            code="incident.function_missing",
            where="function",
            remedy="Say which functions are watched first; they are numbered from 0.",
        )
    language = ask.query.lang or ask.actor.language
    text = incident_page.picture(shown(curves[ask.query.function], ask.zone), language)
    return Response(text, 200, {"Cache-Control": "private, no-cache"}, "image/svg+xml")


def report(ask: Ask) -> Any:
    """The after-action report: timeline, clocks met and missed, orders, receipts, figures with their records, lessons."""
    document = report_document(ask.hub, find(ask), ask.actor)
    headers = {"Cache-Control": "private, no-cache"}
    if ask.query.format == "json":
        # As it was sealed, instants as numbers: `quanyu check --dossier` compares it with the journal.
        headers["Content-Disposition"] = f'attachment; filename="after-action-{document["case"]["number"]}.json"'
        return Response(msgspec.json.encode(document), 200, headers, "application/json")
    language = ask.query.lang or ask.actor.language
    text = incident_page.page(shown(document, ask.zone), language)
    return Response(text, 200, headers, "text/html; charset=utf-8")


async def open_incident(ask: Ask) -> dict[str, Any]:
    """Open an incident: its case, its declaration, and the reports and the inquiry that the kind asks for."""
    sent: NewIncident = ask.body
    kind = next((each for each in ask.hub.incidents.view.kinds() if each["kind"] == sent.kind), None)
    if kind is None:
        raise Invalid(
            f"Kind of incident {sent.kind[:60]!r} is not known.",
            code="incident.kind_unknown",
            where="kind",
            remedy="GET /api/v1/incidents/kinds lists them.",
        )
    body: dict[str, Any] = {
        "flow": kind["case"],
        "title": sent.title or {"zh": kind["zh"], "en": kind["en"]},
        "text": sent.text,
        "severity": sent.severity,
        "channel": "incident",
    }
    if sent.place is not None:
        body["place"] = msgspec.to_builtins(sent.place)
    opened = await ask.hub.commit([Command("case.open", "", body)], ask.actor.id, key=ask.key)
    id_ = opened.outcomes[0].subject
    if await run_in_threadpool(ask.hub.incidents.view.get, id_) is None:
        await _send(ask, await run_in_threadpool(ask.hub.incidents.declaration, id_, sent.kind, sent.source, ""))
    return {"id": id_, "seq": opened.seq, "at": opened.at}


async def declare(ask: Ask) -> dict[str, Any]:
    """Say what kind of incident a case is."""
    sent: Declaration = ask.body
    composed = ask.hub.incidents.declaration
    return await _done(ask, await run_in_threadpool(composed, ask.path("id"), sent.kind, sent.source, sent.why))


async def level(ask: Ask) -> dict[str, Any]:
    """Put a level in force; of two at once one wins, and the other is told what is in force."""
    body = msgspec.to_builtins(ask.body)
    return await _done(ask, await run_in_threadpool(ask.hub.incidents.levelling, ask.path("id"), body))


async def plan(ask: Ask) -> dict[str, Any]:
    """Activate a plan: a task for each unit, all at once."""
    return await _done(ask, await run_in_threadpool(ask.hub.incidents.activation, ask.path("id"), ask.body.plan))


async def order(ask: Ask) -> dict[str, Any]:
    """Give a unit an order."""
    title = {"zh": ask.body.text, "en": ask.body.text}
    await run_in_threadpool(find, ask)
    made = await run_in_threadpool(ask.hub.incidents.order, ask.path("id"), ask.body.unit, title, ask.body.text)
    return await _done(ask, [made])


async def warn(ask: Ask) -> dict[str, Any]:
    """Say that a warning belongs to the incident; its reach then stands in the report."""
    warning = await run_in_threadpool(ask.hub.warnings.get, ask.body.warning)
    return await _done(ask, [Command("incident.warn", ask.path("id"), {"warning": warning.id})])


async def lesson(ask: Ask) -> dict[str, Any]:
    """Write down what a unit has to mend: an improvement case with an owner."""
    await run_in_threadpool(find, ask)
    made = await run_in_threadpool(ask.hub.incidents.lesson, ask.path("id"), ask.body.unit, ask.body.text)
    return await _done(ask, [made])


def _one(kind: str, summary: str) -> Callable[[Ask], Coroutine[Any, Any, dict[str, Any]]]:
    """Return the handler of a command whose body is sent as it came."""

    async def handle(ask: Ask) -> dict[str, Any]:
        return await _done(ask, [Command(kind, ask.path("id"), msgspec.to_builtins(ask.body))])

    handle.__doc__ = f"{summary}."
    return handle


async def _send(ask: Ask, commands: Sequence[Command]) -> Any:
    return await ask.hub.commit(commands, ask.actor.id)


async def _done(ask: Ask, commands: Sequence[Command]) -> dict[str, Any]:
    taken = await ask.hub.commit(commands, ask.actor.id, key=ask.key)
    found = await run_in_threadpool(ask.hub.incidents.view.find, ask.path("id"), ask.scope_of("view:cases"))
    if found is not None:
        found = await run_in_threadpool(warned, ask, found)
    return {"incident": found, "seq": taken.seq, "at": taken.at}


_PATH = "/api/v1/incidents/{id}"
_PLAIN = (
    ("figures", "incident.figure", Figures, "Take new figures in; within the window they re-grade"),
    ("response", "incident.respond", ResponseBody, "Start or adjust the response"),
    ("response/lift", "incident.lift", LiftBody, "Lift the response"),
    ("resources", "incident.assign", ResourceBody, "Assign a resource"),
    ("resources/return", "incident.give_back", ReturnBody, "Give a resource back"),
    ("notes", "incident.note", NoteBody, "Write a line into the command log"),
    ("functions", "incident.watch", FunctionsBody, "Say which functions are followed until they are back"),
)

ROUTES = (
    Route(method="GET", path="/api/v1/incidents/kinds", permission="view:cases", handle=kinds,
          summary="Kinds of incidents and what grades them"),
    Route(method="POST", path="/api/v1/incidents", permission="incident.declare", handle=open_incident,
          summary="Open an incident", body=NewIncident, status=201),
    Route(method="GET", path=_PATH, permission="view:cases", handle=incident, summary="One incident"),
    Route(method="POST", path=f"{_PATH}/declare", permission="incident.declare", handle=declare,
          summary="Say what kind of incident a case is", body=Declaration),
    Route(method="POST", path=f"{_PATH}/level", permission="incident.level", handle=level,
          summary="Put a level in force", body=LevelBody),
    Route(method="POST", path=f"{_PATH}/plan", permission="incident.activate", handle=plan,
          summary="Activate a plan", body=PlanBody),
    Route(method="POST", path=f"{_PATH}/orders", permission="incident.order", handle=order,
          summary="Give a unit an order", body=OrderBody),
    Route(method="POST", path=f"{_PATH}/lessons", permission="incident.order", handle=lesson,
          summary="Write down what a unit has to mend", body=OrderBody),
    Route(method="POST", path=f"{_PATH}/warnings", permission="incident.warn", handle=warn,
          summary="Say that a warning belongs to the incident", body=WarningBody),
    Route(method="GET", path=f"{_PATH}/recovery", permission="view:cases", handle=recovery,
          summary="How watched functions fell and came back", query=CurveQuery),
    Route(method="GET", path=f"{_PATH}/report", permission="view:cases", handle=report,
          summary="The after-action report", query=ReportQuery),
    *(Route(method="POST", path=f"{_PATH}/{path}", permission=kind, handle=_one(kind, summary), summary=summary,
            body=body) for path, kind, body, summary in _PLAIN),
)  # fmt: skip
