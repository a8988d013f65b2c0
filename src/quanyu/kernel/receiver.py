"""Receivers: who in a city must hear of what a step decides, and how each says that it has heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.sheet import read_sheet
from quanyu.kernel.status import Status, parse_status
from quanyu.kernel.time import Limit, parse_limit

RECEIVER_COLUMNS: Final = ("event", "id", "zh", "en", "unit", "webhook", "within", "source", "status")


class Receiver(msgspec.Struct, frozen=True):
    """One consumer of an event (the word in a step's `tells`), as a city's `receivers.csv` lists it.

    Its receipt comes by the webhook of that id (the answer to the delivery), or by the people of its unit, who
    acknowledge in the hub; a receiver has one of them or both. `within` is how long it may take before it is told again.
    """

    event: str
    id: str
    zh: str
    en: str
    unit: str
    webhook: str
    within: Limit
    source: str
    status: Status


def parse_receivers(text: str, file: str, units: set[str]) -> Iterator[Receiver]:
    """Read a city's list; Invalid names file and line of a row that could never answer."""
    for line, row in read_sheet(text, file=file, columns=RECEIVER_COLUMNS, key=("event", "id")):
        where = f"{file}, line {line}"
        yield _receiver(row, where, units)


def _receiver(row: Mapping[str, str], where: str, units: set[str]) -> Receiver:
    if row["unit"] and row["unit"] not in units:
        raise Invalid(f"receiver {row['id']} names the unknown unit {row['unit']}", code="receiver.unit", where=where)
    if not row["unit"] and not row["webhook"]:
        raise Invalid(
            f"receiver {row['id']} has neither unit nor webhook",
            code="receiver.mute",
            where=where,
            remedy="Name the unit that acknowledges, or the webhook whose answer is the receipt.",
        )
    return Receiver(
        event=row["event"],
        id=row["id"],
        zh=row["zh"],
        en=row["en"],
        unit=row["unit"],
        webhook=row["webhook"],
        within=parse_limit(row["within"], where=where),
        source=row["source"],
        status=parse_status(row["status"], where=where),
    )
