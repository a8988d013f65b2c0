"""What can be done here: items and bundles by stage of life, who may, what it takes; signing in, and starting.

Nothing rests on JavaScript. Starting opens a case at once: its number and code let the same application go on at home,
at a counter and on the telephone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from quanyu.assembly.applications import is_code_of, linked_subject
from quanyu.engines.cases.office import CODE_ALPHABET, CODE_LENGTH
from quanyu.faces.web.following import unit_name
from quanyu.faces.web.form import Posted, new_key, open_key, read_posted
from quanyu.faces.web.my import NUMBER_LENGTH_MAX, WRONG_BURST, WRONG_EVERY_S, spelled
from quanyu.faces.web.offers import Offer, found_by, offers_of, stages_of
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import Fault, clean
from quanyu.faces.web.shield import address_of
from quanyu.faces.web.sitting import CASE, DESKS, Sitting, counts, keep, keep_desk, sitting_of
from quanyu.kernel.errors import Invalid, Missing, QuanyuError
from quanyu.kernel.identifier import parse_credit_code
from quanyu.kernel.journal import Command
from quanyu.kernel.pace import Pace
from quanyu.kernel.time import day_of

BURST: Final = 120
EVERY_S: Final = 0.5
NO_STORE: Final = {"Cache-Control": "no-store"}


def moved(visit: Visit, path: str) -> Response:
    """Lead the browser on after a form: going back or reloading sends nothing twice."""
    return RedirectResponse(visit.link(path), 303, NO_STORE)


class DoPages:
    """The pages under /do before an application is open."""

    def __init__(self, pace: Pace, wrong: Pace) -> None:
        self._pace = pace
        self._wrong = wrong

    async def list(self, visit: Visit) -> Response:
        """Show bundles and items by stage of life, or what a search finds."""
        asked = clean(visit.request.query_params.get("q", ""))[:80]
        offers = offers_of(visit.hub.packs)
        found = found_by(offers, asked)
        stages = stages_of(visit.hub.packs, [each for each in found if each.open])
        named = [each for each in found if not each.open]
        own = await asyncio.to_thread(counts, visit, sitting_of(visit))
        values: dict[str, Any] = {"asked": asked, "stages": stages, "named": named, "count": len(found), "own": own}
        return visit.page("do.html", **values, **_bar(visit))

    async def item(self, visit: Visit) -> Response:
        """Show what an item is, who may, what it takes, how long, where and by phone."""
        return await asyncio.to_thread(show_item, visit, _offer(visit))

    async def start(self, visit: Visit) -> Response:
        """Open an application; sending the form twice opens one."""
        posted = await self._posted(visit)
        offer, sitting = _offer(visit), sitting_of(visit)
        key = open_key(visit, posted.get("key"), visit.hub.machine())
        if key is None:
            return await asyncio.to_thread(show_item, visit, offer, [Fault("form", "fault.form_old")], posted)
        body = opening(offer, visit.seal.draw("code", key, CODE_ALPHABET, CODE_LENGTH))
        try:
            body |= served(sitting, posted)
            receipt = await visit.hub.commit([Command("case.open", "", body)], sitting.opener, key=f"do.{key}")
        except QuanyuError as error:
            fault = START_FAULTS.get(error.code)
            if fault is None:
                raise
            return await asyncio.to_thread(show_item, visit, offer, [Fault(*fault)], posted)
        number = receipt.outcomes[0].subject.removeprefix(CASE)
        response = moved(visit, f"/do/case/{number}")
        return keep(visit, response, sitting.with_pass(number, str(body["code"])))

    async def sign(self, visit: Visit) -> Response:
        """Sign in by a link that the city handed out, or ask for a code."""
        link = visit.request.query_params.get("link", "")
        subject = linked_subject(visit.seal, link, visit.hub.machine()) if link else None
        if subject is not None:
            return keep(visit, moved(visit, "/do"), _with(sitting_of(visit), subject))
        faults = [Fault("form", "fault.link_old")] if link else []
        return await asyncio.to_thread(show_sign, visit, faults)

    async def signed(self, visit: Visit) -> Response:
        """Take a code, or the choice of a simulated person or firm; or sign out."""
        posted = await self._posted(visit)
        sitting, subject = sitting_of(visit), clean(posted.get("subject"))[:80]
        if posted.get("go") == "out":
            return keep(visit, moved(visit, "/do"), Sitting())
        if posted.get("go") == "simulated":
            known = await asyncio.to_thread(visit.hub.applications.simulated_subjects)
            if subject not in {each["subject"] for each in known}:
                return await asyncio.to_thread(show_sign, visit, [Fault("form", "fault.not_simulated")])
            return keep(visit, moved(visit, "/do"), _with(sitting, subject))
        code = spelled(posted.get("code")).replace("-", "")
        named = as_subject(subject)
        address = address_of(visit.request)
        self._wrong.check(address, take=False)
        if not is_code_of(visit.seal, named, code, visit.hub.machine()):
            self._wrong.check(address)
            return await asyncio.to_thread(show_sign, visit, [Fault("subject", "fault.no_such_subject")])
        return keep(visit, moved(visit, "/do"), _with(sitting, named))

    async def go_on(self, visit: Visit) -> Response:
        """Open a saved application by number and code; at a desk the number is enough for the officer."""
        posted = await self._posted(visit)
        number, code = spelled(posted.get("number")), spelled(posted.get("code")).replace("-", "")
        sitting, address = sitting_of(visit), address_of(visit.request)
        if sitting.serves and number and not code:
            return moved(visit, f"/do/case/{number[:NUMBER_LENGTH_MAX]}")
        self._wrong.check(address, take=False)
        actor = await asyncio.to_thread(visit.hub.views.cases.citizen, number, code)
        if actor is None:
            self._wrong.check(address)
            return show_continue(visit, number, [Fault("number", "fault.no_such")], posted)
        response = moved(visit, f"/do/case/{actor.removeprefix('citizen:')}")
        return keep(visit, response, sitting.with_pass(actor.removeprefix("citizen:"), code))

    async def saved(self, visit: Visit) -> Response:
        """Ask for number and code of a saved application."""
        return show_continue(visit, clean(visit.request.query_params.get("number", ""))[:NUMBER_LENGTH_MAX])

    async def desk(self, visit: Visit) -> Response:
        """Let an officer sit down at the counter or the telephone, or get up."""
        posted = await self._posted(visit)
        desk = posted.get("desk")
        at = desk if sitting_of(visit).officer is not None and desk in DESKS else ""
        # Whoever is served next finds nothing of whoever was served before.
        return keep(visit, keep_desk(visit, moved(visit, "/do"), at), Sitting())

    async def _posted(self, visit: Visit) -> Posted:
        self._pace.check(address_of(visit.request))
        posted = await read_posted(visit.request)
        visit.large = visit.large or posted.get("type") == "large"
        return posted


START_FAULTS: Final = {
    "case.document_missing": ("document", "fault.document"),
    "case.subject": ("subject", "fault.subject"),
    "case.subject_unproven": ("form", "fault.unproven"),
    "do.subject": ("subject", "fault.subject"),
}
"""What is wrong with the start of an application, said at its field."""


def bar_of(visit: Visit, sitting: Sitting) -> dict[str, Any]:
    """Return what every page of applications shows on top: who is signed in, and the desk of an officer."""
    return {"sitting": sitting, "key": new_key(visit), "faults": (), "said": {}}


def _bar(visit: Visit) -> dict[str, Any]:
    return bar_of(visit, sitting_of(visit))


def _with(sitting: Sitting, subject: str) -> Sitting:
    """Return the sitting signed in as a subject: one person and one firm at most."""
    kind = subject.partition(":")[0]
    others = tuple(each for each in sitting.subjects if not each.startswith(f"{kind}:"))
    return Sitting(tuple(sorted((*others, subject))), sitting.passes, sitting.officer, sitting.desk)


def as_subject(text: str) -> str:
    """Return the subject that somebody typed: a credit code names a firm, anything else a person."""
    if text.startswith(("person:", "firm:")):
        return text
    try:
        parse_credit_code(text.upper())
        return f"firm:{text.upper()}"
    except Invalid:
        return f"person:{text}"


def served(sitting: Sitting, posted: Posted) -> dict[str, Any]:
    """Return what the opening says of whoever a desk serves: the channel, the subject, the document that was seen."""
    if not sitting.serves:
        return {}
    body: dict[str, Any] = {"channel": sitting.desk}
    subjects = [as_subject(text) for name in ("subject", "subject2") if (text := clean(posted.get(name))[:80])]
    if subjects:
        body |= {"subjects": subjects, "document": clean(posted.get("document"))[:200] or None}
    return body


def _offer(visit: Visit) -> Offer:
    code = str(visit.request.path_params["code"])
    found = next((each for each in offers_of(visit.hub.packs) if each.code == code), None)
    if found is None:
        raise Missing(f"Item {code[:80]!r} is not offered.", code="do.item", where="path", remedy="See /do.")
    return found


def opening(offer: Offer, code: str) -> dict[str, Any]:
    """Return the body of case.open for an application."""
    return {"flow": offer.flow, "title": dict(offer.title), "class": offer.code, "channel": "citizen", "code": code,
            "severity": "info"}  # fmt: skip


def show_item(visit: Visit, offer: Offer, faults: Sequence[Fault] = (), posted: Posted | None = None) -> Response:
    """Show the page of an item, with what the form asks of nobody in particular."""
    blank, sitting = visit.hub.forms.blanks.get(offer.form), sitting_of(visit)
    proven = () if sitting.serves else sitting.subjects
    conditions = [] if blank is None else visit.hub.applications.conditions(blank, proven, sitting.opener)
    return visit.page(
        "do_item.html",
        422 if faults else 200,
        **(_bar(visit) | {"faults": faults, "said": {each.field: each for each in faults}}),
        offer=offer,
        blank=blank,
        conditions=conditions,
        proven=bool(proven),
        typed={} if posted is None else posted.fields,
        unit=unit_name(visit.hub.city, offer.unit, visit.words),
        parts=[(part, unit_name(visit.hub.city, part.unit, visit.words)) for part in offer.parts],
        closed=closed_until(visit),
    )


def closed_until(visit: Visit) -> str | None:
    """Return the next working day where offices are closed today, "" where the calendar cannot say; None while open."""
    today = day_of(visit.hub.clock.now(), visit.hub.city.zone)
    try:
        if visit.hub.calendar.is_working_day(today):
            return None
        return str(next(_working_days(visit, today)))
    except (Missing, StopIteration):
        return ""


def _working_days(visit: Visit, today: date) -> Iterator[date]:
    for ahead in range(1, 40):
        day = today + timedelta(days=ahead)
        if visit.hub.calendar.is_working_day(day):
            yield day


def show_sign(visit: Visit, faults: Sequence[Fault] = ()) -> Response:
    """Show how to sign in."""
    values = _bar(visit) | {"faults": faults, "said": {each.field: each for each in faults}}
    known = visit.hub.applications.simulated_subjects()
    return visit.page("do_sign.html", 422 if faults else 200, **values, known=known)


def show_continue(
    visit: Visit, number: str, faults: Sequence[Fault] = (), posted: Posted | None = None, status: int | None = None
) -> Response:
    """Ask for number and code; what was typed into a page that ran out stays in sight."""
    values = _bar(visit) | {"faults": faults, "said": {each.field: each for each in faults}}
    kept = "" if posted is None else clean(posted.get("answer"))
    return visit.page("do_continue.html", status or (403 if faults else 200), **values, number=number, kept=kept)


WRONG: Final = (WRONG_BURST, WRONG_EVERY_S)
