"""What is one's own: applications, offers and benefits of whoever signed in, newest first; what waits for them before all.

A clerk sees the same list of whoever shows a document at the desk, for a purpose and with a record that the person sees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from quanyu.assembly.applications import look
from quanyu.faces.web.do import START_FAULTS, as_subject, bar_of, moved
from quanyu.faces.web.do_case import act
from quanyu.faces.web.do_open import open_case, show_closed, show_tasks
from quanyu.faces.web.following import asked_of, promise_of, status_of
from quanyu.faces.web.form import Posted, open_key, read_posted
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import Fault, clean
from quanyu.faces.web.shield import address_of
from quanyu.faces.web.sitting import Sitting, sitting_of
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import APPLICANT, granted
from quanyu.kernel.pace import Pace
from quanyu.kernel.view import CaseQuery, Filter

PAGE: Final = 20
SEARCH_LENGTH_MAX: Final = 80
CURSOR_LENGTH_MAX: Final = 80
YES_NO: Final = {"yes": True, "no": False}


class Asked(msgspec.Struct, frozen=True):
    """What a list is asked for: words or a number, and where the page before ended."""

    text: str = ""
    after: str | None = None

    @property
    def query(self) -> CaseQuery:
        """The question to the cases: newest first."""
        return CaseQuery(list="all", sort="opened", text=self.text or None, limit=PAGE, after=self.after)


class MinePages:
    """The pages under /do/mine, and the answer to an offer."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def list(self, visit: Visit) -> Response:
        """Show the list of whoever signed in; at a desk ask whose list, with the document that was seen."""
        sitting = sitting_of(visit)
        if sitting.serves:
            return show_desk(visit, sitting)
        if not sitting.subjects:
            return moved(visit, "/do/sign-in")
        given = visit.request.query_params
        asked = Asked(clean(given.get("q", ""))[:SEARCH_LENGTH_MAX], given.get("after", "")[:CURSOR_LENGTH_MAX] or None)
        return await asyncio.to_thread(show_mine, visit, sitting, sitting.own, asked)

    async def look(self, visit: Visit) -> Response:
        """Show an officer the list of whoever shows a document; who looked and why is written down first."""
        self._pace.check(address_of(visit.request))
        posted = await read_posted(visit.request)
        sitting = sitting_of(visit)
        if not sitting.serves or sitting.officer is None:
            return moved(visit, "/do/mine")
        typed, document = clean(posted.get("subject"))[:80], clean(posted.get("document"))[:200]
        subject = as_subject(typed)
        faults = [] if document else [Fault(*START_FAULTS["case.document_missing"])]
        try:
            command, key = look(subject, document or "-", visit.hub.machine())
        except Invalid as error:
            faults.insert(0, Fault(*START_FAULTS[error.code]))
        if faults:
            return show_desk(visit, sitting, faults, posted)
        await visit.hub.commit([command], sitting.officer.id, key=key)
        scope = visit.hub.access.scope(sitting.officer, "view:cases")
        own = msgspec.structs.replace(scope, subjects=frozenset({subject}))
        asked = Asked(clean(posted.get("q"))[:SEARCH_LENGTH_MAX], posted.get("after")[:CURSOR_LENGTH_MAX] or None)
        served = {"subject": typed, "document": document}
        return await asyncio.to_thread(show_mine, visit, sitting, own, asked, served)

    async def answer(self, visit: Visit) -> Response:
        """Take or decline an offer; a form that taking it needs comes next."""
        self._pace.check(address_of(visit.request))
        posted = await read_posted(visit.request)
        visit.large = visit.large or posted.get("type") == "large"
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit, posted)
        asked, key = asked_of(found.case), open_key(visit, posted.get("key"), visit.hub.machine())
        if asked is None:
            # Sent twice, or answered at a counter meanwhile: the page shows what was said.
            return moved(visit, f"/do/case/{found.number}")
        said = YES_NO.get(posted.get("answer"))
        if said is None or key is None:
            fault = Fault("form", "fault.form_old") if key is None else Fault("answer", "fault.offer_unanswered")
            return show_tasks(visit, found, [fault])
        body = {"action": asked["step"], "fields": {asked["field"]: said}}
        wrong = await act(visit, found, body, f"offer.{key}", posted)
        return moved(visit, f"/do/case/{found.number}") if wrong is None else show_tasks(visit, found, [wrong])


def show_desk(
    visit: Visit, sitting: Sitting, faults: list[Fault] | None = None, posted: Posted | None = None
) -> Response:
    """Ask an officer whose list is wanted, and which document was seen."""
    said = {each.field: each for each in faults or ()}
    values = bar_of(visit, sitting) | {"faults": faults or (), "said": said}
    typed = {} if posted is None else posted.fields
    return visit.page("do_mine.html", 422 if faults else 200, **values, served=typed, list=None)


def show_mine(
    visit: Visit, sitting: Sitting, own: Filter, asked: Asked, served: Mapping[str, str] | None = None
) -> Response:
    """Show what waits for the subject, then everything else, a page at a time."""
    cases = visit.hub.views.cases
    waiting = CaseQuery(list="open", role=APPLICANT, sort="opened", text=asked.text or None, limit=PAGE)
    turns, page = cases.own(waiting, own).items, cases.own(asked.query, own)
    first = {each["id"] for each in turns}
    rest = [each for each in page.items if each["id"] not in first]
    found = {
        "count": cases.count(CaseQuery(list="all", text=asked.text or None), own),
        "turns": [] if asked.after else [row_of(visit, each) for each in turns],
        "rest": [row_of(visit, each) for each in rest],
        "after": page.after,
    }
    return visit.page(
        "do_mine.html", **bar_of(visit, sitting), served=served, list=found, asked=asked.text, paged=bool(asked.after)
    )


def row_of(visit: Visit, case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of the list in the visitor's words."""
    words, turn = visit.words, case["turn"]
    return {
        "path": f"/do/case/{case['number']}",
        "title": words.pick(case["title"]),
        "number": case["number"],
        "opened_at": case["opened_at"],
        "what": case["what"],
        "turn": turn is not None,
        "state": _turn(visit, turn) if turn is not None else _state(visit, case),
        "simulated": case["simulated"],
    }


def _turn(visit: Visit, turn: Mapping[str, Any]) -> str:
    key = f"mine.turn_{turn['kind']}"
    return visit.words(f"{key}_by", day=visit.words.by(turn["until"])) if turn["until"] else visit.words(key)


def _state(visit: Visit, case: Mapping[str, Any]) -> str:
    words, outcome = visit.words, case["outcome"]
    if case["what"] == "benefit" and outcome is not None and outcome["word"] == granted.word:
        return words("mine.given", day=words.day(case["closed_at"]))
    promise = promise_of(case, words) if case["begun"] or case["state"] == "closed" else ""
    return words("mine.state", state=status_of(case, words), promise=promise) if promise else status_of(case, words)
