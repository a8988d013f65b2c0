"""Web: the pages for citizens, complete without JavaScript, and the console's built files.

Nobody signs in here. A citizen's report is a case like any other; number and code are all that one needs to follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from quanyu.faces.web import around, assets, do, known, my, photos, report
from quanyu.faces.web.console import PAGES, ConsoleFiles
from quanyu.faces.web.do import DoPages
from quanyu.faces.web.do_case import CasePages
from quanyu.faces.web.mine import MinePages
from quanyu.faces.web.my import MyPages
from quanyu.faces.web.page import Handler, Pages
from quanyu.faces.web.port import CityHub
from quanyu.faces.web.report import ReportPages
from quanyu.faces.web.seal import load_seal
from quanyu.faces.web.shield import Shield
from quanyu.kernel.pace import Pace

ORDER: Final = 200
"""Faces are asked in this order; the console's pages come last."""


def _do(hub: CityHub, route: Callable[..., Route]) -> list[Route]:
    """Return the pages where people apply."""
    front = DoPages(Pace(hub.machine, do.BURST, do.EVERY_S), Pace(hub.machine, my.WRONG_BURST, my.WRONG_EVERY_S))
    open_ = CasePages(Pace(hub.machine, do.BURST, do.EVERY_S))
    mine = MinePages(Pace(hub.machine, do.BURST, do.EVERY_S))
    case = "/do/case/{number}"
    return [
        route("/do", front.list),
        route("/do/sign-in", front.sign),
        route("/do/sign-in", front.signed, "POST"),
        route("/do/known", known.show),
        route("/do/mine", mine.list),
        route("/do/mine", mine.look, "POST"),
        route("/do/continue", front.saved),
        route("/do/continue", front.go_on, "POST"),
        route("/do/desk", front.desk, "POST"),
        route("/do/item/{code}", front.item),
        route("/do/item/{code}", front.start, "POST"),
        route(case, open_.tasks),
        route(f"{case}/q/{{name}}", open_.question),
        route(f"{case}/q/{{name}}", open_.answer, "POST"),
        route(f"{case}/wrong/{{name}}", open_.wrong),
        route(f"{case}/wrong/{{name}}", open_.mend, "POST"),
        route(f"{case}/check", open_.check),
        route(f"{case}/check", open_.hand_in, "POST"),
        route(f"{case}/receipt", open_.receipt),
        route(f"{case}/withdraw", open_.withdraw, "POST"),
        route(f"{case}/prove", open_.prove, "POST"),
        route(f"{case}/answer", mine.answer, "POST"),
    ]


def routes(hub: CityHub, files: ConsoleFiles | None = None) -> Sequence[BaseRoute]:
    """Return everything that this face answers; all of it is public."""
    pages = Pages(hub, load_seal(hub.home))
    reports = ReportPages(Pace(hub.machine, report.BURST, report.EVERY_S))
    wrong = Pace(hub.machine, my.WRONG_BURST, my.WRONG_EVERY_S)
    matters = MyPages(Pace(hub.machine, my.BURST, my.EVERY_S), wrong)
    console = files or ConsoleFiles()

    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        return Route(path, pages.endpoint(handler), methods=[method], middleware=[Middleware(Shield)])

    return [
        route("/report", reports.ask),
        route("/report", reports.take, "POST"),
        route("/report/photo/{signed}", photos.show),
        route("/my", matters.ask),
        route("/my", matters.open, "POST"),
        route("/my/answer", matters.answer, "POST"),
        route("/my/comment", matters.add, "POST"),
        route("/my/withdraw", matters.withdraw, "POST"),
        route("/my/{page}", matters.ask),
        route("/around", around.show),
        route("/around/warnings/{key}", around.warning),
        *_do(hub, route),
        Route(f"{assets.PATH}/{{name}}", assets.serve, middleware=[Middleware(Shield)]),
        route("/assets/{path:path}", console.asset),
        *(route(path, console.shell) for path in PAGES),
        route("/{name}.{suffix}", console.other),
    ]
