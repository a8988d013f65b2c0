"""From a topic and its payload to rows: which declared topic it is, which entity, what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from quanyu.assembly.intake import Reading, newborn
from quanyu.kernel.device import Pattern, Row, Template, Topic, checked_id, documents, reader_of
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant

Heard = tuple[str, bytes, Instant]
"""Topic, payload, city time of its arrival."""

PLACES_MAX = 100_000


class Place(msgspec.Struct, frozen=True, gc=False):
    """What a topic name means: its reader, its named parts, and the entity when the name alone tells it."""

    reader: TopicReader
    names: Mapping[str, str]
    entity: str | None
    births: Mapping[str, Mapping[str, Any]]


class TopicReader:
    """Reads the messages of one declared topic."""

    def __init__(self, topic: Topic, zone: str) -> None:
        names = Pattern(topic.pattern).names
        self.pattern = Pattern(topic.pattern)
        self.message = topic.message
        self.timed = topic.message.time is not None or topic.message.payload == "ngsi-ld"
        self.id_inside = topic.message.payload == "ngsi-ld" and topic.entity is None
        self._id = topic.id_template()
        self._create = (
            None if topic.create is None else {name: Template(text, names) for name, text in topic.create.items()}
        )
        self.read = reader_of(topic.message, zone)

    def place(self, names: Mapping[str, str]) -> Place:
        """Return what a topic name with these parts means."""
        by_name = not self.id_inside and not self._id.reads_payload
        filled = self._create is not None and any(each.reads_payload for each in self._create.values())
        entity = checked_id(self._id.fill(names)) if by_name else None
        births = self.births(entity, names, None) if entity is not None and not filled else {}
        return Place(self, names, None if filled else entity, births)

    def entity_of(self, names: Mapping[str, str], document: Any) -> str:
        """Return the entity of a document whose id stands in it."""
        if self.id_inside:
            found = document.get("id")
            if not isinstance(found, str):
                raise Invalid("The message has no id of an entity.", code="device.entity", where="id")
            return checked_id(found)
        return checked_id(self._id.fill(names, document))

    def births(self, entity: str, names: Mapping[str, str], document: Any) -> dict[str, dict[str, Any]]:
        """Return what a new entity begins with, empty when the topic makes none."""
        if self._create is None:
            return {}
        name = " ".join(names.values()) or entity.rpartition(":")[2]
        described = {key: each.fill(names, document) for key, each in self._create.items()}
        return {entity: newborn(entity, self.message.type, name, described)}


class Ear:
    """Knows the declared topics of a broker; names that came before are looked up, not matched again."""

    def __init__(self, topics: Iterable[Topic], zone: str) -> None:
        self._readers = {topic.pattern: TopicReader(topic, zone) for topic in topics}
        self._places: dict[str, Place] = {}

    def reader(self, topic: Topic) -> TopicReader:
        """Return the reader of a declared topic."""
        return self._readers[topic.pattern]

    def timed(self, topic: str) -> bool:
        """True when messages of this topic name bring their own time."""
        try:
            return self.place(topic).reader.timed
        except Invalid:
            return True

    def place(self, topic: str) -> Place:
        """Return what a topic name means; Invalid (device.topic) when none of the declared ones hears it."""
        known = self._places.get(topic)
        if known is not None:
            return known
        for reader in self._readers.values():
            names = reader.pattern.match(topic)
            if names is not None:
                place = reader.place(names)
                if len(self._places) >= PLACES_MAX:
                    self._places.clear()
                self._places[topic] = place
                return place
        raise Invalid(f"No declared topic hears {topic[:200]!r}.", code="device.topic", where=topic[:200])

    def read(self, heard: Heard) -> Reading:
        """Return what a message says; Invalid (device.*) says why it cannot be taken, all of it or nothing."""
        topic, payload, arrival = heard
        place = self.place(topic)
        reader = place.reader
        found = documents(reader.message, payload)
        if place.entity is not None and len(found) == 1:
            return Reading(reader.read(place.entity, found[0], arrival), place.births)
        rows: list[Row] = []
        births = dict(place.births)
        for document in found:
            entity = place.entity or reader.entity_of(place.names, document)
            if place.entity is None:
                births.update(reader.births(entity, place.names, document))
            rows += reader.read(entity, document, arrival)
        return Reading(rows, births)


def shown(heard: Heard) -> tuple[str, bytes]:
    """Return topic and payload, for a dead letter."""
    return heard[0], heard[1]
