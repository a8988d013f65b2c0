"""What may be told to the history, amended in it and taken out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from quanyu.engines.history.tables import TEMPORAL, TOMBSTONE
from quanyu.engines.history.telling import PLAIN, instances_of, number_of, split
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Body, Command, Desk, Fact

INSTANCES_MAX = 1_000_000
T = TypeVar("T")


class Strike(msgspec.Struct, frozen=True):
    """Body of `history.strike`: instances (seq, offset) to take out, and why."""

    instances: tuple[tuple[int, int], ...]
    reason: str


class Add(msgspec.Struct, frozen=True):
    """Body of `history.add`: instances in stored form by attribute; `stands`: the caller found the entity.

    An entity that stands nowhere is made when `create` allows it; it then needs a type.
    """

    attributes: dict[str, list[dict[str, Any]]]
    type: tuple[str, ...] = ()
    create: bool = True
    stands: bool = False


class Amend(msgspec.Struct, frozen=True):
    """Body of `history.amend`: what an instance is from now on, and when it was created (microseconds)."""

    id: tuple[int, int]
    attribute: str
    instance: dict[str, Any]
    created: int


class Forget(msgspec.Struct, frozen=True):
    """Body of `history.forget`: a dataset ("" is the default one, "*" all) of an attribute, or all of an entity ("")."""

    attribute: str = ""
    dataset: str = "*"
    stands: bool = False


def strike(command: Command, desk: Desk) -> Iterable[Fact]:
    """Strike instances of the past; those struck already are left out, and when all are there is no fact."""
    wish = _read(command.body, Strike, "history.strike", "Give `instances` as pairs of seq and offset, and a `reason`.")
    for pair in wish.instances:
        _check_past(pair, desk)
    fresh = [pair for pair in dict.fromkeys(wish.instances) if desk.state.get(TOMBSTONE, *pair) is None]
    if fresh:
        yield Fact("history.struck", command.subject, {"instances": fresh, "reason": wish.reason})


def add(command: Command, desk: Desk) -> Iterable[Fact]:
    """Tell instances of an entity: plain numbers as a batch that may be pruned once in the lake, all else for ever."""
    wish = _read(command.body, Add, "history.add", "Give `attributes`: lists of instances by name.")
    row = desk.state.get(TEMPORAL, command.subject)
    if row is None and not wish.stands and not wish.create:
        raise missing(command.subject)
    types = tuple(dict.fromkeys([*(row[1].split("\n") if row else ()), *wish.type]))
    if not types and not wish.stands:
        raise Invalid(
            f"Entity {command.subject} has no type.", code="history.type", where="type", remedy="Name its type."
        )
    if sum(map(len, wish.attributes.values())) > INSTANCES_MAX:
        raise Invalid(
            f"More than {INSTANCES_MAX} instances are told at once.", code="history.size", remedy="Send them in parts."
        )
    numbers, others = _sorted_out(command.subject, wish.attributes)
    yield Fact(
        "history.added",
        command.subject,
        {
            "type": list(types),
            "created": row is None and not wish.stands,
            "stands": wish.stands and row is None,
            "attributes": others,
            "numbers": len(numbers),
        },
    )
    if numbers:
        yield Fact("history.measured", command.subject, body_of(observations(numbers)))


def amend(command: Command, desk: Desk) -> Iterable[Fact]:
    """Change an instance; it keeps its identity and its creation."""
    wish = _read(command.body, Amend, "history.amend", "Give `id`, `attribute`, `instance` and `created`.")
    _check_past(wish.id, desk)
    if desk.state.get(TOMBSTONE, *wish.id) is not None:
        raise _nowhere(wish.id)
    body = {"id": wish.id, "attribute": wish.attribute, "instance": wish.instance, "created": wish.created}
    yield Fact("history.amended", command.subject, body)


def forget(command: Command, desk: Desk) -> Iterable[Fact]:
    """Take an entity or an attribute out of the past, up to this record; what is told later stands again."""
    wish = _read(command.body, Forget, "history.forget", "Give `attribute` and `dataset`, or nothing.")
    if desk.state.get(TEMPORAL, command.subject) is None and not wish.stands:
        raise missing(command.subject)
    dataset = wish.dataset if wish.attribute else "*"
    yield Fact("history.forgotten", command.subject, {"attribute": wish.attribute, "dataset": dataset})


def missing(id: str) -> Missing:
    """Return the error for an entity of which the history knows nothing."""
    return Missing(
        f"The history knows no entity {id[:200]}.",
        code="history.missing",
        where="id",
        remedy="Create its temporal representation first, or look the id up with a query.",
    )


def _sorted_out(
    entity: str, attributes: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[list[Observation], dict[str, Any]]:
    """Return the plain numbers with a time as observations, and the other instances by attribute."""
    numbers: list[Observation] = []
    others: dict[str, Any] = {}
    for name, instances in attributes.items():
        units: set[str | None] = set()
        rest: list[Mapping[str, Any]] = []
        for instance in instances_of(instances):
            plain = _plain(entity, name, instance)
            # A batch knows one unit an attribute: what bears another is told by itself.
            if plain is None or (units and plain.unit not in units):
                rest.append(instance)
                continue
            units.add(plain.unit)
            numbers.append(plain)
        if rest:
            others[name] = rest
    return numbers, others


def _plain(entity: str, name: str, instance: Mapping[str, Any]) -> Observation | None:
    if instance.get("type") != "Property" or not instance.keys() <= PLAIN:
        return None
    number = number_of(instance.get("value"))
    _, observed_at, content = split(instance)
    if number is None or observed_at is None:
        return None
    return Observation(entity, name, observed_at, number, content.get("unitCode"))


def _read(body: Body, shape: type[T], code: str, remedy: str) -> T:
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise Invalid(f"The body of {code} does not fit: {error}.", code=code, where="body", remedy=remedy) from error


def _check_past(pair: tuple[int, int], desk: Desk) -> None:
    if not 0 < pair[0] < desk.seq or pair[1] < 0:
        raise _nowhere(pair)


def _nowhere(pair: tuple[int, int]) -> Missing:
    return Missing(
        f"Instance {pair[0]}/{pair[1]} stands nowhere in the history.",
        code="history.instance",
        where="instances",
        remedy="Use the seq and offset that the history gave with the value.",
    )
