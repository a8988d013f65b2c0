"""Identifiers of a Chinese city: read into named parts, or refused with the position that fails (rules.md B1)."""

from quanyu.kernel.identifier.checks import check_mod_37_36, mod_37_36
from quanyu.kernel.identifier.citizen import CitizenId, make_citizen_id, parse_citizen_id
from quanyu.kernel.identifier.city import (
    ComponentCode,
    EventCode,
    GridCode,
    make_component_code,
    parse_component_code,
    parse_event_code,
    parse_grid_code,
)
from quanyu.kernel.identifier.credit_code import CreditCode, make_credit_code, parse_credit_code
from quanyu.kernel.identifier.division import (
    DivisionCode,
    DivisionName,
    Divisions,
    packaged_divisions,
    parse_division_code,
)
from quanyu.kernel.identifier.grammar import Caveat
from quanyu.kernel.identifier.licence import LicenceId, make_licence_id, parse_licence_id
from quanyu.kernel.identifier.warning import WarningId, make_warning_id, parse_warning_id

__all__ = [
    "Caveat",
    "CitizenId",
    "ComponentCode",
    "CreditCode",
    "DivisionCode",
    "DivisionName",
    "Divisions",
    "EventCode",
    "GridCode",
    "LicenceId",
    "WarningId",
    "check_mod_37_36",
    "make_citizen_id",
    "make_component_code",
    "make_credit_code",
    "make_licence_id",
    "make_warning_id",
    "mod_37_36",
    "packaged_divisions",
    "parse_citizen_id",
    "parse_component_code",
    "parse_credit_code",
    "parse_division_code",
    "parse_event_code",
    "parse_grid_code",
    "parse_licence_id",
    "parse_warning_id",
]
