"""Entities and observations: what stands in the city, and what was measured of it.

An entity document is `{"id", "type", "scope"?, <attribute>: {"type": "Property", "value", "unitCode"?, "observedAt"?,
"provenance"?} | {"type": "GeoProperty", "value": <GeoJSON>} | {"type": "Relationship", "object": <id>}}` (NGSI-LD
normalized form). Observed values of a kind declared telemetry live beside the document and are laid over it on reading.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from typing_extensions import Buffer

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant

Document = dict[str, Any]


class Checked(dict[str, Any]):
    """A document, or attributes of one, in the stored form of which nothing is left to check.

    Made of what `kernel.ngsi.reading` read, changed by nobody.
    """

    __slots__ = ()


Column = Any
"""Numbers by position: a list, an array, a memoryview over journal bytes or a NumPy array."""
# Characters that a reader cannot see or that Unicode keeps for private use: two ids that look alike would differ by them.
_UNSEEN = (
    "\\u0000-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f"
    "\\u205f-\\u206f\\u2800\\u3000\\u3164\\ud800-\\uf8ff\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U0010ffff"
    + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 14))
)
_ASCII = r"[!#-;=?-\[\]_a-z~]*"
ID_PATTERN = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:(?!\Z){_ASCII}(?:[^{_UNSEEN}]+{_ASCII})*\Z")
"""An absolute URI (or IRI) without white space, brackets, quotes and characters that cannot be seen."""
ID_MAX = 1024
NAME_PATTERN = re.compile(r"[^\W\d_]\w{0,127}\Z")
"""A letter of any script, then letters, digits and underscores."""
RESERVED = frozenset({"id", "type", "scope", "expiresAt", "createdAt", "modifiedAt", "deletedAt", "@context"})
"""Members of an entity document that are no attributes."""
UNTOLD = "untold"
"""Stands in the body of an `entity.created` of version 1: the record that deletes the entity may not tell of this one.

Later ones are found by the row of the entity (`born`) while it stands, from then on by `born` of its `entity.deleted`.
"""


def urn(kind: str, *parts: str) -> str:
    """Return the id of an entity: `urn:ngsi-ld:<Type>:<part>:<part>`."""
    return f"urn:ngsi-ld:{kind}:{':'.join(parts)}"


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One measured value of an entity's attribute at an instant of event time."""

    entity: str
    attribute: str
    observed_at: Instant
    value: float | str | bool
    unit: str | None = None


class Observations(msgspec.Struct, frozen=True):
    """A batch in columns: `entity[i]`, `attribute[i]` are indexes into `entities`, `attributes`.

    Numbers only; `nan` never enters (a missing value is no observation). Other values go to `texts` as
    (entity, attribute, observed_at, value), their names listed in `entities` and `attributes` too. In the journal the
    columns are little-endian bytes.
    """

    entities: tuple[str, ...]
    attributes: tuple[str, ...]
    entity: Column
    attribute: Column
    observed_at: Column
    value: Column
    units: Mapping[str, str] = {}
    texts: Sequence[tuple[str, str, int, str]] = ()

    def __len__(self) -> int:
        return len(self.value) + len(self.texts)

    def __iter__(self) -> Iterator[Observation]:
        for e, a, t, v in zip(self.entity, self.attribute, self.observed_at, self.value, strict=True):
            name = self.attributes[a]
            yield Observation(self.entities[e], name, int(t), float(v), self.units.get(name))
        for entity, name, at, text in self.texts:
            yield Observation(entity, name, at, text)


def observations(rows: Iterable[Observation]) -> Observations:
    """Pack single observations into columns, in the order given."""
    entities: dict[str, int] = {}
    attributes: dict[str, int] = {}
    units: dict[str, str] = {}
    entity, attribute, observed_at, value = array("i"), array("i"), array("q"), array("d")
    texts: list[tuple[str, str, int, str]] = []
    for row in rows:
        of, name = entities.setdefault(row.entity, len(entities)), attributes.setdefault(row.attribute, len(attributes))
        if isinstance(row.value, str):
            texts.append((row.entity, row.attribute, row.observed_at, row.value))
            continue
        entity.append(of)
        attribute.append(name)
        observed_at.append(row.observed_at)
        value.append(float(row.value))
        if row.unit:
            units[row.attribute] = row.unit
    return Observations(tuple(entities), tuple(attributes), entity, attribute, observed_at, value, units, texts)


ROWS_MAX = 64
"""A batch of at most so many observations is written as rows: columns cost more than they save there."""


def body_of(batch: Observations) -> dict[str, Any]:
    """Return the journal body of a batch: `rows` of a small one, else names and columns as little-endian bytes."""
    if len(batch) <= ROWS_MAX:
        return {"rows": [[row.entity, row.attribute, row.observed_at, row.value, row.unit] for row in batch]}
    return {
        "entities": list(batch.entities),
        "attributes": list(batch.attributes),
        "entity": _bytes(batch.entity, "i"),
        "attribute": _bytes(batch.attribute, "i"),
        "observed_at": _bytes(batch.observed_at, "q"),
        "value": _bytes(batch.value, "d"),
        "units": dict(batch.units),
        "texts": [list(row) for row in batch.texts],
    }


def batch_of(body: Mapping[str, Any]) -> Observations:
    """Return the batch written in a journal body; the columns of a large one are arrays over its bytes."""
    if "rows" in body:
        return observations(Observation(*row[:5]) for row in body["rows"])
    return Observations(
        tuple(body["entities"]),
        tuple(body["attributes"]),
        memoryview(body["entity"]).cast("i"),
        memoryview(body["attribute"]).cast("i"),
        memoryview(body["observed_at"]).cast("q"),
        memoryview(body["value"]).cast("d"),
        body["units"],
        [tuple(row) for row in body["texts"]],
    )


def _bytes(column: Sequence[float], code: str) -> bytes:
    if isinstance(column, bytes):
        return column
    if isinstance(column, Buffer):
        view = memoryview(column)
        if view.itemsize == array(code).itemsize and (view.format == "d") == (code == "d"):
            return view.tobytes()
    return array(code, column).tobytes()


def check_id(id: object, where: str = "id") -> str:
    """Return the absolute URI that names an entity, a dataset or a related entity; Invalid says where it stands."""
    if not isinstance(id, str) or len(id) > ID_MAX or not ID_PATTERN.match(id):
        raise Invalid(
            f"{(id[:80] if isinstance(id, str) else type(id).__name__)!r} is not an absolute URI.",
            code="entity.id",
            where=where,
            remedy=f"Write for example urn:ngsi-ld:AirQualityObserved:dongsi, at most {ID_MAX} characters.",
        )
    return id


def check_name(name: str, where: str) -> str:
    """Return an attribute or type name that can be stored and queried: a word or an IRI; Invalid says where it stands."""
    if len(name) > ID_MAX or not is_name(name):
        raise Invalid(
            f"Name {name[:80]!r} is not an attribute or type name.",
            code="entity.name",
            where=where,
            remedy="Use a letter followed by letters, digits or underscores, at most 128 characters; or an IRI.",
        )
    return name


@lru_cache(maxsize=8192)
def is_name(name: str) -> bool:
    """Whether a name is a word or an IRI."""
    if NAME_PATTERN.match(name):
        return name[0].isalpha()
    return ID_PATTERN.match(name) is not None
