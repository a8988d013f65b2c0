"""What an index can know of a query before any document is read."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from quanyu.kernel.ngsi.moments import kind_of_time
from quanyu.kernel.ngsi.q_words import SYSTEM, All, Either, Node, Operator, Term, Value

Scalar = str | int | float | bool


class Comparison(msgspec.Struct, frozen=True):
    """A condition on one attribute that every matching document fulfils; it may let through more than match.

    `exists`: the entity has the attribute (no `values`). `==`: one of its values equals one of `values`.
    `..`: one of its values lies between the two `values`, ends included. `<`, `<=`, `>`, `>=`: against the one value.
    `!=`: the attribute stands and `values` are those it must not have (an index can use the first half only).

    "One of its values" means: of any instance, any element of an array, any language of a language map; names of a
    vocabulary as stored, ids of relationships, the `@value` of a JSON-LD typed value. Numbers compare with numbers,
    texts with texts by code points, and true is not 1. Dates and times are texts here, widened to whole seconds.
    """

    attribute: str
    operator: Literal["exists", "==", "!=", "<", "<=", ">", ">=", ".."]
    values: tuple[Scalar, ...] = ()


_AFTER: Final = "~"  # sorts after every sign that may follow the seconds of a time


def terms_of(node: Node) -> Iterator[Term]:
    """Yield every term, in the order of the text."""
    if isinstance(node, Term):
        yield node
    else:
        for part in node.parts:
            yield from terms_of(part)


def required_of(node: Node) -> tuple[Comparison, ...]:
    """Give what must hold for the query to hold, in the order of the text, without repetition."""
    if isinstance(node, Term):
        found = _comparison(node)
        return (found,) if found else ()
    if isinstance(node, All):
        return tuple(dict.fromkeys(each for part in node.parts for each in required_of(part)))
    return _common(node)


def _common(node: Either) -> tuple[Comparison, ...]:
    """Alternatives on one attribute: equalities are one list, other conditions leave that the attribute exists."""
    sides = [required_of(part) for part in node.parts]
    attributes = set.intersection(*({each.attribute for each in side} for side in sides))
    found: list[Comparison] = []
    for attribute in sorted(attributes):
        on_it = [[each for each in side if each.attribute == attribute] for side in sides]
        if all(len(side) == 1 and side[0].operator == "==" for side in on_it):
            found.append(Comparison(attribute, "==", _distinct(value for side in on_it for value in side[0].values)))
        else:
            found.append(Comparison(attribute, "exists"))
    return tuple(found)


def _comparison(term: Term) -> Comparison | None:
    attribute, operator = term.path.attribute, term.operator
    if operator == "absent" or attribute in SYSTEM:
        return None
    if not term.path.plain or operator in ("exists", "~=", "!~="):
        return Comparison(attribute, "exists")
    if operator == "!=":
        return Comparison(attribute, "!=", () if term.ranged else tuple(value.value for value in term.values))
    if operator != "==":
        return _ordered(attribute, operator, term.values[0])
    if term.ranged:
        low, high = term.values
        return Comparison(attribute, "..", (_lowest(low), _highest(high)))
    times = [value for value in term.values if _timed(value)]
    if not times:
        return Comparison(attribute, "==", _distinct((*(v.value for v in term.values), *term.vocab)))
    if len(term.values) == 1:
        return Comparison(attribute, "..", (_lowest(times[0]), _highest(times[0])))
    return Comparison(attribute, "exists")


def _distinct(values: Iterable[Scalar]) -> tuple[Scalar, ...]:
    """Leave out repetitions; 1 and true are two values."""
    return tuple({(isinstance(value, bool), value): value for value in values}.values())


def _ordered(attribute: str, operator: Operator, value: Value) -> Comparison:
    if not _timed(value):
        return Comparison(attribute, operator, (value.value,))  # type: ignore[arg-type]
    if operator in (">", ">="):
        return Comparison(attribute, ">=", (_lowest(value),))
    return Comparison(attribute, "<=", (_highest(value),))


def _timed(value: Value) -> bool:
    return isinstance(value.value, str) and kind_of_time(value.value) in ("dateTime", "time")


def _lowest(value: Value) -> Scalar:
    """Give what sorts before every text of the same instant: the seconds, without the sign that follows them."""
    return _seconds(str(value.value)) if _timed(value) else value.value


def _highest(value: Value) -> Scalar:
    return _seconds(str(value.value)) + _AFTER if _timed(value) else value.value


def _seconds(text: str) -> str:
    return text[:19] if "T" in text else text[:8]
