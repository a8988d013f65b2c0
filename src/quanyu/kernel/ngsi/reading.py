"""What a sender wrote → the stored form (4.5.1, 5.2.4, 5.5.4): entities, fragments, attributes, batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from quanyu.kernel.entity import Checked, Document, check_id
from quanyu.kernel.errors import Invalid, QuanyuError
from quanyu.kernel.ngsi.members import ATTRIBUTES_MAX, Instance, Words
from quanyu.kernel.ngsi.reading_attribute import AttributeReader, tells_kind
from quanyu.kernel.ngsi.reading_head import READ_HEAD, check_head
from quanyu.kernel.ngsi.reading_plain import plain_entity
from quanyu.kernel.ngsi.reading_simplified import Simplified

BATCH_MAX: Final = 10_000
MEMBER_NAMES_MAX: Final = 10_000
_HEAD_MAX: Final = len(READ_HEAD)
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Convert = Callable[[str, Any], Any]
"""Stored name and what was sent → the same in concise form."""


def decode(body: bytes) -> Any:
    """Return a JSON body; Invalid `body.json` says where it breaks."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as broken:
        raise _no_json(broken) from broken


def decode_names(body: bytes, context: Words) -> dict[str, msgspec.Raw]:
    """Return the members of an entity by stored name, what they hold still undecoded; for routing and forwarding.

    Members that are no attributes keep their names. Nothing is checked but that the body is an object.
    """
    try:
        members = _decode_members(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as broken:
        raise _no_json(broken) from broken
    if context.core:
        for name in members:
            if ":" in name or name[:1] == "@":
                break
        else:
            return members
    names = context.members
    found: dict[str, msgspec.Raw] = {}
    try:
        # Not a comprehension: its frame would be a tenth of what all of this costs.
        for word, raw in members.items():
            found[names[word]] = raw
    except KeyError:
        _learn(members, context)
        return {names[word]: raw for word, raw in members.items()}
    return found


def _learn(members: Mapping[str, Any], context: Words) -> None:
    # Senders choose the words, so what is remembered is bounded.
    names = context.members
    if len(names) >= MEMBER_NAMES_MAX:
        names.clear()
    names.update({word: word if word in READ_HEAD else context.name(word) for word in members})


def _no_json(broken: Exception) -> Invalid:
    return Invalid(
        f"The body is no JSON that can be read: {str(broken)[:200]}.",
        code="body.json",
        where="$",
        remedy="Send JSON in UTF-8.",
    )


def read_entity(document: Any, context: Words, *, simplified: bool = False) -> Checked:
    """NGSI-LD 5.2.4: return an entity in the stored form, from the normalized or concise form, or the simplified one."""
    if context.core and not simplified and document.__class__ is dict:
        plain = plain_entity(document)
        if plain is not None:
            return plain
    reader = AttributeReader(context)
    made = _read(document, reader, Simplified({}).concise if simplified else None)
    check_head(made)
    return Checked(made)


def read_fragment(
    document: Any,
    context: Words,
    *,
    merge: bool = False,
    simplified: bool = False,
    standing: Mapping[str, Any] | None = None,
    lang: str | None = None,
    nulls: bool = True,
) -> Document:
    """NGSI-LD 5.4: return an entity fragment in the stored form; it needs neither id nor type.

    Without `merge`, attributes are whole (append, update, 5.5.8) and NULL removes one of them, unless `nulls` is False.
    With `merge` (5.5.12) members may be missing and NULL removes one at any depth. An attribute that is only removed
    stands as NULL itself; one of several instances as an instance whose value is NULL (`members.removed` tells both).
    `simplified`: values alone; `standing`, the entity as it stands, tells their kinds, and `lang` the language that a
    text is of for a LanguageProperty that stands.
    """
    reader = AttributeReader(context, nulls=nulls or merge, partial=merge, deep=merge)
    return _read(document, reader, Simplified(standing or {}, lang).concise if simplified else None)


def read_attribute(name: str, value: Any, context: Words, *, nulls: bool = False) -> Any:
    """Return one whole attribute (5.6.19): an instance, or a list of several. `name` is its stored name."""
    return AttributeReader(context, nulls=nulls).attribute(name, without_context(value), name)


def read_attribute_fragment(name: str, value: Any, context: Words) -> Instance:
    """Return a fragment of one attribute instance (5.6.4): any of its members, NULL for one to be removed.

    `datasetId` tells the instance. `type` stands when it was sent, or follows from a value that is of one kind only: a
    `value` alone may be that of a Property or, if it is a geometry, of a GeoProperty.
    """
    if not isinstance(value, dict):
        raise Invalid(
            "A fragment of an attribute is no object.",
            code="attribute.value",
            where=name,
            remedy='Write for example {"value": 5}.',
        )
    given = without_context(value)
    reader = AttributeReader(context, nulls=True, partial=True)
    if "type" in given or "@type" in given:
        return reader.instance(name, given, name)
    if not tells_kind(given):
        return reader.members(name, None, None, given, name)
    made = reader.instance(name, given, name)
    return {key: item for key, item in made.items() if key != "type"} if "value" in made else made


def read_name(term: str, context: Words, where: str = "attribute") -> str:
    """Return the stored name of an attribute that a path or a parameter names."""
    return AttributeReader(context).stored_name(term, where)


def without_context(value: Any) -> Any:
    """Return a body without the context that stands beside its members."""
    if isinstance(value, dict) and "@context" in value:
        return {key: item for key, item in value.items() if key != "@context"}
    return value


def _read(document: Any, reader: AttributeReader, convert: Convert | None) -> Document:
    if document.__class__ is not dict:
        raise Invalid("An entity is no object.", code="entity.shape", where="$", remedy='Write {"id": …, "type": …}.')
    if len(document) > ATTRIBUTES_MAX + _HEAD_MAX or len(document) - _head_size(document) > ATTRIBUTES_MAX:
        raise Invalid(
            f"An entity has more than {ATTRIBUTES_MAX} attributes.",
            code="entity.size",
            where="$",
            remedy="Split it into related entities.",
        )
    head: Document = {}
    attributes: Document = {}
    for key, given in document.items():
        if (read := READ_HEAD.get(key)) is not None:
            read(head, given, reader)
            continue
        name = reader.stored_name(key, key)
        if name in attributes:
            raise Invalid(
                f"{name} stands twice.",
                code="attribute.twice",
                where=key,
                remedy="Two words of the context mean the same; send one.",
            )
        if convert is not None:
            given = convert(name, given)
        attributes[name] = reader.attribute(name, given, key)
    return head | attributes


def _head_size(document: Mapping[str, Any]) -> int:
    return sum(member in READ_HEAD for member in document) if len(document) > ATTRIBUTES_MAX else 0


class BatchItem(NamedTuple):
    """One entity of a batch: read, or the error that stopped it; the id stands whenever it could be read."""

    id: str | None
    document: Document | None
    error: QuanyuError | None


def read_batch(items: Any, read: Callable[[Any], Document]) -> list[BatchItem]:
    """NGSI-LD 5.6.7 to 5.6.10, 5.6.20: read each entity of a batch by itself; Invalid only when there is no batch.

    `read` is `read_entity` or `read_fragment` bound to the context of the item.
    """
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_MAX:
        raise Invalid(
            "A batch is no list of entities."
            if not isinstance(items, list)
            else f"A batch holds {len(items)} entities.",
            code="batch.size",
            where="$",
            remedy=f"Send a list of 1 to {BATCH_MAX} entities.",
        )
    made = []
    for item in items:
        try:
            document = read(item)
        except QuanyuError as error:
            made.append(BatchItem(_id_of(item), None, error))
        else:
            made.append(BatchItem(document.get("id"), document, None))
    return made


def read_ids(items: Any) -> list[str]:
    """NGSI-LD 5.6.9: return the ids of a batch delete."""
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_MAX:
        raise Invalid(
            "A batch is no list of ids.", code="batch.size", where="$", remedy=f"Send a list of 1 to {BATCH_MAX} ids."
        )
    return [check_id(item, f"[{place}]") for place, item in enumerate(items)]


def _id_of(item: Any) -> str | None:
    id = item.get("id", item.get("@id")) if isinstance(item, dict) else None
    return id if isinstance(id, str) else None
