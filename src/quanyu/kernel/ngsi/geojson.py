"""GeoJSON representations of entities (4.5.16, 4.5.17, 5.2.29, 5.2.30)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quanyu.kernel.entity import Document
from quanyu.kernel.ngsi.members import Words, instances
from quanyu.kernel.ngsi.reading_value import is_geometry
from quanyu.kernel.ngsi.writing import NORMALIZED, Shape, write_entity


def geojson_feature(
    document: Document, context: Words, shape: Shape = NORMALIZED, written: Document | None = None
) -> Document:
    """Return an entity as a Feature without its context; null geometry when it has none of that name.

    `written`: the entity as it was written already, when linked entities were laid into it.
    """
    properties = dict(write_entity(document, context, shape) if written is None else written)
    properties.pop("id", None)
    return {
        "id": document["id"],
        "type": "Feature",
        "geometry": _geometry(document.get(shape.geometry), shape.dataset),
        "properties": properties,
    }


def geojson_collection(features: Iterable[Document]) -> Document:
    """Return features as a FeatureCollection without its context."""
    return {"type": "FeatureCollection", "features": list(features)}


def _geometry(attribute: Any, datasets: tuple[str, ...] | None) -> Any:
    """Return the geometry of the default instance, or of the first that belongs to the datasets asked for (4.5.16.1)."""
    for dataset in datasets or ("@none",):
        for instance in instances(attribute) if attribute is not None else ():
            if isinstance(instance, dict) and instance.get("datasetId", "@none") == dataset:
                value = instance.get("value")
                return value if is_geometry(value) else None
    return None
