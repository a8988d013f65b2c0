"""The paths of GeoReport v2, and what each asks and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from quanyu.faces.open311.answer import FORMATS, answer, refusal
from quanyu.faces.open311.asking import Asked, read_asked
from quanyu.faces.open311.port import CityHub
from quanyu.faces.open311.posting import Posting
from quanyu.faces.open311.shape import OTHER, language_of, service_request, services
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.intake import Intake, find_intake
from quanyu.kernel.public import PUBLIC, is_public
from quanyu.kernel.view import CaseQuery, Page

BASE: Final = "/open311/v2"
SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
CHANGESET: Final = "2026-11-22T00:00:00Z"
"""When what this endpoint takes and answers was changed last."""

LOOKED_AT: Final = 200
"""Cases fetched at once; those that the public may not see are passed over."""

Handler = Callable[[Request, str], Awaitable[Response]]


class Door:
    """GeoReport v2 over one hub; everything here is public, and what goes in is paced by address."""

    def __init__(self, hub: CityHub) -> None:
        self._hub = hub
        self._posting = Posting(hub)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the paths; the format is the end of each."""
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "discovery.{suffix}", self.discovery),
            ("GET", "services.{suffix}", self.services),
            ("GET", "services/{code}.{suffix}", self.definition),
            ("GET", "requests.{suffix}", self.requests),
            ("POST", "requests.{suffix}", self._posting),
            ("GET", "requests/{id}.{suffix}", self.request),
            ("GET", "tokens/{id}.{suffix}", self.token),
        )
        found = [Route(f"{BASE}/{path}", self._guarded(handle), methods=[method]) for method, path, handle in table]
        return [*found, Route(f"{BASE}/{{rest:path}}", self._lost, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])]

    def _guarded(self, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            suffix = request.path_params["suffix"]
            try:
                if suffix not in FORMATS:
                    raise _unknown(request)
                self._check_jurisdiction(request.query_params.get("jurisdiction_id"))
                return await handle(request, suffix)
            except Exception as error:  # the border of the face: whatever it is, the caller gets the standard's error
                return refusal(suffix if suffix in FORMATS else "xml", error)

        return answered

    async def _lost(self, request: Request) -> Response:
        return refusal("json" if request.url.path.endswith(".json") else "xml", _unknown(request))

    def _check_jurisdiction(self, asked: str | None) -> None:
        if asked not in (None, "", self._hub.city.code):
            raise Missing(
                f"Jurisdiction {asked!r:.60} is not served here.",
                code="open311.jurisdiction",
                remedy=f"Leave jurisdiction_id out, or send {self._hub.city.code}.",
            )

    @property
    def _intake(self) -> Intake:
        intake = find_intake(self._hub.packs)
        if intake is None:
            raise Missing("This city takes no reports here.", code="open311.no_intake", remedy="Call its hotline.")
        return intake

    async def discovery(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, service discovery: where the endpoint is and what it speaks."""
        base = (self._hub.url or str(request.base_url)).rstrip("/")
        endpoint = {
            "specification": SPECIFICATION, "url": f"{base}{BASE}", "changeset": CHANGESET, "type": "production",
            "formats": ["text/xml", "application/json"],
        }  # fmt: skip
        found = {
            "changeset": CHANGESET,
            "contact": self._hub.city.name[language_of(request.headers.get("accept-language"))],
            "key_service": "Reports need no key; a bearer token of the city may be sent as api_key.",
            "endpoints": [endpoint],
        }
        return answer(suffix, "discovery", found)

    async def services(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, GET service list."""
        return answer(suffix, "services", services(self._intake, language_of(request.headers.get("accept-language"))))

    async def definition(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, GET service definition: no service asks for attributes of its own."""
        code = request.path_params["code"]
        check_service(self._intake, code)
        return answer(suffix, "service_definition", {"service_code": code, "attributes": []})

    async def requests(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, GET service requests: newest first, 90 days or the first 1,000, page and page_size."""
        asked = read_asked(request.query_params, self._hub.clock.now())
        for code in asked.codes:
            check_service(self._intake, code)
        found = await run_in_threadpool(self._found, asked, language_of(request.headers.get("accept-language")))
        return answer(suffix, "service_requests", found)

    async def request(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, GET service request."""
        language = language_of(request.headers.get("accept-language"))
        found = await run_in_threadpool(self._one, request.path_params["id"], language)
        return answer(suffix, "service_requests", [found])

    async def token(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, GET service_request_id from a token: numbers are given at once, so the two are the same."""
        id = request.path_params["id"]
        await run_in_threadpool(self._one, id, "zh")
        return answer(suffix, "service_requests", [{"service_request_id": id, "token": id}])

    def _one(self, number: str, language: str) -> dict[str, Any]:
        try:
            case = self._hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", PUBLIC)
        except Invalid:
            case = None
        if case is None or not is_public(case):
            raise Missing(
                f"Service request {number!r:.60} does not exist.",
                code="open311.request",
                remedy="Send the number that was given when it was reported.",
            )
        return service_request(case, self._intake, self._hub.city, language)

    def _found(self, asked: Asked, language: str) -> list[dict[str, Any]]:
        intake, city = self._intake, self._hub.city
        if asked.ids:
            found = []
            for number in asked.ids:
                try:
                    found.append(self._one(number, language))
                except Missing:
                    continue
            return found
        cases = self._listed(asked)
        return [service_request(case, intake, city, language) for case in cases[asked.skip : asked.skip + asked.size]]

    def _listed(self, asked: Asked) -> list[dict[str, Any]]:
        """Return public cases of the window, newest first, no more than the pages asked for need."""
        view, after = self._hub.views.cases, None
        found: list[dict[str, Any]] = []
        only = asked.codes[0] if len(asked.codes) == 1 and asked.codes[0] != OTHER.code else None
        while len(found) < asked.skip + asked.size:
            query = CaseQuery(
                list="all", category=only, historical=False, opened_from=asked.start, opened_to=asked.end,
                sort="opened", limit=LOOKED_AT, after=after,
            )  # fmt: skip
            page: Page = view.query(query, PUBLIC)
            found += [case for case in page.items if is_public(case) and _meets(case, asked, self._intake)]
            after = page.after
            if after is None:
                break
        return found


def check_service(intake: Intake, code: str) -> None:
    """Raise Missing for a service that is not offered."""
    if code != OTHER.code and intake.find_choice(code) is None:
        raise Missing(
            f"Service {code!r:.60} does not exist.",
            code="open311.service",
            remedy="See the service list.",
        )


def _meets(case: dict[str, Any], asked: Asked, intake: Intake) -> bool:
    status = "closed" if case["state"] == "closed" else "open"
    code = case["class"] if intake.find_choice(case["class"] or "") else OTHER.code
    return (not asked.statuses or status in asked.statuses) and (not asked.codes or code in asked.codes)


def _unknown(request: Request) -> Missing:
    return Missing(
        f"{request.url.path[:200]} is no path of GeoReport v2.",
        code="open311.path",
        remedy=f"Use {BASE}/services, /requests or /tokens, ending in .xml or .json.",
    )
