"""Applications over HTTP: started, filled in, handed in, mended and withdrawn by an officer for whoever applies."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal, cast

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.assembly import Hub
from quanyu.assembly.applications import Draft, Reader, look
from quanyu.engines.cases.office import CODE_ALPHABET, CODE_LENGTH
from quanyu.faces.http.cases import FileRef, get_case
from quanyu.faces.http.evidence import judged
from quanyu.faces.http.forms import document
from quanyu.faces.http.route import Ask, Route, expected_version
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import APPLICANT
from quanyu.kernel.journal import Command
from quanyu.kernel.view import CaseQuery

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class StartBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is applied for, for whom; a subject is named only with the identity document that was seen."""

    flow: Text
    title: dict[Literal["zh", "en"], Text] | None = None
    item: Text | None = None
    subjects: Annotated[list[Text], msgspec.Meta(max_length=2)] = []
    document: Text | None = None
    channel: Literal["counter", "phone"] = "counter"


class AnswersBody(msgspec.Struct, forbid_unknown_fields=True):
    """Answers by question; null empties one. `version` is the one that the sender saw."""

    answers: Annotated[dict[str, Any], msgspec.Meta(max_length=60)]
    files: list[FileRef] = []
    version: int | None = None


class HandInBody(msgspec.Struct, forbid_unknown_fields=True):
    """Hands the form in, or what mends it; a note goes along."""

    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    files: list[FileRef] = []
    version: int | None = None


class WithdrawBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why the applicant withdraws, if they say so."""

    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    version: int | None = None


class OwnBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whose list, which identity document was seen, and which part of it: words or a number, after a page before."""

    subject: Text
    document: Text
    text: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    waiting: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    after: Text | None = None


async def own(ask: Ask) -> dict[str, Any]:
    """A person's or firm's applications, offers and benefits, newest first; `waiting` leaves those that wait for them.

    For an officer who has seen a document; that they looked is written down first, and the subject sees it.
    """
    sent: OwnBody = ask.body
    ask.hub.access.check_personal(ask.actor, "view:cases")
    command, key = look(sent.subject, sent.document, ask.hub.machine())
    await ask.hub.commit([command], ask.actor.id, key=key)
    scope = msgspec.structs.replace(ask.scope, subjects=frozenset({sent.subject}))
    mine = CaseQuery(list="all", sort="opened", text=sent.text, limit=sent.limit, after=sent.after)
    query = msgspec.structs.replace(mine, list="open", role=APPLICANT) if sent.waiting else mine
    page = await run_in_threadpool(ask.hub.views.cases.own, query, scope)
    count = await run_in_threadpool(ask.hub.views.cases.count, query, scope)
    return {"items": page.items, "count": count, "after": page.after}


async def start(ask: Ask) -> dict[str, Any]:
    """Open an application: number and code let it go on at a counter, by telephone and on the citizen pages."""
    sent: StartBody = ask.body
    flow = next((each for each in ask.hub.catalogue.flows() if each["name"] == sent.flow), None)
    if flow is None or not any(step.get("form") for step in flow["steps"]):
        raise Invalid(
            f"Nobody applies with the flow {sent.flow!r}.",
            code="application.flow",
            where="flow",
            remedy="Name a flow whose first step has a form; GET /api/v1/flows lists them.",
        )
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    body: dict[str, Any] = {"flow": sent.flow, "title": sent.title or dict(flow["title"]), "class": sent.item,
                            "channel": sent.channel, "code": code, "severity": "info"}  # fmt: skip
    if sent.subjects:
        body |= {"subjects": sent.subjects, "document": sent.document}
    taken = await ask.hub.commit([Command("case.open", "", body)], ask.actor.id, key=ask.key)
    id = taken.outcomes[0].subject
    return {"id": id, "number": id.rpartition(":")[2], "code": code, "seq": taken.seq, "at": taken.at}


def draft(ask: Ask) -> dict[str, Any]:
    """The form as it stands, page by page, with what registers hold; answers are opened for the form's purpose."""
    found, case = _draft(ask)
    shown: dict[str, Any] = {"id": case["id"], "number": case["number"], "version": case["version"],
                             "state": case["state"], "step": case["step"], "form": None}  # fmt: skip
    return shown if found is None else shown | {"form": document(found.compiled)}


