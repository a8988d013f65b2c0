"""Memory between runs: what changed since the last step, packed; and everything, packed as pages that replace the steps.

A step holds the state after (never an increment) of the slots that were touched, so steps applied in order over the last
pages give exactly the memory that the cursor belongs to: steps, pages and cursor are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from quanyu.engines.rules.ground import NEVER
from quanyu.engines.rules.lane import CELL, Lane
from quanyu.engines.rules.past import WINDOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quanyu.engines.rules.compile import Plan
    from quanyu.engines.rules.evaluate import Evaluator
    from quanyu.engines.rules.population import Population
    from quanyu.engines.rules.scan import Index
    from quanyu.engines.rules.silence import Silence
    from quanyu.engines.rules.watch import Watch

Entry = tuple[Any, ...]

FIRST: Final = frozenset({"rules", "population", "met"})
"""Entries that others refer to."""
PAGE: Final = 65_536
"""Slots in one row of memory."""


class Changes:
    """What was touched since the last step: places only; their values are read when the step is made."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.size = 0
        self._entries: list[Entry] = []
        self._seen: list[Index] = []
        self._runs: dict[Lane, list[Index]] = {}
        self._silent: dict[Silence, list[Index]] = {}

    def met(self, population: Population) -> None:
        """Note the slots that were given."""
        if population.met:
            self._entries.append(("met", population.met))
            self.size += len(population.met)
            population.met = []

    @property
    def empty(self) -> bool:
        """Whether nothing was touched."""
        return not (self._entries or self._seen or self._runs or self._silent)

    def ruled(self, hashes: Sequence[str]) -> None:
        """Note which rules the memory is kept for from now on."""
        self._entries.append(("rules", list(hashes)))

    def dropped(self, type_: str, slot: int) -> None:
        """Note a slot that was taken away."""
        self._entries.append(("dropped", type_, slot))

    def seen(self, places: Index) -> None:
        """Note the series that a batch brought samples of, by their places on the ground."""
        self._seen.append(places)
        self.size += len(places)

    def lane(self, lane: Lane, places: Index) -> None:
        """Note the cells that changed."""
        if len(places):
            self._runs.setdefault(lane, []).append(places)
            self.size += len(places)

    def settle(self, watches: Sequence[Watch]) -> None:
        """Read cells and samples now, as lanes are about to order their rules, or watches to take other stretches."""
        for lane, parts in self._runs.items():
            self._entries.append(_runs(lane, _distinct(parts, len(lane.cells))))
        reach = max((watch.stretch.stop for watch in watches), default=0)
        places = _distinct(self._seen, reach) if self._seen else np.empty(0, dtype=np.intp)
        for watch in watches:
            start, stop = places.searchsorted((watch.stretch.start, watch.stretch.stop))
            if start < stop:
                slots = places[start:stop] - watch.stretch.start
                self._entries.append(_seen(watch, slots))
                self._entries += [_rings(watch, hash_, slots) for hash_ in watch.pasts]
        self._runs, self._seen = {}, []

    def silence(self, silence: Silence, slots: Index) -> None:
        """Note the silences that began or ended."""
        if len(slots):
            self._silent.setdefault(silence, []).append(slots)

    def take(self, watches: Sequence[Watch]) -> list[Entry]:
        """Return the step's entries and begin anew."""
        self.settle(watches)
        entries = self._entries
        for silence, parts in self._silent.items():
            entries.append(_silent(silence, _distinct(parts, len(silence.fired))))
        self._clear()
        return entries


