"""The book of forms: the elements, registers and forms of all packs as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy

from msgspec.structs import replace

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.form.blank import Blank
from quanyu.kernel.form.checking import (
    check_blank,
    check_elements,
    check_form,
    check_registers,
    holders_of,
    merged,
    single,
)
from quanyu.kernel.form.words import Declares, Element, Register


class Forms:
    """The elements, registers and forms of all packs, merged by id and checked against each other.

    Raises Invalid with the first fault; its details hold all of them, so that an author mends a pack in one go.
    """

    def __init__(self, declared: Iterable[Declares] = ()) -> None:
        parts = tuple(declared)
        faults: list[Invalid] = []
        self.elements: Mapping[str, Element] = merged([each for part in parts for each in part.elements], faults)
        self.registers: Mapping[str, Register] = single([each for part in parts for each in part.registers], faults)
        forms = single([each for part in parts for each in part.forms], faults)
        faults += check_elements(self.elements.values())
        faults += check_registers(self.registers.values(), self.elements)
        self.holders: Mapping[str, tuple[str, ...]] = holders_of(self.registers.values())
        self.blanks: dict[str, Blank] = {}
        for form in forms.values():
            found = list(check_form(form, self.elements, self.registers, self.holders))
            faults += found
            if not found:
                try:
                    self.blanks[form.id] = check_blank(form, self.elements, self.holders)
                except Invalid as fault:
                    faults.append(fault)
        if faults:
            raise _together(faults)

    def get(self, id: str) -> Blank:
        """Return the blank of a form; raises Missing (`form.unknown`)."""
        if id not in self.blanks:
            raise Missing(
                f"Form {id[:80]!r} does not exist.",
                code="form.unknown",
                where="form",
                remedy=f"Forms are {', '.join(sorted(self.blanks)[:20]) or 'none'}.",
            )
        return self.blanks[id]

    def get_register(self, id: str) -> Register:
        """Return a register; raises Missing (`register.unknown`)."""
        if id not in self.registers:
            raise Missing(
                f"Register {id[:80]!r} does not exist.",
                code="register.unknown",
                where="register",
                remedy=f"Registers are {', '.join(sorted(self.registers)) or 'none'}.",
            )
        return self.registers[id]

    def with_owners(self, owners: Mapping[str, str], where: str) -> Forms:
        """Return the book with a city's own owners of registers; raises Invalid (`city.register`) for an unknown one."""
        for id in owners:
            if id not in self.registers:
                raise Invalid(
                    f"city names an owner for the register {id}, which no pack declares",
                    code="city.register",
                    where=where,
                    remedy=f"Registers are {', '.join(sorted(self.registers)) or 'none'}.",
                )
        made = copy(self)
        made.registers = {id: replace(each, owner=owners.get(id, each.owner)) for id, each in self.registers.items()}
        return made


def _together(faults: list[Invalid]) -> Invalid:
    first = faults[0]
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    listed = [f"{fault.where}: {fault.message}" for fault in faults]
    details = {**first.details, "faults": listed}
    return Invalid(f"{first.message}{more}", code=first.code, where=first.where, remedy=first.remedy, **details)
