"""An open application, offer or benefit as its pages show it to whoever may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from quanyu.assembly.applications import Draft, Reader
from quanyu.engines.cases.owning import OFFER
from quanyu.faces.web.do import bar_of, closed_until, show_continue
from quanyu.faces.web.following import answer_until, asked_of, events_of, promise_of, status_of, unit_name
from quanyu.faces.web.form import Posted, new_key
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import Fault
from quanyu.faces.web.sitting import CASE, Sitting, keep, sitting_of
from quanyu.kernel.errors import Invalid
from quanyu.kernel.form import Page, write_answer


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


def unanswered(page: Page) -> Fault:
    """Return what is said at a question that was passed with nothing in it: what to do, and how to leave it open."""
    kind = "file" if page.kind == "file" else "choose" if page.kind in ("yes_no", "choice", "choices") else "write"
    return Fault("answer", f"fault.unanswered_{kind}")


def left_out(visit: Visit, found: Opened) -> list[Fault]:
    """Return what is missing or wrong, each with a link to its line."""
    if found.draft is None:
        return []
    faults = found.draft.compiled.faults
    return [
        Fault(
            page.name,
            "fault.at_question",
            {"title": page.title, "said": visit.words.pick({"zh": faults[page.name].zh, "en": faults[page.name].en})},
        )
        for page in found.draft.compiled.pages
        if page.name in faults
    ]


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
    if case is None or (case.get("application") is None and case["kind"] != OFFER):
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
    # Left open on purpose, a question is not put again until everything is read over.
    return page.fault is None and (page.answered or page.name in found.draft.state.answers)


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
    if found.case["kind"] == OFFER and found.draft is None:
        return show_offer(visit, found, faults)
    events = events_of(found.case, visit.hub.city, visit.words)
    asked = next((each["fields"]["asked_for"] for each in reversed(found.case["actions"])
                  if each["fields"].get("asked_for")), "")  # fmt: skip
    values = _shown(visit, found, faults)
    response = visit.page("do_tasks.html", 422 if faults else 200, **values, code=code, events=events, asked=asked)
    return keep(visit, response, found.sitting) if found.sitting.passes or found.sitting.subjects else response


def show_offer(visit: Visit, found: Opened, faults: Sequence[Fault] = ()) -> Response:
    """Show what was offered or given, why, and what may be answered."""
    values = _shown(visit, found, faults)
    return visit.page(
        "do_offer.html",
        422 if faults else 200,
        **values,
        events=events_of(found.case, visit.hub.city, visit.words),
        why=[visit.words.pick(each["why"]) for each in found.case["findings"] if each["why"]],
        asked=asked_of(found.case),
        until=answer_until(found.case),
    )


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
        left=page.name in draft.state.answers and not page.answered,
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


def show_receipt(visit: Visit, found: Opened) -> Response:
    """Show number, code, what happens next and by when."""
    if found.case["application"] is None:
        return show_offer(visit, found)
    code = found.sitting.passes.get(found.number, "")
    return visit.page("do_receipt.html", **_shown(visit, found), code=code, closed=closed_until(visit))


def show_closed(visit: Visit, posted: Posted | None = None) -> Response:
    """Ask for number and code again: the sitting is over, or was never open; nothing that was typed is lost."""
    number = str(visit.request.path_params["number"])[:40]
    return show_continue(visit, number, [Fault("form", "fault.sitting_over")], posted, 403)
