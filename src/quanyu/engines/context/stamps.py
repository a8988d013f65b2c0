"""When attributes came and changed, where that differs from when their entity came (NGSI-LD 4.8).

A text of JSON, None while every attribute is as old as its entity: `{"": base, "name": [created, modified],
"name datasetId": …}` in microseconds. Attributes that are not named were made at `base`, or with the entity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from quanyu.engines.context.instance import Attribute, keyed
from quanyu.kernel.journal import Instant

Stamps = dict[str, Any]
BASE = ""


def decoded(text: str | None) -> Stamps:
    """Return the stamps written in a text."""
    return {} if text is None else msgspec.json.decode(text)


def encoded(stamps: Stamps) -> str | None:
    """Write stamps down; nothing to say is None."""
    return msgspec.json.encode(stamps).decode() if stamps else None


def key_of(name: str, dataset: str | None) -> str:
    """Return what an instance is called here; no name holds a space."""
    return name if dataset is None else f"{name} {dataset}"


def stamp_of(stamps: Mapping[str, Any], created: Instant, name: str, dataset: str | None) -> tuple[Instant, Instant]:
    """Return when an instance came and when it last changed."""
    found = stamps.get(key_of(name, dataset))
    if found is None:
        base = stamps.get(BASE, created)
        return base, base
    return found[0], found[1]


def touched(
    stamps: Stamps,
    created: Instant,
    at: Instant,
    name: str,
    before: Attribute | None,
    after: Attribute | None,
    datasets: Iterable[str | None] | None,
) -> None:
    """Note at `at` that instances of an attribute changed (`datasets`; None: all of them)."""
    old, new = keyed(before), keyed(after)
    for dataset in old:
        if dataset not in new:
            stamps.pop(key_of(name, dataset), None)
    for dataset in new if datasets is None else [each for each in datasets if each in new]:
        key = key_of(name, dataset)
        if dataset not in old:
            stamps[key] = [at, at]
        else:
            stamps[key] = [stamp_of(stamps, created, name, dataset)[0], at]
