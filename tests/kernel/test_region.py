"""Very many points in a shape: the same verdict as for each point alone."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quanyu.kernel.geo import Near
from quanyu.kernel.geo.region import Disc, Region, Shape


def ring(radii: list[float]) -> list[tuple[float, float]]:
    """A star around 116.4, 40 with one corner for each radius."""
    turns = [2 * pi * number / len(radii) for number in range(len(radii))]
    found = [(116.4 + r * cos(turn), 40 + r * sin(turn)) for r, turn in zip(radii, turns, strict=True)]
    return [*found, found[0]]


@settings(max_examples=25, deadline=None)
@given(radii=st.lists(st.floats(0.001, 0.5), min_size=3, max_size=40), seed=st.integers(0, 1000), hole=st.booleans())
@example(radii=[0.5, 0.5, 0.25, 0.25, 0.00390625], seed=0, hole=False)
def test_cells_say_the_same_as_points(radii: list[float], seed: int, hole: bool) -> None:
    """Whatever the shape: no point is judged otherwise because its neighbours were judged together."""
    chance = np.random.default_rng(seed)
    lons, lats = chance.uniform(115.8, 117, 20_000), chance.uniform(39.4, 40.6, 20_000)
    rings = [ring(radii), ring([min(radii) * 0.4] * 7)] if hole else [ring(radii)]
    polygon = shapely.Polygon(rings[0], rings[1:])
    assert (Shape(rings).inside(lons, lats) == shapely.intersects_xy(polygon, lons, lats)).all()


def test_few_points_and_flat_shapes_are_judged_one_by_one() -> None:
    """A line is no area, and an open ring is closed."""
    lons, lats = np.array([116.0, 116.5, 118.0]), np.array([40.0, 40.0, 40.0])
    assert Shape([[(116, 40), (117, 40), (116, 40)]]).inside(lons, lats).tolist() == [True, True, False]
    square = [(116, 39), (117, 39), (117, 41), (116, 41)]
    assert Shape([square]).inside(lons, lats).tolist() == [True, True, False]
    assert Shape([square]).inside(lons[2:], lats[2:]).tolist() == [False]


def test_a_circle_is_measured_in_kilometres() -> None:
    """As the ring of a query for what is near would have it."""
    near = Near((116.4, 39.9), 5000)
    points = [(116.4, 39.9), (116.45, 39.9), (116.47, 39.9), (116.4, 39.944), (116.4, 39.946)]
    disc = Disc((116.4, 39.9), 5.0)
    lons, lats = np.array([each[0] for each in points]), np.array([each[1] for each in points])
    assert disc.inside(lons, lats).tolist() == [near.holds(point) for point in points]


def test_a_region_is_the_sum_of_its_shapes() -> None:
    """In one of them is in all of it; without a shape nothing is inside."""
    lons, lats = np.array([116.5, 118.0, 120.0]), np.array([40.0, 40.0, 40.0])
    square = [(116, 39), (117, 39), (117, 41), (116, 41)]
    region = Region([Shape([square]), Disc((118.0, 40.0), 1.0)])
    assert region.inside(lons, lats).tolist() == [True, True, False]
    assert not region.empty
    assert Region([]).empty
    assert Region([]).inside(lons, lats).tolist() == [False] * 3
