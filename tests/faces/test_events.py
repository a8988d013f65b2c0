"""The event stream over a real server: live, within rights, replayed after a break, bounded."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette

from quanyu.faces import http
from quanyu.faces.http import events
from quanyu.faces.http.broadcast import Sight, events_of, news_of
from quanyu.faces.http.events import RESET, Client
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.view import EVERYTHING
from tests.faces.city import STATION, TOKENS, city_hub
from tests.hubs import MORNING

Event = tuple[str, str, Any]


class Served:
    """A hub behind uvicorn on a free port of this machine."""

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        app = Starlette(routes=list(http.routes(hub)), middleware=list(http.middleware(hub)))
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        # Whoever comes before the server has started waits in the queue; a port that nobody listens to turns him away.
        self.socket.listen()
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2, lifespan="off")
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def stop(self) -> None:
        http.stop(self.hub)
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()
        assert not self.thread.is_alive()

    @contextmanager
    def stream(self, who: str | None, last: str | None = None) -> Iterator[Iterator[Event]]:
        headers = {"Authorization": f"Bearer {TOKENS[who]}"} if who else {}
        if last is not None:
            headers["Last-Event-ID"] = last
        with (
            httpx.Client(base_url=self.url, timeout=10) as client,
            client.stream("GET", "/events", headers=headers) as response,
        ):
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            yield parsed(response.iter_lines())

    def open_case(self, who: str = "duty") -> str:
        body = {"flow": "inspect_source", "text": "扬尘", "place": {"district": "110105"}}
        taken = self.hub.commit_blocking([Command("case.open", "", body)], f"person:{who}")
        return str(taken.outcomes[0].subject)


def parsed(lines: Iterator[str]) -> Iterator[Event]:
    """Yield (id, name, data)."""
    found: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif "event" in found:
            yield found.get("id", ""), found["event"], msgspec.json.decode(found["data"])
            found = {}
        else:
            found = {}


def following(stream: Iterator[Event], name: str) -> Event:
    """Return the next event of a name; clock events may stand before it."""
    for event in stream:
        if event[1] == name:
            return event
        assert event[1] == "clock", f"unexpected {event}"
    raise AssertionError("the stream ended")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(events, "FOLD_S", 0.02)
    monkeypatch.setattr(events, "CLOCK_S", 0.3)
    (tmp_path / "home").mkdir()
    with city_hub(tmp_path / "home") as hub:
        found = Served(hub)
        try:
            yield found
        finally:
            found.stop()


def observed(hub: Any, value: float = 80.0) -> int:
    batch = observations([Observation(STATION, "pm25", MORNING, value)])
    return int(hub.commit_blocking([Command("observe", "test", {**body_of(batch), "as": "live"})], "system:test").seq)


def test_a_stream_tells_the_time_then_what_happens(served: Served) -> None:
    with served.stream("duty") as stream:
        id_, name, clock = next(stream)
        assert (name, clock) == ("clock", {"now": "2026-03-02T08:00:00+08:00", "speed": 1.0})
        assert int(id_) == served.hub.last_seq
        case = served.open_case()
        seq, _, told = following(stream, "case")
        assert (told["id"], told["change"], told["step"]) == (case, "opened", "accept")
        assert told["opened_at"] == "2026-03-02T08:00:00+08:00"
        assert "next" not in told
        assert int(seq) == served.hub.last_seq
        observed(served.hub)
        assert following(stream, "observed")[2] == {"entities": [STATION], "count": 1}


def test_a_stranger_hears_nothing(served: Served) -> None:
    assert httpx.get(f"{served.url}/events").status_code == 401


def test_each_hears_only_what_is_theirs(served: Served) -> None:
    with served.stream("nobody") as nobody, served.stream("street") as street, served.stream("chief") as chief:
        for stream in (nobody, street, chief):
            assert next(stream)[1] == "clock"
        served.open_case()
        observed(served.hub)
        assert {following(chief, "case")[1], following(chief, "observed")[1]} == {"case", "observed"}
        # A handler of another unit sees measurements but not the case; who has no role sees the clock only.
        assert following(street, "observed")[2]["count"] == 1
        assert [next(nobody)[1] for _ in range(2)] == ["clock", "clock"]


def test_a_break_is_replayed_without_loss_or_double(served: Served) -> None:
    with served.stream("duty") as stream:
        last = next(stream)[0]
    first, second = served.open_case(), served.open_case()
    with served.stream("duty", last) as stream:
        told = [following(stream, "case")[2]["id"] for _ in range(2)]
        assert told == [first, second]
        third = served.open_case()
        assert following(stream, "case")[2]["id"] == third


@pytest.mark.parametrize("last", ["nonsense", "99999999", "-1", "9" * 30])
def test_an_id_that_we_never_gave_is_a_reset(served: Served, last: str) -> None:
    with served.stream("duty", last) as stream:
        assert [next(stream)[1] for _ in range(2)] == ["clock", "reset"]


def test_too_long_ago_is_a_reset(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "REPLAY_MAX", 1)
    last = str(served.hub.last_seq)
    observed(served.hub)
    observed(served.hub)
    with served.stream("duty", last) as stream:
        assert [next(stream)[1] for _ in range(2)] == ["clock", "reset"]


def test_a_withdrawn_role_and_a_revoked_token_end_what_is_heard(served: Served) -> None:
    with served.stream("duty") as stream:
        next(stream)
        withdrawn = Command("role.withdraw", "person:duty", {"role": "duty", "unit": "centre"})
        served.hub.commit_blocking([withdrawn], "system:test")
        for event in (next(stream), next(stream)):
            assert event[1] == "clock"
        served.hub.commit_blocking([Command("case.open", "", {"flow": "inspect_source", "text": "x"})], "system:test")
        assert [next(stream)[1] for _ in range(2)] == ["clock", "clock"]
        served.hub.commit_blocking([Command("person.leave", "person:duty", {})], "system:test")
        assert all(event[1] == "clock" for event in stream), "the stream ends by itself"


def test_a_slow_client_is_reset_and_not_waited_for() -> None:
    async def scene() -> list[bytes]:
        client = Client(None, Sight(None, None, None))  # type: ignore[arg-type]
        client.tell([b"x"] * events.QUEUE_MAX)
        client.tell([b"y"])
        return await client.next(0)

    assert asyncio.run(scene()) == [RESET]


def test_streams_are_counted_and_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "CLIENTS_MAX", 1)
    admin = {"Authorization": f"Bearer {TOKENS['admin']}"}
    with served.stream("duty") as stream:
        next(stream)
        response = httpx.get(f"{served.url}/events", headers=admin)
        assert (response.status_code, response.json()["code"]) == (503, "events.full")
        assert httpx.get(f"{served.url}/api/v1/health", headers=admin).json()["event_streams"] == 1


def test_what_happens_in_one_breath_is_told_once(served: Served) -> None:
    def record(seq: int, kind: str, subject: str, body: dict[str, Any] | None = None) -> Record:
        return Record(seq, 0, "system:test", kind, 1, subject, body, None, "measured")

    batch = body_of(observations([Observation(STATION, "pm25", 1, 2.0), Observation(STATION, "pm25", 2, 3.0)]))
    case = served.open_case()
    news = news_of(
        [
            record(1, "case.opened", case),
            record(2, "case.acted", case),
            record(3, "observed", "http", batch),
            record(4, "observed", "http", None),
            record(5, "indicator.computed", "pm25_day_mean"),
            record(6, "indicator.computed", "gone"),
        ]
    )
    told = events_of(served.hub, news, Sight(EVERYTHING, EVERYTHING, EVERYTHING))
    names = [part.split(b"\n")[1] for part in told]
    assert names == [b"event: vitals", b"event: case", b"event: observed"]
    assert b'"change":"opened"' in told[1]
    assert b'"count":2' in told[2]
    assert all(part.startswith(b"id: 6\n") for part in told)
    assert events_of(served.hub, news, Sight(None, None, None)) == []


def test_a_change_is_told_to_those_who_keep_the_rules(served: Served) -> None:
    body = {"kind": "rule", "name": "ozone_hour", "why": "x", "definition": {"when": "o3 > 150"}}
    with served.stream("chief") as chief, served.stream("duty") as duty:
        following(chief, "clock")
        following(duty, "clock")
        made = served.hub.commit_blocking([Command("change.propose", "", body)], "person:engineer")
        seq, _, told = following(chief, "change")
        served.open_case()
        assert (told["id"], told["change"], told["state"]) == (made.outcomes[0].subject, "proposed", "proposed")
        assert int(seq) >= made.seq
        heard = [next(duty)[1]]
        while heard[-1] != "case":
            heard.append(next(duty)[1])
        assert "change" not in heard
