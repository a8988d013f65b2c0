"""Notify's lists on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quanyu.engines.notify.store import Delivery, delivery_of
from quanyu.kernel.journal import Row

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE INDEX IF NOT EXISTS webhook_outbox_by_state ON webhook_outbox (webhook, state, seq);
"""
PARCELS_SCHEMA = """
CREATE INDEX IF NOT EXISTS parcel_by_state ON parcel (receiver, state, number);
"""


class SqliteNotify:
    """Implements `engines.notify.store.NotifyStore`; `connect` returns this thread's read-only connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def webhooks(self) -> Sequence[tuple[Row, Row | None, Mapping[str, int]]]:
        """Return webhook row, receiver row and deliveries by state, ordered by id."""
        connection = self._connect()
        receivers = {row[0]: row for row in connection.execute("SELECT * FROM webhook_receiver")}
        counts: dict[str, dict[str, int]] = {}
        for id_, state, number in connection.execute(
            "SELECT webhook, state, count(*) FROM webhook_outbox GROUP BY webhook, state"
        ):
            counts.setdefault(id_, {})[state] = number
        rows = connection.execute("SELECT * FROM webhook ORDER BY id")
        return [(row, receivers.get(row[0]), counts.get(row[0], {})) for row in rows]

    def deliveries(self, webhook: str, state: str | None, before: int | None, limit: int) -> Sequence[Delivery]:
        """Return deliveries of a webhook, newest first, those with a lower seq than `before`."""
        rows = self._connect().execute(
            "SELECT * FROM webhook_outbox WHERE webhook = ?1 AND (state = ?2 OR ?2 IS NULL)"
            " AND (seq < ?3 OR ?3 IS NULL) ORDER BY seq DESC LIMIT ?4",
            (webhook, state, before, limit),
        )
        return [delivery_of(row) for row in rows]


def holds_subscriptions(database: Path) -> bool:
    """Tell whether somebody subscribes in a home, by a look at its database; one that cannot be read holds none."""
    import apsw

    try:
        connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error:
        return False
    try:
        return connection.execute("SELECT 1 FROM subscription LIMIT 1").fetchone() is not None
    except apsw.Error:
        return False
    finally:
        connection.close()


class SqliteParcels:
    """Implements `engines.notify.parcel.ParcelStore`."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def waiting(self, receiver: str, after: int, limit: int) -> Sequence[Row]:
        """Return waiting parcels of a receiver with a higher number, in order."""
        sql = "SELECT * FROM parcel WHERE receiver = ? AND state = 'waiting' AND number > ? ORDER BY number LIMIT ?"
        return list(self._connect().execute(sql, (receiver, after, limit)))

    def dead(self, receiver: str, limit: int) -> Sequence[Row]:
        """Return dead letters of a receiver, oldest first."""
        sql = "SELECT * FROM parcel WHERE receiver = ? AND state = 'dead' ORDER BY number LIMIT ?"
        return list(self._connect().execute(sql, (receiver, limit)))

    def numbers(self, receiver: str) -> Sequence[int]:
        """Return the numbers of all parcels of a receiver."""
        return [row[0] for row in self._connect().execute("SELECT number FROM parcel WHERE receiver = ?", (receiver,))]

    def last_number(self) -> int:
        """Return the highest number of any parcel, 0 when there is none."""
        row = self._connect().execute("SELECT max(number) FROM parcel").fetchone()
        return int(row[0] or 0) if row else 0

    def parcel_counts(self) -> Mapping[str, Mapping[str, int]]:
        """Return how many parcels each receiver has, by state."""
        counts: dict[str, dict[str, int]] = {}
        for receiver, state, number in self._connect().execute(
            "SELECT receiver, state, count(*) FROM parcel GROUP BY receiver, state"
        ):
            counts.setdefault(receiver, {})[state] = number
        return counts

    def delivery(self, receiver: str) -> Row | None:
        """Return the row of DELIVERY."""
        row: Row | None = self._connect().execute("SELECT * FROM delivery WHERE receiver = ?", (receiver,)).fetchone()
        return row
