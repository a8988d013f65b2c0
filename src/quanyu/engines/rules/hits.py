"""How often each rule fired, by day: counted as findings are told, kept for a little more than a month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from quanyu.engines.rules.evaluate import Finding
from quanyu.engines.rules.store import RULE_HIT, ReaderState
from quanyu.kernel.journal import Change, Instant
from quanyu.kernel.time import day_of

DAYS_KEPT: Final = 40


class Hits:
    """Counts by (rule, city day); what changed waits until `take` writes it with the reader's step."""

    def __init__(self, state: ReaderState, zone: str) -> None:
        self._zone = zone
        self._counts: dict[tuple[str, str], int] = {(rule, day): count for rule, day, count in state.rows(RULE_HIT)}
        self._touched: set[tuple[str, str]] = set()

    def count(self, findings: Iterable[Finding]) -> None:
        """Count what is told for the first time."""
        for finding in findings:
            if finding.new:
                key = (finding.plan.name, day_of(finding.start, self._zone).isoformat())
                self._counts[key] = self._counts.get(key, 0) + 1
                self._touched.add(key)

    def take(self) -> Iterator[Change]:
        """Yield the rows that changed, and those too old to be asked for."""
        if not self._touched:
            return
        newest = max(day for _, day in self._counts)
        oldest = (date.fromisoformat(newest) - timedelta(days=DAYS_KEPT)).isoformat()
        for key in [key for key in self._counts if key[1] < oldest]:
            del self._counts[key]
            self._touched.discard(key)
            yield Change(RULE_HIT.name, key, None)
        yield from (Change(RULE_HIT.name, key, (*key, self._counts[key])) for key in sorted(self._touched))
        self._touched = set()

    def since(self, first: Instant) -> Mapping[str, Mapping[str, int]]:
        """Return counts by rule and day, from the city day of an instant on."""
        first_day = day_of(first, self._zone).isoformat()
        found: dict[str, dict[str, int]] = {}
        for (rule, day), count in sorted(self._counts.copy().items()):
            if day >= first_day:
                found.setdefault(rule, {})[day] = count
        return found
