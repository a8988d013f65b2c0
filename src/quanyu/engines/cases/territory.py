"""Who answers where nobody owns a matter: the class's lead unit first, and the territory where it has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from quanyu.engines.cases.rows import get_opening
from quanyu.kernel.errors import Invalid

if TYPE_CHECKING:
    from quanyu.engines.cases.acting import Deed

TERRITORY: Final = "territory"
"""The reason that is recorded: no unit owns the matter, so the place's own office answers for it."""

OF_DISTRICT: Final = "district"
"""Written for a lead unit in a table of classes: the district's own office."""

STREET_DIGITS: Final = 9
"""First digits of a grid code: six of the county, three of the sub-district (rules.md B1)."""


def unit_of(place: Mapping[str, Any] | None, territory: Mapping[str, str]) -> str | None:
    """Return the sub-district's office where the city has one, else the district's; None where no place is known."""
    given = place or {}
    codes = (str(given.get("grid") or "")[:STREET_DIGITS], str(given.get("district") or ""))
    return next((territory[code] for code in codes if code in territory), None)


def owner_of(deed: Deed, role: str) -> tuple[str, str | None]:
    """Return the unit that a dispatch goes to, and why when nobody said so: stated, decided before, by class, by place."""
    stated = deed.fields.get("unit")
    if stated:
        return str(stated), None
    known, usual = deed.case.units.get(role), deed.flow.roles.get(role)
    category = get_opening(deed.desk.state, deed.serial).category
    leads = deed.office.leads
    if known and (known != usual or category not in leads):
        return known, None
    lead = leads.get(category or "", "")
    if lead and lead != OF_DISTRICT:
        return lead, None
    return answering(deed), TERRITORY


def answering(deed: Deed) -> str:
    """Return the unit of the case's place; raises Invalid (case.owner_unknown) where the city has none for it."""
    unit = unit_of(get_opening(deed.desk.state, deed.serial).place, deed.office.territory)
    if unit is None:
        raise Invalid(
            "No unit owns this matter, and its place names no territory that would answer for it.",
            code="case.owner_unknown",
            where="body.fields.unit",
            remedy="Name the unit that answers for it.",
        )
    return unit
