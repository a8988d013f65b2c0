"""What the users of other brokers complain about, each with a test that it does not happen here.

| Complaint | Test |
|---|---|
| Subscriptions stop when many are made, or are lost over a restart | `tests/assembly/test_subscription_life.py::test_a_thousand_subscriptions_made_at_once_all_fire_after_a_restart`, `tests/soak/test_ngsi_kill.py` |
| Deleted subscriptions come back | `test_a_deleted_subscription_stays_deleted_over_a_restart` |
| One dead receiver delays the others | `tests/engines/test_dispatch.py::test_a_dead_receiver_delays_nobody` |
| What was missed is lost, and nobody can see it | `tests/assembly/test_subscription_life.py::test_what_failed_waits_in_rows_and_goes_out_after_a_restart`, `tests/faces/test_ngsi_subscriptions.py::test_a_failing_receiver_is_seen_and_its_dead_letters_go_again` |
| Temporal queries are slow at 10,000 points | `test_an_aggregate_of_ten_thousand_points_is_one_fold` |
| Type queries and every fourth insert are slow at size | `test_a_page_costs_the_same_at_any_depth`, `test_a_write_costs_the_same_at_any_size` |
| Pages are empty beyond some offset | `test_pages_are_whole_beyond_fifty_thousand` |
| The list of types ends at 20 | `test_lists_of_types_and_attributes_are_whole` |
| A page holds at most 100 | `test_pages_are_whole_beyond_fifty_thousand` (1,000) |
| A batch holds at most 1,000, and fails the second time | `test_a_batch_of_two_thousand_twice` |
| A remote @context behind TLS, or slow, hangs | `tests/adapters/test_web_contexts.py::test_a_server_must_prove_its_name`, `…::test_a_handshake_that_never_ends`, `…::test_a_server_that_drips_is_left_at_the_deadline` |
| A cyclic @context hangs, even at the start | `test_a_cyclic_context_is_refused`, `test_no_start_waits_for_the_network` |
| A closed network needs the Internet for a @context | `test_a_closed_network_takes_contexts_from_the_map` |
| Crashes and memory | `tests/faces/test_ngsi_memory.py`, `tests/faces/test_ngsi_fuzz.py`, `tests/faces/test_ngsi_hostile.py` |
| Upgrades take hours or fail | `tests/assembly/test_homes.py` (the home of every release opens and checks) |
| Nobody is told of deletions | `tests/assembly/test_subscriptions.py::test_every_trigger_fires_where_the_standard_says`, `…::test_an_end_is_told_with_what_is_gone` |
| Limit and type are not forwarded, notifications echo between brokers | not built: whatever would need another source answers 501 (`tests/faces/test_ngsi_registrations.py`) |
"""  # noqa: E501

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quanyu.adapters.http.contexts import WebContexts
from quanyu.adapters.lake.store import LakeStore
from quanyu.assembly import Options, open_hub
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.view import EVERYTHING, Selection
from tests.faces.city import Knock, knocking
from tests.faces.hostile import Told, Wish, ask, encoded

BASE = "/ngsi-ld/v1"
DEEP = 51_000
AT_ONCE = 3_000


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knock]:
    """A city with so many entities of one type that other brokers' pages run empty."""
    with knocking(tmp_path_factory.mktemp("home")) as knock:
        for start in range(0, DEEP, AT_ONCE):
            rows = range(start, start + AT_ONCE)
            made = [Command("entity.create", f"urn:deep:{n:06}", {"type": "Deep", "n": n}) for n in rows]
            knock.hub.commit_blocking(made, "system:test")
        yield knock


def send(knock: Knock, method: str, path: str, body: Any = None, media: str = "application/json") -> Told:
    content = None if body is None else encoded(body)
    headers = () if content is None else [(b"content-type", media.encode())]
    return ask(knock, Wish(method, f"{BASE}{path}".encode(), headers, content))


def got(knock: Knock, path: str) -> Any:
    told = send(knock, "GET", path)
    assert told.status == 200, told
    return msgspec.json.decode(told.body)


def steps(knock: Knock, work: Callable[[], Any]) -> int:
    """Return how many hundreds of steps the database takes for some work on this thread: no clock, no chance."""
    count = [0]

    def step() -> bool:
        count[0] += 1
        return False

    connection = knock.hub.store.connection()
    connection.set_progress_handler(step, 100)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 100)
    return count[0]


def number(id: str) -> int:
    return int(id.rpartition(":")[2])


def test_pages_are_whole_beyond_fifty_thousand(deep: Knock) -> None:
    for offset in (0, 49_999, 50_000, 50_321):
        page = got(deep, f"/entities?type=Deep&offset={offset}&limit=600")
        assert [number(each["id"]) for each in page] == list(range(offset, offset + 600))
    told = send(deep, "GET", "/entities?type=Deep&offset=50500&limit=1000&count=true")
    assert told.headers[b"ngsild-results-count"] == str(DEEP).encode()
    assert [number(each["id"]) for each in msgspec.json.decode(told.body)] == list(range(50_500, DEEP))
    assert b'rel="next"' not in told.headers[b"link"]


