"""People who apply on the citizen pages: a browser without scripts that goes where redirects lead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from quanyu.assembly.applications import citizen_link
from quanyu.assembly.hub import Hub
from quanyu.faces.web import language
from quanyu.kernel.journal import Command
from tests.faces.hall import PROVENANCE, Browser, Page, Upload, act, browsing, photo

FIRM = "firm:91350100M000100Y43"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"
ANSWERS: dict[str, Any] = {
    "shop_name": "老王面馆", "meals": ["hot"], "guests_inside": "yes", "seats": "20", "sets_sign": "no",
    "opening_on": "", "person_phone": "13800138000",
}  # fmt: skip
UPLOADS: dict[str, list[Upload]] = {
    "layout_plan": [("plan.jpg", photo(), "image/jpeg")],
    "premises_right": [("lease.pdf", PDF, "application/pdf")],
}
HELD: dict[str, dict[str, Any]] = {
    "firms": {"firm.name": "老王餐饮有限公司", "firm.credit_code": FIRM[5:], "firm.legal_person": "王五",
              "firm.in_business": True, "firm.registered_address": "朝阳区某路 1 号"},
    "premises": {"premises.address": "朝阳区某路 1 号", "premises.area_m2": 35, "premises.use": "commercial"},
    "health_certificates": {"staff.health_certified": True},
}  # fmt: skip


def hold(hub: Hub, subject: str = FIRM) -> None:
    """Let the registers know a simulated firm."""
    for register, values in HELD.items():
        kept = {id: value for id, value in values.items() if id in hub.forms.registers[register].holds}
        body = {"register": register, "values": kept, "as_of": "2026-02-28", "source": "demonstration"}
        hub.commit_blocking([Command("register.put", subject, body, PROVENANCE)], "simulation:test")


def found_by_rule(hub: Hub, flow: str, title: tuple[str, str], subject: str = FIRM, key: str = "") -> str:
    """Let a rule find something about a firm; the number of its case."""
    at = hub.clock.now()
    asset = f"urn:ngsi-ld:Firm:{subject.removeprefix('firm:')}"
    body = {
        "rule": flow, "rule_title": {"zh": title[0], "en": title[1]}, "severity": "info", "flow": flow, "asset": asset,
        "asset_type": "Firm", "from": at, "why": {"zh": "新增专利 1 件", "en": "1 new patent"}, "as": "live",
    }  # fmt: skip
    taken = hub.commit_blocking([Command("case.find", f"{flow}|{asset}{key}", body, PROVENANCE)], "engine:rules")
    return taken.outcomes[0].subject.rpartition(":")[2]


def offered(hub: Hub, subject: str = FIRM, key: str = "") -> str:
    """An offer that the office has looked into and put to the firm."""
    number = found_by_rule(hub, "policy_offer", ("知识产权与人才政策推送", "Support for patents"), subject, key)
    act(hub, f"urn:ngsi-ld:Case:{number}", "handler", "services.enterprise", "check", fields={"fits": True})
    return number


def given(hub: Hub, subject: str = FIRM) -> str:
    """A benefit that was given without an application."""
    number = found_by_rule(hub, "benefit_direct", ("吸纳就业补贴免申即享", "Support for hiring"), subject)
    id = f"urn:ngsi-ld:Case:{number}"
    act(hub, id, "handler", "services.enterprise", "check", fields={"fits": True, "evidence_read": "单位参保登记"})
    done = {"passed": True, "outcome": "granted"}
    payer = {"id": "person:payer", "name": "赵六", "unit": "social.insurance", "role": "handler"}
    body = {"action": "give", "note": "已兑付", "fields": done, "as_person": payer}
    hub.commit_blocking([Command("case.act", id, body, PROVENANCE)], "simulation:test")
    return number


class Applicant:
    """One browser and where it is."""

    def __init__(self, browser: Browser, hub: Hub) -> None:
        self.browser, self.hub = browser, hub
        self.response: httpx.Response
        self.page: Page

    def go(self, path: str, status: int = 200) -> Page:
        return self._took(self.browser.request("GET", path, follow_redirects=True), status)

    def sign_in(self, subject: str = FIRM) -> None:
        self.go(citizen_link(self.hub.home, subject, self.hub.machine())["path"])

    def press(
        self,
        action: str,
        typed: Mapping[str, Any] | None = None,
        status: int = 200,
        files: Sequence[Upload] = (),
        **changed: str,
    ) -> Page:
        """Send the form of the page that goes to an address."""
        form = self.page.form(action)
        typed = dict(typed or {})
        assert not set(typed) - form.names - {"go"}, f"form has no fields {set(typed) - form.names}"
        data: dict[str, list[str]] = {}
        for name, value in [*((n, v) for n, v in form.fields if n not in typed), *typed.items()]:
            data.setdefault(name, []).extend(value if isinstance(value, list) else [changed.get(name, value)])
        upload = [("upload", each) for each in files] or None
        headers = {"Sec-Fetch-Site": "same-origin"}
        sent = self.browser.request(
            "POST", form.action, data=data, files=upload, headers=headers, follow_redirects=True
        )
        return self._took(sent, status)

    def start(self, code: str = "open_restaurant", **typed: str) -> tuple[str, str]:
        """Begin an application; number and code."""
        self.go(f"/do/item/{code}")
        self.press(f"/do/item/{code}", typed)
        number, shown = (
            re.search(r"\d{8}-\d+", self.page.text),
            re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}", self.page.text),
        )
        assert number is not None
        return number[0], shown[0].replace("-", "") if shown else ""

    def answer_all(self, number: str, answers: Mapping[str, Any] = ANSWERS) -> None:
        """Answer question after question until all is to be read over."""
        self.go(f"/do/case/{number}")
        for _ in range(40):
            found = re.search(rf'href="(/do/case/{number}/q/[a-z_0-9]+)', self.page.html)
            assert found is not None, self.page.text
            self.go(found[1])
            while "/q/" in self.at:
                name = self.at.rpartition("/")[2]
                if name in UPLOADS:
                    self.press(self.at, files=UPLOADS[name])
                else:
                    self.press(self.at, {"answer": answers[name]})
            if self.at.endswith("/check"):
                return
        raise AssertionError(self.page.text)

    @property
    def at(self) -> str:
        """The path of the page that is shown."""
        return self.response.url.path

    def _took(self, response: httpx.Response, status: int) -> Page:
        self.response = response
        assert response.status_code == status, (response.status_code, Page(response.text).text)
        assert len(response.content) <= 30 * 1024, f"{response.url} has {len(response.content)} bytes"
        self.page = Page(response.text)
        return self.page


@contextmanager
def applying(hub: Hub, address: str = "127.0.0.1", tongue: str = "zh") -> Iterator[Applicant]:
    """Somebody at a browser of one's own."""
    assert tongue in language.LANGUAGES
    with browsing(hub, address=address) as browser:
        browser.client.headers["Accept-Language"] = tongue
        yield Applicant(browser, hub)
