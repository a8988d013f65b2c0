"""A broker and a station feed the demo city: on the entity, in the history, as a case; and what a home refuses at its start."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.demo import start_demo
from quanyu.faces.cli.serve import Wish, declare_devices
from quanyu.faces.hj212.frame import packed
from quanyu.kernel.errors import Conflict, Invalid, Missing, QuanyuError
from quanyu.kernel.time import format_instant, moment
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.brokers import mosquitto, needs_mosquitto
from tests.faces.test_hj212_door import answer, calling
from tests.faces.test_mqtt import publisher
from tests.listening import found, listening, until, values

BROUGHT = """
[mqtt.replayed]
as = "replay"
broker = "mqtt://127.0.0.1:{port}"
[[mqtt.replayed.topic]]
topic = "city/+district/air/+station"
message = "air_station"
create = {{ district = "{{district}}" }}

[hj212]
as = "replay"
factors = "factors.csv"
password_env = "GATE"
[[hj212.station]]
mn = "GATE1"
type = "AirQualityObserved"
entity = "urn:ngsi-ld:AirQualityObserved:gate"
data = "2061"
create = {{ district = "110105" }}
"""
SENT = "urn:ngsi-ld:AirQualityObserved:110101:dongsi"
GATE = "urn:ngsi-ld:AirQualityObserved:gate"


def rules_of(hub: Hub, asset: str) -> list[str]:
    hub.settled_blocking()
    cases = hub.views.cases.query(CaseQuery(list="all", asset=asset), EVERYTHING).items
    return sorted(case["rule"] for case in cases)


@needs_mosquitto
def test_mqtt_and_hj212_feed_the_demo_city(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        options = Options(demo=True)
        async with listening(tmp_path / "home", BROUGHT.format(port=port), options, {"GATE": "123456"}) as hub:
            driver = await asyncio.to_thread(start_demo, hub, 8, None, 0, lambda *_: None)
            hour = driver.position.at - 3_600_000_000
            broker_up = hub.devices.gauges["mqtt:replayed"]
            await until(lambda: broker_up.up, "the broker is up")
            sender = await publisher(broker)
            await asyncio.sleep(0.1)
            sender.publish(
                "city/110101/air/dongsi", f'{{"observedAt": "{format_instant(hour)}", "no2": 290, "pm25": 30}}'
            )
            await until(lambda: values(hub, SENT).get("no2") == 290, "the broker's value")
            async with calling(hub) as (reader, writer):
                when = moment(hour, "Asia/Shanghai").strftime("%Y%m%d%H%M%S")
                text = f"QN={when}000;ST=22;CN=2061;PW=123456;MN=GATE1;Flag=5;CP=&&DataTime={when};a21026-Avg=0.9,a21026-Flag=N&&"
                writer.write(packed(text.encode()))
                assert (await answer(reader)).cn == "9014"
            assert values(hub, GATE)["so2"] == 900
            assert found(hub, SENT)["no2"]["provenance"] == "simulated:mqtt:replayed"
            assert found(hub, GATE)["so2"]["provenance"] == "simulated:hj212"
            assert rules_of(hub, SENT) == ["nitrogen_dioxide_hour"]
            assert rules_of(hub, GATE) == ["sulphur_dioxide_hour"]
            for asset, attribute, value in ((SENT, "no2", 290.0), (GATE, "so2", 900.0)):
                series = hub.views.history.series(asset, attribute, hour, hour + 1)
                assert (list(series.at), list(series.value)) == ([hour], [value])
            await sender.disconnect()

    with mosquitto(tmp_path / "broker") as broker:
        asyncio.run(main(broker.port))


def declared(home: Path, text: str | None, *, demo: bool = False, **wish: object) -> Hub:
    """Do what serve does with a devices file, on a hub that is closed at once."""
    home.mkdir(parents=True, exist_ok=True)
    if text is not None:
        (home / "devices.toml").write_text(text, "utf-8")
        (home / "factors.csv").write_text("code,attribute,unit,scale,valid_from,valid_to,source,status\n", "utf-8")
        (home / "word").write_text("123456\n", "utf-8")
    with ExitStack() as stack:
        hub = open_hub(home, Options(demo=demo))
        stack.callback(hub.close)
        declare_devices(hub, Wish(home, demo=demo, **wish), stack)  # type: ignore[arg-type]
    return hub


LIVE = """
[mqtt.a]
broker = "mqtt://b"
[[mqtt.a.topic]]
topic = "+s"
type = "Air"
payload = "number"
value = { attribute = "v" }
"""
GATES = """
[hj212]
factors = "factors.csv"
password_file = "word"
[[hj212.station]]
mn = "A1"
type = "Air"
entity = "urn:ngsi-ld:Air:1"
"""


def test_the_file_of_the_home_is_read_and_a_port_opens_the_door(tmp_path: Path) -> None:
    assert declared(tmp_path / "bare", None).devices.plan.brokers == ()
    hub = declared(tmp_path / "home", LIVE + GATES)
    assert hub.devices.plan.brokers[0].name == "a"
    assert hub.devices.door is None
    assert hub.devices.plan.hj212 is not None
    assert hub.devices.secret(hub.devices.plan.hj212.stations[0].secret) == "123456"
    assert declared(tmp_path / "home", None, hj212=0).devices.door is not None
    other = tmp_path / "other.toml"
    other.write_text(LIVE.replace("mqtt.a", "mqtt.b"), "utf-8")
    assert declared(tmp_path / "home", None, devices=other).devices.plan.brokers[0].name == "b"


@pytest.mark.parametrize(
    ("devices", "options", "kind", "code"),
    [
        (LIVE, {"demo": True}, Conflict, "devices.simulated"),
        (GATES, {"demo": True}, Conflict, "devices.simulated"),
        (LIVE.replace("broker", 'as = "replay"\nbroker', 1), {}, Conflict, "devices.replayed"),
        (LIVE, {"hj212": 0}, Invalid, "devices.hj212"),
        (None, {"hj212": 0}, Missing, "devices.file"),
        (LIVE.replace("broker", 'user = "u"\npassword_env = "QUANYU_NO"\nbroker', 1), {}, Missing, "devices.password"),
        (GATES.replace('"word"', '"nothing"'), {}, Missing, "devices.password"),
        (GATES.replace('"word"', '"empty"'), {}, Missing, "devices.password"),
        (GATES.replace('"factors.csv"', '"nothing.csv"'), {}, Missing, "devices.factors"),
    ],
)
def test_what_does_not_fit_stops_the_start(
    tmp_path: Path, devices: str | None, options: dict[str, object], kind: type[QuanyuError], code: str
) -> None:
    (tmp_path / "empty").write_text("", "utf-8")
    with pytest.raises(kind) as caught:
        declared(tmp_path, devices, **options)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid) as caught:
        declared(tmp_path, None)
    assert caught.value.code == "devices.file"
