"""What the public may report: the sub-classes of the pack that takes reports, and the flow that its cases follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.kernel.flow import Flow

SUBCLASSES: Final = "subclasses"
CLASSES: Final = "classes"


class Choice(msgspec.Struct, frozen=True):
    """One sub-class: its code, its name, and when it is one (the condition for opening a case)."""

    code: str
    title: Mapping[str, str]
    hint: Mapping[str, str] = {}


class Group(msgspec.Struct, frozen=True):
    """Sub-classes under the name of their class."""

    title: Mapping[str, str]
    choices: tuple[Choice, ...]


class Intake(msgspec.Struct, frozen=True):
    """The flow and kind of reported cases, and the choices of the form (none: the form asks for no category)."""

    flow: str
    kind: str
    groups: tuple[Group, ...] = ()

    def find_choice(self, code: str) -> Choice | None:
        """Return a sub-class by its code."""
        return next((each for group in self.groups for each in group.choices if each.code == code), None)


def find_intake(packs: Iterable[Any]) -> Intake | None:
    """Return what the first pack with a table of sub-classes offers; None where no pack takes reports."""
    for pack in packs:
        tables: Mapping[str, Sequence[Mapping[str, str]]] = pack.tables
        flow = next(iter(_flows(pack)), None)
        if SUBCLASSES in tables and flow is not None:
            return Intake(flow.name, flow.case, tuple(_groups(tables[SUBCLASSES], tables.get(CLASSES, ()))))
    return None


def _flows(pack: Any) -> Iterable[Flow]:
    flows = pack.flows
    return flows.values() if isinstance(flows, Mapping) else flows


def _groups(rows: Sequence[Mapping[str, str]], classes: Sequence[Mapping[str, str]]) -> Iterable[Group]:
    """Group the sub-classes by the name of their class: people know "road traffic", not component or event."""
    names = {(row["kind"], row["class"]): {"zh": row["zh"], "en": row["en"]} for row in classes}
    grouped: dict[str, tuple[Mapping[str, str], list[Choice]]] = {}
    for row in rows:
        title = names.get((row["kind"], row["class"]), {"zh": row["class"], "en": row["class"]})
        hint = {"zh": row.get("opening_zh", ""), "en": row.get("opening_en", "")}
        choice = Choice(row["code"], {"zh": row["zh"], "en": row["en"]}, hint)
        grouped.setdefault(title["zh"], (title, []))[1].append(choice)
    return (Group(title, tuple(choices)) for title, choices in grouped.values())
