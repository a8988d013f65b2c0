"""What the public may report: the choices of every pack that takes reports, each with the flow that its cases follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from quanyu.kernel.flow import Flow
from quanyu.kernel.pack import IntakeTable


class Way(msgspec.Struct, frozen=True):
    """The flow and kind of a reported case; what goes a private way is nobody's but its reporter's and the officers'."""

    flow: str
    kind: str
    private: bool = False


class Choice(msgspec.Struct, frozen=True):
    """What may be reported: its code, its name, when it is one (the condition for opening a case), and where it goes."""

    code: str
    title: Mapping[str, str]
    hint: Mapping[str, str] = {}
    way: Way | None = None


class Group(msgspec.Struct, frozen=True):
    """Choices under the name of their class."""

    title: Mapping[str, str]
    choices: tuple[Choice, ...]


class Intake(msgspec.Struct, frozen=True):
    """The choices of the form (none: it asks for no category), and the way of what is none of them or is unsure."""

    other: Way
    groups: tuple[Group, ...] = ()

    def find_choice(self, code: str) -> Choice | None:
        """Return a choice by its code."""
        return next((each for group in self.groups for each in group.choices if each.code == code), None)

    def way_of(self, choice: Choice | None) -> Way:
        """Return the flow that a report of this choice follows."""
        return self.other if choice is None or choice.way is None else choice.way


def find_intake(packs: Iterable[Any]) -> Intake | None:
    """Return what the packs let the public report, in their order; None where no pack takes reports.

    What is none of the choices goes to the pack that says it takes the others, else to the first.
    """
    found = [(pack, each, way) for pack in packs for each in pack.intake if (way := _way(pack, each)) is not None]
    if not found:
        return None
    other = next((way for _, each, way in found if each.other), found[0][2])
    grouped: dict[str, tuple[Mapping[str, str], dict[str, Choice]]] = {}
    for pack, each, way in found:
        for title, choice in _choices(pack, each, way):
            grouped.setdefault(title["zh"], (title, {}))[1].setdefault(choice.code, choice)
    return Intake(other, tuple(Group(title, tuple(choices.values())) for title, choices in grouped.values()))


def _way(pack: Any, each: IntakeTable) -> Way | None:
    flows: Iterable[Flow] = pack.flows.values() if isinstance(pack.flows, Mapping) else pack.flows
    return next((Way(flow.name, flow.case, flow.private) for flow in flows if flow.name == each.flow), None)


def _choices(pack: Any, each: IntakeTable, way: Way) -> Iterator[tuple[Mapping[str, str], Choice]]:
    """Yield choices with the title of their group: people know "road traffic", not component or event."""
    named = {
        tuple(row[column] for column in each.group): {"zh": row["zh"], "en": row["en"]}
        for row in pack.tables.get(each.titles, ())
    }
    for row in pack.tables.get(each.table, ()):
        key = tuple(row[column] for column in each.group)
        hint = {"zh": row.get("opening_zh", ""), "en": row.get("opening_en", "")}
        title = named.get(key, {"zh": key[-1], "en": key[-1]})
        yield title, Choice(row["code"], {"zh": row["zh"], "en": row["en"]}, hint, way)
