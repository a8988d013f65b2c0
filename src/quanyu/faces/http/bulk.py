"""One action each on several cases: every case has its own outcome, and a refusal of one holds up no other."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.faces.http import problem
from quanyu.faces.http.cases import FileRef, summary
from quanyu.faces.http.evidence import judged
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import shown
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Outcome
from quanyu.kernel.view import Filter

ACTIONS_MAX = 100
"""Actions in one call; whoever has more sends them in turns and sees how far they are."""

MULTI_STATUS = 207


class BulkAction(msgspec.Struct, forbid_unknown_fields=True):
    """One action on one case; `version` is the one that the sender saw, `step` the branch that is meant of several."""

    id: Annotated[str, msgspec.Meta(max_length=200)]
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    version: int | None = None
    note: str = ""
    fields: dict[str, Any] = {}
    files: list[FileRef] = []
    step: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class BulkActions(msgspec.Struct, forbid_unknown_fields=True):
    """Actions on several cases, done in their order."""

    actions: Annotated[list[BulkAction], msgspec.Meta(min_length=1, max_length=ACTIONS_MAX)]


async def act_on_several(ask: Ask) -> dict[str, Any]:
    """Take one action on each of several cases; the answer has one outcome per action, in the order sent."""
    sent: list[BulkAction] = ask.body.actions
    scope = ask.scope_of("view:cases")
    outcomes: list[dict[str, Any] | None] = []
    commands: list[Command] = []
    for each in sent:
        try:
            commands.append(await run_in_threadpool(_command, ask, each))
            outcomes.append(None)
        except QuanyuError as error:
            outcomes.append(_refused(ask, each.id, error))
    made: list[Outcome] = []
    seq, at = 0, ask.hub.clock.now()
    if commands:
        taken = await ask.hub.commit(commands, ask.actor.id, key=ask.key, atomic=False)
        made, seq, at = list(taken.outcomes), taken.seq, taken.at
    answered = await run_in_threadpool(told, ask, scope, made)
    answers = iter(answered)
    items = [next(answers) if each is None else each for each in outcomes]
    refused = sum("problem" in each for each in items)
    return {"outcomes": items, "done": len(items) - refused, "refused": refused, "seq": seq, "at": at}


def _command(ask: Ask, each: BulkAction) -> Command:
    ask.hub.access.check(ask.actor, "case.act", each.action)
    files = judged(ask.hub, each.files)
    body = {"action": each.action, "note": each.note, "fields": each.fields, "files": files}
    body |= {"step": each.step} if each.step else {}
    return Command("case.act", each.id, body, expects=each.version)


def _refused(ask: Ask, id: str, error: Exception) -> dict[str, Any]:
    said = problem.outcome(error, ask.request.url.path) or {}
    return {"id": id, "status": said["status"], "problem": said}


def told(ask: Ask, scope: Filter, made: list[Outcome]) -> list[dict[str, Any]]:
    """Return what became of each command: the case as the actor sees it now, or the refusal."""
    answers = []
    for each in made:
        if each.error is not None:
            answers.append(_refused(ask, each.subject, each.error))
            continue
        found = ask.hub.views.cases.find(each.subject, scope)
        # Who hands a case on may lose sight of it: the outcome still says that it was done.
        case = None if found is None else shown(summary(found), ask.zone)
        answers.append({"id": each.subject, "status": 200, "seq": each.seqs[0], "case": case})
    return answers


ROUTES = (
    Route(method="POST", path="/api/v1/cases/actions", permission="case.act:*", handle=act_on_several,
          summary="Take one action on each of several cases", body=BulkActions, status=MULTI_STATUS),
)  # fmt: skip
