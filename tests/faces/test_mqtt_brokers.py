"""Brokers of other kinds: one that speaks MQTT 3.1.1 only, one that counts its acknowledgements, one behind TLS."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import struct
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from quanyu.faces.mqtt import link
from tests.brokers import mosquitto, needs_mosquitto
from tests.listening import listening, until, values

DEVICES = """
[mqtt.air]
broker = "{url}"
{more}
[[mqtt.air.topic]]
topic = "a/+station"
qos = {qos}
type = "Air"
payload = "number"
value = {{ attribute = "pm25" }}
create = {{}}
"""
PUBLISH, PUBACK, CONNECT, SUBSCRIBE = 3, 4, 1, 8


class OldBroker:
    """Speaks 3.1.1 only, and closes the door on anything newer without a word; remembers what was acknowledged."""

    def __init__(self, qos: int) -> None:
        self.qos = qos
        self.acknowledged: list[int] = []
        self.levels: list[int] = []
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                kind, body = await self._packet(reader)
                if kind == CONNECT:
                    self.levels.append(body[6])
                    if body[6] != 4:
                        return
                    writer.write(b"\x20\x02\x00\x00")
                elif kind == SUBSCRIBE:
                    writer.write(b"\x90\x03" + body[:2] + bytes([self.qos]))
                    self.writer = writer
                elif kind == PUBACK:
                    self.acknowledged.append(struct.unpack("!H", body[:2])[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _packet(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = await reader.readexactly(2)
        assert head[1] < 128, "the packets of this test are short"
        return head[0] >> 4, await reader.readexactly(head[1])

    def publish(self, topic: str, payload: bytes, mid: int) -> None:
        assert self.writer is not None
        body = struct.pack("!H", len(topic)) + topic.encode() + (struct.pack("!H", mid) if self.qos else b"") + payload
        self.writer.write(bytes([PUBLISH << 4 | self.qos << 1, len(body)]) + body)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_broker_of_mqtt_3_is_heard_and_told_when_it_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qos: int
) -> None:
    monkeypatch.setattr(link, "PAUSE_S", 0.05)

    async def main() -> None:
        broker = OldBroker(qos)
        server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, listening(tmp_path, DEVICES.format(url=url, more="", qos=qos)) as hub:
            await until(lambda: broker.writer, "the hub has come")
            assert broker.levels == [5, 4]
            commit, gate = hub.commit, asyncio.Event()

            async def slow(*given: object, **options: object) -> object:
                await gate.wait()
                return await commit(*given, **options)  # type: ignore[arg-type]

            monkeypatch.setattr(hub, "commit", slow)
            broker.publish("a/1", b"4.5", 77)
            await until(lambda: hub.devices.gauges["mqtt:air"].received == 1, "the message is in")
            await asyncio.sleep(0.1)
            assert broker.acknowledged == []
            gate.set()
            await until(lambda: values(hub, "urn:ngsi-ld:Air:1").get("pm25") == 4.5, "it is observed")
            if qos:
                await until(lambda: broker.acknowledged == [77], "it is acknowledged")

    asyncio.run(main())


def certificate(folder: Path) -> None:
    """Write a key and a certificate for 127.0.0.1 that nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test broker")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


@needs_mosquitto
def test_a_broker_behind_tls_must_show_a_certificate_that_is_known(tmp_path: Path) -> None:
    certificate(tmp_path)

    async def main(port: int, more: str) -> tuple[bool, str | None]:
        text = DEVICES.format(url=f"mqtts://127.0.0.1:{port}", more=more, qos=0)
        async with listening(tmp_path / "home", text) as hub:
            gauge = hub.devices.gauges["mqtt:air"]
            await until(lambda: gauge.up or gauge.fault, "the broker has spoken")
            return gauge.up, gauge.fault

    with mosquitto(tmp_path / "broker", tls=(tmp_path / "ca.pem", tmp_path / "key.pem")) as broker:
        assert asyncio.run(main(broker.port, 'ca_file = "../ca.pem"')) == (True, None)
        up, fault = asyncio.run(main(broker.port, ""))
        assert not up
        assert fault is not None
        assert "certificate is not accepted" in fault
        assert not asyncio.run(main(broker.port, 'ca_file = "nothing.pem"'))[0]
