"""How the notifications of a subscription are written (5.3.1, 5.8.6): entities in its shape and the words of its context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from quanyu.engines.notify.change import Change
from quanyu.engines.notify.parcel import MASK, Receiver
from quanyu.engines.notify.watch import Watch
from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.ngsi.changes import deleted_entity, with_changes
from quanyu.kernel.ngsi.context import CORE, Context
from quanyu.kernel.ngsi.core import CORE_URL
from quanyu.kernel.ngsi.geojson import geojson_feature
from quanyu.kernel.ngsi.linking import write_linked
from quanyu.kernel.ngsi.members import instances
from quanyu.kernel.ngsi.projection import Picked, parse_projection
from quanyu.kernel.ngsi.writing import FORMATS, EntityWriter, Shape
from quanyu.kernel.view import Filter

JSON: Final = "application/json"
LD: Final = "application/ld+json"
GEO: Final = "application/geo+json"
TIMEOUT_MS: Final = 10_000
CONTEXT_REL: Final = "http://www.w3.org/ns/json-ld#context"
_encode = msgspec.json.Encoder().encode

Find = Callable[[str], Document | None]


class Notice:
    """The writer of one subscription's entities. `url` is that of its context; core words are used where it is lost."""

    def __init__(self, document: Mapping[str, Any], url: str, context: Context | None) -> None:
        wish = document["notification"]
        self.url = url if context is not None else CORE_URL
        self.context = context or CORE
        self.accept: str = wish["endpoint"].get("accept", JSON)
        self.show_changes: bool = wish.get("showChanges", False)
        self.join: str = wish.get("join", "@none")
        self.level: int = wish.get("joinLevel", 1)
        self.shape = Shape(
            format=FORMATS[wish.get("format", "normalized")],
            sys=wish.get("sysAttrs", False),
            lang=document.get("lang"),
            pick=_projection(wish, "pick"),
            omit=_projection(wish, "omit"),
            attrs=tuple(wish["attributes"]) if "attributes" in wish else None,
            dataset=tuple(document["datasetId"]) if "datasetId" in document else None,
            geometry=document.get("geoQ", {}).get("geoproperty", "location"),
        )
        self.key = (self.url, self.accept, self.join, self.level, self.shape)
        self._writer = EntityWriter(self.context, self.shape)

    def document(self, watch: Watch, change: Change, document: Document | None) -> Document | None:
        """Return what is told of a changed entity, in the stored form; `document` as it stands, None when it is gone."""
        told_gone = watch.seen_of(change.gone) if "attributeDeleted" in watch.triggers else frozenset()
        if change.deleted:
            before = change.before or {"id": change.entity, "type": _type_of(change)}
            return deleted_entity(
                before, change.at, attributes=told_gone, show_changes=self.show_changes, sys=self.shape.sys
            )
        if document is None or change.before is None or change.created:
            return document
        names = (told_gone | (change.changed if self.show_changes else frozenset())) - RESERVED
        if not names:
            return document
        at = change.at if self.shape.sys else None
        before = change.before
        if not self.show_changes:
            # An attribute that went with all its instances is told as one that is gone.
            whole = {name: _one(before[name]) for name in names if name in before and name not in document}
            before = {**before, **whole}
        return with_changes(document, before, sorted(names), at, show_changes=self.show_changes)

    def items(self, document: Document, find: Find) -> bytes:
        """Return the encoded items of a notification's data for one entity, joined by commas; empty for none."""
        if self.join == "@none":
            written = [self._writer.entity(document)]
        else:
            join: Any = self.join
            written = write_linked([document], self.context, self.shape, join=join, level=self.level, find=find)
        written = [each for each in written if each]
        if self.accept == GEO:
            written = [self._feature(each, document) for each in written]
        if self.accept == LD:
            return b",".join(_encode({**each, "@context": self.url}) for each in written)
        return b",".join(_encode(each) for each in written)

    def _feature(self, written: Document, document: Document) -> Document:
        """Return an entity as a Feature; linked ones in a flat list have no place of their own here."""
        stood = document if written.get("id", document["id"]) == document["id"] else {"id": written["id"]}
        return geojson_feature(stood, self.context, self.shape, written)

    @property
    def tail(self) -> str:
        """What ends a notification behind its items."""
        return "]}}" if self.accept == GEO else "]}"

    def receiver(self, id: str, document: Mapping[str, Any], secret: str | None, tenant: str | None) -> Receiver:
        """Return where the notifications go and how they are wrapped."""
        endpoint = document["notification"]["endpoint"]
        return Receiver(
            id=id,
            uri=endpoint["uri"],
            opening=opening(id, "Notification", self.accept, self.url),
            headers=headers_of(endpoint, self.accept, self.url, secret is not None, tenant),
            options={pair["key"]: pair["value"] for pair in endpoint.get("notifierInfo", ())},
            secret=secret,
            timeout_us=int(endpoint.get("timeout", TIMEOUT_MS) * 1_000),
            cooldown_us=int(endpoint.get("cooldown", 0) * 1_000),
        )


def _one(attribute: Any) -> Any:
    """Return one instance that stands for all: the default one, or the first without its dataset."""
    found = instances(attribute)
    chosen = next((each for each in found if "datasetId" not in each), found[0])
    return {name: value for name, value in chosen.items() if name != "datasetId"}


def opening(subscription: str, kind: str, accept: str, url: str) -> str:
    """Return what stands between the head of a notification and its items."""
    members = {"type": kind, "subscriptionId": subscription, **({"@context": url} if accept == LD else {})}
    data = '"data":{"type":"FeatureCollection","features":[' if accept == GEO else '"data":['
    return f"{_encode(members).decode()[1:-1]},{data}"


def headers_of(
    endpoint: Mapping[str, Any], accept: str, url: str, sealed: bool, tenant: str | None
) -> tuple[tuple[str, str], ...]:
    """Return the headers of a notification (6.3.8, 6.3.14): masked ones are laid over from the vault when it is sent."""
    headers = [("Content-Type", accept)]
    if accept != LD:
        headers.append(("Link", f'<{url}>; rel="{CONTEXT_REL}"; type="{LD}"'))
    if tenant is not None:
        headers.append(("NGSILD-Tenant", tenant))
    named = {name.lower() for name, _ in headers} | {"content-length", "host", "connection", "transfer-encoding"}
    given = [(pair["key"], pair["value"]) for pair in endpoint.get("receiverInfo", ())]
    return (*headers, *(each for each in given if each[0].lower() not in named and not (sealed and each[1] == MASK)))


def seen_by(document: Document | None, scope: Filter) -> Document | None:
    """Return an entity as an actor may see it; None when any of its types is hidden."""
    if document is None:
        return None
    if scope.types is not None:
        types = document["type"]
        if not scope.types.issuperset(types if isinstance(types, list) else (types,)):
            return None
    if not scope.masked:
        return document
    return {name: value for name, value in document.items() if name not in scope.masked}


def _type_of(change: Change) -> str | list[str]:
    types = change.types or ("Entity",)
    return types[0] if len(types) == 1 else list(types)


def _projection(wish: Mapping[str, Any], member: str) -> tuple[Picked, ...] | None:
    return parse_projection(wish[member], CORE, member) if member in wish else None
