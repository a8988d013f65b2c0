"""Templates of ids and texts: `{district}` is a named part of the topic, `{payload.dev}` a field of the message."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from quanyu.kernel.entity import ID_PATTERN
from quanyu.kernel.errors import Invalid

HOLE = re.compile(r"\{([A-Za-z][A-Za-z0-9_.-]*)\}")
PAYLOAD = "payload."
TEXT_LETTERS_MAX = 400


class Template:
    """A text with holes. `names` are those that the topic fills; a hole `{payload.x}` is filled from the message."""

    def __init__(self, text: str, names: Collection[str], where: str | None = None) -> None:
        self.text = text
        parts = HOLE.split(text)
        self._parts = [(part, number % 2 == 1) for number, part in enumerate(parts) if part]
        holes = parts[1::2]
        self.reads_payload = any(hole.startswith(PAYLOAD) for hole in holes)
        unknown = [hole for hole in holes if hole not in names and not hole.startswith(PAYLOAD)]
        if unknown or "{" in HOLE.sub("", text) or "}" in HOLE.sub("", text):
            raise Invalid(
                f"Template {text[:80]!r} has a hole that nothing fills: {', '.join(unknown) or 'a single brace'}.",
                code="devices.template",
                where=where,
                remedy=f"Use {', '.join('{' + name + '}' for name in names) or 'no names'}, or {{payload.<field>}}.",
            )

    def fill(self, names: Mapping[str, str], payload: Any = None) -> str:
        """Return the text; Invalid (device.template) when the message lacks what a hole asks for."""
        return "".join(self._hole(part, names, payload) if hole else part for part, hole in self._parts)

    def _hole(self, hole: str, names: Mapping[str, str], payload: Any) -> str:
        if not hole.startswith(PAYLOAD):
            return names[hole]
        found = pick(payload, tuple(hole.removeprefix(PAYLOAD).split(".")))
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            raise Invalid(
                f"The message has no text or whole number in {hole.removeprefix(PAYLOAD)!r}, which names its entity.",
                code="device.template",
                where=hole,
            )
        return str(found)[:TEXT_LETTERS_MAX]


def pick(document: Any, path: tuple[str, ...]) -> Any:
    """Return what stands under a path of a JSON document, None when a step is missing; numbers step into lists."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def checked_id(id_: str) -> str:
    """Return an id that an entity may have; Invalid (device.entity) otherwise."""
    if len(id_) > TEXT_LETTERS_MAX or not ID_PATTERN.match(id_):
        raise Invalid(
            f"The message would be of the entity {id_[:80]!r}, which is no id.",
            code="device.entity",
            remedy="Ids look like urn:ngsi-ld:<Type>:<name>, without spaces, quotes or brackets.",
        )
    return id_
