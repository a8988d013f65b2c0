"""Reporting a matter: photo, place, what; then "is it one of these?"; then number, code and what happens next.

No step keeps anything on the server: what was typed travels along in the form, photos as signed digests. In large type
the same form asks one thing a page and reads everything back before it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from quanyu.engines.cases.office import CODE_ALPHABET, CODE_LENGTH
from quanyu.faces.web import nearby, photos
from quanyu.faces.web.following import note_of_joining
from quanyu.faces.web.form import Posted, new_key, open_key, read_posted
from quanyu.faces.web.page import Visit
from quanyu.faces.web.report_form import PHOTOS_MAX, STEP_OF, STEPS, Fault, Report, faults_of, read_point, read_report
from quanyu.faces.web.shield import address_of
from quanyu.kernel.errors import Conflict
from quanyu.kernel.intake import Intake, find_intake
from quanyu.kernel.journal import Command
from quanyu.kernel.likeness import metres
from quanyu.kernel.pace import Pace
from quanyu.kernel.public import PUBLIC

VISITOR: Final = "citizen:report"
"""Actor of an opening: somebody at the public page, not known by name."""

WHOLE: Final = "whole"
PHOTO_ONLY: Final = {"zh": "照片反映的问题", "en": "A matter shown in a photo"}
BURST: Final = 20
EVERY_S: Final = 4.0


class Draft(msgspec.Struct, frozen=True):
    """A report on its way: where it stands, what is wrong with it, and its signed key."""

    report: Report
    step: str
    key: str
    faults: tuple[Fault, ...] = ()


class ReportPages:
    """The pages under /report."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def ask(self, visit: Visit) -> Response:
        """Show the empty form."""
        intake = find_intake(visit.hub.packs)
        if intake is None:
            return visit.notice(503, "no_intake")
        step = STEPS[0] if visit.large else WHOLE
        return show_form(visit, intake, Draft(Report(), step, new_key(visit)))

    async def take(self, visit: Visit) -> Response:
        """Take the form one step on."""
        self._pace.check(address_of(visit.request))
        intake = find_intake(visit.hub.packs)
        if intake is None:
            return visit.notice(503, "no_intake")
        posted = await read_posted(visit.request)
        visit.large = posted.get("type") == "large"
        return await proceed(visit, intake, posted, await read_draft(visit, posted))


async def read_draft(visit: Visit, posted: Posted) -> Draft:
    """Return the report as it stands, with newly uploaded photos stored."""
    kept = [digest for each in posted.lists.get("kept", []) if (digest := visit.seal.open(photos.KEPT, each))]
    dropped = {visit.seal.open(photos.KEPT, each) for each in posted.lists.get("drop", [])}
    kept = [digest for digest in dict.fromkeys(kept) if digest not in dropped]
    taken = await photos.take(visit.hub, posted.uploads, PHOTOS_MAX - len(kept))
    report = read_report(posted.fields, (*kept, *taken.photos), visit.hub.city)
    if not report.placed and taken.point:
        point = read_point(str(taken.point[0]), str(taken.point[1]), visit.hub.city)
        if point:
            report = msgspec.structs.replace(report, lon=point[0], lat=point[1])
    if "unpin" in posted.fields:
        report = msgspec.structs.replace(report, lon=None, lat=None)
    steps = STEPS if visit.large else (WHOLE,)
    step = posted.get("step")
    return Draft(report, step if step in steps else steps[0], posted.get("key"), taken.faults)


async def proceed(visit: Visit, intake: Intake, posted: Posted, draft: Draft) -> Response:
    """Decide which page comes next."""
    go = posted.get("go")
    key = open_key(visit, draft.key, visit.hub.machine())
    if key is None:
        stale = Fault("form", "fault.form_old")
        draft = msgspec.structs.replace(draft, key=new_key(visit), faults=(*draft.faults, stale))
        return show_form(visit, intake, draft, 422)
    if go.startswith("to:") and go[3:] in STEPS and visit.large:
        return show_form(visit, intake, msgspec.structs.replace(draft, step=go[3:], faults=()))
    if go in ("edit", "unpin") or "unpin" in posted.fields:
        return show_form(visit, intake, draft)
    wrong = (*draft.faults, *faults_of(draft.report, visit.hub.city, intake))
    if visit.large and draft.step != "check":
        return _next_step(visit, intake, draft, wrong)
    if wrong:
        step = STEP_OF.get(wrong[0].field, "photo") if visit.large else WHOLE
        return show_form(visit, intake, msgspec.structs.replace(draft, step=step, faults=wrong), 422)
    if go.startswith("join:"):
        number = visit.seal.open("join", go[5:])
        if number is not None:
            return await send(visit, intake, draft.report, key, joined=number)
    if go != "new" and not go.startswith("new:"):
        near = await asyncio.to_thread(nearby.find_near, visit.hub, intake, draft.report)
        if near:
            return show_near(visit, intake, draft, near)
    others = (visit.seal.open("new", go[4:]) or "") if go.startswith("new:") else ""
    return await send(visit, intake, draft.report, key, unlike=tuple(filter(None, others.split(","))))


