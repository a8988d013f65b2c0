"""Stations at the HJ 212 door: answered when durable, in any pieces, and shown out when they have no business there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from quanyu.assembly import Hub
from quanyu.faces.hj212 import door
from quanyu.faces.hj212.frame import Frame, build, packed, parse
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.view import EVERYTHING
from tests.listening import codes, found, listening, told, until, values

MN = "010000A8900016F000169DC0"
GATE = "urn:ngsi-ld:AirQualityObserved:gate"
DEVICES = f"""
[hj212]
factors = "factors.csv"
password_env = "GATE"
[[hj212.station]]
mn = "{MN}"
type = "AirQualityObserved"
entity = "{GATE}"
create = {{ district = "110105" }}
[[hj212.station]]
mn = "NEW1"
type = "AirQualityObserved"
entity = "urn:ngsi-ld:AirQualityObserved:new"
create = {{}}
edition = "2025-unverified"
"""
SECRETS = {"GATE": "123456"}


def data(
    values_: str = "a34004-Rtd=35.5,a34004-Flag=N", *, cn: str = "2011", flag: int = 5, mn: str = MN, pw: str = "123456"
) -> bytes:
    return packed(
        f"QN=20261122080000123;ST=22;CN={cn};PW={pw};MN={mn};Flag={flag};CP=&&DataTime=20261101080000;{values_}&&".encode()
    )


@asynccontextmanager
async def calling(hub: Hub) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    assert hub.devices.door is not None
    reader, writer = await asyncio.open_connection(*hub.devices.door.getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> Frame:
    return parse(await asyncio.wait_for(reader.readuntil(b"\r\n"), 10))


def play(home: Path, scene: Callable[[Hub], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with listening(home, DEVICES, environ=SECRETS) as hub:
            await scene(hub)

    asyncio.run(main())


def test_data_are_answered_when_they_are_durable(tmp_path: Path) -> None:
    async def scene(hub: Hub) -> None:
        async with calling(hub) as (reader, writer):
            for byte in data("a34004-Rtd=35.5,a34004-Flag=N;a21026-Rtd=0.012,a21026-Flag=N"):
                writer.write(bytes([byte]))
                await writer.drain()
            got = await answer(reader)
            assert (got.qn, got.st, got.cn, got.mn, got.cp) == ("20261122080000123", "91", "9014", MN, ())
            assert not got.answer_wanted
            # The answer was the receipt: what it answers is in the journal, without another wait.
            assert values(hub, GATE) | {"name": 0} == {"district": "110105", "name": 0, "pm25": 35.5, "so2": 12.0}
            assert found(hub, GATE)["pm25"]["provenance"] == "measured:hj212"
            assert hub.journal_read(0, 1000, {"observed"})[-1].actor == "system:hj212"
            # Frames on one connection may follow each other at once; the second wants no answer.
            writer.write(data("a34002-Rtd=50", flag=4) + data("a34004-Avg=40,a34004-Max=60", cn="2061"))
            await answer(reader)
            assert values(hub, GATE) | {"name": 0} == {
                "district": "110105", "name": 0, "pm25": 35.5, "so2": 12.0, "pm10": 50.0, "pm25Hour": 40.0, "pm25HourMax": 60.0,
            }  # fmt: skip
        health = hub.devices.health()
        assert (health["hj212"]["observations"], health[f"hj212:{MN}"]["received"]) == (5, 3)
        assert health[f"hj212:{MN}"]["up"]
        assert codes(hub) == []

    play(tmp_path, scene)


def test_what_is_left_out_of_a_frame_is_named(tmp_path: Path) -> None:
    async def scene(hub: Hub) -> None:
        async with calling(hub) as (reader, writer):
            writer.write(
                data(
                    "a34004-Rtd=35,a34004-Flag=D;a99999-Rtd=1;a34002-Rtd=wet;a21026-ZsRtd=4;a34002-Rtd=60,a34002-Flag=N"
                )
            )
            await answer(reader)
            assert values(hub, GATE)["pm10"] == 60
            assert "pm25" not in values(hub, GATE)
            (letter,) = hub.devices.letters.newest(None, 10)
            assert (letter.code, letter.place) == ("hj212.left_out", MN)
            for said in (
                "flagged D",
                "a99999 is not in the table",
                "a34002-Rtd holds 'wet'",
                "a21026-ZsRtd is not read",
            ):
                assert said in letter.reason
            assert "123456" not in letter.payload

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (data("a99999-Rtd=1"), "hj212.nothing"),
        (
            packed(f"QN=20261122080000123;ST=22;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&a34004-Rtd=1&&".encode()),
            "hj212.time",
        ),
        (data(cn="1062"), "hj212.command"),
        (data(flag=7), "hj212.split"),
        (packed(b"hello"), "hj212.frame"),
        (data()[:-6] + b"0000\r\n", "hj212.broken"),
    ],
)
def test_what_cannot_be_taken_gets_no_answer_and_stays_as_a_dead_letter(tmp_path: Path, sent: bytes, code: str) -> None:
    async def scene(hub: Hub) -> None:
        async with calling(hub) as (reader, writer):
            writer.write(sent + data("a34002-Rtd=50"))
            got = await answer(reader)
            assert got.cn == "9014"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
        assert codes(hub) == [code]
        assert values(hub, GATE)["pm10"] == 50

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("sent", "code"), [(data(pw="654321"), "hj212.password"), (data(mn="STRANGER"), "hj212.station")]
)
def test_a_stranger_is_shown_out(tmp_path: Path, sent: bytes, code: str) -> None:
    async def scene(hub: Hub) -> None:
        async with calling(hub) as (reader, writer):
            writer.write(sent + data())
            assert await asyncio.wait_for(reader.read(), 10) == b""
        assert codes(hub) == [code]
        assert found(hub, GATE) == {}
        assert "654321" not in hub.devices.letters.newest(None, 1)[0].payload

    play(tmp_path, scene)


def test_garbage_broken_frames_and_slow_senders_end_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "FRAME_S", 0.2)

    async def scene(hub: Hub) -> None:
        for sent, code in ((b"x" * 70_000, "hj212.garbage"), ((data()[:-6] + b"0000\r\n") * 20, "hj212.broken")):
            async with calling(hub) as (reader, writer):
                writer.write(sent)
                assert await asyncio.wait_for(reader.read(), 10) == b""
            assert codes(hub)[-1] == code
        assert codes(hub).count("hj212.broken") == door.FAULTS_MAX
        async with calling(hub) as (reader, writer):
            # A frame that is dripped in has its time; a good one behind it is still found.
            writer.write(data()[:40])
            await asyncio.sleep(0.1)
            writer.write(data("a34002-Rtd=50"))
            assert (await answer(reader)).cn == "9014"
            assert codes(hub)[-1] == "hj212.broken"

    play(tmp_path, scene)


def test_a_hub_that_cannot_commit_answers_nothing_until_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(hub: Hub) -> None:
        commit, busy = hub.commit, [True]

        async def refusing(*given: Any, **options: Any) -> Any:
            if busy[0]:
                raise Unavailable("The commit queue holds 10000 calls.", code="commit.busy", retry_after_s=1)
            return await commit(*given, **options)

        monkeypatch.setattr(hub, "commit", refusing)
        async with calling(hub) as (reader, writer):
            writer.write(data())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.3)
            assert "commit queue" in hub.devices.health()["hj212"]["fault"]
            busy[0] = False
            assert (await answer(reader)).cn == "9014"
        assert values(hub, GATE)["pm25"] == 35.5
        assert hub.devices.health()["hj212"]["fault"] is None

    with told() as logs:
        play(tmp_path, scene)
    said = [each["event"] for each in logs]
    assert said.count("observations wait") == said.count("observations go on") == 1


def test_a_station_is_said_to_be_down_once_and_up_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "GONE_S", 0.3)

    async def scene(hub: Hub) -> None:
        gauge = hub.devices.gauges[f"hj212:{MN}"]
        assert f"hj212:{MN} is down" in hub.health()["warnings"]
        for _ in range(2):
            async with calling(hub) as (reader, writer):
                writer.write(data() + data())
                await answer(reader)
                assert gauge.up
        await until(lambda: not gauge.up, "the station is down")

    with told() as logs:
        play(tmp_path, scene)
    said = [each["event"] for each in logs if each.get("source") == f"hj212:{MN}"]
    assert said == ["station is up", "station is down"]


def test_2025_is_read_like_2017_and_says_that_it_is_unverified(tmp_path: Path) -> None:
    async def scene(hub: Hub) -> None:
        assert "unverified" in hub.devices.health()["hj212:NEW1"]["note"]
        async with calling(hub) as (reader, writer):
            writer.write(data(mn="NEW1"))
            await answer(reader)
        entity = hub.views.entities.find("urn:ngsi-ld:AirQualityObserved:new", EVERYTHING)
        assert entity is not None
        assert entity["pm25"]["provenance"] == "measured:hj212-2025-unverified"

    with told() as logs:
        play(tmp_path, scene)
    assert any("HJ 212-2025 is unverified" in each["event"] for each in logs)


def test_more_connections_than_there_is_room_for_are_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "CONNECTIONS_MAX", 1)

    async def scene(hub: Hub) -> None:
        async with calling(hub) as (reader, writer):
            writer.write(data())
            await answer(reader)
            async with calling(hub) as (late, _):
                assert await asyncio.wait_for(late.read(), 10) == b""
            writer.write(data())
            await answer(reader)

    play(tmp_path, scene)


def test_build_and_data_agree() -> None:
    assert build(parse(data())) == data()
