"""From messages to observations without a network: groups, dead letters, refusals found by halving, room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import Hub, Options, intake, letters, open_hub
from quanyu.assembly.intake import Intake, Reading, Words
from quanyu.assembly.letters import Letters
from quanyu.kernel.device import Row
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from tests.listening import codes, told, until, values

Message = tuple[str, float]
"""Entity and value; a negative one cannot be read, and 666 is refused by the hub alone."""


def read(message: Message) -> Reading:
    entity, value = message
    if value < 0:
        raise Invalid("below the ground", code="test.negative")
    if value == 0:
        raise ZeroDivisionError("our own mistake")
    rows: list[Row] = [
        (f"urn:ngsi-ld:Well:{entity}", "level" if value != 666 else "a b", 1_772_409_600_000_000, value, "CMT")
    ]
    births = {rows[0][0]: {"type": "Well"}} if entity.startswith("new") else {}
    return Reading(rows, births, Invalid("a part", code="test.part") if value == 7 else None)


def play(home: Path, scene: Callable[[Hub, Intake[Message]], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        hub = open_hub(home, Options())
        hub.start()
        try:
            gauge = hub.devices.gauge("test", "test", 0)
            door = Intake[Message](hub, Words("test", "measured:test"), gauge, read, lambda m: (m[0], b"%f" % m[1]))
            hub.commit_blocking([Command("entity.create", "urn:ngsi-ld:Well:old", {"type": "Well"})], "system:test")
            await scene(hub, door)
            await door.drain()
            await door.end()
        finally:
            hub.close()

    asyncio.run(main())


def test_each_message_hears_what_became_of_it(tmp_path: Path) -> None:
    async def scene(hub: Hub, door: Intake[Message]) -> None:
        sent = [
            ("old", 1.0),
            ("old", -1.0),
            ("gone", 1.0),
            ("new1", 3.0),
            ("old", 666.0),
            ("old", 7.0),
            ("new2", 666.0),
            ("old", 0.0),
        ]
        with told():
            became = await asyncio.gather(*(door.taken(message, 10) for message in sent))
        assert became == ["taken", "dead", "dead", "taken", "dead", "taken", "dead", "dead"]
        assert values(hub, "urn:ngsi-ld:Well:old") == {"level": 7.0}
        assert values(hub, "urn:ngsi-ld:Well:new1") == {"level": 3.0}
        assert sorted(codes(hub)) == sorted(
            ["test.negative", "device.failed", "entity.missing", "test.part", "entity.name", "entity.name"]
        )
        assert (door.gauge.received, door.gauge.observations, door.gauge.waiting) == (8, 3, 0)
        # One group, one record for all that was right: halving made a few more.
        assert len(hub.journal_read(0, 1000, {"observed"})) <= 4

    play(tmp_path, scene)


def test_a_flood_of_bad_messages_is_counted_and_fills_no_disk(tmp_path: Path) -> None:
    async def scene(hub: Hub, door: Intake[Message]) -> None:
        for number in range(2_000):
            assert door.offer((str(number), -1.0), 10)
        await door.drain()
        assert door.gauge.dead == 2_000
        assert len(codes(hub)) <= 2 * intake.LETTERS_PER_GROUP_MAX

    play(tmp_path, scene)


def test_an_entity_that_goes_is_noticed(tmp_path: Path) -> None:
    async def scene(hub: Hub, door: Intake[Message]) -> None:
        assert await door.taken(("old", 1.0), 10) == "taken"
        hub.commit_blocking([Command("entity.delete", "urn:ngsi-ld:Well:old", {})], "system:test")
        assert await door.taken(("old", 2.0), 10) == "dead"
        assert await door.taken(("old", 2.0), 10) == "dead"
        assert codes(hub) == ["entity.missing", "entity.missing"]

    play(tmp_path, scene)


def test_who_waits_for_room_is_let_in_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ITEMS_MAX", 10)

    async def scene(hub: Hub, door: Intake[Message]) -> None:
        paced: list[bool] = []
        door._pace = paced.append
        became = await asyncio.gather(
            *(door.taken(("old", float(number + 1)), 10) for number in range(50) if number != 6)
        )
        assert set(became) == {"taken"}
        assert door.gauge.received == 49
        await until(lambda: paced and paced[-1], "reading goes on")
        assert not door.offer(("old", 1.0), intake.BYTES_MAX + 1)
        door.lost()
        assert door.gauge.dropped == 1

    with told() as logs:
        play(tmp_path, scene)
    assert [each["event"] for each in logs].count("messages are lost") == 1


def test_who_waits_when_it_ends_hears_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(hub: Hub, door: Intake[Message]) -> None:
        async def never(*_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

        monkeypatch.setattr(hub, "commit", never)
        waiting = asyncio.ensure_future(door.taken(("old", 1.0), 10))
        await asyncio.sleep(0.05)
        await door.drain(0.05)
        await door.end()
        assert await waiting == "ended"

    play(tmp_path, scene)


def test_a_group_that_fails_by_our_own_mistake_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(hub: Hub, door: Intake[Message]) -> None:
        commit = hub.commit

        async def failing(*_: Any, **__: Any) -> Any:
            raise RuntimeError("a mistake")

        monkeypatch.setattr(hub, "commit", failing)
        assert await door.taken(("old", 1.0), 10) == "dead"
        monkeypatch.setattr(hub, "commit", commit)
        assert await door.taken(("old", 2.0), 10) == "taken"
        assert codes(hub) == ["device.failed"]

    with told() as logs:
        play(tmp_path, scene)
    assert "intake failed" in [each["event"] for each in logs]


def add(box: Letters, number: int) -> None:
    box.add(number, "s", f"p{number}", b"x" * 10_000, "c", "r")


def test_letters_are_bounded_and_outlive_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "FILE_BYTES_MAX", 50_000)
    box = Letters(tmp_path)
    for number in range(100):
        add(box, number)
        box.write()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2 * 60_000
    assert len(box.newest(None, 1)[0].payload) == letters.PAYLOAD_LETTERS_MAX
    with (tmp_path / "devices.ndjson").open("ab") as file:
        file.write(b'{"number": 7, "cut')
    again = Letters(tmp_path)
    assert [each.place for each in again.newest(None, 2)] == ["p99", "p98"]
    assert [each.place for each in again.newest(99, 1)] == ["p97"]
    add(again, 100)
    assert again.newest(None, 1)[0].number == 101


def test_letters_that_cannot_be_written_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    box = Letters(tmp_path / "file")
    add(box, 1)
    with pytest.raises(OSError, match="file"):
        box.write()
    (tmp_path / "file").unlink()
    box.write()
    assert len(Letters(tmp_path / "file").newest(None, 9)) == 1


def test_a_disk_that_takes_no_letters_is_said_and_stops_nothing(tmp_path: Path) -> None:
    async def scene(hub: Hub, door: Intake[Message]) -> None:
        (hub.home / "rejects").write_text("in the way", "utf-8")
        assert await door.taken(("old", -1.0), 10) == "dead"
        assert await door.taken(("old", 1.0), 10) == "taken"

    with told() as logs:
        play(tmp_path, scene)
    assert "dead letters cannot be written" in [each["event"] for each in logs]