def _next_step(visit: Visit, intake: Intake, draft: Draft, wrong: Sequence[Fault]) -> Response:
    here = tuple(fault for fault in wrong if STEP_OF.get(fault.field) == draft.step)
    if here:
        return show_form(visit, intake, msgspec.structs.replace(draft, faults=here), 422)
    # A report that was complete once goes back to the reading-over after a correction.
    following = STEPS[STEPS.index(draft.step) + 1]
    return show_form(visit, intake, msgspec.structs.replace(draft, step=following, faults=()))


def show_form(visit: Visit, intake: Intake, draft: Draft, status: int = 200) -> Response:
    """Show the whole form, or one step of it, with what is typed and what is wrong."""
    place = STEPS.index(draft.step) if visit.large else 0
    return visit.page(
        "report.html",
        status,
        draft=draft,
        report=draft.report,
        intake=intake,
        steps=STEPS,
        place=place,
        faults=draft.faults,
        said={fault.field: fault for fault in draft.faults},
        photos=_signed(visit, draft.report),
        back=STEPS[place - 1] if place else None,
    )


def show_near(visit: Visit, intake: Intake, draft: Draft, near: Sequence[nearby.Near]) -> Response:
    """Ask whether it is one of these."""
    now = visit.hub.clock.now()
    found = [
        {
            "near": each,
            "case": each.case,
            "age": visit.words.age(now - each.case["opened_at"]),
            "photo": each.photo and visit.seal.sign(photos.SHOWN, each.photo),
            "dot": _dot(draft.report, each),
            "go": f"join:{visit.seal.sign('join', each.case['number'])}",
            "choice": intake.find_choice(each.case["class"] or ""),
        }
        for each in near
    ]
    others = visit.seal.sign("new", ",".join(each.case["number"] for each in near))
    return visit.page(
        "same.html",
        draft=draft,
        report=draft.report,
        found=found,
        others=f"new:{others}",
        photos=_signed(visit, draft.report),
        faults=(),
    )


def _signed(visit: Visit, report: Report) -> list[str]:
    return [visit.seal.sign(photos.KEPT, digest) for digest in report.photos]


def _dot(report: Report, near: nearby.Near) -> tuple[float, float] | None:
    """Return where the other matter lies on a map of 120 × 120 with the report in the middle."""
    place = near.case["place"] or {}
    if near.away_m is None or report.lon is None or report.lat is None:
        return None
    east = metres(report.lon, report.lat, place["lon"], report.lat)
    north = metres(report.lon, report.lat, report.lon, place["lat"])
    x = 60 + (east if place["lon"] >= report.lon else -east) / nearby.NEAR_M * 52
    y = 60 - (north if place["lat"] >= report.lat else -north) / nearby.NEAR_M * 52
    return round(x, 1), round(y, 1)


CASE: Final = "urn:ngsi-ld:Case:"


async def send(
    visit: Visit, intake: Intake, report: Report, key: str, *, joined: str | None = None, unlike: Sequence[str] = ()
) -> Response:
    """Open the case and show number and code; sending the same form again shows the same ones.

    `joined` is the number of the matter that it is the same as, `unlike` are those that it is not.
    """
    code = visit.seal.draw("code", key, CODE_ALPHABET, CODE_LENGTH)
    body = opening(intake, report, code)
    if joined is not None:
        body["same_as"] = f"{CASE}{joined}"
    if unlike:
        body["unlike"] = [f"{CASE}{number}" for number in unlike]
    command = Command("case.open", "", body)
    receipt = await visit.hub.commit([command], VISITOR, key=f"report.{key}")
    id = receipt.outcomes[0].subject
    case = await asyncio.to_thread(visit.hub.views.cases.find, id, PUBLIC)
    if case is None:
        raise Conflict(f"Case {id} was opened and is not there.", code="web.case_lost")
    if joined is not None:
        comment = Command("case.act", id, {"action": "comment", "note": note_of_joining(joined)})
        await visit.hub.commit([comment], f"citizen:{case['number']}", key=f"join.{key}")
    return visit.page("filed.html", case=case, code=code, joined=joined)


def opening(intake: Intake, report: Report, code: str) -> dict[str, Any]:
    """Return the body of case.open for a report."""
    choice = intake.find_choice(report.category)
    way = intake.way_of(choice)
    place: dict[str, Any] = {"district": report.district}
    if report.address:
        place["address"] = report.address
    if report.placed:
        place |= {"lon": report.lon, "lat": report.lat}
    body: dict[str, Any] = {
        "flow": way.flow,
        "kind": way.kind,
        "text": report.text,
        "place": place,
        "channel": "citizen",
        "code": code,
        "files": [
            {"sha256": digest, "type": "image/jpeg", "name": f"photo-{number}.jpg"}
            for number, digest in enumerate(report.photos, 1)
        ],
    }
    if choice is not None:
        body |= {"class": choice.code, "title": dict(choice.title)}
    elif not report.text:
        body["title"] = PHOTO_ONLY
    if report.name or report.phone:
        body["reporter"] = {"name": report.name or None, "phone": report.phone or None}
    return body