def everything(evaluator: Evaluator) -> Iterator[tuple[str, int, list[Entry]]]:
    """Return all memory in parts and pages, each small enough to be a row."""
    yield "rules", 0, [("rules", [plan.hash for plan in evaluator.plans])]
    for type_, ids in evaluator.population.ids.items():
        for page, first in enumerate(range(0, len(ids), PAGE)):
            yield f"population {type_}", page, [("population", type_, first, ids[first : first + PAGE])]
    for watch in evaluator.watches:
        seen = np.flatnonzero(watch.last_at > NEVER)
        name = f"{watch.type}.{watch.attribute}"
        for page, first in enumerate(range(0, len(seen), PAGE)):
            slots = seen[first : first + PAGE]
            rings = [_rings(watch, hash_, slots) for hash_ in watch.pasts]
            yield f"seen {name}", page, [_seen(watch, slots), *rings]
        entries = [_runs(lane, np.flatnonzero(lane.cells["on"])) for lane in watch.lanes]
        entries += [_silent(silence, np.flatnonzero(silence.fired)) for silence in watch.silences]
        yield f"standing {name}", 0, entries


def apply(evaluator: Evaluator, entries: Iterable[Sequence[Any]]) -> set[str]:
    """Put memory back; entries of rules, attributes and types that are no longer declared are passed over.

    Returns the hashes of the rules that the memory was kept for.
    """
    watches = {(watch.type, watch.attribute): watch for watch in evaluator.watches}
    known: set[str] = set()
    for kind, *rest in entries:
        if kind == "rules":
            known |= set(rest[0])
        elif kind in {"population", "met", "dropped"}:
            _apply_population(evaluator, kind, rest)
        else:
            evaluator.ready()
            if kind == "runs":
                _apply_runs(evaluator.watches, rest)
            elif kind == "silent":
                _apply_silent(evaluator.watches, rest)
            elif (watch := watches.get((rest[0], rest[1]))) is not None:
                _apply_watch(watch, kind, rest[2:])
    for watch in evaluator.watches:
        watch.band = None
    return known


def transplant(rehearsal: Evaluator, evaluator: Evaluator, plan: Plan) -> None:
    """Give a rule the memory of a rehearsal; runs that stand there have not been told here."""
    population = evaluator.population
    slot_of = {
        type_: np.array([population.slot(type_, entity) for entity in ids], dtype=np.intp)
        for type_, ids in rehearsal.population.ids.items()
    }
    evaluator.changes.met(population)
    evaluator.ready()
    watches = {(watch.type, watch.attribute): watch for watch in evaluator.watches}
    for theirs in rehearsal.watches:
        ours, slots = watches[theirs.type, theirs.attribute], slot_of[theirs.type]
        new = (ours.last_at[slots] == NEVER).nonzero()[0]
        for name in ("last_at", "value", "seen"):
            getattr(ours, name)[slots[new]] = getattr(theirs, name)[new]
        ours.band = None
        evaluator.changes.seen(slots + ours.stretch.start)
        for hash_, past in theirs.pasts.items():
            ours.pasts[hash_].filled[slots] = past.filled[: len(slots)]
            ours.pasts[hash_].ring[slots] = past.ring[: len(slots)]
        found, mine = theirs.lane_of(plan.hash), ours.lane_of(plan.hash)
        if found is not None and mine is not None:
            standing = found[0].cells["on"].nonzero()[0]
            cells = found[0].cells[standing]
            cells["fired"] = 0
            cells["base"] += ours.seen[slots[standing]] - theirs.seen[standing]
            mine[0].restore(mine[1], slots[standing], cells)
            evaluator.changes.lane(mine[0], slots[standing] * mine[0].width + mine[1])


def pack(entries: Sequence[Entry]) -> bytes:
    """Return entries as MessagePack."""
    return msgspec.msgpack.encode(entries)


def unpack(body: bytes) -> list[list[Any]]:
    """Return packed entries."""
    return msgspec.msgpack.decode(body, type=list[list[Any]])


