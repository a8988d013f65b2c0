"""Last observed values laid over described attributes: the value, its instant and unit are replaced, the rest stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quanyu.engines.context.instance import Attribute, keyed, packed
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.members import Instance

Last = tuple[str, Any, Instant, str | None, str]
"""Attribute, value, observed_at, unit, provenance."""


def laid_over(document: Document, rows: Iterable[Last]) -> Document:
    """Lay last values over a document in place; `observedAt` is then whole microseconds."""
    for attribute, value, observed_at, unit, provenance in rows:
        document[attribute] = laid(document.get(attribute), value, observed_at, unit, provenance)
    return document


def laid(
    attribute: Attribute | None, value: Any, observed_at: Instant | str, unit: str | None, provenance: Any
) -> Attribute:
    """Return an attribute with an observed value as its default instance."""
    found = keyed(attribute)
    standing = found.get(None)
    kept: Instance = standing if standing is not None and standing["type"] == "Property" else {"type": "Property"}
    new: Instance = {**kept, "value": value, "observedAt": observed_at}
    if provenance is not None:
        new["provenance"] = provenance
    if unit:
        new["unitCode"] = unit
    else:
        new.pop("unitCode", None)
    found[None] = new
    result = packed(found)
    assert result is not None
    return result
