"""Codes of city management: components, events and unit grids (rules.md B1)."""

from dataclasses import dataclass
from typing import Final

from quanyu.kernel.identifier.grammar import Grammar, Part

_COMPONENT: Final = Grammar(
    "component code",
    "component",
    (Part("division", 6), Part("class", 2), Part("sub-class", 2), Part("serial", 6)),
)
_EVENT: Final = Grammar("event code", "event", (Part("division", 6), Part("class", 2), Part("sub-class", 2)))
_GRID: Final = Grammar(
    "grid code", "grid", (Part("division", 6), Part("street", 3), Part("community", 3), Part("grid", 3))
)


@dataclass(frozen=True, slots=True)
class ComponentCode:
    """A city component (部件): county, class, sub-class and serial number."""

    division: str
    major: str
    minor: str
    serial: str

    def __str__(self) -> str:
        return f"{self.division}{self.major}{self.minor}{self.serial}"


@dataclass(frozen=True, slots=True)
class EventCode:
    """A kind of city event (事件): county, class and sub-class (shape unverified)."""

    division: str
    major: str
    minor: str

    def __str__(self) -> str:
        return f"{self.division}{self.major}{self.minor}"


@dataclass(frozen=True, slots=True)
class GridCode:
    """A unit grid of about 100 m by 100 m: county, street, community and grid (shape unverified)."""

    division: str
    street: str
    community: str
    grid: str

    def __str__(self) -> str:
        return f"{self.division}{self.street}{self.community}{self.grid}"


def parse_component_code(text: str) -> ComponentCode:
    """Read 16 digits; there is no check digit, so a mistyped code can still be well-formed."""
    return ComponentCode(*_COMPONENT.split(text))


def parse_event_code(text: str) -> EventCode:
    """Read 10 digits; there is no check digit."""
    return EventCode(*_EVENT.split(text))


def parse_grid_code(text: str) -> GridCode:
    """Read 15 digits; there is no check digit."""
    return GridCode(*_GRID.split(text))


def make_component_code(division: str, major: str, minor: str, serial: int) -> ComponentCode:
    """Number a new component; raises Invalid for a serial past 999999."""
    return parse_component_code(f"{division}{major}{minor}{serial:06}")
