"""Topics with named parts: `city/+district/air/+station` hears `city/+/air/+` and knows what each `+` was."""

from __future__ import annotations

import re

from quanyu.kernel.errors import Invalid

NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,63}$")
BYTES_MAX = 1024


class Pattern:
    """A topic filter whose wildcards may have names: `+name` is one level, `#name` (last) all that follow."""

    def __init__(self, text: str) -> None:
        if not text or len(text.encode()) > BYTES_MAX or "\0" in text or text.startswith("$"):
            raise _wrong(text, "it is empty, too long, or one of the broker's own")
        levels = text.split("/")
        names: list[tuple[int, str]] = []
        plain: list[str] = []
        for place, level in enumerate(levels):
            mark, name = level[:1], level[1:]
            if mark in ("+", "#"):
                if name and not NAME.match(name):
                    raise _wrong(text, f"{name!r} is no name for a part")
                if mark == "#" and place != len(levels) - 1:
                    raise _wrong(text, "# stands before the end")
                if name:
                    names.append((place, name))
                plain.append(mark)
            elif "+" in level or "#" in level:
                raise _wrong(text, f"the wildcard in {level!r} is not alone in its level")
            else:
                plain.append(level)
        self.text = text
        self.filter = "/".join(plain)
        """The topic filter as the broker knows it."""
        self.names = tuple(name for _, name in names)
        if len(set(self.names)) < len(self.names):
            raise _wrong(text, "two parts have the same name")
        self._levels = plain
        self._named = names

    def match(self, topic: str) -> dict[str, str] | None:
        """Return what the named parts are in a topic, None when the filter does not hear it."""
        levels, pattern = topic.split("/"), self._levels
        if pattern[-1] == "#":
            # `a/#` hears `a` too, says MQTT.
            if len(levels) < len(pattern) - 1:
                return None
        elif len(levels) != len(pattern):
            return None
        for given, wanted in zip(levels, pattern, strict=False):
            if wanted not in ("+", "#", given):
                return None
        found: dict[str, str] = {}
        for place, name in self._named:
            found[name] = "/".join(levels[place:]) if pattern[place] == "#" else levels[place]
        return found


def _wrong(text: str, why: str) -> Invalid:
    return Invalid(
        f"Topic {text[:80]!r} cannot be heard: {why}.",
        code="devices.topic",
        remedy="Write levels with / between them, +name for one level and #name for all that follow: city/+district/+station.",
    )
