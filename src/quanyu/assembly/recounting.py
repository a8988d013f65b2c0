"""The reader of releases: counts running clocks again when a parameter that reaches them was released or rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final, Protocol

from quanyu.engines.cases.timing import recount_commands
from quanyu.engines.cases.views import CasesView
from quanyu.engines.changes.store import Rows
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import midnight

RELEASE_DUE: Final = Table("release_due", ("at INTEGER", "parameter TEXT"), keys=2, canonical=False)
"""Parameters whose released row begins on a day to come: when running clocks are counted again."""


class InForce(Protocol):
    """The law as it stands."""

    @property
    def parameters(self) -> Parameters:
        """Parameters, the city's rows included."""
        ...


class ReleaseReader:
    """Only parameters that say `applies = "pending"` reach running clocks; each clock that moves makes one record."""

    name: Final = "changes"
    wants: Final = frozenset({"change.released", "change.rolled_back"})
    tables: Final[tuple[Table, ...]] = (RELEASE_DUE,)

    def __init__(self, cases: CasesView, law: Callable[[], InForce], state: Rows, zone: str) -> None:
        self._cases, self._law, self._zone = cases, law, zone
        self._due: set[tuple[Instant, str]] = {(row[0], row[1]) for row in state.rows(RELEASE_DUE)}

    @property
    def next_wake(self) -> Instant | None:
        """When the next row begins to hold; None when none is to come."""
        return min((at for at, _ in self._due), default=None)

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Count again what a release reaches at once; remember the day of what begins later."""
        commands: list[Command] = []
        delta: list[Change] = []
        for record in records:
            body: Any = record.body
            if body["kind"] != "parameter" or not self._reaches(body["name"]):
                continue
            begins = _begins(body["definition"], self._zone)
            if begins is None or begins <= now:
                commands += self._recounts([body["name"]], f"{record.kind} {record.subject}")
            else:
                self._due.add((begins, body["name"]))
                delta.append(Change(RELEASE_DUE.name, (begins, body["name"]), (begins, body["name"])))
        return Effects(commands, tuple(delta))

    def wake(self, now: Instant) -> Effects:
        """Count again by the rows that have begun to hold."""
        begun = sorted(each for each in self._due if each[0] <= now)
        self._due.difference_update(begun)
        commands = self._recounts([name for _, name in begun], "a released parameter begins to hold")
        return Effects(list(commands), tuple(Change(RELEASE_DUE.name, each, None) for each in begun))

    def _reaches(self, name: str) -> bool:
        parameters = self._law().parameters
        return name in parameters and any(row.applies == "pending" for row in parameters.history(name))

    def _recounts(self, names: Iterable[str], reason: str) -> list[Command]:
        return [
            command for name in names for command in recount_commands(self._cases.open_cases(), reason, parameter=name)
        ]


def _begins(definition: Any, zone: str) -> Instant | None:
    """Return the beginning of the first day of a released row; None for a row that was taken out."""
    return None if definition is None else midnight(date.fromisoformat(definition["valid_from"]), zone)
