"""My matters: number and code open the way of one matter; its reporter answers, adds, or withdraws the contact data."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from quanyu.faces.web.following import (
    WITHDRAWN,
    contact_kept,
    events_of,
    find_joined,
    find_own,
    plain_note,
    promise_of,
    status_of,
    unit_name,
)
from quanyu.faces.web.form import Posted, new_key, open_key, read_posted
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import LENGTHS, Fault, clean
from quanyu.faces.web.shield import address_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.pace import Pace

PASS_LIFE_US: Final = 30 * 60 * 1_000_000
NUMBER_LENGTH_MAX: Final = 40
BURST: Final = 60
EVERY_S: Final = 1.0
WRONG_BURST: Final = 10
WRONG_EVERY_S: Final = 30.0
"""Wrong codes of one address: many people share one behind a carrier or at a counter, so right ones cost nothing."""


class MyPages:
    """The pages under /my."""

    def __init__(self, pace: Pace, wrong: Pace) -> None:
        self._pace = pace
        self._wrong = wrong

    async def ask(self, visit: Visit) -> Response:
        """Ask for number and code."""
        return show_door(visit, clean(visit.request.query_params.get("number", ""))[:NUMBER_LENGTH_MAX])

    async def open(self, visit: Visit) -> Response:
        """Show the matter that number and code open; whichever of them is wrong, the answer is the same."""
        posted = await self._posted(visit)
        number, code = spelled(posted.get("number")), spelled(posted.get("code")).replace("-", "")
        address = address_of(visit.request)
        self._wrong.check(address, take=False)
        actor = await asyncio.to_thread(_actor, visit, number, code)
        if actor is None:
            self._wrong.check(address)
            return show_door(visit, number, [Fault("number", "fault.no_such")], 403)
        return await show_matter(visit, actor)

    async def answer(self, visit: Visit) -> Response:
        """Take the answer to "is it fixed?"; a no opens the matter again and says why."""
        posted = await self._posted(visit)
        actor = pass_of(visit, posted)
        if actor is None:
            return _expired(visit)
        fixed, note = posted.get("fixed"), plain_note(clean(posted.get("note")))
        faults = _too_long(note)
        if fixed not in ("yes", "no"):
            faults.append(Fault("fixed", "fault.fixed"))
        if fixed == "no" and not note:
            faults.append(Fault("answer_note", "fault.why_not"))
        if faults:
            return await show_matter(visit, actor, faults, typed={"answer": note, "fixed": fixed})
        body = {"action": "confirm", "fields": {"fixed": fixed == "yes"}, "note": note}
        done = "done_yes" if fixed == "yes" else "done_no"
        return await self._act(visit, actor, posted, [body], done)

    async def add(self, visit: Visit) -> Response:
        """Add what the reporter wants to say."""
        posted = await self._posted(visit)
        actor = pass_of(visit, posted)
        if actor is None:
            return _expired(visit)
        note = plain_note(clean(posted.get("note")))
        faults = _too_long(note) or ([] if note else [Fault("comment_note", "fault.comment")])
        if faults:
            return await show_matter(visit, actor, faults, typed={"comment": note})
        return await self._act(visit, actor, posted, [{"action": "comment", "note": note}], "done_comment")

    async def withdraw(self, visit: Visit) -> Response:
        """Forget the reporter's name and telephone for ever; the matter itself goes on."""
        posted = await self._posted(visit)
        actor = pass_of(visit, posted)
        if actor is None:
            return _expired(visit)
        case = await asyncio.to_thread(find_own, visit.hub, actor)
        if case is None or not contact_kept(case):
            return await show_matter(visit, actor)
        erase = Command("person.erase", f"reporter:{case['id']}", {"reason": "asked by the reporter"})
        note = Command("case.act", case["id"], {"action": "comment", "note": WITHDRAWN})
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        try:
            await visit.hub.commit([erase, note], actor, key=key and f"withdraw.{key}")
        except Denied:
            return await show_matter(visit, actor, [Fault("withdraw", "fault.withdraw")], 403)
        return await show_matter(visit, actor, done="done_withdrawn")

    async def _posted(self, visit: Visit) -> Posted:
        self._pace.check(address_of(visit.request))
        posted = await read_posted(visit.request)
        visit.large = posted.get("type") == "large"
        return posted

    async def _act(
        self, visit: Visit, actor: str, posted: Posted, bodies: Sequence[dict[str, Any]], done: str
    ) -> Response:
        number = actor.removeprefix("citizen:")
        commands = [Command("case.act", f"urn:ngsi-ld:Case:{number}", body) for body in bodies]
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        try:
            await visit.hub.commit(commands, actor, key=key and f"my.{key}")
        except (Conflict, Denied, Invalid):
            # The matter moved while the page lay open: show how it stands now.
            return await show_matter(visit, actor, [Fault("form", "fault.moved")], 409)
        return await show_matter(visit, actor, done=done)


def spelled(text: str) -> str:
    """Return a number or code as it is kept, however it was typed: full width, lower case, spaces, long dashes."""
    folded = unicodedata.normalize("NFKC", text[:NUMBER_LENGTH_MAX]).upper()
    return "".join("-" if letter in "‐‑‒–—−" else letter for letter in folded if not letter.isspace())


def _actor(visit: Visit, number: str, code: str) -> str | None:
    return visit.hub.views.cases.citizen(number, code)


def pass_of(visit: Visit, posted: Posted) -> str | None:
    """Return the actor whom an opened matter's page let go on without the code; None after half an hour."""
    return visit.seal.open_until("pass", posted.get("pass"), visit.hub.machine())


def _too_long(note: str) -> list[Fault]:
    return [Fault("form", "fault.long_text", {"count": LENGTHS["text"]})] if len(note) > LENGTHS["text"] else []


def _expired(visit: Visit) -> Response:
    return show_door(visit, "", [Fault("number", "fault.expired")], 403)


def show_door(visit: Visit, number: str, faults: Sequence[Fault] = (), status: int = 200) -> Response:
    """Show the form for number and code."""
    return visit.page("door.html", status, number=number, faults=faults, said={each.field: each for each in faults})


async def show_matter(
    visit: Visit,
    actor: str,
    faults: Sequence[Fault] = (),
    status: int | None = None,
    *,
    done: str | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """Show the way of a matter and what its reporter may do now."""
    hub, words = visit.hub, visit.words
    case = await asyncio.to_thread(find_own, hub, actor)
    if case is None:
        raise Missing(f"Matter of {actor} does not exist.", code="web.matter")
    joined = await asyncio.to_thread(find_joined, hub.views.cases, case)
    shown = joined if joined and case["merged_into"] else case
    may = {option["action"] for option in case["next"]}
    outcome = shown["outcome"]
    return visit.page(
        "matter.html",
        status or (422 if faults else 200),
        case=case,
        shown=shown,
        joined=joined,
        faults=faults,
        said={each.field: each for each in faults},
        done=done,
        typed={"answer": "", "comment": "", "fixed": ""} | (typed or {}),
        may=may,
        contact=contact_kept(case),
        promise=promise_of(shown, words),
        state=status_of(shown, words),
        unit=unit_name(hub.city, shown["unit"], words),
        answerer=unit_name(hub.city, outcome["who"], words) if outcome else "",
        todo=[step for step in reversed(shown["steps"]) if step["state"] == "todo"] if shown["state"] == "open" else [],
        events=events_of(case, hub.city, words),
        ticket=visit.seal.sign_until("pass", actor, hub.machine() + PASS_LIFE_US),
        key=new_key(visit),
    )