def _apply_population(evaluator: Evaluator, kind: str, rest: Sequence[Any]) -> None:
    population = evaluator.population
    if kind == "met":
        for type_, slot, entity in rest[0]:
            if type_ in population.ids:
                population.restore(type_, slot, [entity])
    elif rest[0] in population.ids:
        if kind == "population":
            population.restore(rest[0], rest[1], rest[2])
        else:
            population.restore(rest[0], rest[1], [""])
            for watch in evaluator.watches:
                if watch.type == rest[0]:
                    watch.drop(rest[1])


def _apply_runs(watches: Iterable[Watch], rest: Sequence[Any]) -> None:
    hashes, steps, slots, packed = rest
    step, slot, cells = _unpacked(steps, "u2"), _unpacked(slots, "u4"), np.frombuffer(packed, dtype=CELL)
    for watch in watches:
        for place, hash_ in enumerate(hashes):
            found = watch.lane_of(hash_)
            if found is not None:
                lane, now = found
                lane.restore(now, slot[step == place], cells[step == place])


def _apply_silent(watches: Iterable[Watch], rest: Sequence[Any]) -> None:
    for watch in watches:
        for silence in watch.silences:
            if silence.plan.hash == rest[0]:
                slot, fired, since = _unpacked(rest[1], "u4"), _unpacked(rest[2], "u1"), _unpacked(rest[3], "i8")
                silence.restore(slot, fired.astype(np.bool_), since)


def _apply_watch(watch: Watch, kind: str, rest: Sequence[Any]) -> None:
    if kind == "seen":
        slot = _unpacked(rest[0], "u4")
        watch.last_at[slot] = _unpacked(rest[1], "i8")
        watch.value[slot] = _unpacked(rest[2], "f8")
        watch.seen[slot] = _unpacked(rest[3], "u4")
        if rest[4]:
            watch.heard_at[slot] = _unpacked(rest[4], "i8")
    elif kind == "rings" and rest[0] in watch.pasts:
        past, slot = watch.pasts[rest[0]], _unpacked(rest[1], "u4")
        past.filled[slot] = _unpacked(rest[2], "i8")
        past.ring[slot] = _unpacked(rest[3], "f8").reshape(len(slot), WINDOW)


def _seen(watch: Watch, slots: Index) -> Entry:
    heard = _packed(watch.heard_at[slots], "i8") if watch.silences else b""
    columns = (_packed(watch.last_at[slots], "i8"), _packed(watch.value[slots], "f8"), _packed(watch.seen[slots], "u4"))
    return ("seen", watch.type, watch.attribute, _packed(slots, "u4"), *columns, heard)


def _rings(watch: Watch, hash_: str, slots: Index) -> Entry:
    past = watch.pasts[hash_]
    rings = (_packed(past.filled[slots], "i8"), _packed(past.ring[slots], "f8"))
    return ("rings", watch.type, watch.attribute, hash_, _packed(slots, "u4"), *rings)


def _runs(lane: Lane, places: Index) -> Entry:
    slot, step = places // lane.width, places % lane.width
    hashes = [plan.hash for plan in lane.plans]
    return ("runs", hashes, _packed(step, "u2"), _packed(slot, "u4"), lane.cells.take(places).tobytes())


def _silent(silence: Silence, slots: Index) -> Entry:
    columns = (_packed(silence.fired[slots], "u1"), _packed(silence.since[slots], "i8"))
    return ("silent", silence.plan.hash, _packed(slots, "u4"), *columns)


def _distinct(parts: Sequence[Index], size: int = 0) -> Index:
    """Return the different places (all below `size`), in order."""
    places = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if size > 16 * len(places):
        return np.unique(places)
    mark = np.zeros(size, dtype=np.bool_)
    mark[places] = True
    return np.flatnonzero(mark)


def _packed(column: NDArray[Any], kind: str) -> bytes:
    return column.astype("<" + kind).tobytes()


def _unpacked(body: bytes, kind: str) -> NDArray[Any]:
    return np.frombuffer(body, dtype="<" + kind).astype({"u": np.int64, "i": np.int64, "f": np.float64}[kind[0]])
