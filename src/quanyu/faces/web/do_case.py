"""An open application: its list of tasks, one question a page, what the city holds, reading over, handing in, receipt.

Every page can be reached again by its address while the sitting lasts; every form carries a signed key and the version
that it was made for, so that going back, sending twice, or two people at one draft lose nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from quanyu.assembly.applications import Draft, Reader
from quanyu.faces.web.do import as_subject, bar_of, closed_until, moved, show_continue
from quanyu.faces.web.following import events_of, promise_of, status_of, unit_name
from quanyu.faces.web.form import Posted, new_key, open_key, read_posted
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import LENGTHS, Fault, clean
from quanyu.faces.web.shield import address_of
from quanyu.faces.web.sitting import CASE, Sitting, keep, sitting_of
from quanyu.faces.web.uploads import take_files
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.form import Page, write_answer
from quanyu.kernel.journal import Command
from quanyu.kernel.pace import Pace

CHECK: Final = "check"


class Opened(msgspec.Struct, frozen=True):
    """An application that may be shown to whoever is here, with its draft while it waits for one."""

    number: str
    case: dict[str, Any]
    reader: Reader
    draft: Draft | None
    sitting: Sitting

    @property
    def subject(self) -> str:
        """The id of the case."""
        return f"{CASE}{self.number}"


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
        body = {"action": "save", "fields": {page.name: given or None}, "files": files}
        fault = await self._act(visit, found, body, f"save.{key}", posted)
        if fault is not None:
            found = await asyncio.to_thread(open_case, visit) or found
            return show_question(visit, found, find_page(found, visit) or page, [fault], given=given)
        if posted.get("go") == CHECK:
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
        fault = await self._act(visit, found, {"action": found.draft.step}, f"hand.{key}", posted)
        if fault is None:
            return moved(visit, f"/do/case/{found.number}/receipt")
        found = await asyncio.to_thread(open_case, visit) or found
        return show_check(visit, found, [fault]) if found.draft else moved(visit, f"/do/case/{found.number}")

    async def receipt(self, visit: Visit) -> Response:
        """Show number, code, what happens next and by when."""
        found = await asyncio.to_thread(open_case, visit)
        if found is None:
            return show_closed(visit)
        code = found.sitting.passes.get(found.number, "")
        return visit.page("do_receipt.html", **_shown(visit, found), code=code, closed=closed_until(visit))

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
        fault = await self._act(visit, found, body, f"gone.{key}", posted) if key else Fault("form", "fault.form_old")
        return moved(visit, f"/do/case/{found.number}") if fault is None else show_tasks(visit, found, [fault])

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
        fault = await self._act(visit, found, body, f"prove.{key}", posted)
        return moved(visit, f"/do/case/{found.number}") if fault is None else show_tasks(visit, found, [fault])

    async def _posted(self, visit: Visit) -> Posted:
        self._pace.check(address_of(visit.request))
        posted = await read_posted(visit.request)
        visit.large = visit.large or posted.get("type") == "large"
        return posted

    async def _act(self, visit: Visit, found: Opened, body: dict[str, Any], key: str, posted: Posted) -> Fault | None:
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


def open_case(visit: Visit) -> Opened | None:
    """Return the application of the address, None where nothing that this visitor holds opens it."""
    number = str(visit.request.path_params["number"])[:40]
    sitting = sitting_of(visit)
    reader = sitting.reader(visit, number)
    if reader is None:
        return None
    try:
        case = visit.hub.views.cases.find(f"{CASE}{number}", reader.scope)
    except Invalid:
        return None
    if case is None or case.get("application") is None or not sitting.owns(case, number):
        return None
    draft = visit.hub.applications.read(case, reader, visit.words.language, visit.large)
    return Opened(number, case, reader, draft, sitting)


def find_page(found: Opened, visit: Visit) -> Page | None:
    """Return the question of the address, as the form stands now."""
    name = str(visit.request.path_params["name"])
    pages = found.draft.compiled.pages if found.draft else ()
    return next((each for each in pages if each.name == name), None)


def find_held(found: Opened, visit: Visit) -> Any:
    """Return the held value of the address, where it may be shown."""
    name = str(visit.request.path_params["name"])
    if found.draft is None or not found.draft.shows:
        return None
    return next((each for each in found.draft.compiled.prefilled if each.name == name), None)


def next_of(found: Opened, name: str) -> str:
    """Return where to go after a question: to the next one that is not answered, else to reading it over."""
    base = f"/do/case/{found.number}"
    if found.draft is None:
        return base
    compiled = found.draft.compiled
    names = [page.name for page in compiled.pages]
    open_ones = {page.name for page in compiled.pages if not _passed(found, page)}
    behind = names[names.index(name) + 1 :] if name in names else names
    following = next((each for each in (*behind, *names) if each in open_ones and each != name), None)
    return f"{base}/check" if following is None else f"{base}/q/{following}"


def _passed(found: Opened, page: Page) -> bool:
    assert found.draft is not None, "a page belongs to a draft"
    seen = page.name in found.draft.state.answers
    return page.fault is None and (page.answered or (not page.required and seen))


def _shown(visit: Visit, found: Opened, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """Return what every page of an application needs."""
    case, words = found.case, visit.words
    tokens = [
        {"title": words.pick(each["title"]), "unit": unit_name(visit.hub.city, each["unit"], words),
         "due": words.by(each["due_at"]) if each["due_at"] else ""}
        for each in case["tokens"]
    ]  # fmt: skip
    return bar_of(visit, found.sitting) | {
        "found": found,
        "case": case,
        "draft": found.draft,
        "number": found.number,
        "tokens": tokens,
        "state": status_of(case, words),
        "promise": promise_of(case, words) if case["begun"] or case["state"] == "closed" else "",
        "faults": faults,
        "said": {each.field: each for each in faults},
        "key": new_key(visit),
        "base": f"/do/case/{found.number}",
        "may": {option["action"] for option in case["next"]},
    }


def show_tasks(visit: Visit, found: Opened, faults: Sequence[Fault] = ()) -> Response:
    """Show the list of tasks."""
    code = found.sitting.passes.get(found.number, "")
    events = events_of(found.case, visit.hub.city, visit.words)
    asked = next((each["fields"]["asked_for"] for each in reversed(found.case["actions"])
                  if each["fields"].get("asked_for")), "")  # fmt: skip
    values = _shown(visit, found, faults)
    response = visit.page("do_tasks.html", 422 if faults else 200, **values, code=code, events=events, asked=asked)
    return keep(visit, response, found.sitting) if found.sitting.passes or found.sitting.subjects else response


def show_question(
    visit: Visit,
    found: Opened,
    page: Page,
    faults: Sequence[Fault] = (),
    *,
    given: Any = None,
    files: Sequence[Mapping[str, str]] | None = None,
) -> Response:
    """Show one question, with what was typed last and what is wrong with it."""
    draft = found.draft
    assert draft is not None, "a question belongs to a draft"
    value: Any = given if given is not None else page.given if page.fault else page.value
    if value is not None and not isinstance(value, str | list):
        value = write_answer(value)
    if page.kind == "choices":
        value = list(value or ())
    if page.kind == "file":
        kept: Any = page.value or ()
        value = list(files) if files is not None else _files(found, kept)
    wrong = list(faults)
    if page.fault is not None and given is None and not wrong:
        wrong = [Fault("answer", "fault.said", {"said": visit.words.pick({"zh": page.fault.zh, "en": page.fault.en})})]
    names = [each.name for each in draft.compiled.pages]
    place = names.index(page.name)
    return visit.page(
        "do_question.html",
        422 if faults else 200,
        **_shown(visit, found, wrong),
        page=page,
        value=value,
        place=place + 1,
        count=len(names),
        back=names[place - 1] if place else None,
        go=visit.request.query_params.get("go", ""),
        item=draft.blank.by_name[page.name],
    )


def _files(found: Opened, digests: Sequence[str]) -> list[dict[str, str]]:
    """Return the files of an answer with the names under which they came."""
    named = {file["sha256"]: file for entry in found.case["actions"] for file in entry["files"]}
    return [{"sha256": each, "name": named.get(each, {}).get("name") or each[:8],
             "type": named.get(each, {}).get("type", "")} for each in digests]  # fmt: skip


def show_wrong(visit: Visit, found: Opened, held: Any, faults: Sequence[Fault] = ()) -> Response:
    """Show what is held, from where and as of when, and ask what is not right."""
    return visit.page("do_wrong.html", 422 if faults else 200, **_shown(visit, found, faults), held=held)


def show_check(visit: Visit, found: Opened, faults: Sequence[Fault] = ()) -> Response:
    """Show everything that will be handed in, each with a way to change it."""
    draft = found.draft
    assert draft is not None, "reading over needs a draft"
    files = {page.name: _files(found, page.value) for page in draft.compiled.pages
             if page.kind == "file" and isinstance(page.value, tuple)}  # fmt: skip
    return visit.page("do_check.html", 422 if faults else 200, **_shown(visit, found, faults), files=files)


def show_closed(visit: Visit, posted: Posted | None = None) -> Response:
    """Ask for number and code again: the sitting is over, or was never open; nothing that was typed is lost."""
    number = str(visit.request.path_params["number"])[:40]
    return show_continue(visit, number, [Fault("form", "fault.sitting_over")], posted, 403)
