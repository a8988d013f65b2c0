"""Two versions of a rule over the same past: what each would have found, and what is gained, lost and the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from quanyu.engines.rules.columns import Batch
from quanyu.engines.rules.compile import Plan
from quanyu.engines.rules.evaluate import Evaluator
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.store import Describe
from quanyu.kernel.entity import Observations
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import day_of

EXAMPLES_MAX: Final = 20
ASSETS_MAX: Final = 50
PLACES_MAX: Final = 200
EPISODES_MAX: Final = 200_000
"""A version that fires more often than this is not a rule; what comes after is not counted."""


class Episode(NamedTuple):
    """What a version found on an asset: event time, `end` None while it still held; the worst value."""

    asset: str
    start: Instant
    end: Instant | None
    value: float | None


class Stay(NamedTuple):
    """A case that was open on an asset: `own` when this rule had opened it."""

    start: Instant
    end: Instant | None
    own: bool


class Version:
    """One version of a rule at work on the past; without a plan (new, or switched off) it finds nothing."""

    def __init__(self, plan: Plan | None, pins: Pins, describe: Describe, since: Instant) -> None:
        self.plan, self.since = plan, since
        self.episodes: list[Episode] = []
        self.cut = False
        self._evaluator = None if plan is None else Evaluator([plan], pins, describe)
        self._last: dict[str, Instant] = {}

    def read(self, seen: Observations) -> None:
        """Judge past observations of one or more assets, each asset's in order of time."""
        if self._evaluator is None:
            return
        found = self._evaluator.read([Batch(seen, 0, 0, True)])
        self._keep(Episode(each.entity, each.start, each.end, each.value) for each in found if each.end is not None)
        if self.plan is None or self.plan.absent_us is None:
            return
        for entity, at in zip(seen.entity, seen.observed_at, strict=True):
            name = seen.entities[entity]
            self._last[name] = max(at, self._last.get(name, at))

    def finish(self, until: Instant) -> None:
        """Add what still held at the end, and the silences that nothing broke."""
        if self._evaluator is None or self.plan is None:
            return
        self._keep(Episode(each.entity, each.start, None, each.value) for each in self._evaluator.standing())
        silence = self.plan.absent_us
        if silence is not None:
            self._keep(Episode(name, at, None, None) for name, at in self._last.items() if until - at >= silence)

    def _keep(self, episodes: Iterable[Episode]) -> None:
        for episode in episodes:
            if episode.end is not None and episode.end < self.since:
                continue
            if len(self.episodes) >= EPISODES_MAX:
                self.cut = True
                return
            self.episodes.append(episode)


def compared(
    name: str,
    before: Version,
    after: Version,
    until: Instant,
    zone: str,
    places: Mapping[str, str | None],
    stays: Mapping[str, Sequence[Stay]],
) -> dict[str, Any]:
    """Return counts of both versions by day, place and asset, and how they meet each other and the cases of that time.

    `places`: the district of each asset. `stays`: the cases of each asset. An episode is the same in both versions when
    they overlap on one asset; `overlap` counts those of the new version that met a case of another cause.
    """
    gained = _unmatched(after.episodes, before.episodes, until)
    lost = _unmatched(before.episodes, after.episodes, until)
    meets = [_meets(episode, stays.get(episode.asset, ()), until) for episode in after.episodes]
    return {
        "rule": name,
        "before": _sum(before, until),
        "after": _sum(after, until),
        "gained": len(gained),
        "lost": len(lost),
        "same": len(after.episodes) - len(gained),
        "overlap": sum(1 for other, _ in meets if other),
        "met_own_case": sum(1 for _, own in meets if own),
        "days": _by(before, after, lambda each: day_of(max(each.start, after.since), zone).isoformat(), 400),
        "places": _by(before, after, lambda each: places.get(each.asset) or "", PLACES_MAX),
        "assets": _by(before, after, lambda each: each.asset, ASSETS_MAX, often_first=True),
        "examples": {
            "gained": [_document(each, places) for each in gained[:EXAMPLES_MAX]],
            "lost": [_document(each, places) for each in lost[:EXAMPLES_MAX]],
        },
        "cut": before.cut or after.cut,
    }


def _unmatched(mine: Sequence[Episode], others: Sequence[Episode], until: Instant) -> list[Episode]:
    """Return the episodes that no other overlaps on the same asset; both lists are walked in order of time."""
    by_asset: dict[str, list[Episode]] = {}
    for each in others:
        by_asset.setdefault(each.asset, []).append(each)
    found = []
    for asset, episodes in _sorted(mine).items():
        rivals = sorted(by_asset.get(asset, ()), key=lambda each: each.start)
        place = 0
        for each in episodes:
            while place < len(rivals) and _end(rivals[place], until) < each.start:
                place += 1
            if place == len(rivals) or rivals[place].start > _end(each, until):
                found.append(each)
    return sorted(found, key=lambda each: each.start)


def _sorted(episodes: Sequence[Episode]) -> dict[str, list[Episode]]:
    found: dict[str, list[Episode]] = {}
    for each in sorted(episodes, key=lambda each: each.start):
        found.setdefault(each.asset, []).append(each)
    return found


def _meets(episode: Episode, stays: Sequence[Stay], until: Instant) -> tuple[bool, bool]:
    """Say whether a case of another cause, and whether one of this rule, was open on the asset meanwhile."""
    met = [
        stay for stay in stays if stay.start <= _end(episode, until) and (stay.end is None or stay.end >= episode.start)
    ]
    return any(not stay.own for stay in met), any(stay.own for stay in met)


def _end(episode: Episode, until: Instant) -> Instant:
    return until if episode.end is None else episode.end


def _sum(version: Version, until: Instant) -> dict[str, Any]:
    lengths = [_end(each, until) - max(each.start, version.since) for each in version.episodes]
    return {
        "count": len(lengths),
        "assets": len({each.asset for each in version.episodes}),
        "lasted_us": sum(lengths),
        "longest_us": max(lengths, default=0),
        "still_holds": sum(1 for each in version.episodes if each.end is None),
    }


def _by(before: Version, after: Version, key: Any, most: int, often_first: bool = False) -> list[dict[str, Any]]:
    counts = [Counter(key(each) for each in version.episodes) for version in (before, after)]
    names = sorted(counts[0] | counts[1])
    if often_first:
        names.sort(key=lambda name: -counts[1][name] - counts[0][name])
    return [{"name": name, "before": counts[0][name], "after": counts[1][name]} for name in names[:most]]


def _document(episode: Episode, places: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "asset": episode.asset,
        "from": episode.start,
        "to": episode.end,
        "value": episode.value,
        "district": places.get(episode.asset),
    }
