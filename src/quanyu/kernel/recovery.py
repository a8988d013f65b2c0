"""How a function of the city fell and came back: what was lost, how long until half, most and all of it was back.

Performance is the value against its normal one, at most 1. A value holds until the next one; where nothing was measured
for longer than the gap that is allowed nothing is assumed: the stretch is named and counts for no loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from quanyu.kernel.journal import Instant

HOUR_US: Final = 3_600_000_000
SHARES: Final = (0.5, 0.9, 1.0)


class Recovery(msgspec.Struct, frozen=True):
    """A curve: (instant, performance), loss in hours of full performance, and hours until a share was back for good.

    An hour is None while that share is not back. `gaps` are stretches without data; `known` is the share of the time
    from start to end that was measured.
    """

    points: tuple[tuple[Instant, float], ...]
    lost_h: float
    lowest: float | None
    hours_to: dict[str, float | None]
    gaps: tuple[tuple[Instant, Instant], ...]
    known: float

    @property
    def recovered(self) -> bool:
        """Whether all of it is back."""
        return self.hours_to["100"] is not None


def recovery(
    samples: Sequence[tuple[Instant, float]], normal: float, start: Instant, end: Instant, gap_us: int = 6 * HOUR_US
) -> Recovery:
    """Return the curve from the start of an incident to an end (its recovery, or now).

    `samples` are in order of time and may begin before the start: the last one before it holds there.
    """
    points = _points(samples, normal, start, end)
    lost, gaps = 0.0, []
    if not points or points[0][0] > start:
        gaps.append((start, points[0][0] if points else end))
    ends = [*(at for at, _ in points[1:]), end]
    for (at, share), until in zip(points, ends, strict=False):
        holds = min(until, at + gap_us)
        lost += (1 - share) * (holds - at) / HOUR_US
        if until > holds:
            gaps.append((holds, until))
    unknown = sum(until - since for since, until in gaps)
    length = max(end - start, 1)
    return Recovery(
        points=tuple(points),
        lost_h=round(lost, 4),
        lowest=min((share for _, share in points), default=None),
        hours_to={f"{share:.0%}".rstrip("%"): _hours_to(points, share, start) for share in SHARES},
        gaps=tuple(gaps),
        known=round(1 - unknown / length, 4),
    )


def _points(
    samples: Sequence[tuple[Instant, float]], normal: float, start: Instant, end: Instant
) -> list[tuple[Instant, float]]:
    points: list[tuple[Instant, float]] = []
    for at, value in samples:
        share = max(0.0, min(1.0, value / normal))
        if at <= start:
            points = [(start, share)]
        elif at <= end:
            points.append((at, share))
    return points


def _hours_to(points: Sequence[tuple[Instant, float]], share: float, start: Instant) -> float | None:
    """Return the hours from the start to the instant from which performance stays at the share; 0 if it never fell."""
    since: Instant | None = None
    for at, performance in points:
        since = (at if since is None else since) if performance >= share else None
    return None if since is None else round((since - start) / HOUR_US, 4)
