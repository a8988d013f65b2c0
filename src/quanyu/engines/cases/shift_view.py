"""The read view of shifts: the log that would be handed over now, and those that were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from quanyu.engines.cases import shift_log
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant, Record
from quanyu.kernel.time import day_of, midnight
from quanyu.kernel.view import CaseQuery, Filter, Page

READ: Final = 2_000
"""Records read at once."""

PAGE_MAX: Final = 200
ShiftRow = tuple[str, str, int, bytes, bytes | None]
"""id, desk, number, body of the hand-over, body of the acceptance."""

Read = Callable[[int, int, Collection[str] | None], list[Record]]


class ShiftStore(Protocol):
    """The port to stored shifts."""

    def last_shift(self, desk: str) -> ShiftRow | None:
        """Return a desk's latest shift."""
        ...

    def find_shift(self, id: str) -> ShiftRow | None:
        """Return a shift by id."""
        ...

    def shifts(self, desks: Collection[str] | None, before: int | None, limit: int) -> list[tuple[int, ShiftRow]]:
        """Return shifts of some desks (None: of all) with their place, newest first, below a place."""
        ...


class ShiftsView:
    """`read` gives records after a seq, `last` the end of the journal, `warnings` what an operator is told."""

    def __init__(
        self,
        store: ShiftStore,
        cases: CasesView,
        read: Read,
        last: Callable[[], int],
        now: Callable[[], Instant],
        zone: str,
        warnings: Callable[[], Sequence[str]],
    ) -> None:
        self._store = store
        self._cases = cases
        self._read = read
        self._last = last
        self._now = now
        self._zone = zone
        self._warnings = warnings

    def draft(self, desk: str, scope: Filter) -> dict[str, Any]:
        """Return the log of the shift that runs now at a desk, as `scope` may see it: {after, upto, from_at, log}."""
        upto, now = self._last(), self._now()
        before = self._store.last_shift(desk)
        if before is None:
            begin = midnight(day_of(now, self._zone), self._zone)
            after = self._first_at(begin, upto)
        else:
            kept = msgspec.msgpack.decode(before[3])
            begin, after = kept["to_at"], kept["upto"]
        lines, totals = shift_log.happened(self._records(after, upto), lambda id: self._cases.brief(id, scope))
        page = self._cases.query(CaseQuery(list="open", historical=False, limit=shift_log.OPEN_MAX), scope)
        counts = self._cases.lists(scope)
        lists = ("open", "overdue", "approvals", "returned", "bank", "calendar", "unanswered")
        log = {
            "at": now,
            "totals": totals,
            "events": lines,
            "open": shift_log.standing(page.items),
            "lights": shift_log.by_light(page.items),
            "counts": {name: counts[name] for name in lists if name in counts},
            "bank": self._cases.bank(scope),
            "warnings": list(self._warnings()),
        }
        return {"desk": desk, "after": after, "upto": upto, "from_at": begin, "log": log}

    def _records(self, after: int, upto: int) -> Iterator[Record]:
        while after < upto:
            records = self._read(after, READ, shift_log.KINDS)
            if not records:
                return
            for record in records:
                if record.seq > upto:
                    return
                yield record
            after = records[-1].seq

    def _first_at(self, at: Instant, upto: int) -> int:
        """Return the seq of the last record before an instant: the journal's instants never decrease."""
        low, high = 0, upto
        while low < high:
            middle = (low + high) // 2
            found = self._read(middle, 1, None)
            if found and found[0].at < at:
                low = middle + 1
            else:
                high = middle
        return low

    def find(self, id: str, scope: Filter) -> dict[str, Any] | None:
        """Return a shift with its log as it was handed over; None where it is not to be seen."""
        row = self._store.find_shift(id)
        if row is None or (scope.units is not None and row[1] not in scope.units):
            return None
        return _document(row)

    def query(self, scope: Filter, desk: str | None = None, limit: int = 50, after: str | None = None) -> Page:
        """Return shifts without their logs, newest first."""
        if not 1 <= limit <= PAGE_MAX or (after is not None and not after.isdigit()):
            raise Invalid(
                "Query of shifts has a limit or a cursor that cannot be.",
                code="query.shifts",
                where="limit",
                remedy=f"Ask for 1 to {PAGE_MAX}, and send the cursor of the page before unchanged.",
            )
        desks = scope.units
        if desk is not None:
            desks = frozenset({desk}) if desks is None or desk in desks else frozenset()
        rows = self._store.shifts(desks, int(after) if after else None, limit + 1)
        items = []
        for _, row in rows[:limit]:
            document = _document(row)
            log = document.pop("log")
            items.append(document | {"totals": log["totals"], "counts": log["counts"]})
        return Page(items, str(rows[limit - 1][0]) if len(rows) > limit else None)


def _document(row: ShiftRow) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.msgpack.decode(row[3])
    accepted = None if row[4] is None else msgspec.msgpack.decode(row[4])
    return {"id": row[0], "state": "waiting" if accepted is None else "accepted", "accepted": accepted} | body
