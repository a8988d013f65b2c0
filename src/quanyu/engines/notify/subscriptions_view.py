"""The read side of subscriptions: those that stand, each with what the hub adds (5.2.12, 5.2.14.2) and its deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from quanyu.engines.notify.dispatch import Dispatch
from quanyu.engines.notify.parcel import Health, parcel_of
from quanyu.engines.notify.subscriptions import SUBSCRIPTION, missing, status_of
from quanyu.kernel.journal import Instant, Row, Table
from quanyu.kernel.ngsi.instants import text_of
from quanyu.kernel.ngsi.subscription import TRIGGERS_DEFAULT, Subscription


class SharedRows(Protocol):
    """What the view reads: rows as they are durable, from any thread."""

    def fetch_shared(self, table: Table, key: Any) -> Row | None:
        """Return a row by its key."""
        ...

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows in key order."""
        ...


class Subscribed(msgspec.Struct, frozen=True):
    """A subscription as it stands, with the health of its deliveries at this moment."""

    id: str
    document: Subscription
    context: str
    creator: str
    created: Instant
    modified: Instant
    status: str
    health: Health
    waiting: int
    dead: int

    def whole(self, sys: bool = False) -> Subscription:
        """Return the document with the members that the hub adds, still in stored names."""
        health = self.health
        made = {**self.document, "status": self.status}
        made.setdefault("notificationTrigger", list(TRIGGERS_DEFAULT))
        if health.last_sent is not None:
            made["notification"] = {**made["notification"], **_counters(health)}
        if sys:
            made |= {"createdAt": text_of(self.created), "modifiedAt": text_of(self.modified)}
        return made


class SubscriptionsView:
    """Answers from rows, and from the dispatch for what happens at this moment. Secrets are never shown."""

    def __init__(
        self,
        rows: SharedRows,
        dispatch: Dispatch,
        now: Callable[[], Instant],
        table: Table = SUBSCRIPTION,
        lane_of: Callable[[str], str] = str,
    ) -> None:
        """`lane_of` says by what name the dispatch knows the receiver of a subscription."""
        self._rows, self._dispatch, self._now = rows, dispatch, now
        self._table, self._lane_of = table, lane_of

    def find(self, id: str) -> Subscribed | None:
        """Return a subscription, None when there is none; one that has expired stands until it is deleted."""
        row = self._rows.fetch_shared(self._table, id)
        return None if row is None else self._subscribed(row)

    def get(self, id: str) -> Subscribed:
        """Return a subscription; Missing when there is none."""
        found = self.find(id)
        if found is None:
            raise missing(id)
        return found

    def page(
        self, offset: int, limit: int, chosen: Callable[[Subscribed], bool] | None = None
    ) -> tuple[list[Subscribed], int]:
        """Return a page of subscriptions, of those that are `chosen`, oldest first, and how many there are."""
        rows = sorted(self._rows.rows(self._table), key=lambda row: int(row[1]))
        if chosen is None:
            return [self._subscribed(row) for row in rows[offset : offset + limit]], len(rows)
        found = [each for each in map(self._subscribed, rows) if chosen(each)]
        return found[offset : offset + limit], len(found)

    def deliveries(self, id: str, state: str, limit: int) -> list[dict[str, Any]]:
        """Return the notifications that wait for a receiver, or are dead, oldest first, without what they say."""
        return [
            {
                "id": parcel.id, "seq": parcel.seq or None, "entities": parcel.entities, "made_at": parcel.made,
                "state": parcel.state, "tries": parcel.tries, "error": parcel.error,
            }
            for parcel in (parcel_of(row) for row in self._dispatch.rows_of(self._lane_of(id), state, limit))
        ]  # fmt: skip

    def totals(self) -> Mapping[str, int]:
        """Return sums over all subscriptions: receivers, failing, waiting, dead, dropped, sent, failed."""
        return self._dispatch.totals()

    def _subscribed(self, row: Row) -> Subscribed:
        document = msgspec.json.decode(row[2])
        health, waiting, dead = self._dispatch.health(self._lane_of(row[0])) or (Health(), 0, 0)
        status = status_of(document, self._now())
        return Subscribed(row[0], document, row[3], row[5], row[7], row[8], status, health, waiting, dead)


def _counters(health: Health) -> dict[str, Any]:
    instants = {
        "lastNotification": health.last_sent,
        "lastSuccess": health.last_ok,
        "lastFailure": health.last_failed,
    }
    failed = {"timesFailed": health.failed} if health.failed else {}
    times = {name: text_of(at) for name, at in instants.items() if at is not None}
    return {"status": health.status, "timesSent": health.sent, **failed, **times}
