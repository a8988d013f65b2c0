"""Writes from several connections to a served hub, each connection with entities of its own, and what must stand then.

A connection knows for each of its entities what was acknowledged and what was on its way when the hub died: what is read
afterwards is the one or the other, member by member.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

BATCH = 12
TEXT = "kept"
NUMBER = "speed"
SERIES = "fuelLevel"
GONE = None
"""The state of an entity that does not stand."""


class Answered(NamedTuple):
    """What a request brought."""

    status: int
    body: Any


class Caller:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, method: str, path: str, body: Any = None) -> Answered:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        content = None if body is None else json.dumps(body)
        self._connection.request(method, f"/ngsi-ld/v1{path}", content, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        return Answered(answer.status, json.loads(said) if said else None)

    def close(self) -> None:
        self._connection.close()


class Standing:
    """An entity: members by name as they may be, and the instants of its series that must and that may be there."""

    def __init__(self) -> None:
        self.kept: list[str | None] = [GONE]
        """Of the text that makes it, what was acknowledged last, then what is on its way."""
        self.numbers: list[int | None] = [None]
        self.told: set[int] = set()
        self.telling: set[int] = set()


class Worker:
    """A connection at work; `stop` is set when the hub is about to die."""

    def __init__(self, name: str, port: int, seed: int) -> None:
        self.name = name
        self.chance = random.Random(seed)
        self.entities: dict[str, Standing] = {}
        self.created: set[str] = set()
        self.acknowledged = 0
        self.wrong: list[str] = []
        self._call = Caller(port)
        self._turn = 0

    def run(self) -> None:
        """Write until the hub is gone."""
        deeds: list[Callable[[], None]] = [self.create, self.patch, self.observe, self.batch, self.tell, self.delete]
        try:
            while True:
                self._turn += 1
                self.chance.choices(deeds, (4, 4, 4, 1, 3, 1))[0]()
        except (OSError, http.client.HTTPException):
            return
        finally:
            self._call.close()

    def asked(self, method: str, path: str, body: Any = None) -> Answered:
        """Send a write that must be taken."""
        found = self._call(method, path, body)
        if found.status >= 300 or found.status == 207:
            self.wrong.append(f"{method} {path}: {found}")
        self.acknowledged += 1
        return found

    def some(self) -> tuple[str, Standing] | None:
        """Return one of the entities that stand for sure."""
        found = [(id, each) for id, each in self.entities.items() if each.kept[-1] is not GONE]
        return self.chance.choice(found) if found else None

    def document(self, id: str) -> dict[str, Any]:
        """Return an entity that says which turn wrote it."""
        return {"id": id, "type": "Load", TEXT: {"type": "Property", "value": f"{self._turn}"}}

    def create(self) -> None:
        id = f"urn:ngsi-ld:Load:{self.name}-{self._turn}"
        each = self.entities[id] = Standing()
        each.kept.append(f"{self._turn}")
        self.asked("POST", "/entities", self.document(id))
        each.kept = each.kept[-1:]
        self.created.add(id)

    def patch(self) -> None:
        found = self.some()
        if found is None:
            return
        id, each = found
        each.kept.append(f"{self._turn}")
        self.asked("PATCH", f"/entities/{id}", {TEXT: {"type": "Property", "value": f"{self._turn}"}})
        each.kept = each.kept[-1:]

    def observe(self) -> None:
        found = self.some()
        if found is None:
            return
        id, each = found
        each.numbers.append(self._turn)
        each.telling.add(self._turn)
        instance = {"type": "Property", "value": self._turn, "observedAt": instant(self._turn)}
        self.asked("POST", f"/entities/{id}/attrs", {NUMBER: instance})
        each.numbers = each.numbers[-1:]
        each.telling.discard(self._turn)
        each.told.add(self._turn)

    def batch(self) -> None:
        ids = [f"urn:ngsi-ld:Load:{self.name}-batch-{number}" for number in range(BATCH)]
        fresh = [id for id in ids if self.entities.setdefault(id, Standing()).kept == [GONE]]
        for id in ids:
            self.entities[id].kept.append(f"{self._turn}")
        # Upserted whole: a number that stood goes with the replacement.
        for id in ids:
            self.entities[id].numbers.append(None)
        self.asked("POST", "/entityOperations/upsert", [self.document(id) for id in ids])
        for id in ids:
            self.entities[id].kept = self.entities[id].kept[-1:]
            self.entities[id].numbers = [None]
        self.created.update(fresh)

    def tell(self) -> None:
        id = f"urn:ngsi-ld:Past:{self.name}"
        each = self.entities.setdefault(id, Standing())
        each.telling.add(self._turn)
        instances = [{"type": "Property", "value": self._turn, "observedAt": instant(self._turn)}]
        self.asked("POST", "/temporal/entities", {"id": id, "type": "Past", SERIES: instances})
        each.telling.discard(self._turn)
        each.told.add(self._turn)

    def delete(self) -> None:
        found = self.some()
        if found is None or "-batch-" in found[0]:
            return
        id, each = found
        each.kept.append(GONE)
        self.asked("DELETE", f"/entities/{id}")
        each.kept = [GONE]
        each.numbers = [None]


def instant(turn: int) -> str:
    """Return an instant of 2026 of its own for every turn."""
    return f"2026-01-01T{turn // 3600:02}:{turn // 60 % 60:02}:{turn % 60:02}Z"


def run(workers: list[Worker]) -> list[threading.Thread]:
    """Start all connections."""
    threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    return threads


def lacking(worker: Worker, port: int) -> list[str]:
    """Return what was acknowledged to a connection and is not there, in words."""
    call = Caller(port)
    found = []
    for id, each in worker.entities.items():
        found += _lacking_past(call, id, each)
        if ":Past:" in id:
            continue
        answer = call("GET", f"/entities/{id}")
        kept = GONE if answer.status == 404 else answer.body[TEXT]["value"]
        if kept not in each.kept:
            found.append(f"{id} is {kept}, not one of {each.kept}")
        number = None if kept is GONE else answer.body.get(NUMBER, {}).get("value")
        if number not in each.numbers and not (number is None and GONE in each.kept):
            found.append(f"{id} has {NUMBER} {number}, not one of {each.numbers}")
    call.close()
    return found


def _lacking_past(call: Caller, id: str, each: Standing) -> list[str]:
    name = SERIES if ":Past:" in id else NUMBER
    if not each.told and not each.telling:
        return []
    answer = call("GET", f"/temporal/entities/{id}?attrs={name}&lastN=100000")
    instances = [] if answer.status >= 300 else answer.body.get(name, [])
    seen = {each["value"] for each in (instances if isinstance(instances, list) else [instances])}
    if each.told <= seen <= each.told | each.telling:
        return []
    return [f"the past of {id} has {sorted(seen)}, not {sorted(each.told)} and perhaps {sorted(each.telling)}"]
