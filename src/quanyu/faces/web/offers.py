"""What people and firms can apply for: the items and bundles of the packs' tables, by stage of life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.kernel.flow import Flow

BUNDLES: Final = "bundles"
ITEMS: Final = "items"
PARTS: Final = "parts"
STAGES: Final = "stages"

Words = Mapping[str, str]


class Part(msgspec.Struct, frozen=True):
    """An item inside a bundle: who handles it, when it is needed, and its limit as the city wrote it."""

    title: Words
    unit: str
    needed: Words
    limit: str
    step: str


class Offer(msgspec.Struct, frozen=True):
    """Something to apply for. Without a flow it is known by name alone and handled elsewhere."""

    code: str
    title: Words
    what: Words
    life: str
    stage: str
    flow: str
    form: str
    bundle: bool
    unit: str = ""
    limit: str = ""
    fee: str = ""
    status: str = ""
    parts: tuple[Part, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it can be applied for here."""
        return bool(self.flow)


class Stage(msgspec.Struct, frozen=True):
    """A stage of the life of a person or a firm, with what can be done there; bundles first."""

    code: str
    life: str
    title: Words
    offers: tuple[Offer, ...]


def offers_of(packs: Iterable[Any]) -> tuple[Offer, ...]:
    """Return everything that the packs offer, in the order of their tables."""
    listed = list(packs)
    stages = {row["code"]: row for pack in listed for row in pack.tables.get(STAGES, ())}
    parts: dict[str, list[Part]] = {}
    for pack in listed:
        for row in pack.tables.get(PARTS, ()):
            parts.setdefault(row.get("bundle", ""), []).append(_part(row))
    flows = {flow.name: flow for pack in listed for flow in pack.flows}
    return (
        *(_offer(row, stages, flows, tuple(parts.get(row["code"], ())), True) for row in _rows(listed, BUNDLES)),
        *(_offer(row, stages, flows, (), False) for row in _rows(listed, ITEMS)),
    )


def _rows(packs: Sequence[Any], table: str) -> Iterator[Mapping[str, str]]:
    for pack in packs:
        yield from (row for row in pack.tables.get(table, ()) if "flow" in row and "stage" in row)


def _part(row: Mapping[str, str]) -> Part:
    needed = {"zh": row.get("needed_zh", ""), "en": row.get("needed_en", "")}
    return Part(
        {"zh": row["zh"], "en": row["en"]}, row.get("unit", ""), needed, row.get("limit", ""), row.get("step", "")
    )


def _offer(
    row: Mapping[str, str],
    stages: Mapping[str, Mapping[str, str]],
    flows: Mapping[str, Flow],
    parts: tuple[Part, ...],
    bundle: bool,
) -> Offer:
    flow = flows.get(row["flow"])
    stage = stages.get(row["stage"], {})
    return Offer(
        code=row["code"],
        title={"zh": row["zh"], "en": row["en"]},
        what={"zh": row.get("what_zh", ""), "en": row.get("what_en", "")},
        life=row.get("life") or row.get("subject") or stage.get("life", ""),
        stage=row["stage"],
        flow=row["flow"] if flow is not None and flow.forms else "",
        form=next(iter(flow.forms.values()), "") if flow is not None else "",
        bundle=bundle,
        unit=row.get("unit", ""),
        limit=row.get("limit", ""),
        fee=row.get("fee", ""),
        status=row.get("status", ""),
        parts=parts,
    )


def stages_of(packs: Iterable[Any], offers: Iterable[Offer]) -> tuple[Stage, ...]:
    """Return the stages that have something to offer, in their order; what names none comes last."""
    rows = [row for pack in packs for row in pack.tables.get(STAGES, ())]
    by_stage: dict[str, list[Offer]] = {}
    for each in offers:
        by_stage.setdefault(each.stage, []).append(each)
    found = [
        Stage(row["code"], row["life"], {"zh": row["zh"], "en": row["en"]}, tuple(by_stage.pop(row["code"])))
        for row in rows
        if row["code"] in by_stage
    ]
    rest = [each for listed in by_stage.values() for each in listed]
    return (*found, Stage("", "", {"zh": "其他", "en": "Other"}, tuple(rest))) if rest else tuple(found)


def found_by(offers: Iterable[Offer], asked: str) -> list[Offer]:
    """Return the offers whose words hold what was asked for, in either language; all for an empty question."""
    words = asked.lower().split()
    return [each for each in offers if all(word in _text(each) for word in words)]


def _text(each: Offer) -> str:
    parts = [text for part in each.parts for text in part.title.values()]
    return " ".join([each.code, *each.title.values(), *each.what.values(), *parts]).lower()
