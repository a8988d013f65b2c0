"""A reader that holds records in memory keeps its cursor back, whatever else the journal brings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from quanyu.assembly.readers import STEP_RECORDS_MAX
from quanyu.kernel.journal import Command, Effects, Instant, Record, Table
from tests.hubs import bare_hub


class Holder:
    """Holds deletions from the first on, until it is told to let go; stumbles over one."""

    name = "holder"
    tables: Collection[Table] = ()
    wants: Collection[str] | None = frozenset({"entity.deleted"})

    def __init__(self) -> None:
        self.held: int | None = None

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        if any(record.subject.endswith(":bad") for record in records):
            raise ValueError("cannot read this")
        self.held = records[0].seq if self.held is None else self.held
        return Effects(upto=self.held - 1)

    def release(self) -> Effects:
        self.held = None
        return Effects(upto=None)


def create(name: str) -> Command:
    return Command("entity.create", f"urn:ngsi-ld:A:{name}", {"type": "A"})


def delete(name: str) -> Command:
    return Command("entity.delete", f"urn:ngsi-ld:A:{name}", {})


def test_news_that_it_does_not_want_move_no_held_cursor(tmp_path: Path) -> None:
    holder = Holder()
    with bare_hub(tmp_path, readers=[holder]) as hub:
        hub.commit_blocking([create("one"), delete("one")], "person:a")
        hub.settled_blocking()
        hub.commit_blocking([create(f"n{i}") for i in range(STEP_RECORDS_MAX + 10)], "person:a")
        hub.settled_blocking()
        assert hub.runners["holder"].cursor <= 1
        hub.runners["holder"].run_now(holder.release)
        hub.commit_blocking([create("last")], "person:a")
        hub.settled_blocking()
        assert hub.runners["holder"].cursor > STEP_RECORDS_MAX


def test_a_record_set_aside_moves_no_held_cursor(tmp_path: Path) -> None:
    holder = Holder()
    with bare_hub(tmp_path, readers=[holder]) as hub:
        hub.commit_blocking([create("one"), create("bad"), delete("one"), delete("bad")], "person:a")
        hub.settled_blocking()
        assert hub.health()["readers"]["holder"]["quarantined"] == 1
        assert hub.runners["holder"].cursor < 3
