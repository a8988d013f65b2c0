"""Open311 GeoReport v2 from outside: both formats, the window, what stays inside, and what is refused."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import httpx
import pytest
from starlette.applications import Starlette

from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.faces import open311
from quanyu.faces.open311.port import CityHub
from quanyu.faces.open311.posting import BURST
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING
from tests.faces.hall import HOUR, PROVENANCE, act, city_hall, photo, walk_to_close

BASE = "/open311/v2"
LAMP = {
    "service_code": "c0108", "lat": "39.9087", "long": "116.5401", "description": "路灯不亮,请打 138 0000 1234 找我",
    "first_name": "四", "last_name": "李", "phone": "13900001111",
}  # fmt: skip
REQUEST_FIELDS = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode",
    "lat", "long", "media_url",
}  # fmt: skip


class Client:
    """A program that speaks GeoReport v2."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.loop = asyncio.new_event_loop()
        app = Starlette(routes=list(open311.routes(cast(CityHub, hub))))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000), raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")

    def send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return self.loop.run_until_complete(self.http.request(method, f"{BASE}/{path}", **rest))

    def get(self, path: str, code: int = 200, **given: str) -> Any:
        answer = self.send("GET", path, params=given)
        assert answer.status_code == code, answer.text
        return json.loads(answer.content)

    def report(self, status: int = 201, **given: str) -> Any:
        answer = self.send("POST", "requests.json", data=LAMP | given)
        assert answer.status_code == status, answer.text
        return json.loads(answer.content)[0]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with city_hall(tmp_path) as hub:
        made = Client(hub)
        yield made
        made.loop.close()


def case_of(client: Client, number: str) -> dict[str, Any]:
    found = client.hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", EVERYTHING)
    assert found is not None
    return found


def test_services_are_the_city_s_sub_classes_in_both_formats_and_languages(client: Client) -> None:
    found = client.get("services.json")
    lamp = next(each for each in found if each["service_code"] == "c0108")
    assert lamp["service_name"] == "路灯"
    assert (lamp["metadata"], lamp["type"], lamp["group"]) == (False, "realtime", "公用设施")
    assert found[-1]["service_code"] == "other"
    xml = client.send("GET", "services.xml", headers={"Accept-Language": "en-GB,en"})
    assert xml.headers["content-type"].startswith("text/xml")
    root = ElementTree.fromstring(xml.content)
    assert root.tag == "services"
    names = {each.findtext("service_code"): each.findtext("service_name") for each in root.findall("service")}
    assert names["c0108"] == "Street lamp"
    assert root.find("service/metadata").text == "false"  # type: ignore[union-attr]
    assert client.get("services/c0108.json") == {"service_code": "c0108", "attributes": []}
    assert client.get("services/nothing.json", 404)[0]["code"] == 404


def test_a_report_becomes_a_case_that_its_reporter_can_follow(client: Client) -> None:
    made = client.report()
    number = made["service_request_id"]
    code = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}", made["service_notice"])
    assert code is not None
    case = case_of(client, number)
    assert (case["channel"], case["class"], case["kind"], case["place"]["district"]) == (
        "open311",
        "c0108",
        "grid",
        "110105",
    )
    assert client.hub.views.cases.citizen(number, code[0].replace("-", "")) == f"citizen:{number}"  # type: ignore[attr-defined]
    assert client.get(f"tokens/{number}.json") == [{"service_request_id": number, "token": number}]


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_a_matter_for_the_hotline_becomes_its_order_and_stays_its_reporter_s(client: Client, suffix: str) -> None:
    listed = {each["service_code"]: each for each in client.get("services.json")}
    assert (listed["h0301"]["type"], listed["h0301"]["group"]) == ("blackbox", "一般诉求")
    assert "/my" in listed["h0301"]["description"]
    assert client.get("services/h0301.json") == {"service_code": "h0301", "attributes": []}
    answer = client.send("POST", f"requests.{suffix}", data=LAMP | {"service_code": "h0301", "description": "夜里施工"})
    assert answer.status_code == 201, answer.text
    if suffix == "json":
        (made,) = json.loads(answer.content)
    else:
        made = {each.tag: each.text for each in ElementTree.fromstring(answer.content)[0]}
    number = made["service_request_id"]
    case = case_of(client, number)
    assert (case["flow"], case["kind"], case["class"]) == ("hotline_order", "hotline", "h0301")
    # Seven calendar days of Beijing's table, printed on the order: the limit of its kind, not the grid's.
    assert case["due_at"] is not None
    shown = client.send("GET", f"requests/{number}.{suffix}")
    assert shown.status_code == 404
    assert number not in client.send("GET", f"requests.{suffix}").text
    code = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}", made["service_notice"] or "")
    assert code is not None
    assert client.hub.views.cases.citizen(number, code[0].replace("-", "")) == f"citizen:{number}"  # type: ignore[attr-defined]


