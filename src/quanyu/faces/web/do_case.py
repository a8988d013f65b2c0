"""An open application: its list of tasks, one question a page, what the city holds, reading over, handing in, receipt.

Every page can be reached again by its address while the sitting lasts; every form carries a signed key and the version
that it was made for, so that going back, sending twice, or two people at one draft lose nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from quanyu.faces.web.do import as_subject, moved
from quanyu.faces.web.do_open import (
    Opened,
    find_held,
    find_page,
    left_out,
    next_of,
    open_case,
    show_check,
    show_closed,
    show_question,
    show_receipt,
    show_tasks,
    show_wrong,
    unanswered,
)
from quanyu.faces.web.form import Posted, open_key, read_posted
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import LENGTHS, Fault, clean
from quanyu.faces.web.shield import address_of
from quanyu.faces.web.uploads import take_files
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command
from quanyu.kernel.pace import Pace

CHECK: Final = "check"
LATER: Final = "later"
"""What the button says that leaves a question open on purpose."""


class CasePages:
    """The pages under /do/case."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def tasks(self, visit: Visit) -> Response:
        """Show what is done, what is to do, and how the offices get on."""
        found = await asyncio.to_thread(open_case, visit)
        return show_closed(visit) if found is None else show_tasks(visit, found)

    async def question(self, visit: Visit) -> Response:
        """Show one question."""
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit)
        page = find_page(found, visit)
        return show_tasks(visit, found) if page is None else show_question(visit, found, page)

    async def answer(self, visit: Visit) -> Response:
        """Take one answer and go on to the next question, or back to where one came from."""
        posted = await self._posted(visit)
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit, posted)
        page = find_page(found, visit)
        if page is None:
            return moved(visit, f"/do/case/{found.number}")
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        given: Any = posted.lists.get("answer", []) if page.kind == "choices" else clean(posted.get("answer"))
        if key is None:
            return show_question(visit, found, page, [Fault("form", "fault.form_old")], given=given)
        files: list[dict[str, str]] = []
        if page.kind == "file":
            taken = await take_files(visit, posted, page)
            if taken.faults:
                return show_question(visit, found, page, taken.faults, files=taken.files)
            given, files = [each["sha256"] for each in taken.files], list(taken.fresh)
        if not given and page.required and page.upload and posted.get("skip") != LATER:
            return show_question(visit, found, page, [unanswered(page)], given=given, files=())
        body = {"action": "save", "fields": {page.name: given or None}, "files": files}
        fault = await act(visit, found, body, f"save.{key}", posted)
        if fault is not None:
            found = await asyncio.to_thread(open_case, visit) or found
            return show_question(visit, found, find_page(found, visit) or page, [fault], given=given)
        if CHECK in (posted.get("go"), visit.request.query_params.get("go")):
            return moved(visit, f"/do/case/{found.number}/check")
        after = await asyncio.to_thread(open_case, visit)
        return moved(visit, next_of(after or found, page.name))

    async def wrong(self, visit: Visit) -> Response:
        """Ask what is not right with what a register holds."""
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit)
        held = find_held(found, visit)
        return moved(visit, f"/do/case/{found.number}") if held is None else show_wrong(visit, found, held)

    async def mend(self, visit: Visit) -> Response:
        """Mark a held value as contradicted, which opens a case with its owner, and ask for the right value."""
        posted = await self._posted(visit)
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit, posted)
        held, key = find_held(found, visit), open_key(visit, posted.get("key"), visit.hub.machine())
        if held is None or key is None:
            return moved(visit, f"/do/case/{found.number}")
        note = clean(posted.get("answer"))[: LENGTHS["text"]]
        if not note:
            return show_wrong(visit, found, held, [Fault("answer", "fault.comment")])
        act = Command("case.act", found.subject, {"action": "contradict", "note": note,
                                                  "fields": {"name": held.name, "right": False}})  # fmt: skip
        try:
            await visit.hub.commit([act], found.reader.actor, key=f"wrong.{key}")
        except QuanyuError as error:
            if not isinstance(error, Conflict | Invalid | Missing):
                raise
            return show_wrong(visit, found, held, [Fault("form", "fault.moved")])
        return moved(visit, f"/do/case/{found.number}/q/{held.name}")

    async def check(self, visit: Visit) -> Response:
        """Read everything back before it is handed in."""
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit)
        return moved(visit, f"/do/case/{found.number}") if found.draft is None else show_check(visit, found)

    async def hand_in(self, visit: Visit) -> Response:
        """Hand the application in; what is missing or fails is listed with links."""
        posted = await self._posted(visit)
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit, posted)
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        if found.draft is None:
            # Sent twice: the first time did it.
            return moved(visit, f"/do/case/{found.number}/receipt")
        if key is None:
            return show_check(visit, found, [Fault("form", "fault.form_old")])
        fault = await act(visit, found, {"action": found.draft.step}, f"hand.{key}", posted)
        if fault is None:
            return moved(visit, f"/do/case/{found.number}/receipt")
        found = await asyncio.to_thread(open_case, visit) or found
        return (
            show_check(visit, found, [fault, *left_out(visit, found)])
            if found.draft
            else moved(visit, f"/do/case/{found.number}")
        )

    async def receipt(self, visit: Visit) -> Response:
        """Show number, code, what happens next and by when."""
        found = await asyncio.to_thread(open_case, visit)
        return show_closed(visit) if found is None else show_receipt(visit, found)

    async def withdraw(self, visit: Visit) -> Response:
        """End the application at the applicant's wish."""
        posted = await self._posted(visit)
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit, posted)
        if posted.get("sure") != "yes":
            return show_tasks(visit, found, [Fault("sure", "fault.sure")])
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        body = {"action": "withdraw", "note": clean(posted.get("note"))[: LENGTHS["text"]]}
        fault = await act(visit, found, body, f"gone.{key}", posted) if key else Fault("form", "fault.form_old")
        if fault is not None:
            return show_tasks(visit, found, [fault])
        hidden = found.draft is not None and not found.case["begun"] and found.reader.scope.subjects is not None
        # A draft that was withdrawn is forgotten: whoever came to it as its subject finds it no more.
        return moved(visit, "/do/mine" if hidden else f"/do/case/{found.number}")

    async def prove(self, visit: Visit) -> Response:
        """Note at a desk whose application it is, and which document showed it."""
        posted = await self._posted(visit)
        found = await asyncio.to_thread(open_case, visit)
        if found is None or not found.sitting.serves:
            return show_closed(visit, posted)
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        subject, document = clean(posted.get("subject"))[:80], clean(posted.get("document"))[:200]
        if not subject or not document or key is None:
            return show_tasks(visit, found, [Fault("document", "fault.document")])
        body = {"action": "prove_subject", "fields": {"subject": as_subject(subject), "document": document}}
        fault = await act(visit, found, body, f"prove.{key}", posted)
        return moved(visit, f"/do/case/{found.number}") if fault is None else show_tasks(visit, found, [fault])

    async def _posted(self, visit: Visit) -> Posted:
        self._pace.check(address_of(visit.request))
        posted = await read_posted(visit.request)
        visit.large = visit.large or posted.get("type") == "large"
        return posted


async def act(visit: Visit, found: Opened, body: dict[str, Any], key: str, posted: Posted) -> Fault | None:
    """Commit an action; return what is wrong with it in the words of the page, None when it is done."""
    stated = posted.get("version")
    expects = int(stated) if stated.isascii() and stated.isdigit() else None
    command = Command("case.act", found.subject, body, expects=expects)
    try:
        await visit.hub.commit([command], found.reader.actor, key=f"do.{key}")
    except (Invalid, Conflict, Denied) as error:
        return fault_of(visit, error)
    return None


def fault_of(visit: Visit, error: QuanyuError) -> Fault:
    """Return the fault that a page shows for a refusal."""
    if error.code == "case.answers":
        faults: Any = error.details["faults"]
        said: Mapping[str, str] = next(iter(faults.values()))
        return Fault("answer", "fault.said", {"said": visit.words.pick(said)})
    keys = {"case.stale": "fault.stale", "case.form_incomplete": "fault.incomplete",
            "case.not_eligible": "fault.not_eligible", "case.subject": "fault.subject"}  # fmt: skip
    return Fault("form", keys.get(error.code, "fault.moved"))
