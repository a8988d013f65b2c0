"""Parameters: values that the law or a city sets, each with its dates, place, source and standing (rules.md A1)."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from keyword import iskeyword
from math import isfinite
from typing import Any, Final, Literal

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.status import Status, parse_status
from quanyu.kernel.time import Limit, parse_limit

Value = int | float | str | tuple["Value", ...]
"""A number, a text, a limit written as text (``"4 hours"``), or rows of these."""

Applies = Literal["start", "pending"]
"""``start``: a clock keeps the value of the day it started; ``pending``: a change reaches running clocks too."""

_REQUIRED: Final = ("id", "value", "valid_from", "jurisdiction", "source", "status", "zh", "en")
_OPTIONAL: Final = ("unit", "valid_to", "applies", "note", "emergency")
_JURISDICTION: Final = re.compile(r"[A-Z]{2}|[1-9][0-9]{5}")
_COUNTED: Final = re.compile(r"\d+ +[A-Za-z].*")
_DEPTH_MAX: Final = 3
FOUND_MAX: Final = 20_000
"""Answers to `get_row` that are remembered: rows never change, and cases ask for the same ones again and again."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A value as a case, an indicator or a decision keeps it: with the version of the row it came from."""

    id: str
    version: str
    value: Value
    unit: str
    source: str
    status: Status

    def number(self) -> int | float:
        """Give the value for arithmetic; raises Invalid (parameter.type) unless it is one number."""
        if isinstance(self.value, int | float):
            return self.value
        raise Invalid(f"parameter {self.id} is {self.value!r}, not a number", code="parameter.type")

    def limit(self) -> Limit:
        """Give the value as a limit of time; raises Invalid (parameter.type) unless it is written as one."""
        if isinstance(self.value, str) and _COUNTED.fullmatch(self.value):
            return parse_limit(self.value, where=self.id)
        raise Invalid(f"parameter {self.id} is {self.value!r}, not a limit of time", code="parameter.type")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of a params.toml; both ends of the validity are included, and no end means in force until replaced."""

    id: str
    value: Value
    unit: str
    valid_from: date
    valid_to: date | None
    jurisdiction: str
    source: str
    status: Status
    zh: str
    en: str
    pack: str = ""
    applies: Applies = "start"
    note: str = ""
    retired_from: date | None = None
    """The day from which a city's own row counts no more, since it was rolled back; its law and version stay."""
    emergency: Value | None = None
    """What takes the value's place while the emergency mode stands where the row is asked for; None: nothing does."""

    @property
    def version(self) -> str:
        """Twelve hex digits that change with anything that changes the law; titles, note and pack do not count."""
        return _version_of(self)

    def in_force(self, on: date) -> bool:
        """Whether the row is valid on a day."""
        if self.retired_from is not None and on >= self.retired_from:
            return False
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def period(self) -> str:
        """Say where and when the row is valid, for messages."""
        return f"{self.jurisdiction} {self.valid_from} to {self.valid_to or 'further notice'}"

    def in_emergency(self) -> "Parameter":
        """Return the row with its emergency value, which has a version of its own; itself where it has none."""
        return self if self.emergency is None else replace(self, value=self.emergency, emergency=None)

    def pinned(self) -> Pinned:
        """Freeze the value with its version."""
        return Pinned(self.id, self.version, self.value, self.unit, self.source, self.status)


