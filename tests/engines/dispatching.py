"""A dispatch with a store in memory, a carrier that tests answer for, and clocks that only tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from quanyu.engines.notify.dispatch import Dispatch
from quanyu.engines.notify.parcel import DELIVERY, PARCELS, Letter, Parcel, Receiver, notification_id
from quanyu.engines.notify.store import Answer
from quanyu.kernel.journal import Change, Row

NOW = 1_772_409_600_000_000


class MemoryParcels:
    """Implements `ParcelStore` over the rows that were kept."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Row], Row] = {}

    def keep(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.row is None:
                self.rows.pop((change.table, change.key), None)
            else:
                self.rows[change.table, change.key] = change.row

    def parcels(self, receiver: str | None = None, state: str | None = None) -> list[Row]:
        found = [row for (name, _), row in sorted(self.rows.items()) if name == PARCELS.name]
        return [row for row in found if receiver in (None, row[0]) and state in (None, row[9])]

    def waiting(self, receiver: str, after: int, limit: int) -> Sequence[Row]:
        return [row for row in self.parcels(receiver, "waiting") if row[1] > after][:limit]

    def dead(self, receiver: str, limit: int) -> Sequence[Row]:
        return self.parcels(receiver, "dead")[:limit]

    def numbers(self, receiver: str) -> Sequence[int]:
        return [row[1] for row in self.parcels(receiver)]

    def last_number(self) -> int:
        return max((row[1] for row in self.parcels()), default=0)

    def parcel_counts(self) -> Mapping[str, Mapping[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for row in self.parcels():
            of = counts.setdefault(row[0], {})
            of[row[9]] = of.get(row[9], 0) + 1
        return counts

    def delivery(self, receiver: str) -> Row | None:
        return self.rows.get((DELIVERY.name, (receiver,)))


class HandCarrier:
    """Keeps letters until a test answers them."""

    def __init__(self) -> None:
        self.out: list[tuple[Letter, Callable[[Answer], None]]] = []
        self.letters: list[Letter] = []

    def carry(self, letter: Letter, done: Callable[[Answer], None]) -> None:
        self.out.append((letter, done))
        self.letters.append(letter)

    def answer(self, status: int = 200, uri: str | None = None, times: int = 1) -> None:
        """Answer the first letters that are out (to `uri`)."""
        for _ in range(times):
            place = next(i for i, (letter, _) in enumerate(self.out) if uri in (None, letter.uri))
            _, done = self.out.pop(place)
            done(Answer(status))

    def answer_all(self, status: int = 200) -> None:
        while self.out:
            self.answer(status)


class Post:
    """The dispatch at work: `step` does what a reader's step does."""

    def __init__(self) -> None:
        self.store = MemoryParcels()
        self.carrier = HandCarrier()
        self.secrets: dict[str, dict[str, str]] = {}
        self.now = NOW
        self.cursor: int | None = None
        self.seq = 0
        self.restart()

    def restart(self, *receivers: Receiver) -> None:
        """What is not a row is forgotten, as after a kill."""
        self.carrier = HandCarrier()
        self.dispatch = Dispatch(self.store, self.carrier, self.secrets.get, lambda: self.now, lambda: self.now)
        for receiver in receivers:
            self.dispatch.open(receiver)

    def send(self, receiver: str, *entities: str, tail: str = "]}") -> int:
        self.seq += 1
        items = b",".join(f'{{"id":"{each}","n":{self.seq}}}'.encode() for each in entities)
        id_ = notification_id(receiver, self.seq)
        self.dispatch.send(Parcel(receiver, 0, id_, self.seq, items, len(entities), entities, tail))
        return self.seq

    def step(self, pass_us: int = 0) -> None:
        self.now += pass_us
        self.store.keep(self.dispatch.collect())
        hold = self.dispatch.hold()
        self.cursor = self.seq if hold is None else hold

    def states(self, receiver: str | None = None) -> list[str]:
        return [row[9] for row in self.store.parcels(receiver)]


def receiver(name: str = "a", **changes: object) -> Receiver:
    values = {"id": name, "uri": f"http://{name}.example.org/", "opening": '"data":[', **changes}
    return Receiver(**values)  # type: ignore[arg-type]
