"""One declared broker: a link for what may be lost (QoS 0), one for what may not (QoS 1 and 2), one line of health."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from quanyu.assembly.devices import client_id, provenance
from quanyu.assembly.intake import Intake, Words
from quanyu.faces.mqtt.heard import Ear, Heard, shown
from quanyu.faces.mqtt.link import Link

if TYPE_CHECKING:
    from quanyu.assembly import Hub
    from quanyu.kernel.device import Broker

LINGER_S = 0.05
GRACE_S = 5.0
log = structlog.get_logger()


class Listener:
    """Listens until `close`; a broker that is away is tried again for ever, and said once."""

    def __init__(self, hub: Hub, broker: Broker) -> None:
        self._hub, self._broker = hub, broker
        self.source = f"mqtt:{broker.name}"
        self.gauge = hub.devices.gauge(f"mqtt:{broker.name}", "mqtt", hub.machine())
        words = Words(self.source, provenance(broker.origin, self.source))
        name = broker.client or client_id(hub.home, broker.name)
        password = hub.devices.secret(broker.secret) if broker.user else None
        ca_file = str(hub.devices.folder / broker.ca_file) if broker.ca_file else None
        self.links: list[Link] = []
        for acked in (False, True):
            topics = [topic for topic in broker.topics if (topic.qos > 0) == acked]
            if not topics:
                continue
            ear = Ear(topics, hub.city.zone)
            link = Link(
                broker, topics, ear, name if acked else f"{name}-0", password, ca_file, hub.clock.now, self._changed
            )
            link.intake = Intake[Heard](
                hub, words, self.gauge, ear.read, shown, pace=link.pace, linger_s=0.0 if acked else LINGER_S
            )
            self.links.append(link)

    def start(self) -> None:
        """Begin to listen."""
        for link in self.links:
            link.start()

    def _changed(self) -> None:
        """Say once that the broker went and once that it came."""
        gauge = self.gauge
        up = all(link.up for link in self.links)
        faults = [link.fault for link in self.links if link.fault]
        refused = [topic for link in self.links for topic in link.refused]
        gauge.note = f"the broker refuses {', '.join(refused)}" if refused else None
        told = gauge.fault
        gauge.fault = None if up else (faults[0] if faults else told)
        if up == gauge.up and (up or told is not None or gauge.fault is None):
            return
        gauge.up, gauge.since = up, self._hub.machine()
        where = f"{self._broker.host}:{self._broker.port}"
        if up:
            log.info("broker is up", source=self.source, broker=where)
        else:
            log.warning("broker is down", source=self.source, broker=where, reason=gauge.fault)

    async def close(self) -> None:
        """Stop reading, commit what came in, and go."""
        for link in self.links:
            link.pace(False)
        await asyncio.gather(*(link.intake.drain(GRACE_S) for link in self.links))
        await asyncio.gather(*(link.close() for link in self.links))
        for link in self.links:
            await link.intake.end()