def test_who_gets_a_reported_order_first_stays_responsible(client: Client) -> None:
    number = client.report(service_code="h0301", description="夜里施工")["service_request_id"]
    id = f"urn:ngsi-ld:Case:{number}"
    act(client.hub, id, "clerk", None, "accept")
    act(client.hub, id, "dispatcher", None, "dispatch")
    case = case_of(client, number)
    assert (case["step"], case["lead_unit"]) == ("handle", "construction.sites")
    act(client.hub, id, "handler", "construction.sites", "dispute", note="属于城管")
    assert case_of(client, number)["lead_unit"] == "construction.sites"


def test_nothing_personal_goes_out(client: Client) -> None:
    number = client.report()["service_request_id"]
    for path in (f"requests/{number}.json", f"requests/{number}.xml", "requests.json", "requests.xml"):
        text = client.send("GET", path).text
        assert number in text
        for secret in ("138 0000 1234", "13900001111", "李", "person:"):
            assert secret not in text


def test_dates_bear_their_zone_and_statuses_say_what_stands(client: Client) -> None:
    number = client.report()["service_request_id"]
    (shown,) = client.get(f"requests/{number}.json")
    assert set(shown) == REQUEST_FIELDS
    assert (shown["status"], shown["service_name"]) == ("open", "路灯")
    assert shown["status_notes"].startswith("办理中")
    for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
        assert datetime.fromisoformat(shown[name]).utcoffset() is not None
    walk_to_close(client.hub, f"urn:ngsi-ld:Case:{number}")
    (closed,) = client.get(f"requests/{number}.json")
    assert (closed["status"], closed["status_notes"]) == ("closed", "已解决")
    assert closed["expected_datetime"] is None
    client.hub.settled_blocking()
    again = client.report()["service_request_id"]
    client.hub.settled_blocking()
    third = client.report()["service_request_id"]
    client.hub.settled_blocking()
    (merged,) = client.get(f"requests/{third}.json")
    assert (merged["status"], merged["status_notes"]) == ("closed", f"与事项 {again} 为同一件,随该事项办理")
    act(client.hub, f"urn:ngsi-ld:Case:{again}", "chief", None, "suspend", note="等材料",
        fields={"review": "2026-03-20"})  # fmt: skip
    (held,) = client.get(f"requests/{again}.json")
    assert (held["status"], held["status_notes"]) == ("open", "已挂账,暂不能办结")


def test_the_list_is_a_window_with_filters_and_pages(client: Client) -> None:
    clock = client.hub.clock
    assert isinstance(clock, SimulatedClock)
    ids = []
    for number in range(5):
        clock.jump(clock.now() + HOUR)
        ids.append(
            client.report(lat=str(39.90 + number / 100), service_code=["c0108", "e0101"][number % 2])[
                "service_request_id"
            ]
        )
    found = client.get("requests.json")
    assert [each["service_request_id"] for each in found] == ids[::-1]
    pages = [client.get("requests.json", page=str(page), page_size="2") for page in (1, 2, 3, 4)]
    assert [[each["service_request_id"] for each in page] for page in pages] == [ids[:2:-1], ids[2:0:-1], ids[:1], []]
    rubbish = client.get("requests.json", service_code="e0101")
    assert [each["service_request_id"] for each in rubbish] == [ids[3], ids[1]]
    assert client.get("requests.json", status="closed") == []
    both = client.get("requests.json", service_request_id=f"{ids[0]},{ids[2]},20200101-1")
    assert [each["service_request_id"] for each in both] == [ids[0], ids[2]]
    start = found[1]["requested_datetime"]
    assert [each["service_request_id"] for each in client.get("requests.json", start_date=start)] == [ids[4], ids[3]]
    clock.jump(clock.now() + 91 * 24 * HOUR)
    assert client.get("requests.json") == []
    assert len(client.get("requests.json", start_date=start)) == 2