@lru_cache(maxsize=8192)
def _version_of(row: Parameter) -> str:
    law = [row.id, row.value, row.unit, str(row.valid_from), str(row.valid_to or "")]
    law += [row.jurisdiction, row.source, row.status, row.applies]
    law += [] if row.emergency is None else [row.emergency]
    text = json.dumps(law, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Parameters:
    """Rows of all packs; the most specific jurisdiction that has a row in force on the day wins.

    `amended` are rows that the city released, oldest first: for their place and days they lie over what is declared,
    the newest on top, and what they cover keeps its version.
    """

    def __init__(self, rows: Iterable[Parameter] = (), amended: Iterable[Parameter] = ()) -> None:
        self._rows: dict[str, dict[str, list[Parameter]]] = {}
        self._amended: tuple[Parameter, ...] = tuple(amended)
        self._over: dict[tuple[str, str], list[Parameter]] = {}
        self._found: dict[tuple[str, date, str], Parameter] = {}
        for row in self._amended:
            self._over.setdefault((row.id, row.jurisdiction), []).insert(0, row)
        for row in rows:
            self._rows.setdefault(row.id, {}).setdefault(row.jurisdiction, []).append(row)
        for places in self._rows.values():
            for same_place in places.values():
                same_place.sort(key=lambda row: row.valid_from)
                _check_overlap(same_place)

    def __iter__(self) -> Iterator[Parameter]:
        yield from self._declared()
        yield from self._amended

    def _declared(self) -> Iterator[Parameter]:
        return (row for places in self._rows.values() for rows in places.values() for row in rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def joined(self, *others: "Parameters") -> "Parameters":
        """Put the rows of several packs and of the city together; raises Invalid where two claim the same days."""
        parts = (self, *others)
        return Parameters(
            [row for part in parts for row in part._declared()], [row for part in parts for row in part._amended]
        )

    def under(self, rows: Iterable[Parameter]) -> "Parameters":
        """Lay rows that the city released, oldest first, over what stands."""
        return Parameters(self._declared(), (*self._amended, *rows))

    def history(self, name: str) -> tuple[Parameter, ...]:
        """Give every row of a parameter, by place and date; raises Missing (parameter.unknown)."""
        if name not in self._rows:
            raise Missing(
                f"parameter {name} does not exist",
                code="parameter.unknown",
                remedy="declare it in the pack's params.toml",
            )
        declared = (row for rows in self._rows[name].values() for row in rows)
        return (*declared, *(row for row in self._amended if row.id == name))

    def get_row(self, name: str, on: date, jurisdiction: str = "CN") -> Parameter:
        """Give the row in force; raises Missing (parameter.outside_validity) that names the periods known."""
        if isinstance(on, datetime):
            raise Invalid(f"parameter {name} is asked for a day, not for {on}", code="parameter.day")
        if (found := self._found.get((name, on, jurisdiction))) is not None:
            return found
        known = self.history(name)
        for place in jurisdiction_chain(jurisdiction):
            for row in self._over.get((name, place), []) + self._rows[name].get(place, []):
                if row.in_force(on):
                    if len(self._found) >= FOUND_MAX:
                        self._found.clear()
                    self._found[name, on, jurisdiction] = row
                    return row
        periods = [row.period() for row in known]
        raise Missing(
            f"parameter {name} has no value in {jurisdiction} on {on}; known: {'; '.join(periods)}",
            code="parameter.outside_validity",
            remedy="add a row that covers the day, with its source",
            periods=periods,
        )

    def get(self, name: str, on: date, jurisdiction: str = "CN") -> Pinned:
        """Give the value in force with its version; raises Missing as ``get_row`` does."""
        return self.get_row(name, on, jurisdiction).pinned()


def jurisdiction_chain(jurisdiction: str) -> tuple[str, ...]:
    """Name the places whose rules apply, nearest first: 110105, 110100, 110000, CN; another nation stands alone."""
    _check_jurisdiction(jurisdiction, None)
    if len(jurisdiction) == 2:
        return (jurisdiction,)
    return tuple(dict.fromkeys((jurisdiction, jurisdiction[:4] + "00", jurisdiction[:2] + "0000", "CN")))


def _check_overlap(rows: list[Parameter]) -> None:
    for earlier, later in pairwise(rows):
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise Invalid(
                f"parameter {later.id} has two values on {later.valid_from} in {later.jurisdiction}",
                code="parameter.overlap",
                where=" and ".join(dict.fromkeys((earlier.pack, later.pack))),
                remedy="give the earlier row a valid_to before that day",
            )


def parse_parameters(table: Mapping[str, Any], *, pack: str) -> Parameters:
    """Read the tables of a params.toml (``[[parameter]]``); raises Invalid whose ``where`` is pack, row and field."""
    rows = table.get("parameter", [])
    extra = sorted(set(table) - {"parameter"})
    if extra or not isinstance(rows, list):
        subject = f"table {extra[0]!r} is not known" if extra else "parameter is not a list of tables"
        raise Invalid(subject, code="parameter.row", where=pack, remedy="write [[parameter]] tables only")
    return Parameters(_Row(row, pack, number).read() for number, row in enumerate(rows, 1))


class _Row:
    """One table while it is being read; every fault names the place and the id."""

    def __init__(self, row: object, pack: str, number: int) -> None:
        self.where = f"{pack}: parameter {number}"
        if not isinstance(row, dict):
            raise Invalid("row is not a table", code="parameter.row", where=self.where)
        self.row: dict[str, object] = row
        self.pack = pack

    def read(self) -> Parameter:
        for field in _REQUIRED:
            if field not in self.row:
                raise self.fault(field, "is missing")
        for field in self.row:
            if field not in _REQUIRED + _OPTIONAL:
                raise self.fault(field, "is not known", f"use {', '.join(_REQUIRED + _OPTIONAL)}")
        value = self.value(self.row["value"], 0)
        valid_from, valid_to = self.day("valid_from"), self.day("valid_to") if "valid_to" in self.row else None
        if valid_to is not None and valid_to < valid_from:
            raise self.fault("valid_to", f"is {valid_to}, before valid_from {valid_from}")
        return Parameter(
            id=self.name(),
            value=value,
            unit=self.unit(value),
            valid_from=valid_from,
            valid_to=valid_to,
            jurisdiction=_check_jurisdiction(self.text("jurisdiction"), f"{self.where}.jurisdiction"),
            source=self.text("source"),
            status=parse_status(self.row["status"], where=f"{self.where}.status"),
            zh=self.text("zh"),
            en=self.text("en"),
            pack=self.pack,
            applies=self.applies(),
            note=self.text("note") if "note" in self.row else "",
            emergency=self.emergency(value),
        )

    def fault(self, field: str, why: str, remedy: str | None = None) -> Invalid:
        subject = f"parameter {self.row.get('id', '?')}: field {field}"
        return Invalid(f"{subject} {why}", code="parameter.row", where=f"{self.where}.{field}", remedy=remedy)

    def text(self, field: str) -> str:
        text = self.row[field]
        if not isinstance(text, str) or not text.strip():
            raise self.fault(field, f"is {text!r}, not a text")
        return text

    def name(self) -> str:
        name = self.text("id")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or iskeyword(name):
            raise self.fault("id", "is not a name", "write lower-case words joined by _, the unit last")
        return name

    def unit(self, value: Value) -> str:
        if "unit" in self.row and self.row["unit"] != "":
            return self.text("unit")
        if not isinstance(value, str):
            raise self.fault("unit", "is missing", "write a common code such as GQ, or C62 for a plain number")
        return ""

    def day(self, field: str) -> date:
        day = self.row[field]
        if isinstance(day, str):
            try:
                return date.fromisoformat(day)
            except ValueError as fault:
                raise self.fault(field, f"is {day!r}, not a day", "write 2026-03-01") from fault
        if not isinstance(day, date) or isinstance(day, datetime):
            raise self.fault(field, f"is {day!r}, not a day", "write 2026-03-01")
        return day

    def applies(self) -> Applies:
        match self.row.get("applies", "start"):
            case "start":
                return "start"
            case "pending":
                return "pending"
            case other:
                raise self.fault("applies", f"is {other!r}", "write start or pending")

    def emergency(self, usual: Value) -> Value | None:
        if "emergency" not in self.row:
            return None
        value = self.value(self.row["emergency"], 0)
        limits = [isinstance(each, str) and bool(_COUNTED.fullmatch(each)) for each in (usual, value)]
        if isinstance(value, str) != isinstance(usual, str) or limits[0] != limits[1]:
            raise self.fault("emergency", f"is {value!r}, not of the kind of {usual!r}")
        return value

    def value(self, value: object, depth: int) -> Value:
        if isinstance(value, list):
            if not value or depth == _DEPTH_MAX:
                raise self.fault("value", f"is an empty list or nested more than {_DEPTH_MAX} deep")
            return tuple(self.value(each, depth + 1) for each in value)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.fault("value", f"is {value!r}, not a number, text or list")
        if isinstance(value, str):
            if not value.strip():
                raise self.fault("value", "is empty")
            if _COUNTED.fullmatch(value):
                parse_limit(value, where=f"{self.where}.value")
        elif isinstance(value, float) and not isfinite(value):
            raise self.fault("value", f"is {value!r}, not a finite number")
        return value


def _check_jurisdiction(text: str, where: str | None) -> str:
    if not _JURISDICTION.fullmatch(text):
        raise Invalid(
            f"jurisdiction {text!r} is not known",
            code="parameter.jurisdiction",
            where=where,
            remedy="write a nation such as CN, or a division code of six digits such as 110000",
        )
    return text
