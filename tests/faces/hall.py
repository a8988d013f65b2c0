"""A simulated city with its public pages at work, and a browser without JavaScript that walks through them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import httpx
from PIL import Image
from starlette.applications import Starlette

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.faces import web
from quanyu.faces.web.console import ConsoleFiles
from quanyu.faces.web.port import CityHub
from quanyu.kernel.journal import Command, Receipt

MORNING = 1_772_409_600_000_000
"""2026-03-02 08:00 +08:00, a Monday."""
HOUR = 3_600_000_000
ADDRESS = "http://127.0.0.1:8000"
PROVENANCE = "simulated:test"
Upload = tuple[str, bytes, str]


def photo(side: int = 64, colour: tuple[int, int, int] = (90, 120, 60)) -> bytes:
    """A JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "JPEG")
    return out.getvalue()


@contextmanager
def city_hall(home: Path) -> Iterator[Hub]:
    """A hub on a fresh home; its city time stands at MORNING. The gate stands as it does for everybody."""
    hub = open_hub(home, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    try:
        with hub.in_turn():
            yield hub
    finally:
        hub.close()


def act(hub: Hub, id: str, role: str, unit: str | None, action: str, **body: Any) -> Receipt:
    """Let a simulated officer act on a case."""
    person = {"id": f"person:{role}", "name": "王五", "unit": unit, "role": role}
    return hub.commit_blocking(
        [Command("case.act", id, {"action": action, "as_person": person} | body, PROVENANCE)], "simulation:test"
    )


def walk_to_close(hub: Hub, id: str, note: str = "灯泡已更换") -> None:
    """Take a grid case from collection to its outcome."""
    act(hub, id, "clerk", None, "collect")
    act(hub, id, "duty", None, "register")
    act(hub, id, "dispatcher", None, "dispatch", fields={"unit": "facilities.power"})
    proof = [{"sha256": "a" * 64, "type": "image/jpeg"}]
    act(hub, id, "handler", "facilities.power", "handle", files=proof)
    act(hub, id, "dispatcher", None, "feedback")
    act(hub, id, "supervisor", "city.supervision", "check", fields={"passed": True})
    act(hub, id, "duty", None, "close", note=note, fields={"outcome": "fixed"})


class Form:
    """A form as a browser holds it: its address, its fields, and the buttons that send it."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []
        self.names: set[str] = set()


class Page(HTMLParser):
    """A page taken apart: forms, text, ids, links, and every attribute for a look at the policy."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.forms: list[Form] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self._text: list[str] = []
        self._select: str | None = None
        self._textarea: str | None = None
        self._tag = ""
        self.feed(html)

    @property
    def text(self) -> str:
        """What can be read, in one line."""
        return " ".join(" ".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._tag = tag
        self.attributes += [(tag, name, value) for name, value in given.items()]
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "form":
            self.forms.append(Form(given["action"]))
        if not self.forms:
            return
        form, name = self.forms[-1], given.get("name", "")
        if name:
            form.names.add(name)
        if tag == "input" and name and given.get("type") not in ("file", "checkbox", "radio"):
            form.fields.append((name, given.get("value", "")))
        elif tag == "button" and given.get("type") != "button":
            form.buttons.append((name, given.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            form.fields.append((self._select, given.get("value", "")))
        elif tag == "textarea":
            self._textarea = name
            form.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        if tag == "textarea":
            self._textarea = None
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            name, value = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, value + data)
        if self._tag in ("script", "style") and data.strip():
            self.inline.append(data)
        self._text.append(data)

    def form(self, action: str) -> Form:
        """The form that goes to an address."""
        return next(each for each in self.forms if each.action.partition("?")[0] == action)

    def button(self, action: str, start: str) -> str:
        """The value of the button that begins so."""
        return next(value for _, value in self.form(action).buttons if value.startswith(start))


class Browser:
    """Gets pages and sends their forms, as any browser without scripts does."""

    def __init__(self, hub: Hub, files: ConsoleFiles | None = None, address: str = "127.0.0.1") -> None:
        self.hub = hub
        self.loop = asyncio.new_event_loop()
        self.app = Starlette(routes=list(web.routes(cast(CityHub, hub), files)))
        transport = httpx.ASGITransport(self.app, client=(address, 5000), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=ADDRESS)
        self.client.headers["Accept-Language"] = "zh-CN,zh;q=0.9"

    def request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return self.loop.run_until_complete(self.client.request(method, path, **rest))

    def get(self, path: str, status: int = 200, **rest: Any) -> Page:
        response = self.request("GET", path, **rest)
        assert response.status_code == status, response.text
        return Page(response.text)

    def send(
        self,
        page: Page,
        action: str,
        typed: Mapping[str, str] | None = None,
        *,
        go: str = "next",
        photos: Sequence[Upload] = (),
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Fill a form in and press a button."""
        form = page.form(action)
        typed = dict(typed or {})
        unknown = set(typed) - form.names
        assert not unknown, f"form has no fields {unknown}"
        fields = [(name, value) for name, value in form.fields if name not in typed] + list(typed.items())
        fields.append(("go", go))
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        files = [("photo", upload) for upload in photos] or None
        given = {"Sec-Fetch-Site": "same-origin"} if headers is None else dict(headers)
        response = self.request("POST", form.action, data=data, files=files, headers=given)
        assert response.status_code == status, response.text
        return Page(response.text)

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


@contextmanager
def browsing(hub: Hub, files: ConsoleFiles | None = None, address: str = "127.0.0.1") -> Iterator[Browser]:
    """A browser that closes itself."""
    browser = Browser(hub, files, address)
    try:
        yield browser
    finally:
        browser.close()
