"""Factor codes: what the codes of a station's values mean, as dated rows with source and status (a city's own table)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from math import isfinite

import msgspec

from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.sheet import number_in, read_sheet
from quanyu.kernel.status import Status, parse_status
from quanyu.kernel.unit import find_unit

COLUMNS = ("code", "attribute", "unit", "scale", "valid_from", "valid_to", "source", "status")


class Factor(msgspec.Struct, frozen=True):
    """A code in force from `valid_from` to `valid_to` (both included): value = sent · scale, in `unit` (common code)."""

    code: str
    attribute: str
    unit: str
    scale: float
    valid_from: date
    valid_to: date | None
    source: str
    status: Status


class Factors:
    """The rows of a table by code and day."""

    def __init__(self, rows: Iterable[Factor] = ()) -> None:
        self._rows: dict[str, list[Factor]] = {}
        for row in rows:
            self._rows.setdefault(row.code, []).append(row)

    def find(self, code: str, day: date) -> Factor | None:
        """Return what a code means on a day, None when the table does not say."""
        for row in self._rows.get(code, ()):
            if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to):
                return row
        return None

    @property
    def unverified(self) -> int:
        """How many rows nobody has compared with their source."""
        return sum(row.status != "verified" for rows in self._rows.values() for row in rows)


def parse_factors(text: str, file: str) -> Factors:
    """Read a table of factors; Invalid names file and line. Rows of one code may not overlap in time."""
    found: list[Factor] = []
    for line, row in read_sheet(text, file=file, columns=COLUMNS, key=("code", "valid_from")):
        where = f"{file}, line {line}"
        factor = _factor(row, where)
        for other in found:
            if other.code == factor.code and _overlap(other, factor):
                raise Invalid(
                    f"Code {factor.code} has two meanings at one time.",
                    code="devices.factor",
                    where=where,
                    remedy="End the older row (valid_to) the day before the newer one begins.",
                )
        found.append(factor)
    return Factors(found)


def _factor(row: Mapping[str, str], where: str) -> Factor:
    check_name(row["attribute"], where)
    if find_unit(row["unit"]) is None:
        raise Invalid(
            f"Unit {row['unit']!r} of {row['code']} is no common code.",
            code="devices.unit",
            where=where,
            remedy="Write the unit in which the station sends it, for example GQ (µg/m³) or GP (mg/m³).",
        )
    scale = number_in(row, "scale", where) if row["scale"] else 1.0
    if not row["code"] or not row["source"] or not isfinite(scale) or scale == 0:
        raise Invalid(
            "Row lacks its code or source, or its scale is no factor.",
            code="devices.factor",
            where=where,
            remedy="Name where the meaning of the code comes from.",
        )
    first, last = _day(row, "valid_from", where), _day(row, "valid_to", where)
    if first is None or (last is not None and last < first):
        raise Invalid(
            "Row has no first day, or ends before it begins.",
            code="devices.factor",
            where=where,
            remedy="Write valid_from as 2017-05-01.",
        )
    status = parse_status(row["status"], where=where)
    return Factor(row["code"], row["attribute"], row["unit"], scale, first, last, row["source"], status)


def _day(row: Mapping[str, str], column: str, where: str) -> date | None:
    try:
        return date.fromisoformat(row[column]) if row[column] else None
    except ValueError as fault:
        raise Invalid(
            f"{column} {row[column]!r} is no day.", code="devices.factor", where=where, remedy="Write it as 2017-05-01."
        ) from fault


def _overlap(one: Factor, other: Factor) -> bool:
    return (one.valid_to is None or other.valid_from <= one.valid_to) and (
        other.valid_to is None or one.valid_from <= other.valid_to
    )
