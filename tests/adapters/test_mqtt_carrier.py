"""Letters to a real MQTT broker, at every quality of service and in both versions."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gmqtt import Client

from quanyu.adapters.mqtt.carrier import MqttCarrier
from quanyu.engines.notify.parcel import Letter
from quanyu.engines.notify.store import Answer
from tests.brokers import Mosquitto, free_port, mosquitto, needs_mosquitto

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def carrier() -> Iterator[MqttCarrier]:
    carrier = MqttCarrier(allow_private=True)
    yield carrier
    carrier.close()


class Listener:
    """Hears a topic from a thread of its own."""

    def __init__(self, port: int, topic: str, user: tuple[str, str] | None = None) -> None:
        self.heard: list[Any] = []
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(port, topic, user), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def _run(self, port: int, topic: str, user: tuple[str, str] | None) -> None:
        async def listen() -> None:
            self._client = client = Client("listener")
            if user is not None:
                client.set_auth_credentials(*user)
            client.on_message = lambda _, topic, payload, qos, properties: self.heard.append((qos, json.loads(payload)))
            subscribed = asyncio.Event()
            client.on_subscribe = lambda *_: subscribed.set()
            await client.connect("127.0.0.1", port)
            client.subscribe(topic, qos=2)
            await subscribed.wait()
            self._ready.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()
        self._loop.run_until_complete(self._client.disconnect())
        self._loop.close()

    def wait(self, count: int) -> list[Any]:
        for _ in range(300):
            if len(self.heard) >= count:
                break
            time.sleep(0.01)
        return self.heard

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


def carried(carrier: MqttCarrier, *letters: Letter) -> list[Answer]:
    answers: list[Answer] = []
    all_in = threading.Event()

    def done(answer: Answer) -> None:
        answers.append(answer)
        if len(answers) == len(letters):
            all_in.set()

    for each in letters:
        carrier.carry(each, done)
    assert all_in.wait(10), answers
    return answers


def letter(uri: str, body: bytes = b'{"n":1}', timeout_s: float = 5, **options: str) -> Letter:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return Letter(uri, (("Content-Type", "application/json"), ("X-Room", "12")), body, timeout_s, named)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
def test_a_letter_reaches_its_topic_with_metadata_and_body(
    qos: int, version: str, broker: Mosquitto, carrier: MqttCarrier
) -> None:
    topic = f"city/notices/{qos}/{version}"
    listener = Listener(broker.port, topic)
    answers = carried(
        carrier, letter(f"mqtt://127.0.0.1:{broker.port}/{topic}", MQTT_QoS=str(qos), MQTT_Version=version)
    )
    assert answers == [Answer(200)]
    message = {"metadata": {"Content-Type": "application/json", "X-Room": "12"}, "body": {"n": 1}}
    assert listener.wait(1) == [(qos, message)]
    listener.close()


def test_many_letters_share_a_connection_and_each_is_acknowledged(broker: Mosquitto, carrier: MqttCarrier) -> None:
    listener = Listener(broker.port, "many")
    uri = f"mqtt://127.0.0.1:{broker.port}/many"
    letters = [letter(uri, b'{"n":%d}' % number, MQTT_QoS=str(number % 3)) for number in range(300)]
    assert carried(carrier, *letters) == [Answer(200)] * 300
    assert sorted(message["body"]["n"] for _, message in listener.wait(300)) == list(range(300))
    listener.close()


def test_a_password_is_asked_for(tmp_path: Path, carrier: MqttCarrier) -> None:
    with mosquitto(tmp_path, ("user", "pass word")) as broker:
        listener = Listener(broker.port, "t", ("user", "pass word"))
        (good,) = carried(carrier, letter(f"mqtt://user:pass%20word@127.0.0.1:{broker.port}/t"))
        (bad,) = carried(carrier, letter(f"mqtt://user:wrong@127.0.0.1:{broker.port}/t"))
        assert good == Answer(200)
        assert (bad.status, bool(bad.error)) == (0, True)
        assert len(listener.wait(1)) == 1
        listener.close()


def test_a_broker_that_goes_and_comes_back(tmp_path: Path, carrier: MqttCarrier) -> None:
    with mosquitto(tmp_path) as broker:
        uri = f"mqtt://127.0.0.1:{broker.port}/t"
        assert carried(carrier, letter(uri, MQTT_QoS="1")) == [Answer(200)]
        broker.stop()
        (gone,) = carried(carrier, letter(uri, MQTT_QoS="1", timeout_s=1))
        assert gone.status == 0
        broker.start()
        assert carried(carrier, letter(uri, MQTT_QoS="1")) == [Answer(200)]


@pytest.mark.parametrize(
    "bad",
    [
        letter("mqtt://127.0.0.1/"),
        letter("mqtt://127.0.0.1/a/#"),
        letter("mqtt://127.0.0.1/a", MQTT_QoS="3"),
        letter("mqtt://127.0.0.1/a", MQTT_QoS="x"),
        letter("mqtt://127.0.0.1/a", MQTT_Version="mqtt6"),
    ],
)
def test_letters_that_cannot_be_published_say_why(bad: Letter, carrier: MqttCarrier) -> None:
    (answer,) = carried(carrier, bad)
    assert (answer.status, bool(answer.error)) == (0, True)


def test_dead_brokers_and_private_addresses_are_answers() -> None:
    carrier = MqttCarrier(allow_private=True)
    (dead,) = carried(carrier, letter(f"mqtt://127.0.0.1:{free_port()}/t"))
    carrier.close()
    assert "refused" in str(dead.error).lower() or "Errno" in str(dead.error)
    strict = MqttCarrier(resolve=lambda host, port: ["10.0.0.1"])
    (private,) = carried(strict, letter("mqtt://broker.example/t"))
    strict.close()
    assert "does not resolve to public addresses" in str(private.error)
