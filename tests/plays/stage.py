"""The stage of a play: the real hub with its packs, behind its HTTP face, and people who ask it as themselves.

A play is told in a `.md` file, in numbered steps that an official can read, and played by the `.py` file beside it: each
step is entered with its number, in order, and none may be left out, so the two cannot part.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from starlette.applications import Starlette

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.hub import Hub
from quanyu.engines.access.secret import digest_of
from quanyu.faces import http
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.time import parse_instant
from tests.faces.hall import photo

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
OPTIONS = Options(demo=True, allow_private=True)
"""The city's clock stands until the play moves it; receivers may stand on this machine."""


class Stage:
    """A home, opened and opened again; time moves only when the play says so."""

    def __init__(self, home: Path, start: str) -> None:
        self._home = home
        self._loop = asyncio.new_event_loop()
        self.hub: Hub
        self._raise(parse_instant(start))

    def _raise(self, at: Instant) -> None:
        self.hub = open_hub(self._home, OPTIONS)
        clock = self.hub.clock
        assert isinstance(clock, SimulatedClock)
        clock.jump(max(at, clock.now()))
        self.hub.start()
        app = Starlette(routes=list(http.routes(self.hub)), middleware=list(http.middleware(self.hub)))
        transport = httpx.ASGITransport(
            http.before(self.hub, app), client=("127.0.0.1", 5000), raise_app_exceptions=False
        )
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")

    @property
    def now(self) -> Instant:
        """City time."""
        return self.hub.clock.now()

    def pass_time(self, us: float) -> None:
        """Move the city's clock, day by day, and let everything that is due happen."""
        until = self.now + int(us)
        while self.now < until:
            clock = self.hub.clock
            assert isinstance(clock, SimulatedClock)
            clock.jump(min(until, self.now + DAY_US))
            self.settle()

    def pass_until(self, instant: str) -> None:
        """Move the city's clock to an instant."""
        self.pass_time(parse_instant(instant) - self.now)

    def settle(self) -> None:
        """Wait until every reader has taken in what happened and what is due."""
        self.hub.settled_blocking()

    def restart(self) -> None:
        """Stop the hub and open its home again, as after a power cut that was noticed."""
        at = self.now
        self._loop.run_until_complete(self._client.aclose())
        self.hub.close()
        self._raise(at)

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self.hub.close()
        self._loop.close()

    def person(self, id: str, role: str, unit: str | None = None) -> Person:
        """Bring a person in, with a role and a token of their own."""
        token = f"qy_play-token-of-{id}"
        grant: dict[str, Any] = {"role": role} | ({"unit": unit} if unit else {})
        commands = [
            Command("person.put", f"person:{id}", {"name": id, "unit": unit}),
            Command("role.grant", f"person:{id}", grant),
            Command("token.issue", f"person:{id}", {"digest": digest_of(token), "title": "play"}),
        ]
        self.hub.commit_blocking(commands, "system:test")
        return Person(self, token)

    def ask(self, method: str, path: str, token: str, **rest: Any) -> httpx.Response:
        """Ask the face in the name of whoever holds the token."""
        headers = {"Authorization": f"Bearer {token}"} | rest.pop("headers", {})
        return self._loop.run_until_complete(self._client.request(method, path, headers=headers, **rest))


class Person:
    """Somebody with a token: reads and acts over HTTP, and is refused like everybody else."""

    def __init__(self, stage: Stage, token: str) -> None:
        self._stage, self._token = stage, token

    def get(self, path: str, **asked: Any) -> Any:
        """Return what is shown to this person."""
        answer = self._stage.ask("GET", path, self._token, params=asked)
        assert answer.is_success, answer.text
        return msgspec.json.decode(answer.content)

    def opened(self, id: str, purpose: str) -> httpx.Response:
        """Ask for what a case keeps sealed, for a purpose."""
        headers = {"Quanyu-Purpose": quote(purpose)}
        return self._stage.ask("GET", f"/api/v1/cases/{id}/reporter", self._token, headers=headers)

    def send(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send something that is taken."""
        answer = self._stage.ask("POST", path, self._token, json=dict(body))
        assert answer.is_success, answer.text
        self._stage.settle()
        return msgspec.json.decode(answer.content)

    def opens(self, flow: str, **matter: Any) -> str:
        """Open a case; return its id."""
        return str(self.send("/api/v1/cases", {"flow": flow} | matter)["id"])

    def case(self, id: str) -> dict[str, Any]:
        """Return a case as this person sees it."""
        found: dict[str, Any] = self.get(f"/api/v1/cases/{id}")
        return found

    def does(self, id: str, action: str, note: str = "", photos: int = 0, **fields: Any) -> dict[str, Any]:
        """Take an action; return the case as it stands after it (empty for who may no longer see it)."""
        body = {"action": action, "note": note, "fields": fields, "files": [self.photo() for _ in range(photos)]}
        return self.send(f"/api/v1/cases/{id}/actions", body)["case"] or {}

    def is_refused(self, id: str, action: str, /, note: str = "", **fields: Any) -> dict[str, Any]:
        """Try an action that must be refused; return the problem with its code and remedy."""
        body = {"action": action, "note": note, "fields": fields}
        answer = self._stage.ask("POST", f"/api/v1/cases/{id}/actions", self._token, json=body)
        assert answer.is_client_error, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = msgspec.json.decode(answer.content)
        assert problem["detail"]
        return problem

    def photo(self) -> dict[str, str]:
        """Store a photograph; return its reference."""
        answer = self._stage.ask("POST", "/api/v1/files", self._token, content=photo())
        assert answer.is_success, answer.text
        stored = msgspec.json.decode(answer.content)
        return {"sha256": stored["sha256"], "type": stored["type"]}

    def list(self, name: str, **asked: Any) -> set[str]:
        """Return the ids of a work list."""
        return {case["id"] for case in self.get("/api/v1/cases", list=name, **asked)["items"]}


class Play:
    """Follows a story: steps are entered with their numbers, in order, and all of them."""

    def __init__(self, story: Path) -> None:
        self._told = [int(number) for number in re.findall(r"^(\d+)\. ", story.read_text("utf-8"), re.MULTILINE)]
        assert self._told == list(range(1, len(self._told) + 1)), (
            f"{story.name}: steps are numbered from 1 without a gap"
        )
        self._played = 0

    @property
    def over(self) -> bool:
        """Whether every step was played."""
        return self._played == len(self._told)

    @contextmanager
    def step(self, number: int) -> Iterator[None]:
        """Play the next step of the story."""
        assert number == self._played + 1, f"step {number} is played after step {self._played}"
        yield
        self._played = number

    def __enter__(self) -> Play:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            assert self.over, f"the story has {len(self._told)} steps, {self._played} were played"


@contextmanager
def playing(home: Path, story: Path, start: str) -> Iterator[tuple[Stage, Play]]:
    """A stage on a fresh home, and the story that is played on it."""
    stage = Stage(home, start)
    try:
        with Play(story) as play:
            yield stage, play
    finally:
        stage.close()