def test_links_lead_through_everything(deep: Knock) -> None:
    path, seen = "/entities?type=Deep&limit=1000", []
    for _ in range(DEEP // 1_000 + 1):
        told = send(deep, "GET", path)
        assert told.status == 200
        seen += [number(id) for id in re.findall(r'"id":"(urn:deep:\d+)"', told.body.decode())]
        following = re.search(r'<([^>]*)>;rel="next"', told.headers.get(b"link", b"").decode())
        if following is None:
            break
        path = following[1].removeprefix(BASE)
    assert seen == list(range(DEEP))


def test_a_page_costs_the_same_at_any_depth(deep: Knock) -> None:
    view, types = deep.hub.views.entities, parse_types("Deep", CORE)

    def page(after: int = 0, offset: int = 0) -> int:
        chosen = Selection(types=types, limit=100, after=after, offset=offset)
        return steps(deep, lambda: view.select(chosen, EVERYTHING))

    first = page()
    after = int(view.select(Selection(types=types, limit=1, offset=50_000), EVERYTHING).after or 0)
    assert page(after=after) <= 2 * first
    assert page(offset=50_000) <= 3 * first + 200
    assert steps(deep, lambda: view.tally(Selection(types=types), EVERYTHING)) <= 100


def test_a_write_costs_the_same_at_any_size(deep: Knock, knock: Knock) -> None:
    """The journal and every index grow by what was written, however much stands."""

    def pages(city: Knock) -> int:
        connection = city.hub.store.connection()
        before = connection.execute("PRAGMA page_count").fetchone()[0]
        made = [Command("entity.create", f"urn:late:{n}", {"type": "Late", "n": n}) for n in range(400)]
        city.hub.commit_blocking(made, "system:test")
        return int(connection.execute("PRAGMA page_count").fetchone()[0] - before)

    assert pages(deep) <= 2 * pages(knock) + 20


def test_lists_of_types_and_attributes_are_whole(knock: Knock) -> None:
    many = [{"id": f"urn:kind:{n}", "type": f"Kind{n:03}", f"attribute{n:03}": n} for n in range(150)]
    assert send(knock, "POST", "/entityOperations/create", many).status == 201
    wanted = {f"Kind{n:03}" for n in range(150)}
    assert wanted <= set(got(knock, "/types")["typeList"])
    assert wanted <= {each["typeName"] for each in got(knock, "/types?details=true")}
    assert {f"attribute{n:03}" for n in range(150)} <= set(got(knock, "/attributes")["attributeList"])
    for n in range(25):
        source = {"@context": {f"word{n}": f"https://city.example/{n}"}}
        assert send(knock, "POST", "/jsonldContexts", source).status == 201
    assert len(got(knock, "/jsonldContexts?kind=Hosted")) == 25


def test_a_batch_of_two_thousand_twice(knock: Knock) -> None:
    def many(value: int) -> list[dict[str, Any]]:
        return [{"id": f"urn:many:{n}", "type": "Many", "n": value} for n in range(2_000)]

    made = send(knock, "POST", "/entityOperations/upsert", many(1))
    assert (made.status, len(msgspec.json.decode(made.body))) == (201, 2_000)
    assert send(knock, "POST", "/entityOperations/upsert", many(2)).status == 204
    again = send(knock, "POST", "/entityOperations/create", many(3))
    result = msgspec.json.decode(again.body)
    assert (again.status, result["success"], len(result["errors"])) == (207, [], 2_000)
    found = got(knock, "/entities?type=Many&limit=1000&offset=1000&format=simplified")
    assert [each["n"] for each in found] == [2] * 1_000
    gone = send(knock, "POST", "/entityOperations/delete", [each["id"] for each in many(0)])
    assert (gone.status, got(knock, "/entities?type=Many")) == (204, [])


def shelved(knock: Knock, folder: Path, documents: dict[str, Any]) -> None:
    """Give the hub contexts that a file maps; its network is one that nobody reaches."""
    folder.mkdir(parents=True)
    for name, document in documents.items():
        (folder / name).write_bytes(msgspec.json.encode(document))
    (folder / "map.toml").write_text('"https://closed.example/" = "."\n')

    def nobody(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    knock.hub.contexts.web = WebContexts(folder, resolve=nobody)


def test_a_closed_network_takes_contexts_from_the_map(knock: Knock, tmp_path: Path) -> None:
    city = {"@context": ["https://closed.example/core.jsonld", {"heat": "https://city.example/ns/heat"}]}
    shelved(knock, tmp_path / "contexts", {"city.jsonld": city, "core.jsonld": {"@context": {"Haus": "urn:x:Haus"}}})
    source = "https://closed.example/city.jsonld"
    house = {"id": "urn:h:1", "type": "Haus", "heat": 7, "@context": source}
    assert send(knock, "POST", "/entities", house, "application/ld+json").status == 201
    assert "https://city.example/ns/heat" in got(knock, "/entities/urn:h:1")
    house["@context"] = "https://closed.example/absent.jsonld"
    assert send(knock, "POST", "/entities", house, "application/ld+json").status == 504


def test_a_cyclic_context_is_refused(knock: Knock, tmp_path: Path) -> None:
    one, two = ({"@context": f"https://closed.example/{name}.jsonld"} for name in ("two", "one"))
    three = {"@context": ["https://closed.example/three.jsonld"]}
    shelved(knock, tmp_path / "contexts", {"one.jsonld": one, "two.jsonld": two, "three.jsonld": three})
    before = knock.hub.last_seq
    for name in ("one", "two", "three"):
        url = f"https://closed.example/{name}.jsonld"
        house = {"id": "urn:h:1", "type": "Haus", "@context": url}
        told = send(knock, "POST", "/entities", house, "application/ld+json")
        assert (told.status, msgspec.json.decode(told.body)["code"]) == (400, "context.loop")
        wish = {"type": "Subscription", "entities": [{"type": "Haus"}], "jsonldContext": url,
                "notification": {"endpoint": {"uri": "http://a.example/"}}}  # fmt: skip
        assert send(knock, "POST", "/subscriptions", wish).status == 400
    assert knock.hub.last_seq == before


def test_no_start_waits_for_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subscriptions speak the words of contexts that are lost, and whose servers do not answer: the home opens all the
    same, and tells.
    """
    home = tmp_path / "home"
    hub = open_hub(home, Options(open=True))
    for name in range(12):
        body = {
            "document": {"id": f"urn:s:{name}", "type": "Subscription", "entities": [{"type": "Haus"}],
                         "notification": {"endpoint": {"uri": "http://a.example/"}}},
            "context": f"https://closed.example/{name}.jsonld", "roles": None,
        }  # fmt: skip
        hub.commit_blocking([Command("subscription.create", f"urn:s:{name}", body)], "person:open")
    hub.close()
    silent = threading.Event()

    def fetch(self: WebContexts, url: str) -> Any:
        silent.wait(60)
        raise Unavailable(f"{url} is away", code="context.unavailable", where="@context")

    monkeypatch.setattr(WebContexts, "fetch", fetch)
    hub = open_hub(home, Options(open=True))
    try:
        hub.start()
        hub.commit_blocking([Command("entity.create", "urn:h:1", {"type": "Haus", "name": "A"})], "person:open")
        hub.settled_blocking()
        assert [hub.subscriptions.get(f"urn:s:{name}").waiting for name in range(12)] == [1] * 12
        assert not silent.is_set()
    finally:
        silent.set()
        hub.close()


def test_a_deleted_subscription_stays_deleted_over_a_restart(tmp_path: Path) -> None:
    home = tmp_path / "home"
    wish = {
        "type": "Subscription",
        "entities": [{"type": "T"}],
        "notification": {"endpoint": {"uri": "http://a.example/"}},
    }
    for turn in range(3):
        hub = open_hub(home, Options(open=True, allow_private=True))
        try:
            assert hub.subscriptions.page(0, 10)[1] == min(turn, 1)
            if turn == 0:
                for name in ("stays", "goes"):
                    body = {"document": {"id": f"urn:s:{name}", **wish}, "context": CORE.links[0], "roles": None}
                    hub.commit_blocking([Command("subscription.create", f"urn:s:{name}", body)], "person:open")
                hub.commit_blocking([Command("subscription.delete", "urn:s:goes", {})], "person:open")
        finally:
            hub.close()


def test_an_aggregate_of_ten_thousand_points_is_one_fold(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        {"type": "Property", "value": n, "observedAt": f"2026-01-{n // 1440 + 1:02}T{n // 60 % 24:02}:{n % 60:02}:00Z"}
        for n in range(10_000)
    ]
    assert send(knock, "POST", "/temporal/entities", {"id": "urn:t:1", "type": "Meter", "flow": told}).status == 201
    knock.hub.settled_blocking()
    knock.hub.flush_history()
    calls: list[str] = []
    for name in ("grouped", "instances", "points", "folded"):
        sound = getattr(LakeStore, name)

        def counted(self: Any, *arguments: Any, _name: str = name, _sound: Any = sound) -> Any:
            calls.append(_name)
            return _sound(self, *arguments)

        monkeypatch.setattr(LakeStore, name, counted)
    asked = "timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt=2026-02-01T00:00:00Z&format=aggregatedValues"
    found = got(knock, f"/temporal/entities/urn:t:1?{asked}&aggrMethods=sum,totalCount&aggrPeriodDuration=P1D")
    assert sum(count for count, *_ in found["flow"]["totalCount"]) == 10_000
    assert sum(value for value, *_ in found["flow"]["sum"]) == 49_995_000
    assert len(found["flow"]["sum"]) == 7
    assert calls.count("grouped") == 1
    assert len(calls) <= 2, calls
