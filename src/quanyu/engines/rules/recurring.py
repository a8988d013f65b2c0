"""The reader of recurrences: counts reports of one problem in one place, and asks for a standing case at the limit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from quanyu.kernel.declare import Recurrence
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Row, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import day_of, moment

RECURRENCE: Final = Table("recurrence", ("name TEXT", "key TEXT", "seen BLOB"), keys=2, canonical=False)
"""Instants of the reports that count, oldest first."""

DAY_US: Final = 86_400_000_000
KEYS_MAX: Final = 20_000
"""So many problems are remembered; beyond it those whose last report is oldest are let go."""


class Rows(Protocol):
    """The reader's rows as they stand."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows of a table."""
        ...


class RecurrencesReader:
    """Reads openings. N reports within M days become one finding; they are then used up, and counting begins anew.

    A finding folds into the standing case of the same problem and place while that is open, and opens another later.
    """

    name: Final = "recurrences"
    wants: Collection[str] | None = frozenset({"case.opened"})
    tables: Collection[Table] = (RECURRENCE,)

    def __init__(
        self, recurrences: Iterable[Recurrence], parameters: Parameters, rows: Rows, *, jurisdiction: str, zone: str
    ) -> None:
        self._by_flow: dict[str, list[Recurrence]] = {}
        for each in recurrences:
            self._by_flow.setdefault(each.flow, []).append(each)
        self._parameters, self._jurisdiction, self._zone = parameters, jurisdiction, zone
        self._seen: dict[tuple[str, str], list[Instant]] = {
            (row[0], row[1]): msgspec.msgpack.decode(row[2]) for row in rows.rows(RECURRENCE)
        }

    def renew(self, parameters: Parameters) -> None:
        """Count by what the city released from the next report on."""
        self._parameters = parameters

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Count the openings; imported history counts for nobody."""
        commands: list[Command] = []
        changed: dict[tuple[str, str], list[Instant] | None] = {}
        for record in records:
            body = record.body or {}
            head = body.get("head", {})
            if body.get("historical"):
                continue
            for each in self._by_flow.get(head.get("flow", ""), ()):
                key = key_of(each, head)
                if key is not None:
                    commands += self._count(each, key, record, head, changed)
        self._forget(changed)
        delta = tuple(
            Change(RECURRENCE.name, key, None if seen is None else (*key, msgspec.msgpack.encode(seen)))
            for key, seen in changed.items()
        )
        return Effects(commands, delta)

    def _count(
        self,
        each: Recurrence,
        key: str,
        record: Record,
        head: Mapping[str, Any],
        changed: dict[tuple[str, str], list[Instant] | None],
    ) -> Iterator[Command]:
        try:
            count, days = (self._number(name, record.at) for name in (each.count, each.days))
        except Missing:
            return
        place = (each.name, key)
        first = record.at - int(days * DAY_US)
        seen = [at for at in self._seen.get(place, ()) if at > first] + [record.at]
        if len(seen) >= count:
            yield Command("case.find", f"recurrence:{each.name}|{key}", self._finding(each, seen, count, days, head),
                          "derived" if not record.provenance.startswith("simulated") else record.provenance,
                          cause=record.seq)  # fmt: skip
            seen = []
        if seen:
            self._seen[place] = seen
            changed[place] = seen
        else:
            self._seen.pop(place, None)
            changed[place] = None

    def _number(self, name: str, at: Instant) -> float:
        return self._parameters.get(name, day_of(at, self._zone), self._jurisdiction).number()

    def _finding(
        self, each: Recurrence, seen: Sequence[Instant], count: float, days: float, head: Mapping[str, Any]
    ) -> dict[str, Any]:
        title, since = head.get("title", {}), moment(seen[0], self._zone).date().isoformat()
        zh = f"{since} 起 {len(seen)} 件同地同类诉求({days:g} 日内达到 {count:g} 件),最近一件:{title.get('zh', '')}"
        en = f"{len(seen)} reports of the same kind and place since {since} (limit {count:g} in {days:g} days)"
        return {
            "rule": each.name,
            "rule_title": {name: text[:200] for name, text in each.title.items()},
            "severity": each.severity,
            "flow": each.opens,
            "asset": head.get("asset"),
            "asset_type": head.get("asset_type"),
            "from": seen[0],
            "to": seen[-1],
            "value": float(len(seen)),
            "limit": float(count),
            "unit": "C62",
            "why": {"zh": zh, "en": f"{en}; the last: {title.get('en', '')}"},
            "count": len(seen),
            "place": head.get("place"),
            "parameters": [],
        }

    def _forget(self, changed: dict[tuple[str, str], list[Instant] | None]) -> None:
        """Let go of the problems whose last report is oldest when there are more than are kept."""
        for place in sorted(self._seen, key=lambda each: self._seen[each][-1])[: max(0, len(self._seen) - KEYS_MAX)]:
            del self._seen[place]
            changed[place] = None


def key_of(each: Recurrence, head: Mapping[str, Any]) -> str | None:
    """Return what makes two reports the same problem in the same place; None where a part of it is not known."""
    place = head.get("place") or {}
    known = {"class": head.get("category"), "asset": head.get("asset"), **place}
    parts = [known.get(name) for name in each.by]
    return None if None in parts else "|".join(str(part) for part in parts)
