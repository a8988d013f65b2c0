"""Who and what stands in a region: all places of a home as columns, made when first asked for and kept up from the journal.

Writers do nothing for it. What changed since the last question is read when the next one comes.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from quanyu.adapters.sqlite.atlas import Standing
from quanyu.kernel.geo.region import Region

KINDS: Final = ("entity.created", "entity.replaced", "entity.merged", "entity.deleted")
CHANGED_MAX: Final = 20_000
"""So many changed entities are looked at one by one; after more, the columns are made anew."""


class AtlasStore(Protocol):
    """What the columns are made of."""

    def seq(self) -> int:
        """Return the last record that is seen."""
        ...

    def places(self) -> Iterator[Sequence[Standing]]:
        """Yield pages of entities that stand somewhere, in order of their numbers."""
        ...

    def changed(self, after: int, upto: int, kinds: Collection[str], limit: int) -> list[str]:
        """Return ids of entities that records of some kinds are about."""
        ...

    def standing(self, ids: Iterable[str]) -> Mapping[str, tuple[int, Standing | None]]:
        """Return number and place of entities; what is gone is left out."""
        ...

    def documents(self, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield entities by number, as they are stored."""
        ...


class Found(msgspec.Struct, frozen=True):
    """What stands in a region: entities by type, and the people that those of some types count. `seq`: as of when."""

    types: dict[str, int]
    people: int
    counted: int
    seq: int


class _Columns:
    """Numbers in order, positions, and the place of the type in `names`; changes since lie over them in `fresh`."""

    def __init__(self, seq: int) -> None:
        import numpy as np

        self.seq = seq
        self.names: list[str] = []
        self.n: Any = np.zeros(0, dtype=np.int64)
        self.lon: Any = np.zeros(0)
        self.lat: Any = np.zeros(0)
        self.kind: Any = np.zeros(0, dtype=np.int32)
        self.fresh: dict[int, Standing | None] = {}


class Atlas:
    """The columns of one home. `people` names, by type of entity, the attribute that says how many people it counts."""

    def __init__(self, store: AtlasStore, people: Mapping[str, str]) -> None:
        self._store, self._people = store, people
        self._guard = threading.Lock()
        self._columns: _Columns | None = None

    def count(self, region: Region, districts: Sequence[Region] = ()) -> Found:
        """Return what stands in a region, or in one of some districts besides."""
        import numpy as np

        with self._guard:
            columns = self._kept_up()
            inside = self._inside(columns, [region, *districts])
            tally = np.bincount(columns.kind[inside], minlength=len(columns.names))
            counts = {name: int(count) for name, count in zip(columns.names, tally, strict=True) if count}
            chosen = {
                name: columns.n[inside & (columns.kind == columns.names.index(name))].tolist()
                for name in self._people
                if counts.get(name)
            }
            self._add_fresh(columns, [region, *districts], counts, chosen)
            seq = columns.seq
        people, counted = self._counted(chosen)
        return Found(dict(sorted(counts.items())), people, counted, seq)

    def listed(self, regions: Sequence[Region], limit: int) -> list[dict[str, Any]]:
        """Return the entities that count people and stand in one of some regions, by number."""
        import numpy as np

        with self._guard:
            columns = self._kept_up()
            kinds = [place for place, name in enumerate(columns.names) if name in self._people]
            inside = self._inside(columns, regions) & np.isin(columns.kind, kinds)
            chosen: dict[str, list[int]] = {"": columns.n[inside].tolist()}
            self._add_fresh(columns, regions, {}, chosen)
        numbers = sorted(n for each in chosen.values() for n in each)[:limit]
        return [document for _, document in self._store.documents(numbers)]

    @staticmethod
    def _inside(columns: _Columns, regions: Sequence[Region]) -> Any:
        import numpy as np

        inside = np.zeros(len(columns.n), dtype=bool)
        for each in regions:
            inside |= each.inside(columns.lon, columns.lat)
        if columns.fresh:
            inside &= ~np.isin(columns.n, np.fromiter(columns.fresh, dtype=np.int64))
        return inside

    def _add_fresh(
        self, columns: _Columns, regions: Sequence[Region], counts: dict[str, int], chosen: dict[str, list[int]]
    ) -> None:
        import numpy as np

        standing = [each for each in columns.fresh.values() if each is not None]
        if not standing:
            return
        lons, lats = np.array([each[2] for each in standing]), np.array([each[3] for each in standing])
        inside = np.logical_or.reduce([each.inside(lons, lats) for each in regions])
        for (n, kind, _, _), holds in zip(standing, inside.tolist(), strict=True):
            if holds:
                counts[kind] = counts.get(kind, 0) + 1
                if kind in self._people:
                    chosen.setdefault(kind, []).append(n)

    def _counted(self, chosen: Mapping[str, Sequence[int]]) -> tuple[int, int]:
        people, counted = 0.0, 0
        for kind, numbers in chosen.items():
            for _, document in self._store.documents(numbers):
                value = document.get(self._people[kind], {}).get("value")
                if isinstance(value, int | float) and not isinstance(value, bool):
                    people += value
                    counted += 1
        return round(people), counted

    def _kept_up(self) -> _Columns:
        columns, seq = self._columns, self._store.seq()
        if columns is not None and columns.seq < seq and not self._follow(columns, seq):
            columns = None
        if columns is None:
            columns = self._columns = self._made(seq)
        return columns

    def _follow(self, columns: _Columns, seq: int) -> bool:
        """Lay what changed since over the columns; False where they are better made anew."""
        ids = self._store.changed(columns.seq, seq, KINDS, CHANGED_MAX + 1)
        if len(ids) + len(columns.fresh) > CHANGED_MAX:
            return False
        standing = self._store.standing(ids)
        if len(standing) < len(ids):
            # Something is gone, and its number with it.
            return False
        columns.fresh |= dict(standing.values())
        columns.seq = seq
        return True

    def _made(self, seq: int) -> _Columns:
        import numpy as np

        columns = _Columns(seq)
        codes: dict[str, int] = {}
        pages = []
        for page in self._store.places():
            rows = [(n, codes.setdefault(kind, len(codes)), lon, lat) for n, kind, lon, lat in page]
            pages.append(np.asarray(rows, dtype=np.float64).reshape(-1, 4))
        if pages:
            table = np.concatenate(pages)
            columns.n, columns.kind = table[:, 0].astype(np.int64), table[:, 1].astype(np.int32)
            columns.lon, columns.lat = table[:, 2].copy(), table[:, 3].copy()
        columns.names = list(codes)
        return columns
