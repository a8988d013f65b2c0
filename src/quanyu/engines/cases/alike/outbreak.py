"""Many like reports in one part of the city within hours: one case that says so, and knows them all."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from quanyu.engines.cases.alike.near import Bounds, candidates
from quanyu.engines.cases.alike.spots import AlikeStore, Spot
from quanyu.engines.cases.tables import id_of, number_of
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.likeness import Weights

WORDS_LEAST = 0.3
"""Reports of one class count, and those of no class whose words are this much alike."""

NAMED_MAX = 20
"""Numbers of reports that the reason names."""


class Outbreaks:
    """Counts what is like a new report around it; a report belongs to one outbreak at most."""

    def __init__(self, store: AlikeStore, bounds: Bounds) -> None:
        self._store, self._bounds = store, bounds
        # Only place and time bound an outbreak: how near it is counts for nothing within.
        self._weights = Weights(away_m=bounds.outbreak_m, apart_us=bounds.outbreak_us)
        self._roots: dict[int, int] = {}
        self._new: list[tuple[int, int]] = []

    def joined(self, spot: Spot, fresh: Collection[Spot], record: Record) -> Iterator[Command]:
        """Yield the finding that opens or grows an outbreak, when a report makes one or belongs to one."""
        if spot.lon is None:
            return
        like = [
            each.spot
            for each in candidates(self._store, spot, self._weights, fresh)
            if (each.likeness.words >= WORDS_LEAST if each.likeness.same_class is None else each.likeness.same_class)
        ]
        root = next((known for each in like if (known := self._root(each.serial)) is not None), None)
        if root is None:
            if len(like) + 1 < self._bounds.outbreak_reports:
                return
            root = min(each.serial for each in (*like, spot))
        for each in (*like, spot):
            if self._root(each.serial) is None:
                self._roots[each.serial] = root
                self._new.append((each.serial, root))
        yield self._finding(root, (*like, spot), record)

    def marks(self) -> Iterator[tuple[int, int]]:
        """Yield (serial, root) of reports that have come to belong to an outbreak since last asked."""
        new, self._new = self._new, []
        yield from new

    def _root(self, serial: int) -> int | None:
        known = self._roots.get(serial)
        return known if known is not None else self._store.outbreak(serial)

    def _finding(self, root: int, like: Collection[Spot], record: Record) -> Command:
        members = {*self._store.members(root), *(serial for serial, known in self._roots.items() if known == root)}
        first = min(like, key=lambda each: each.at)
        numbers = "、".join(number_of(serial) for serial in sorted(members)[:NAMED_MAX])
        hours, away = self._bounds.outbreak_us // 3_600_000_000, round(self._bounds.outbreak_m)
        body = {
            "rule": "outbreak",
            "rule_title": {"zh": "聚集性诉求", "en": "Outbreak of like reports"},
            "severity": "orange",
            "flow": first.flow,
            "asset": None,
            "from": self._begun(root, first),
            "value": float(len(members)),
            "limit": float(self._bounds.outbreak_reports),
            "count": len(members),
            "why": {
                "zh": f"{hours}小时内{away}米范围内有{len(members)}件相近诉求:{numbers}",
                "en": f"{len(members)} like reports within {hours} h and {away} m: {numbers}",
            },
            "place": {
                name: value
                for name, value in (("lon", first.lon), ("lat", first.lat), ("district", first.district))
                if value is not None
            },
        }
        provenance = "simulated:outbreak" if first.simulated else "derived"
        return Command("case.find", f"outbreak|{id_of(root)}", body, provenance=provenance, cause=record.seq)

    def _begun(self, root: int, first: Spot) -> int:
        """Return the instant under which the finding is known: the same for every growth of it."""
        spots = self._store.spots_of(root)
        return spots[0].at if spots else first.at
