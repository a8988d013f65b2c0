"""Forms over HTTP: what is asked and held, who may see values, who may put them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
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
from quanyu.faces.http.forms import ROWS_MAX
from quanyu.kernel.journal import Command
from tests.assembly.forms_home import FIRM, WANG, forms_home, hire, put
from tests.kernel.forms_text import ADULT

PEOPLE: Mapping[str, tuple[str, str | None]] = {
    "clerk": ("clerk", None),
    "market": ("registrar", "market.supervision"),
    "data": ("registrar", "city.data"),
    "sensor": ("collector", None),
}


class Door:
    """Knocks at the native API of a home as one of the people given."""

    def __init__(self, hub: Hub, people: Mapping[str, tuple[str, str | None]]) -> None:
        self.hub = hub
        self.loop = asyncio.new_event_loop()
        self.tokens: dict[str, str] = {}
        for name, (role, unit) in people.items():
            self.tokens[name] = fresh_secret("qy")
            body = {"digest": digest_of(self.tokens[name]), "title": "test"}
            person = hire(hub, name, role, unit)
            hub.commit_blocking([Command("token.issue", person, body)], "system:test")
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

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    home: Path = tmp_path_factory.mktemp("forms")
    with pytest.MonkeyPatch.context() as patch, forms_home(home, patch) as hub:
        hub.commit_blocking([put(WANG, {"person.id": ADULT}, "residents")], "system:test")
        made = Door(hub, PEOPLE)
        yield made
        made.close()


def test_forms_say_what_they_ask_and_who_holds_the_rest(door: Door) -> None:
    [listed] = door(200, "GET", "forms")["items"]
    assert (listed["id"], listed["needs"], listed["questions"], listed["materials"]) == ("open_shop", 3, 6, 1)
    form = door(200, "GET", "forms/open_shop")
    assert [line["origin"] for line in form["lines"][:4]] == ["need", "need", "need", "ask"]
    assert form["lines"][0]["registers"] == ["firms"]
    assert {each["owner"] for each in form["registers"]} == {"market.supervision", "city.data"}
    assert "老王" not in msgspec.json.encode(form).decode()
    assert door(404, "GET", "forms/boats")["code"] == "form.unknown"


def test_registers_say_by_what_law_they_hold_what(door: Door) -> None:
    firms, residents = door(200, "GET", "registers")["items"]
    assert (firms["id"], firms["of"], firms["status"], firms["basis"]) == (
        "firms", "firm", "simulated", "demonstration, no law named",
    )  # fmt: skip
    assert firms["owner_name"]["en"] == "Market supervision office"
    assert [each["personal"] for each in residents["holds"]] == ["sensitive"]


def test_a_form_is_compiled_without_anybody_s_data(door: Door) -> None:
    body = {"answers": {"premises_area_m2": "big", "sells": ["raw"]}, "language": "en"}
    made = door(200, "POST", "forms/open_shop/compile", body=body)
    assert [page["name"] for page in made["pages"]][:6] == [
        "firm_name", "firm_credit_code", "person_id", "premises_area_m2", "sells", "raw_room",
    ]  # fmt: skip
    assert made["pages"][3]["fault"]["code"] == "form.number"
    assert made["prefilled"] == []
    assert (made["next"], made["complete"]) == ("firm_name", False)
    many = {"answers": {str(number): 1 for number in range(1_001)}}
    assert door(400, "POST", "forms/open_shop/compile", body=many)["code"] == "form.answers_many"


def test_held_values_are_for_who_may_see_personal_data_and_says_what_was_seen(door: Door) -> None:
    body = {"subjects": [WANG], "proof": "saw the identity card", "answers": {}}
    before = len(readings(door.hub, WANG))
    assert door(403, "POST", "forms/open_shop/held", "sensor", body)["code"] == "access.denied"
    assert door(401, "POST", "forms/open_shop/held", None, body)["code"] == "access.stranger"
    assert door(400, "POST", "forms/open_shop/held", body={**body, "proof": ""})
    assert door(400, "POST", "forms/open_shop/held", body={**body, "proof": " "})["code"] == "personal.purpose"
    assert door(400, "POST", "forms/open_shop/held", body={**body, "subjects": ["wang"]})["code"] == "register.subject"
    assert len(readings(door.hub, WANG)) == before
    made = door(200, "POST", "forms/open_shop/held", body=body)
    [prefilled] = made["prefilled"]
    assert (prefilled["shown"], prefilled["held"]["register"], prefilled["held"]["as_of"]) == (
        ADULT, "residents", "2026-02-28",
    )  # fmt: skip
    [read] = readings(door.hub, WANG)[before:]
    assert (read["form"], read["elements"], read["proof"]) == ("open_shop", ["person.id"], "saw the identity card")
    disputed = door(200, "POST", "forms/open_shop/held", body={**body, "disputed": ["person_id"]})
    page = next(page for page in disputed["pages"] if page["name"] == "person_id")
    assert page["instead"]["value"] == ADULT


def test_a_department_puts_row_by_row_into_its_own_register_alone(door: Door) -> None:
    row = {"subject": FIRM, "values": {"firm.name": "老王面馆"}, "as_of": "2026-02-28", "source": "yearly report"}
    made = door(200, "POST", "registers/firms", "market", {"rows": [row, {**row, "subject": "firm:1"}]})
    assert made["outcomes"][0]["error"] is None
    assert made["outcomes"][1]["error"]["code"] == "identifier.credit_code"
    assert door(401, "POST", "registers/firms", None, {"rows": [row]})["code"] == "access.stranger"
    assert door(403, "POST", "registers/firms", "clerk", {"rows": [row]})["code"] == "access.denied"
    other = door(200, "POST", "registers/firms", "data", {"rows": [row]})
    assert other["outcomes"][0]["error"]["code"] == "access.denied"
    assert door(404, "POST", "registers/boats", "market", {"rows": [row]})["code"] == "register.unknown"
    assert door(400, "POST", "registers/firms", "market", {"rows": [row] * (ROWS_MAX + 1)})
    assert door(400, "POST", "registers/firms", "market", {"rows": []})


def test_only_the_owner_corrects(door: Door) -> None:
    body = {"subject": FIRM, "values": {"firm.name": "老汪面馆"}, "as_of": "2026-02-28", "reason": "misprint"}
    for who in ("data", "clerk"):
        assert door(403, "POST", "registers/firms/corrections", who, body)["code"] == "access.denied"
    door(200, "POST", "registers/firms/corrections", "market", body)
    assert door.hub.views.registers is not None
    assert door.hub.views.registers.held(FIRM, ["firm.name"])["firm.name"].value == "老汪面馆"
    lost = {**body, "act": {"action": "close"}}
    assert door(400, "POST", "registers/firms/corrections", "market", lost)["code"] == "register.case"
