"""A reader that answers its own echo is stopped after eight causes, and a case is opened on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.hubs import MORNING


class Echo:
    """Answers every entity that the other echo made with one of its own."""

    wants: Collection[str] | None = frozenset({"entity.created"})
    tables: Collection[Table] = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        return Effects([
            Command("entity.create", f"urn:ngsi-ld:Echo:{self.name}-{record.seq}", {"type": "Echo"}, "derived", record.seq)
            for record in records
        ])  # fmt: skip


def test_two_echoes_end_in_a_case(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    for name in ("north", "south"):
        hub.attach(Echo(name))
    hub.start()
    hub.commit_blocking([Command("entity.create", "urn:ngsi-ld:Echo:first", {"type": "Echo"})], "system:test")
    hub.settled_blocking()
    made = hub.journal_read(0, 1_000, {"entity.created"})
    assert 8 <= len(made) < 1_000
    page = hub.views.cases.query(CaseQuery(list="open", flow="mend_rule"), EVERYTHING)
    assert {case["rule"] for case in page.items} == {"north", "south"}
    found = hub.views.cases.find(page.items[0]["id"], EVERYTHING)
    assert found is not None
    assert "causes" in found["findings"][0]["why"]["en"]
    hub.close()