def _draft(ask: Ask) -> tuple[Draft | None, dict[str, Any]]:
    ask.hub.access.check_personal(ask.actor, "view:cases")
    case = get_case(ask, ask.scope)
    if case["application"] is None:
        raise Invalid(
            f"Case {case['number']} is no application.",
            code="application.none",
            where="id",
            remedy="Look at it with GET /api/v1/cases/{id}.",
        )
    language: Literal["zh", "en"] = "en" if ask.actor.language == "en" else "zh"
    reader = Reader(ask.actor.id, ask.scope, officer=True)
    return cast(Hub, ask.hub).applications.read(case, reader, language), case


async def save(ask: Ask) -> dict[str, Any]:
    """Keep answers; each is judged, and all that is wrong is named at once."""
    sent: AnswersBody = ask.body
    return await _act(ask, {"action": "save", "fields": sent.answers}, sent.files, sent.version)


async def hand_in(ask: Ask) -> dict[str, Any]:
    """Hand the form in, or the correction of one; everything that is missing is named at once."""
    sent: HandInBody = ask.body
    scope = ask.scope_of("view:cases")
    found = await run_in_threadpool(ask.hub.views.cases.find, ask.path("id"), scope)
    step = found["step"] if found is not None else None
    return await _act(ask, {"action": step or "fill", "note": sent.note}, sent.files, sent.version)


async def withdraw(ask: Ask) -> dict[str, Any]:
    """Withdraw the application at the applicant's wish, while nothing is decided."""
    sent: WithdrawBody = ask.body
    return await _act(ask, {"action": "withdraw", "note": sent.note}, [], sent.version)


async def _act(ask: Ask, body: dict[str, Any], files: list[FileRef], version: int | None) -> dict[str, Any]:
    ask.hub.access.check(ask.actor, "case.act", str(body["action"]))
    if files:
        body["files"] = await run_in_threadpool(judged, ask.hub, files)
    command = Command("case.act", ask.path("id"), body, expects=expected_version(ask.request, version))
    taken = await ask.hub.commit([command], ask.actor.id, key=ask.key)
    return {"id": ask.path("id"), "seq": taken.seq, "at": taken.at}


def receipt(ask: Ask) -> dict[str, Any]:
    """What was handed in and compared, what happens next, and by when."""
    case = get_case(ask, ask.scope)
    application = case["application"] or {}
    return {
        "id": case["id"],
        "number": case["number"],
        "title": case["title"],
        "state": case["state"],
        "outcome": case["outcome"],
        "handed_in": application.get("handed_in", []),
        "next": [{"step": each["name"], "title": each["title"]} for each in case["steps"]
                 if each["state"] in ("current", "todo") and each["kind"] in ("user", "manual", "receive")],
        "offices": [{"title": each["title"], "unit": each["unit"], "due_at": each["due_at"]} for each in case["tokens"]],
        "begun": case["begun"],
        "due_at": case["due_at"],
        "latest_certain_day": case["latest_certain_day"],
    }  # fmt: skip


ROUTES = (
    Route(method="POST", path="/api/v1/applications", permission="case.open", handle=start,
          summary="Start an application", body=StartBody, status=201),
    Route(method="POST", path="/api/v1/applications/own", permission="view:cases", handle=own,
          summary="What is a person's or firm's own", body=OwnBody),
    Route(method="GET", path="/api/v1/applications/{id}", permission="view:cases", handle=draft,
          summary="The form of an application as it stands"),
    Route(method="POST", path="/api/v1/applications/{id}/answers", permission="case.act:*", handle=save,
          summary="Keep answers of an application", body=AnswersBody),
    Route(method="POST", path="/api/v1/applications/{id}/hand-in", permission="case.act:*", handle=hand_in,
          summary="Hand an application or its correction in", body=HandInBody),
    Route(method="POST", path="/api/v1/applications/{id}/withdraw", permission="case.act:*", handle=withdraw,
          summary="Withdraw an application", body=WithdrawBody),
    Route(method="GET", path="/api/v1/applications/{id}/receipt", permission="view:cases", handle=receipt,
          summary="Receipt of an application"),
)  # fmt: skip
