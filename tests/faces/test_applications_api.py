"""Applications over HTTP: an officer fills in for whoever applies, on the same case and under the same clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from quanyu.assembly import Hub
from quanyu.assembly.personal import readings
from quanyu.engines.access.secret import digest_of, fresh_secret
from quanyu.faces import http
from quanyu.faces.web.sitting import DESK_COOKIE, SESSION_COOKIE
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.faces.applying import FIRM, HELD, Applicant, applying, hold, offered
from tests.faces.hall import city_hall

PEOPLE = {"clerk": ("clerk", None), "sensor": ("collector", None), "handler": ("handler", "fire.safety")}
ANSWERS = {"shop_name": "老王面馆", "meals": ["drinks"], "guests_inside": False, "sets_sign": False,
           "opening_on": None, "person_phone": "13800138000"}  # fmt: skip


class Door:
    """Knocks at the native API as one of PEOPLE."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.loop = asyncio.new_event_loop()
        self.tokens: dict[str, str] = {}
        for name, (role, unit) in PEOPLE.items():
            person = f"person:{name}"
            self.tokens[name] = fresh_secret("qy")
            hub.commit_blocking(
                [
                    Command("person.put", person, {"name": name}),
                    Command("role.grant", person, {"role": role, "unit": unit}),
                    Command("token.issue", person, {"digest": digest_of(self.tokens[name]), "title": "test"}),
                ],
                "system:test",
            )
        app = Starlette(routes=list(http.routes(hub)), middleware=list(http.middleware(hub)))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=("127.0.0.1", 5000), raise_app_exceptions=False),
            base_url="http://127.0.0.1:8000",
        )

    def __call__(self, status: int, method: str, path: str, who: str | None = "clerk", body: Any = None) -> Any:
        headers = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        asked = self.client.request(method, f"/api/v1/{path}", headers=headers, json=body)
        response = self.loop.run_until_complete(asked)
        assert response.status_code == status, response.text
        return msgspec.json.decode(response.content)

    def session(self, name: str) -> str:
        """A browser session, opened by a one-time link as in life."""
        link = fresh_secret("ql")
        body = {"digest": digest_of(link), "expires": self.hub.machine() + 10**9}
        self.hub.commit_blocking([Command("signin.issue", f"person:{name}", body)], "system:test")
        answer = self.loop.run_until_complete(self.client.get(f"/sign-in?token={link}"))
        return answer.cookies[SESSION_COOKIE]

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with city_hall(tmp_path) as hub:
        hold(hub)
        made = Door(hub)
        yield made
        made.close()


