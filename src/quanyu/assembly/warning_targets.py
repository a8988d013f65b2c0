"""Where a warning holds, as regions: its shapes, and the outlines of the districts that it names; and whose terminals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.engines.warnings.reach import bitmaps
from quanyu.engines.warnings.store import WarningStore, terminal_of
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.geo.geometry import polygons
from quanyu.kernel.geo.region import Disc, Region, Shape
from quanyu.kernel.warning import Target

PAGE: Final = 50_000


def region_of(target: Target) -> Region:
    """Return the shapes of a target."""
    rings = [Shape([ring]) for ring in target.polygons if len(ring) >= 4]
    return Region([*rings, *(Disc(each.centre, each.radius_km) for each in target.circles)])


class Districts:
    """The outlines of a city's districts as regions, each made when it is first asked for."""

    def __init__(self, outlines: Callable[[], Mapping[str, Any]]) -> None:
        self._outlines = outlines
        self._made: dict[str, Region] = {}

    def regions(self, codes: Sequence[str]) -> list[Region]:
        """Return the regions of districts; raises Invalid (warning.district) for a code that the city has not."""
        for code in codes:
            if code not in self._made:
                self._made[code] = self._region(code)
        return [self._made[code] for code in codes]

    def _region(self, code: str) -> Region:
        features = self._outlines()["features"]
        found = [each for each in features if each["properties"].get("code") == code]
        if not found:
            known = ", ".join(sorted(str(each["properties"].get("code")) for each in features))
            raise Invalid(
                f"District {code[:20]!r} is none of this city.",
                code="warning.district",
                where="target.districts",
                remedy=f"Use one of {known}.",
            )
        return Region([Shape(rings) for each in found for rings in polygons(each["geometry"])])


class _Columns(msgspec.Struct):
    lon: Any
    lat: Any
    district: Any
    grid: Any
    numbers: dict[str, int]
    simulated: int

    @property
    def count(self) -> int:
        """How many terminals there are."""
        return len(self.lon)


class Terminals:
    """The terminals of channels as columns; `version` tells when those of any channel have changed."""

    def __init__(self, store: WarningStore, version: Callable[[], int]) -> None:
        self._store, self._version = store, version
        self._seen = -1
        self._made: dict[str, _Columns] = {}

    def asked(self, channel: str, target: Target, regions: Sequence[Region]) -> dict[str, bytes]:
        """Return as bitmaps which terminals of a channel lie in a target; those without any place are always asked."""
        import numpy as np

        columns = self._columns(channel)
        placed = ~np.isnan(columns.lon)
        chosen = ~placed & (columns.district == "") & (columns.grid == "")
        for region in regions:
            chosen |= placed & region.inside(columns.lon, columns.lat)
        chosen |= np.isin(columns.district, target.districts) & (columns.district != "")
        chosen |= np.isin(columns.grid, target.grids) & (columns.grid != "")
        return bitmaps(np.flatnonzero(chosen))

    def districts(self, channel: str, numbers: Sequence[int]) -> list[str]:
        """Return the districts of terminals, in order."""
        columns = self._columns(channel)
        return [str(columns.district[n]) if n < columns.count else "" for n in numbers]

    def positions(self, channel: str, numbers: Sequence[int]) -> list[tuple[float, float] | None]:
        """Return longitude and latitude of terminals, in order; None for one whose position is not known."""
        columns = self._columns(channel)
        found: list[tuple[float, float] | None] = []
        for n in numbers:
            placed = n < columns.count and columns.lon[n] == columns.lon[n]
            found.append((float(columns.lon[n]), float(columns.lat[n])) if placed else None)
        return found

    def numbered(self, channel: str, terminals: Sequence[int | str]) -> list[int]:
        """Return the numbers of terminals that are named by id or number; raises Missing (warning.terminal_unknown)."""
        known = self._columns(channel).numbers
        try:
            return [each if isinstance(each, int) else known[each] for each in terminals]
        except KeyError as fault:
            raise Missing(
                f"Terminal {str(fault)[:80]} is not in channel {channel[:80]}.",
                code="warning.terminal_unknown",
                where="terminals",
                remedy="Put the terminal into the channel first.",
            ) from fault

    def simulated(self, channel: str) -> int:
        """Return how many terminals of a channel are simulated."""
        return self._columns(channel).simulated

    def _columns(self, channel: str) -> _Columns:
        version = self._version()
        if version != self._seen:
            self._made.clear()
            self._seen = version
        found = self._made.get(channel)
        if found is None:
            found = self._made[channel] = self._read(channel)
        return found

    def _read(self, channel: str) -> _Columns:
        import numpy as np

        made, numbers, after = [], dict[str, int](), -1
        while rows := self._store.terminals(channel, after, PAGE):
            made += [terminal_of(row) for row in rows]
            numbers |= {row[2]: row[1] for row in rows}
            after = rows[-1][1]
        nan = float("nan")
        return _Columns(
            np.array([nan if each.lon is None else each.lon for each in made], dtype=np.float64),
            np.array([nan if each.lat is None else each.lat for each in made], dtype=np.float64),
            np.array([each.district for each in made], dtype="U20"),
            np.array([each.grid for each in made], dtype="U20"),
            numbers,
            sum(each.simulated for each in made),
        )
