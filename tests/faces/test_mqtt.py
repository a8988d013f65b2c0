"""MQTT with a real broker: values arrive, nothing acknowledged is lost, what cannot be read is kept, all of it is visible."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from gmqtt import Client

from quanyu.assembly import Hub, intake
from quanyu.faces.mqtt import link
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING
from tests.brokers import Mosquitto, mosquitto, needs_mosquitto
from tests.listening import codes, found, listening, told, until, values

pytestmark = needs_mosquitto
DEVICES = """
[mqtt.air]
broker = "mqtt://127.0.0.1:{port}"
client = "hub"
[[mqtt.air.topic]]
topic = "city/+district/air/+station"
qos = {qos}
type = "AirQualityObserved"
fields = {{ pm25 = {{ attribute = "pm25", unit = "GQ" }}, t = {{ attribute = "temperature", unit = "CEL", scale = 0.1 }} }}
create = {{ district = "{{district}}" }}
[[mqtt.air.topic]]
topic = "wells/+well"
type = "Well"
payload = "number"
value = {{ attribute = "level", unit = "CMT" }}
[[mqtt.air.topic]]
topic = "entities/#"
type = "Well"
payload = "ngsi-ld"
create = {{}}
"""
ONE = """
[mqtt.air]
broker = "mqtt://127.0.0.1:{port}"
[[mqtt.air.topic]]
topic = "+station"
type = "Air"
payload = "number"
value = {{ attribute = "pm25" }}
{more}
"""
RETAINED = """
[mqtt.air]
broker = "mqtt://127.0.0.1:{port}"
[[mqtt.air.topic]]
topic = "bare/+station"
type = "Air"
fields = {{ v = {{ attribute = "v" }} }}
create = {{}}
[[mqtt.air.topic]]
topic = "timed/+station"
type = "Air"
fields = {{ v = {{ attribute = "v" }} }}
time = "at"
create = {{}}
"""
AIR = "urn:ngsi-ld:AirQualityObserved:110105:{}"


async def publisher(broker: Mosquitto) -> Client:
    client = Client("test-publisher")
    await client.connect("127.0.0.1", broker.port)
    return client


def play(folder: Path, scene: Callable[[Hub, Mosquitto, Client], Coroutine[Any, Any, None]], qos: int = 0) -> None:
    async def main(broker: Mosquitto) -> None:
        async with listening(folder / "home", DEVICES.format(port=broker.port, qos=qos)) as hub:
            await until(lambda: hub.devices.gauges["mqtt:air"].up, "the broker is up")
            sender = await publisher(broker)
            await asyncio.sleep(0.1)  # the subscription is on its way
            await scene(hub, broker, sender)
            await sender.disconnect()

    with mosquitto(folder / "broker") as broker:
        asyncio.run(main(broker))


def observed(hub: Hub) -> int:
    return hub.devices.gauges["mqtt:air"].observations


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_become_observations(tmp_path: Path, qos: int) -> None:
    async def scene(hub: Hub, broker: Mosquitto, sender: Client) -> None:
        for number in range(10):
            sender.publish(f"city/110105/air/{number}", b'{"pm25": %d, "t": 215}' % number, qos=qos)
        sender.publish("entities/x", '{"id": "urn:ngsi-ld:Well:7", "level": {"value": 3, "unitCode": "MTR"}}', qos=0)
        await until(lambda: observed(hub) == 21, "all are observed")
        assert values(hub, AIR.format(7)) == {
            "name": "110105 7",
            "district": "110105",
            "pm25": 7.0,
            "temperature": 21.5,
        }
        pm25 = found(hub, AIR.format(7))["pm25"]
        assert (pm25["provenance"], pm25["unitCode"]) == ("measured:mqtt:air", "GQ")
        assert values(hub, "urn:ngsi-ld:Well:7")["level"] == 3
        hub.settled_blocking()
        series = hub.views.history.series(AIR.format(7), "pm25", 0, 2**60)
        assert list(series.value) == [7.0]
        assert codes(hub) == []
        health = hub.health()["devices"]["mqtt:air"]
        assert (health["received"], health["dropped"], health["dead"], health["waiting"]) == (11, 0, 0, 0)

    play(tmp_path, scene, qos)


def test_what_cannot_be_taken_is_a_dead_letter_and_stops_nothing(tmp_path: Path) -> None:
    async def scene(hub: Hub, broker: Mosquitto, sender: Client) -> None:
        sender.publish("wells/9", "4.5")
        for payload in ("wet", '{"pm25": "much"}', '{"other": 1}', '{"pm25": 1}'):
            sender.publish("city/110105/air/1", payload)
        sender.publish("city/110105/air/a b", '{"pm25": 1}')
        gauge = hub.devices.gauges["mqtt:air"]
        await until(lambda: gauge.received == 6 and gauge.waiting == 0, "all came in")
        assert sorted(codes(hub)) == ["device.empty", "device.entity", "device.json", "device.value", "entity.missing"]
        assert observed(hub) == 1
        letter = next(each for each in hub.devices.letters.newest(None, 10) if each.code == "entity.missing")
        assert (letter.source, letter.place, letter.payload) == ("mqtt:air", "wells/9", "4.5")
        hub.commit_blocking([Command("entity.create", "urn:ngsi-ld:Well:9", {"type": "Well"})], "system:test")
        sender.publish("wells/9", "4.6")
        await until(lambda: observed(hub) == 2, "the well is known now")

    play(tmp_path, scene)
    assert (tmp_path / "home" / "rejects" / "devices.ndjson").read_text("utf-8").count("\n") == 5


def test_nothing_acknowledged_is_lost_while_the_hub_is_away(tmp_path: Path) -> None:
    async def main(broker: Mosquitto) -> None:
        sender = await publisher(broker)
        for turn in range(2):
            async with listening(tmp_path / "home", ONE.format(port=broker.port, more="qos = 1\ncreate = {}")) as hub:
                await until(lambda: hub.devices.gauges["mqtt:air"].up, "the broker is up")
                if turn == 1:
                    await until(lambda: values(hub, "urn:ngsi-ld:Air:1")["pm25"] == 2, "what came meanwhile")
                    continue
                await asyncio.sleep(0.1)
                sender.publish("1", "1", qos=1)
                await until(lambda: found(hub, "urn:ngsi-ld:Air:1").get("pm25"), "the first")
            sender.publish("1", "2", qos=1)
            await asyncio.sleep(0.1)
        await sender.disconnect()

    with mosquitto(tmp_path / "broker") as broker:
        asyncio.run(main(broker))


def test_a_message_is_acknowledged_after_the_receipt_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(hub: Hub, broker: Mosquitto, sender: Client) -> None:
        commit, busy = hub.commit, [True]

        async def refusing(*given: Any, **options: Any) -> Any:
            if busy[0]:
                raise Unavailable("The commit queue holds 10000 calls.", code="commit.busy", retry_after_s=1)
            return await commit(*given, **options)

        monkeypatch.setattr(hub, "commit", refusing)
        gauge = hub.devices.gauges["mqtt:air"]
        for number in range(3):
            sender.publish(f"city/110105/air/{number}", '{"pm25": 1}', qos=1)
        await until(lambda: gauge.fault, "the hub is busy")
        assert gauge.waiting > 0
        # Whoever kills the hub now loses nothing: the broker still has every one of them.
        assert hub.views.entities.find(AIR.format(0), EVERYTHING) is None
        busy[0] = False
        await until(lambda: observed(hub) == 3, "all are observed")
        assert gauge.fault is None

    with told() as logs:
        play(tmp_path, scene, 1)
    assert [each["event"] for each in logs if "observations" in each["event"]] == [
        "observations wait",
        "observations go on",
    ]


def test_a_full_queue_stops_the_reading_and_counts_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ITEMS_MAX", 20)  # less than comes in one piece

    async def scene(hub: Hub, broker: Mosquitto, sender: Client) -> None:
        commit, gate = hub.commit, asyncio.Event()

        async def slow(*given: Any, **options: Any) -> Any:
            await gate.wait()
            return await commit(*given, **options)

        monkeypatch.setattr(hub, "commit", slow)
        gauge = hub.devices.gauges["mqtt:air"]
        sender.publish("city/110105/air/0", '{"pm25": 1}')
        await asyncio.sleep(0.2)
        for _ in range(40):
            for number in range(500):
                sender.publish(f"city/110105/air/{number % 50}", '{"pm25": 1, "filler": "' + "x" * 300 + '"}')
            # The loop stands still while the broker sends on: what waits in the socket then comes in one piece.
            time.sleep(0.02)  # noqa: ASYNC251
            await asyncio.sleep(0.01)
        await until(lambda: gauge.dropped > 0, "the queue is full")
        await asyncio.sleep(0.3)
        held = gauge.received
        assert held < 20_001, "reading has stopped"
        gate.set()
        await until(lambda: gauge.received == 20_001 and gauge.waiting == 0, "the rest is read")
        assert gauge.observations + gauge.dropped == 20_001
        assert gauge.dropped > 0

    with told() as logs:
        play(tmp_path, scene)
    assert [each["event"] for each in logs].count("messages are lost") == 1


def test_a_broker_that_goes_is_said_once_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PAUSE_S", 0.05)

    async def scene(hub: Hub, broker: Mosquitto, sender: Client) -> None:
        gauge = hub.devices.gauges["mqtt:air"]
        await sender.disconnect()
        broker.stop()
        await until(lambda: not gauge.up, "the broker is down")
        assert "mqtt:air is down" in hub.health()["warnings"]
        await asyncio.sleep(0.4)
        broker.start()
        await until(lambda: gauge.up, "the broker is up again")
        await asyncio.sleep(0.1)
        again = await publisher(broker)
        again.publish("city/110105/air/1", '{"pm25": 5}')
        await until(lambda: observed(hub) == 1, "it is heard again")
        await again.disconnect()

    with told() as logs:
        play(tmp_path, scene, 1)
    assert [each["event"] for each in logs if "broker" in each["event"]] == [
        "broker is up",
        "broker is down",
        "broker is up",
    ]


def test_a_retained_message_counts_only_with_its_own_time(tmp_path: Path) -> None:
    async def main(broker: Mosquitto) -> None:
        sender = await publisher(broker)
        for name in ("bare", "timed"):
            sender.publish(f"{name}/{name}", '{"v": 1, "at": "2026-03-02T08:00:00Z"}', qos=1, retain=True)
        await asyncio.sleep(0.2)
        async with listening(tmp_path / "home", RETAINED.format(port=broker.port)) as hub:
            await until(lambda: hub.devices.gauges["mqtt:air"].observations == 1, "the timed one")
            await asyncio.sleep(0.1)
            assert found(hub, "urn:ngsi-ld:Air:bare") == {}
            assert values(hub, "urn:ngsi-ld:Air:timed")["v"] == 1
        await sender.disconnect()

    with mosquitto(tmp_path / "broker") as broker:
        asyncio.run(main(broker))


def test_a_wrong_password_is_a_fault_that_names_none(tmp_path: Path) -> None:
    async def main(broker: Mosquitto, password: str) -> tuple[bool, str | None]:
        declared = ONE.format(port=broker.port, more="").replace("[[", 'user = "hub"\npassword_env = "AIR"\n[[', 1)
        async with listening(tmp_path / password, declared, environ={"AIR": password}) as hub:
            gauge = hub.devices.gauges["mqtt:air"]
            await until(lambda: gauge.up or gauge.fault, "the broker has spoken")
            return gauge.up, gauge.fault

    with mosquitto(tmp_path / "broker", ("hub", "right")) as broker, told() as logs:
        assert asyncio.run(main(broker, "right")) == (True, None)
        up, fault = asyncio.run(main(broker, "wrong-secret"))
    assert not up
    assert fault is not None
    assert "uthori" in fault
    assert "wrong-secret" not in str(logs)


def test_mosquitto_is_the_real_one() -> None:
    from tests.brokers import MOSQUITTO

    said = subprocess.run([str(MOSQUITTO), "-h"], capture_output=True, text=True, check=False).stdout
    assert "mosquitto version" in said