def start(door: Door, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = door(201, "POST", "applications", body={"flow": "open_restaurant"} | body)
    return found


def test_an_application_goes_through_the_api(door: Door) -> None:
    made = start(door, subjects=[FIRM], document="营业执照正本", channel="counter")
    id = made["id"]
    draft = door(200, "GET", f"applications/{id}")
    assert {line["name"]: line["shown"] for line in draft["form"]["prefilled"]}["firm_name"] == HELD["firms"][
        "firm.name"
    ]
    assert draft["form"]["next"] == "shop_name"
    wrong = door(400, "POST", f"applications/{id}/answers", body={"answers": {"meals": ["poison"]}, "version": 1})
    assert wrong["code"] == "case.answers"
    files = [door.hub.files.put(b"%PDF-1.4\n%%EOF").sha256]
    answers = ANSWERS | {"premises_right": files}
    refs = [{"sha256": each, "type": "application/pdf"} for each in files]
    door(200, "POST", f"applications/{id}/answers", body={"answers": answers, "files": refs, "version": 1})
    assert door(409, "POST", f"applications/{id}/answers", body={"answers": {}, "version": 1})["code"] == "case.stale"
    door(200, "POST", f"applications/{id}/hand-in", body={"version": 2})
    receipt = door(200, "GET", f"applications/{id}/receipt")
    assert receipt["handed_in"][0]["form"]["id"] == "open_restaurant"
    assert receipt["next"][0]["step"] == "review"
    assert receipt["begun"] is False
    door(200, "POST", f"applications/{id}/withdraw", body={"note": "不开了"})
    assert door(200, "GET", f"applications/{id}/receipt")["outcome"]["word"] == "withdrawn"


def test_strangers_and_others_reach_no_application(door: Door) -> None:
    made = start(door, subjects=[FIRM], document="营业执照正本")
    id = made["id"]
    for method, path, body in (
        ("GET", f"applications/{id}", None),
        ("GET", f"applications/{id}/receipt", None),
        ("POST", "applications", {"flow": "open_restaurant"}),
        ("POST", f"applications/{id}/answers", {"answers": {"shop_name": "x"}}),
        ("POST", f"applications/{id}/hand-in", {}),
        ("POST", f"applications/{id}/withdraw", {}),
    ):
        assert door(401, method, path, None, body)["code"] == "access.stranger"
        if path != "applications":
            assert door(404 if method == "GET" and path.endswith("receipt") else 403, method, path, "sensor", body)
    assert HELD["firms"]["firm.name"] not in str(door(403, "GET", f"applications/{id}", "handler"))


def test_an_officer_who_saw_a_document_finds_what_is_somebodys_own(door: Door) -> None:
    draft = start(door, subjects=[FIRM], document="营业执照正本")
    start(door)
    offer = offered(door.hub)
    asked = {"subject": FIRM, "document": "营业执照正本"}
    found = door(200, "POST", "applications/own", body=asked)
    assert [(each["number"], each["what"], each["turn"]["kind"]) for each in found["items"]] == [
        (offer, "offer", "answer"),
        (draft["number"], "application", "draft"),
    ]
    assert found["count"] == 2
    first = door(200, "POST", "applications/own", body=asked | {"limit": 1, "waiting": True})
    rest = door(200, "POST", "applications/own", body=asked | {"limit": 1, "waiting": True, "after": first["after"]})
    assert [each["number"] for each in (*first["items"], *rest["items"])] == [offer, draft["number"]]
    assert door(200, "POST", "applications/own", body=asked | {"text": "没有"})["items"] == []
    looks = [each for each in readings(door.hub, FIRM) if "at their wish" in each["purpose"]]
    assert [(each["actor"], each["proof"]) for each in looks] == [("person:clerk", "营业执照正本")]
    assert door(401, "POST", "applications/own", None, asked)["code"] == "access.stranger"
    for who in ("sensor", "handler"):
        assert draft["number"] not in str(door(403, "POST", "applications/own", who, asked))
    assert len([each for each in readings(door.hub, FIRM) if "at their wish" in each["purpose"]]) == 1
    assert door(400, "POST", "applications/own", body=asked | {"subject": "a b"})["code"] == "case.subject"
    assert door(400, "POST", "applications/own", body=asked | {"document": " "})["code"] == "case.document_missing"


def test_what_is_no_application_says_so(door: Door) -> None:
    assert door(400, "POST", "applications", body={"flow": "grid_case"})["code"] == "application.flow"
    taken = door.hub.commit_blocking(
        [Command("case.open", "", {"flow": "grid_case", "text": "路灯", "place": {"district": "110105"}})],
        "person:clerk",
    )
    assert door(400, "GET", f"applications/{taken.outcomes[0].subject}")["code"] == "application.none"
    assert (
        door(400, "POST", "applications", body={"flow": "open_restaurant", "subjects": [FIRM]})["code"]
        == "case.document_missing"
    )


class TestCounter:
    """The same pages with an officer at the desk."""

    @pytest.fixture
    def clerk(self, door: Door) -> Iterator[Applicant]:
        with applying(door.hub) as someone:
            someone.browser.client.cookies.set(SESSION_COOKIE, door.session("clerk"), domain="127.0.0.1")
            yield someone

    def test_a_clerk_starts_at_the_counter_with_the_document_that_was_seen(self, door: Door, clerk: Applicant) -> None:
        clerk.go("/do")
        clerk.press("/do/desk", {"desk": "counter"})
        assert clerk.browser.client.cookies[DESK_COOKIE] == "counter"
        clerk.go("/do/item/open_restaurant")
        clerk.press("/do/item/open_restaurant", {"subject": FIRM[5:]}, 422)
        assert "查验了哪种身份证件" in clerk.page.text
        clerk.press("/do/item/open_restaurant", {"subject": FIRM[5:], "document": "营业执照正本"})
        number = clerk.at.rpartition("/")[2]
        assert "老王餐饮有限公司" in clerk.page.text
        clerk.answer_all(number)
        clerk.press(f"/do/case/{number}/check")
        case = door.hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
        assert case is not None
        assert (case["channel"], case["step"]) == ("counter", "review")
        assert {each["actor"] for each in case["actions"] if each["action"] in ("open", "save", "fill")} == {
            "person:clerk"
        }

    def test_the_counter_goes_on_with_what_a_citizen_began_and_neither_comes_first(
        self, door: Door, clerk: Applicant
    ) -> None:
        hub = door.hub
        with applying(hub) as citizen:
            citizen.sign_in()
            first, _ = citizen.start()
            citizen.answer_all(first)
            second, _ = citizen.start()
            citizen.go(f"/do/case/{second}/q/shop_name")
            citizen.press(citizen.at, {"answer": "二店"})
            clerk.go("/do")
            clerk.press("/do/desk", {"desk": "phone"})
            clerk.go("/do/continue")
            clerk.press("/do/continue", {"number": second, "code": ""})
            assert clerk.at == f"/do/case/{second}"
            clerk.go(f"/do/case/{second}/q/meals")
            assert "请念给对方听" in clerk.page.text
            assert "店里卖热食、冷食还是饮品" in clerk.page.text
            clerk.answer_all(second)
            clerk.press(f"/do/case/{second}/check")
            citizen.go(f"/do/case/{first}/check")
            citizen.press(f"/do/case/{first}/check")
        listed = hub.views.cases.query(CaseQuery(list="open", kind="application", sort="due"), EVERYTHING).items
        both = [each for each in listed if each["number"] in (first, second)]
        assert len({(each["severity"], each["step"], each["due_at"] is None) for each in both}) == 1
        assert {each["number"] for each in both} == {first, second}
        states = {each["number"]: each["step_due_at"] for each in both}
        assert states[first] == states[second]

    def test_nobody_sits_at_a_desk_without_a_clerks_session(self, door: Door) -> None:
        with applying(door.hub) as other:
            other.browser.client.cookies.set(DESK_COOKIE, "counter", domain="127.0.0.1")
            other.go("/do")
            assert "您正在代他人办理" not in other.page.text
            made = start(door, subjects=[FIRM], document="营业执照正本")
            other.go(f"/do/case/{made['number']}", 403)
            other.browser.client.cookies.set(SESSION_COOKIE, door.session("handler"), domain="127.0.0.1")
            other.go(f"/do/case/{made['number']}", 403)
            assert "老王餐饮有限公司" not in other.page.html
