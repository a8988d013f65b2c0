"""The engine of registers: decides what departments put and correct, and folds it into one row per subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from quanyu.engines.registers import deciding
from quanyu.engines.registers.store import TABLES, Line, find_shelf, put_shelf
from quanyu.kernel.form import Forms
from quanyu.kernel.journal import Command, Desk, Fact, Kind, Record, State

DECISIONS: Final[Mapping[str, Callable[[Forms, Command, Desk], list[Fact]]]] = {
    "register.put": deciding.put,
    "register.correct": deciding.correct,
    "register.forget": deciding.forget,
}


class RegistersEngine:
    """Owns what is held. Subjects are `person:<id>` and `firm:<credit code>`; the body of no record holds a value."""

    name: Final = "registers"
    commands: Final = tuple(DECISIONS)
    kinds: Final = (Kind("register.held"), Kind("register.corrected"), Kind("register.forgotten"))
    tables: Final = TABLES

    def __init__(self, forms: Forms) -> None:
        self.forms = forms

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command about a register; refusals have codes that begin with register."""
        return DECISIONS[command.kind](self.forms, command, desk)

    def evolve(self, record: Record, state: State) -> None:
        """Put a register's lines on the shelf of the subject, or take away those from before an erasure."""
        body = record.body
        assert body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
        shelf = find_shelf(state, record.subject)
        if record.kind == "register.forgotten":
            kept = {
                register: {id: line for id, line in lines.items() if line.seq >= body["before"]}
                for register, lines in shelf.items()
            }
            put_shelf(state, record.subject, kept)
            return
        line = Line(body["reference"], body["as_of"], body["source"], body["simulated"], record.seq)
        lines = {id: each for id, each in shelf.get(body["register"], {}).items() if id not in body["gone"]}
        shelf[body["register"]] = lines | dict.fromkeys(body["elements"], line)
        put_shelf(state, record.subject, shelf)
