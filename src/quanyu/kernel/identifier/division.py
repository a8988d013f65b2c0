"""Division codes (GB/T 2260): their shape, and the names and years that a table knows."""

import re
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from quanyu.kernel.errors import Missing
from quanyu.kernel.identifier.grammar import Grammar, Part

Level = Literal["nation", "province", "prefecture", "county"]

_GRAMMAR: Final = Grammar("division code", "division", (Part("division", 6),))
_NAMED: Final = re.compile(r"(?:\[(\d{4})?-(\d{4})?\])?(.+)")


@dataclass(frozen=True, slots=True)
class DivisionCode:
    """Six digits: province, prefecture and county, two each; ``00`` closes the levels below."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def level(self) -> Level:
        """Where the code stands; 100000 is the nation itself, as in credit codes of national bodies."""
        if self.text == "100000":
            return "nation"
        if self.text.endswith("0000"):
            return "province"
        return "prefecture" if self.text.endswith("00") else "county"

    def chain(self) -> tuple[str, ...]:
        """Name the code and what contains it, nearest first: county, prefecture, province."""
        return tuple(dict.fromkeys((self.text, self.text[:4] + "00", self.text[:2] + "0000")))


def parse_division_code(text: str) -> DivisionCode:
    """Read six digits; whether the code was in force in a year is asked of ``Divisions``."""
    _GRAMMAR.split(text)
    if text[0] == "0":
        raise _GRAMMAR.fault(text, 1, "division begins with '0'", "one of 1-9")
    return DivisionCode(text)


@dataclass(frozen=True, slots=True)
class DivisionName:
    """A name that a code had from ``first_year`` to ``last_year``; None is open."""

    name: str
    province: str
    first_year: int | None = None
    last_year: int | None = None

    def held_in(self, year: int) -> bool:
        """Whether the code had this name in some part of the year; in a year of change both names hold."""
        return (self.first_year or 0) <= year <= (self.last_year or 9999)


class _Table(Protocol):
    def info(self, number: str) -> list[tuple[str, dict[str, str]]]: ...


class Divisions:
    """Names and years of division codes, read from the format of python-stdnum's ``cn/loc`` table.

    That table is compiled from an encyclopaedia and its years are unverified; it knows provinces to counties.
    """

    def __init__(self, table: _Table) -> None:
        self._table = table

    def names(self, code: DivisionCode) -> tuple[DivisionName, ...]:
        """Give every name that the code ever had, oldest first; empty when the table does not hold it."""
        known = {key: value for _, facts in self._table.info(code.text) for key, value in facts.items()}
        if "county" not in known:
            return ()
        province, names = known.get("province", ""), []
        for entry in known["county"].split(","):
            if found := _NAMED.fullmatch(entry):
                first, last, name = found.groups()
                names.append(DivisionName(name, province, int(first) if first else None, int(last) if last else None))
        return tuple(names)

    def find_name(self, code: DivisionCode, year: int) -> DivisionName | None:
        """Give the name in force in a year, the newer one in a year of change, or None."""
        held = [name for name in self.names(code) if name.held_in(year)]
        return held[-1] if held else None

    def get_name(self, code: DivisionCode, year: int) -> DivisionName:
        """Give the name in force in a year; raises Missing that lists the years the code was in force."""
        if name := self.find_name(code, year):
            return name
        periods = [f"{n.name} {n.first_year or ''}-{n.last_year or ''}" for n in self.names(code)]
        raise Missing(
            f"division {code} was not in force in {year}" if periods else f"division {code} does not exist",
            code="identifier.division_unknown",
            remedy=f"known: {', '.join(periods)}" if periods else None,
        )


def packaged_divisions() -> Divisions:
    """Give the table that python-stdnum carries; loaded on first use, constant like the time zone database."""
    from stdnum import numdb

    return Divisions(numdb.get("cn/loc"))