def test_what_rules_find_is_not_shown(client: Client) -> None:
    body = {"flow": "grid_case", "text": "传感器", "channel": "rule"}
    receipt = client.hub.commit_blocking([Command("case.open", "", body, PROVENANCE)], "simulation:test")
    number = receipt.outcomes[0].subject.rpartition(":")[2]
    assert client.get("requests.json") == []
    assert client.get(f"requests/{number}.json", 404)[0]["code"] == 404


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"service_code": ""}, "service_code"),
        ({"lat": "", "long": ""}, "Say where it is"),
        ({"lat": "north"}, "lat"),
        ({"lat": "nan"}, "lat"),
        ({"lat": "31.2", "long": "121.4"}, "outside this city"),
        ({"description": "长" * 2001}, "2000"),
        ({"colour": "red"}, "colour"),
        ({"lat": "", "long": "", "address_id": "77"}, "address_id"),
        ({"service_code": "other", "description": ""}, "description"),
    ],
)  # fmt: skip
def test_a_faulty_report_is_refused_with_the_field_and_the_remedy(
    client: Client, given: Mapping[str, str], said: str
) -> None:
    before = client.hub.last_seq
    answer = client.send("POST", "requests.json", data=LAMP | dict(given))
    assert answer.status_code in (400, 404)
    (fault,) = json.loads(answer.content)
    assert fault["code"] == answer.status_code
    assert said in fault["description"]
    assert client.hub.last_seq == before


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("requests.json", {"start_date": "yesterday"}, 400),
        ("requests.json", {"start_date": "2026-03-02T08:00:00"}, 400),
        ("requests.json", {"start_date": "2026-03-03T00:00:00Z", "end_date": "2026-03-02T00:00:00Z"}, 400),
        ("requests.json", {"page": "0"}, 400),
        ("requests.json", {"page": "99", "page_size": "1000"}, 400),
        ("requests.json", {"status": "lost"}, 400),
        ("requests.json", {"service_code": "zzz"}, 404),
        ("requests/20200101-1.json", {}, 404),
        ("requests/a/b.json", {}, 404),
        ("requests/x.json", {}, 404),
        ("tokens/x.json", {}, 404),
        ("services.json", {"jurisdiction_id": "sf.gov"}, 404),
        ("nothing.json", {}, 404),
    ],
)  # fmt: skip
def test_a_faulty_question_is_answered_in_the_standard_s_own_errors(
    client: Client, path: str, given: dict[str, str], status: int
) -> None:
    (fault,) = client.get(path, status, **given)
    assert set(fault) == {"code", "description"}
    assert fault["code"] == status
    answer = client.send("GET", path.replace(".json", ".xml"), params=given)
    assert answer.status_code == status
    assert ElementTree.fromstring(answer.content).findtext("error/code") == str(status)


def test_xml_is_no_way_in(client: Client) -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>'
    answer = client.send("POST", "requests.xml", content=bomb, headers={"Content-Type": "application/xml"})
    assert answer.status_code == 400
    assert "application/xml" in answer.text


def test_a_wrong_key_is_refused_and_a_flood_is_slowed(client: Client) -> None:
    answer = client.send("POST", "requests.json", data=LAMP | {"api_key": "qy_wrong"})
    assert answer.status_code == 403
    for number in range(BURST):
        client.report(lat=str(39.90 + number / 500))
    slow = client.send("POST", "requests.json", data=LAMP)
    assert slow.status_code == 429
    assert int(slow.headers["retry-after"]) > 0


def test_photos_come_along_and_what_is_none_is_refused(client: Client) -> None:
    files = [("media", ("a.jpg", photo(), "image/jpeg"))]
    answer = client.send("POST", "requests.json", data=LAMP, files=files)
    assert answer.status_code == 201
    number = json.loads(answer.content)[0]["service_request_id"]
    (kept,) = case_of(client, number)["actions"][0]["files"]
    assert kept["type"] == "image/jpeg"
    before = client.hub.last_seq
    no_photo = client.send("POST", "requests.json", data=LAMP, files=[("media", ("a.jpg", b"MZ", "image/jpeg"))])
    assert no_photo.status_code == 400
    assert client.hub.last_seq == before
    many = client.send("POST", "requests.json", data=LAMP, files=files * 4)
    assert many.status_code == 400


def test_discovery_says_where_and_what(client: Client) -> None:
    found = client.get("discovery.json")
    (endpoint,) = found["endpoints"]
    assert endpoint["url"].endswith(BASE)
    assert endpoint["formats"] == ["text/xml", "application/json"]
    root = ElementTree.fromstring(client.send("GET", "discovery.xml").content)
    assert root.findtext("endpoints/endpoint/specification") == "http://wiki.open311.org/GeoReport_v2"
