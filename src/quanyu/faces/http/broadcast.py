"""From committed records to events: each encoded once for all who may see the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from quanyu.engines.access.view import Actor
from quanyu.faces.http.cases import summary
from quanyu.faces.http.hub import Hub
from quanyu.faces.http.shown import shown
from quanyu.kernel.entity import batch_of
from quanyu.kernel.errors import Denied
from quanyu.kernel.journal import Record
from quanyu.kernel.view import Filter

CASE_CHANGES = {
    "case.opened": "opened",
    "case.acted": "acted",
    "case.found": "found",
    "case.timed": "timed",
    "case.due_changed": "timed",
    "case.told": "told",
    "case.receipt": "told",
}
COMPUTED = "indicator.computed"
OBSERVED = "observed"
LAW_CHANGES = tuple(
    f"change.{word}" for word in ("proposed", "edited", "replayed", "released", "rolled_back", "rejected", "withdrawn")
)
KINDS = (*CASE_CHANGES, COMPUTED, OBSERVED, *LAW_CHANGES)
"""Record kinds that become events: what a reconnecting client is told again."""
OBSERVED_IDS_MAX = 500
RIGHTS = ("person.", "role.", "token.", "session.")
"""Records that may change what somebody sees."""


class Sight(msgspec.Struct, frozen=True):
    """What an actor may see of each view, None for nothing; clients of equal sight share their events."""

    cases: Filter | None
    entities: Filter | None
    indicators: Filter | None
    changes: Filter | None = None

    @property
    def group(self) -> tuple[Any, ...]:
        """Key of the clients that see the same: filters without the name of who asks."""
        return tuple(
            None if each is None else (each.units, each.places, each.types, each.masked, each.person, each.subjects)
            for each in (self.cases, self.entities, self.indicators, self.changes)
        )


def sight_of(hub: Hub, actor: Actor) -> Sight:
    """Return what an actor may see now."""

    def scope(action: str) -> Filter | None:
        try:
            return hub.access.scope(actor, action)
        except Denied:
            return None

    return Sight(scope("view:cases"), scope("view:entities"), scope("view:indicators"), scope("view:changes"))


class News(msgspec.Struct):
    """What happened in some groups of records, folded: the last change of each case, names, counts."""

    seq: int = 0
    cases: dict[str, str] = {}
    indicators: dict[str, None] = {}
    observed: dict[str, int] = {}
    changes: dict[str, str] = {}
    rights: bool = False

    def __bool__(self) -> bool:
        return bool(self.cases or self.indicators or self.observed or self.changes)


def news_of(records: Iterable[Record]) -> News:
    """Fold records into news; a case that changed twice is told once, as it stands."""
    news = News(cases={}, indicators={}, observed={}, changes={})
    for record in records:
        news.seq = max(news.seq, record.seq)
        if record.kind in CASE_CHANGES:
            # An opening stays an opening when more happened in the same breath.
            if news.cases.get(record.subject) != "opened":
                news.cases[record.subject] = CASE_CHANGES[record.kind]
        elif record.kind == COMPUTED:
            news.indicators[record.subject] = None
        elif record.kind in LAW_CHANGES:
            news.changes[record.subject] = record.kind.removeprefix("change.")
        elif record.kind == OBSERVED and record.body is not None:
            _count_observed(news, record.body)
        elif record.kind.startswith(RIGHTS):
            news.rights = True
    return news


def _count_observed(news: News, body: dict[str, Any]) -> None:
    batch = batch_of(body)
    counted: Counter[int] = Counter(batch.entity)
    for index, count in counted.items():
        id_ = batch.entities[int(index)]
        news.observed[id_] = news.observed.get(id_, 0) + count
    for text in batch.texts:
        news.observed[text[0]] = news.observed.get(text[0], 0) + 1


def events_of(hub: Hub, news: News, sight: Sight) -> list[bytes]:
    """Return the encoded events that this sight shows; reads the store, so it runs in a thread."""
    zone, events = hub.city.zone, []
    if sight.indicators is not None and news.indicators:
        found = [each for name in news.indicators if (each := hub.views.indicators.find(name)) is not None]
        if found:
            events.append(encoded("vitals", shown(found, zone), news.seq))
    if sight.cases is not None:
        for id_, change in news.cases.items():
            case = hub.views.cases.find(id_, sight.cases)
            if case is not None:
                events.append(encoded("case", {**shown(summary(case), zone), "change": change}, news.seq))
    if sight.changes is not None:
        for id_, word in news.changes.items():
            events.append(encoded("change", {**shown(hub.changes.summary(id_), zone), "change": word}, news.seq))
    if sight.entities is not None and news.observed:
        types = sight.entities.types
        seen = {id_: n for id_, n in news.observed.items() if types is None or type_of(id_) in types}
        if seen:
            ids = list(seen)[:OBSERVED_IDS_MAX]
            events.append(encoded("observed", {"entities": ids, "count": sum(seen.values())}, news.seq))
    return events


def type_of(id_: str) -> str:
    """Return the type in an entity's URN."""
    return id_.split(":", 3)[2] if id_.startswith("urn:ngsi-ld:") else ""


def encoded(name: str, data: Any, seq: int | None) -> bytes:
    """Return an event of the stream; JSON holds no line break, so one data line is enough."""
    head = b"" if seq is None else b"id: %d\n" % seq
    return b"%sevent: %s\ndata: %s\n\n" % (head, name.encode(), msgspec.json.encode(data))
