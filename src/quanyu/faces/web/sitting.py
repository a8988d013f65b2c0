"""Who sits before a page of applications: a signed-in subject, somebody with number and code, or a clerk for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from quanyu.assembly.applications import Reader
from quanyu.engines.access.view import Actor
from quanyu.faces.web.page import Visit
from quanyu.kernel.flow import APPLICANT
from quanyu.kernel.view import CaseQuery, Filter

COOKIE: Final = "quanyu_do"
DESK_COOKIE: Final = "quanyu_desk"
SESSION_COOKIE: Final = "quanyu_session"
SECRET_LENGTH_MAX: Final = 200
DESKS: Final = ("counter", "phone")
CASE: Final = "urn:ngsi-ld:Case:"
LIFE_US: Final = 2 * 3600 * 1_000_000
KEPT: Final = 3
"""Applications whose number and code a sitting remembers."""


class Sitting(msgspec.Struct, frozen=True):
    """Who is here; `passes` are codes by number. At a `desk` an officer acts for whoever is served."""

    subjects: tuple[str, ...] = ()
    passes: Mapping[str, str] = {}
    officer: Actor | None = None
    desk: str = ""

    @property
    def serves(self) -> bool:
        """Whether an officer works for somebody else now."""
        return self.officer is not None and bool(self.desk)

    @property
    def opener(self) -> str:
        """Return the actor that opens an application."""
        if self.officer is not None and self.desk:
            return self.officer.id
        return f"citizen:{'&'.join(self.subjects)}" if self.subjects else "citizen:report"

    def reader(self, visit: Visit, number: str) -> Reader | None:
        """Return as whom an application is looked at; None where nothing opens it."""
        if self.officer is not None and self.desk:
            scope = visit.hub.access.scope(self.officer, "view:cases")
            return Reader(self.officer.id, scope, officer=True)
        if number in self.passes:
            actor = f"citizen:{number}"
            return Reader(actor, Filter(actor=actor), self.subjects)
        if self.subjects:
            return Reader(self.opener, self.own, self.subjects)
        return None

    @property
    def own(self) -> Filter:
        """Return the filter of what is the signed-in subjects' own; whoever has not signed in has nothing."""
        return Filter(actor=self.opener, subjects=frozenset(self.subjects))

    def with_pass(self, number: str, code: str) -> Sitting:
        """Return the sitting with one more application opened; the oldest is forgotten."""
        passes = {each: kept for each, kept in self.passes.items() if each != number} | {number: code}
        return msgspec.structs.replace(self, passes=dict(list(passes.items())[-KEPT:]))


def sitting_of(visit: Visit) -> Sitting:
    """Return who is here by the cookies of the request."""
    request, hub = visit.request, visit.hub
    text = visit.seal.open_until("do", request.cookies.get(COOKIE, ""), hub.machine()) or ""
    parts = [each for each in text.split("|") if each]
    subjects = tuple(each for each in parts if each.startswith(("person:", "firm:")))
    passes = dict(each.split("=", 1) for each in parts if "=" in each and each[0].isdigit())
    officer = officer_of(visit, request)
    desk = request.cookies.get(DESK_COOKIE, "") if officer is not None else ""
    return Sitting(subjects, passes, officer, desk if desk in DESKS else "")


def officer_of(visit: Visit, request: Request) -> Actor | None:
    """Return the officer whose session the browser holds and who may fill in for others; None for everybody else."""
    access, cookie = visit.hub.access, request.cookies.get(SESSION_COOKIE, "")
    actor = None
    if 0 < len(cookie) <= SECRET_LENGTH_MAX:
        actor = access.actor_for_session(cookie, visit.hub.machine())
    actor = actor or access.open_actor()
    if actor is None or not (actor.via == "open" or any(grant.role == "clerk" for grant in actor.roles)):
        return None
    return actor


def keep(visit: Visit, response: Response, sitting: Sitting) -> Response:
    """Let the browser remember the sitting for two hours; what it holds is signed."""
    parts = [*sitting.subjects, *(f"{number}={code}" for number, code in sitting.passes.items())]
    value = visit.seal.sign_until("do", "|".join(parts), visit.hub.machine() + LIFE_US) if parts else ""
    secure = visit.request.url.scheme == "https"
    response.set_cookie(COOKIE, value, LIFE_US // 1_000_000, path="/do", httponly=True, samesite="lax", secure=secure)
    return response


def keep_desk(visit: Visit, response: Response, desk: str) -> Response:
    """Let the browser remember at which desk an officer sits."""
    secure = visit.request.url.scheme == "https"
    response.set_cookie(
        DESK_COOKIE, desk, LIFE_US // 1_000_000, path="/do", httponly=True, samesite="lax", secure=secure
    )
    return response


def counts(visit: Visit, sitting: Sitting) -> tuple[int, int] | None:
    """Return how many cases whoever signed in has, and how many wait for them; None where nobody did."""
    if not sitting.subjects or sitting.serves:
        return None
    cases = visit.hub.views.cases
    waiting = CaseQuery(list="open", role=APPLICANT)
    return cases.count(CaseQuery(list="all"), sitting.own), cases.count(waiting, sitting.own)
