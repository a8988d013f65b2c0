"""The search: spots near a report, judged, best first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from quanyu.engines.cases.alike.spots import CANDIDATES_MAX, AlikeStore, Spot, cells_near
from quanyu.kernel.journal import Instant
from quanyu.kernel.likeness import HOUR_US, Likeness, Weights, likeness
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import day_of

NAMES = (
    "alike_distance", "alike_hours", "alike_fold_score", "alike_suggest_score",
    "outbreak_reports", "outbreak_distance", "outbreak_hours",
)  # fmt: skip


EITHER = -1
"""`simulated` of a report that is being written: whoever writes it sees what stands."""


class Bounds(msgspec.Struct, frozen=True):
    """From when on reports count as one matter or as an outbreak; dated parameters of the city."""

    weights: Weights = Weights()
    fold: float = 0.7
    suggest: float = 0.5
    outbreak_reports: int = 8
    outbreak_m: float = 1000.0
    outbreak_us: int = 24 * HOUR_US


class Candidate(NamedTuple):
    """A report and how alike it is."""

    spot: Spot
    likeness: Likeness


def bounds_of(parameters: Parameters, now: Instant, zone: str, jurisdiction: str) -> Bounds | None:
    """Return what the city's parameters say now; None where no pack declares them: nothing is folded then."""
    if any(name not in parameters for name in NAMES):
        return None
    day = day_of(now, zone)
    away, hours, fold, suggest, reports, outbreak_m, outbreak_hours = (
        parameters.get(name, day, jurisdiction).number() for name in NAMES
    )
    return Bounds(
        Weights(away_m=float(away), apart_us=int(hours * HOUR_US)),
        fold, suggest, int(reports), float(outbreak_m), int(outbreak_hours * HOUR_US),
    )  # fmt: skip


def candidates(
    store: AlikeStore, spot: Spot, weights: Weights, fresh: Iterable[Spot] = (), least: float = 0.0
) -> list[Candidate]:
    """Return reports near a new one, best first; `fresh` are those that no row holds yet.

    Other flows, and simulated beside real ones, are other matters.
    """
    cells = list(cells_near(spot.lon, spot.lat, spot.district, weights.away_m))
    rows = store.spots(cells, spot.at - weights.apart_us, spot.at + weights.apart_us, CANDIDATES_MAX)
    found = []
    for each in (*rows, *fresh):
        if each.serial == spot.serial or each.flow != spot.flow:
            continue
        if spot.simulated != EITHER and each.simulated != spot.simulated:
            continue
        like = likeness(spot.report, each.report, weights)
        if like is not None and like.score >= least:
            found.append(Candidate(each, like))
    found.sort(key=lambda each: (-each.likeness.score, each.spot.serial))
    return found
