"""Taking back what was done to several cases at once: all of it or nothing, and the refusal says which part cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool

from quanyu.engines.cases.undoing import INVERSES, inverse_of
from quanyu.faces.http import problem
from quanyu.faces.http.bulk import ACTIONS_MAX, told
from quanyu.faces.http.route import Ask, Route
from quanyu.kernel.errors import Conflict, Missing, QuanyuError
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.time import WallLimit, parse_limit

LIMIT: Final = "bulk_undo_limit"
NOTE: Final = "撤销批量办理 (undo of a bulk action)"

ASIDE: Final = frozenset({"timer", "merged", "separated"})
"""What may follow without changing what is taken back: a light turned amber, another case was put to this one."""


class Undo(msgspec.Struct, forbid_unknown_fields=True):
    """What is taken back: the `seq` of each outcome of a call for several cases."""

    seqs: Annotated[list[int], msgspec.Meta(min_length=1, max_length=ACTIONS_MAX)]
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


async def undo(ask: Ask) -> dict[str, Any]:
    """Take back one's own actions while the limit lasts and nothing followed; one that cannot be refuses them all."""
    scope = ask.scope_of("view:cases")
    commands, faults = await run_in_threadpool(_inverses, ask, ask.body)
    if faults:
        codes = {error.code for _, error in faults}
        said = [{"seq": seq, "problem": problem.outcome(error, ask.request.url.path)} for seq, error in faults]
        raise Conflict(
            f"{len(faults)} of {len(ask.body.seqs)} actions cannot be taken back: {faults[0][1].message}",
            code=codes.pop() if len(codes) == 1 else "case.undo_refused",
            where="body.seqs",
            remedy="Take back the others alone, and mend these one by one.",
            faults=said,
        )
    taken = await ask.hub.commit(commands, ask.actor.id, key=ask.key)
    items = await run_in_threadpool(told, ask, scope, list(taken.outcomes))
    return {"outcomes": items, "done": len(items), "refused": 0, "seq": taken.seq, "at": taken.at}


def _inverses(ask: Ask, asked: Undo) -> tuple[list[Command], list[tuple[int, QuanyuError]]]:
    """Return the inverse of each action, the last one first, and what is wrong with those that have none."""
    commands: list[Command] = []
    faults: list[tuple[int, QuanyuError]] = []
    for seq in sorted(set(asked.seqs), reverse=True):
        try:
            commands.append(_inverse(ask, seq, asked.note or NOTE, asked.seqs))
        except QuanyuError as error:
            faults.append((seq, error))
    # A split writes into the other case, too: it comes behind what is judged by that case's version.
    commands.sort(key=lambda each: each.body["action"] == "split")
    return commands, faults


def _inverse(ask: Ask, seq: int, note: str, others: Sequence[int]) -> Command:
    record = next(iter(ask.hub.journal_read(seq - 1, 1, {"case.acted"})), None)
    if record is None or record.seq != seq or record.actor != ask.actor.id or record.body is None:
        raise Missing(
            f"Record {seq} is no action of yours on a case.",
            code="case.undo_unknown",
            where="body.seqs",
            remedy="Send the `seq` of each outcome that the call for several cases answered.",
        )
    ask.hub.access.check(ask.actor, "case.act", record.body["action"])
    found = inverse_of(record.body)
    if found is None:
        raise Conflict(
            f"Action {record.body['action']!r} on {record.subject} has no inverse.",
            code="case.no_inverse",
            where=f"record {seq}",
            remedy=f"Taken back can be: {', '.join(sorted(INVERSES))}. Act on the case itself.",
        )
    _check_time(ask, record)
    case = ask.hub.views.cases.find(record.subject, ask.scope_of("view:cases"))
    later = [each for each in (case or {}).get("actions", ()) if each["seq"] > seq and each["action"] not in ASIDE]
    if case is None or any(each["seq"] not in others for each in later):
        raise Conflict(
            f"Case {record.subject} has moved on since record {seq}.",
            code="case.undo_moved_on",
            where=f"record {seq}",
            remedy="Look at the case, and act on it itself.",
        )
    action, fields = found
    body = {"action": action, "fields": fields, "note": note}
    body |= {"step": record.body["step"]} if "step" in record.body and action in ("assign", "release") else {}
    # Of several actions on one case the last one is judged by the version that was seen.
    return Command("case.act", record.subject, body, expects=None if later else case["version"], cause=seq)


def _check_time(ask: Ask, record: Record) -> None:
    row = ask.hub.catalogue.in_force(LIMIT, record.at)
    limit = None if row is None else parse_limit(str(row["value"]))
    if not isinstance(limit, WallLimit) or ask.hub.clock.now() - record.at > limit.length_us:
        raise Conflict(
            f"Record {record.seq} is older than {limit or 'what can be taken back here'}.",
            code="case.undo_late",
            where=f"record {record.seq}",
            remedy=f"Act on the case itself; the parameter {LIMIT} says how long.",
        )


ROUTES = (
    Route(method="POST", path="/api/v1/cases/actions/undo", permission="case.act:*", handle=undo,
          summary="Take back what was done to several cases at once", body=Undo),
)  # fmt: skip
