"""Query parameters: what a route takes, what it knows but cannot do (501), and what nobody knows (400)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import parse_qsl

from quanyu.kernel.errors import Invalid, Unsupported

PAIRS_MAX = 200
LIMIT_DEFAULT = 20
LIMIT_MAX = 1_000
"""Items of a page (5.5.9): where nothing is asked, and at most."""
OFFSET_MAX = 1_000_000_000


class Accepting(Protocol):
    """The part of a route that says what may be asked."""

    @property
    def parameters(self) -> frozenset[str]: ...  # noqa: D102

    @property
    def unbuilt(self) -> frozenset[str]: ...  # noqa: D102

    @property
    def options(self) -> frozenset[str]: ...  # noqa: D102


class Parameters(dict[str, str]):
    """Parameters by name, each given once; `pairs` keeps the order in which they were sent."""

    pairs: tuple[tuple[str, str], ...] = ()
    options: frozenset[str] = frozenset()
    """The words of `options`."""

    def flag(self, name: str) -> bool:
        """Return a `true` or `false`; false when it is not given."""
        given = self.get(name, "false")
        if given not in ("true", "false"):
            raise _unfit(name, given, "true or false")
        return given == "true"

    def number(self, name: str, default: int, lowest: int = 0, highest: int = OFFSET_MAX) -> int:
        """Return a whole number within its bounds."""
        given = self.get(name)
        if given is None:
            return default
        if not (given.isascii() and given.isdigit()) or len(given) > 12 or not lowest <= int(given) <= highest:
            raise _unfit(name, given, f"a whole number from {lowest} to {highest}")
        return int(given)

    def words(self, name: str) -> tuple[str, ...] | None:
        """Return a list written with commas, None when it is not given."""
        given = self.get(name)
        if given is None:
            return None
        found = tuple(part.strip() for part in given.split(","))
        if not all(found):
            raise _unfit(name, given, "words with commas between them")
        return found


NONE = Parameters()


def _unfit(name: str, given: str, wanted: str) -> Invalid:
    return Invalid(
        f"Parameter {name} is {given[:60]!r}, not {wanted}.",
        code="query.value",
        where=name,
        remedy=f"Write {wanted}.",
    )


def read(query: bytes, route: Accepting) -> Parameters:
    """Return the parameters of a request; 400 for one that is not known here, 501 for one that is not built."""
    if not query:
        return NONE
    try:
        pairs = parse_qsl(query.decode("utf-8"), keep_blank_values=True, max_num_fields=PAIRS_MAX, errors="strict")
    except (ValueError, UnicodeDecodeError) as fault:
        raise Invalid(
            f"The query cannot be read: {fault}.",
            code="http.query",
            where="query",
            remedy=f"Send at most {PAIRS_MAX} parameters, percent-encoded in UTF-8.",
        ) from fault
    found = Parameters()
    for name, value in pairs:
        if name in route.parameters and name not in found:
            # A parameter without a value says nothing; it stays in the links of other pages.
            if value:
                found[name] = value
            continue
        _refuse(name, name in found, route)
    found.pairs = tuple(pairs)
    if "options" in found:
        found.options = frozenset(part.strip() for part in found["options"].split(","))
        _check_options(found.options, route)
    return found


def _refuse(name: str, repeated: bool, route: Accepting) -> None:
    accepted = f"Accepted: {_listed(route.parameters)}."
    if name in route.unbuilt:
        raise Unsupported(
            f"Parameter {name} is known but not built here.", code="query.unbuilt", where=name, remedy=accepted
        )
    raise Invalid(
        f"Query parameter {name[:80]!r} is {'repeated' if repeated else 'not known here'}.",
        code="http.query",
        where=name[:80],
        remedy=accepted,
    )


def _check_options(given: frozenset[str], route: Accepting) -> None:
    for word in sorted(given - route.options):
        raise Invalid(
            f"Option {word[:80]!r} is not known here.",
            code="http.query",
            where="options",
            remedy=f"Accepted: {_listed(route.options)}.",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
