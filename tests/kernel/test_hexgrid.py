"""Plain grids: hexagons that cover without boundaries, cells with codes of fifteen digits; and noise that repeats."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.assembly.packs import load_city
from quanyu.kernel.hexgrid import cell_at, cell_ring, grid_code, hex_districts, hexagons
from quanyu.kernel.noise import normal, share, smooth

CITY = load_city("beijing")


def test_each_district_gets_the_hexagons_nearest_to_it() -> None:
    shapes = hex_districts(CITY.districts, CITY.box)
    assert [shape["id"] for shape in shapes] == [district["code"] for district in CITY.districts]
    assert all(shape["geometry"]["type"] == "MultiPolygon" for shape in shapes)
    assert all(shape["properties"]["shape"] == "schematic" for shape in shapes)
    counts = [len(shape["geometry"]["coordinates"]) for shape in shapes]
    assert sum(counts) == len(list(hexagons(CITY.box, 2_500.0)))
    assert min(counts) > 0


def test_hexagons_are_closed_and_of_one_size() -> None:
    rings = [ring for _, ring in hexagons((116.0, 39.8, 116.1, 39.9), 1_000.0)]
    assert all(ring[0] == ring[-1] and len(ring) == 7 for ring in rings)
    widths = {round(max(x for x, _ in ring) - min(x for x, _ in ring), 4) for ring in rings}
    assert len(widths) == 1


@given(st.floats(115.41, 117.51), st.floats(39.44, 41.06))
def test_a_point_lies_in_the_cell_of_its_code(lon: float, lat: float) -> None:
    row, column = cell_at(lon, lat, CITY.box)
    ring = cell_ring(row, column, CITY.box)
    margin = 2e-6
    assert min(x for x, _ in ring) - margin <= lon <= max(x for x, _ in ring) + margin
    assert min(y for _, y in ring) - margin <= lat <= max(y for _, y in ring) + margin
    code = grid_code("110101", lon, lat, CITY.box)
    assert len(code) == 15
    assert code.isdigit()


def test_noise_depends_on_its_keys_alone() -> None:
    assert share(1, "a", 2) == share(1, "a", 2)
    assert len({share(1, "a", 2), share(2, "a", 2), share(1, "b", 2), share(1, "a", 3)}) == 4
    shares = [share(9, "even", n) for n in range(4_000)]
    assert fmean(shares) == pytest.approx(0.5, abs=0.02)
    assert 0 <= min(shares) <= max(shares) < 1
    normals = [normal(9, "bell", n) for n in range(4_000)]
    assert fmean(normals) == pytest.approx(0, abs=0.06)
    assert pstdev(normals) == pytest.approx(1, abs=0.05)


def test_smooth_noise_has_unit_variance_and_a_memory() -> None:
    values = [smooth(4, "weather", n, 12.0) for n in range(20_000)]
    assert pstdev(values) == pytest.approx(1, abs=0.06)
    near = fmean(a * b for a, b in pairwise(values))
    far = fmean(a * b for a, b in zip(values, values[30:], strict=False))
    assert near > 0.95
    assert abs(far) < 0.1
