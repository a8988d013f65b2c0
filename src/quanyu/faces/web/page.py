"""One page: a template, the words of the visitor's language, and how the answer may be kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from quanyu.faces.web import assets
from quanyu.faces.web.language import COOKIE, LANGUAGES, Words, language_of
from quanyu.faces.web.port import CityHub
from quanyu.faces.web.seal import Seal
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError, Unavailable, Unsupported

COOKIE_S: Final = 365 * 24 * 3600
STATUS_BY_KIND: Final[dict[type[QuanyuError], int]] = {
    Invalid: 400,
    Denied: 403,
    Missing: 404,
    Conflict: 409,
    Unsupported: 501,
    Unavailable: 503,
}
STATUS_BY_CODE: Final = {"web.pace": 429, "web.too_large": 413, "access.foreign": 403}
log = structlog.get_logger()
Handler = Callable[["Visit"], Awaitable[Response]]


class Visit:
    """One request of one visitor: its language, its type size, and the way to a page."""

    def __init__(self, hub: CityHub, seal: Seal, templates: jinja2.Environment, request: Request) -> None:
        self.hub = hub
        self.seal = seal
        self.request = request
        self.words = Words(language_of(request), hub.city.zone)
        self.large = request.query_params.get("type") == "large"
        self._templates = templates

    def link(self, path: str, **parameters: str) -> str:
        """Return a link that keeps the visitor's type size, and the language where the address asked for it."""
        lang = self.request.query_params.get("lang")
        asked: dict[str, str] = {"lang": lang} if lang in LANGUAGES else {}
        asked |= ({"type": "large"} if self.large else {}) | parameters
        return f"{path}?{urlencode(asked)}" if asked else path

    def register(self, id: str) -> str:
        """Return what a register is called, for the source of a value."""
        found = self.hub.forms.registers.get(id)
        return id if found is None else found.title.of(self.words.language)

    def page(self, template: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response:
        """Render a template; pages are made for one visitor and are never kept by a cache."""
        request = self.request
        values |= {
            "t": self.words,
            "visit": self,
            "hub": self.hub,
            "here": request.url.path,
            "read": request.method in ("GET", "HEAD"),
            "asset": assets.address,
        }
        text = self._templates.get_template(template).render(values)
        kept = {"Cache-Control": "no-store", "Content-Language": self.words.tag, "Vary": "Accept-Language, Cookie"}
        response = HTMLResponse(text, status, kept | (headers or {}))
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(COOKIE, self.words.language, COOKIE_S, httponly=True, samesite="lax")
        return response

    def notice(self, status: int, key: str, headers: dict[str, str] | None = None, **values: Any) -> Response:
        """Answer with a page that says one thing and what to do about it."""
        return self.page("notice.html", status, headers, key=key, values=values)


class Pages:
    """Makes endpoints of handlers: every error becomes a page that says what to do."""

    def __init__(self, hub: CityHub, seal: Seal) -> None:
        self._hub = hub
        self._seal = seal
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("quanyu.faces.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return a Starlette endpoint."""

        async def answer(request: Request) -> Response:
            visit = Visit(self._hub, self._seal, self._templates, request)
            try:
                return await handler(visit)
            except QuanyuError as error:
                return refused(visit, error)
            except Exception as error:  # the border of the face: a visitor gets a page, we get the cause
                log.error("page failed", path=request.url.path, exc_info=error)
                return visit.notice(500, "broken")

        return answer


def refused(visit: Visit, error: QuanyuError) -> Response:
    """Return the page of an error of the tree: words for the ones that visitors meet, one sentence for all others."""
    status = STATUS_BY_CODE.get(error.code) or next(
        (status for kind, status in STATUS_BY_KIND.items() if isinstance(error, kind)), 500
    )
    log.info("page refused", path=visit.request.url.path, code=error.code, message=error.message)
    headers = {}
    if "retry_after_s" in error.details:
        headers["Retry-After"] = str(error.details["retry_after_s"])
    keys = {
        "web.pace": "pace",
        "web.too_large": "too_large",
        "web.cross_site": "cross_site",
        "web.form": "unreadable",
        "idempotency.reused": "sent_before",
    }
    key = keys.get(error.code) or ("busy" if isinstance(error, Unavailable) else "refused")
    return visit.notice(status, key, headers, code=error.code, wait=headers.get("Retry-After", ""))
