"""The order of a form: what a condition reads stands before it; needs come first, materials last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quanyu.kernel.errors import Invalid
from quanyu.kernel.expression import read_expression
from quanyu.kernel.form.blank import ALWAYS, Item
from quanyu.kernel.form.words import Form


def in_order(form: Form, items: Sequence[Item], where: str) -> list[Item]:
    """Return the lines in the order in which they are filled in; raises Invalid for what cannot be ordered.

    Questions keep the order of their author; a need with a condition comes right before the first question that reads
    it, else after the questions. Raises `form.order` for a condition on a later answer and `form.cycle` for a circle.
    """
    names = {name: item.name for item in items for name in item.given}
    reads = {item.name: _reads(item, names, where) for item in items}
    _check_cycle(reads, where)
    places = {item.name: place for place, item in enumerate(item for item in items if item.origin == "ask")}
    for item in items:
        for read in sorted(reads[item.name]):
            if item.origin == "ask" and places.get(read, -1) >= places[item.name]:
                raise Invalid(
                    f"question {item.name} depends on the later answer {read}",
                    code="form.order",
                    where=f"{where}, question {item.name}, when",
                    remedy=f"Ask {read} first.",
                )
    needs = {item.name: item for item in items if item.origin == "need" and item.when is not None}
    placed: dict[str, Item] = {item.name: item for item in items if item.origin == "need" and item.when is None}
    for item in items:
        if item.origin == "ask":
            for name in _before(item.name, reads, needs):
                placed.setdefault(name, needs[name])
            placed[item.name] = item
    for part in (needs.values(), _materials(items, reads)):
        for item in part:
            placed.setdefault(item.name, item)
    _check_order(list(placed.values()), reads, where)
    return list(placed.values())


def _reads(item: Item, names: dict[str, str], where: str) -> set[str]:
    if item.when is None:
        return set()
    place = f"{where}, {_word(item)} {item.name}, when"
    return {names[name] for name in read_expression(item.when, [*names, *ALWAYS], place).names if name in names}


def _word(item: Item) -> str:
    return {"need": "need", "ask": "question", "material": "material"}[item.origin]


def _before(name: str, reads: dict[str, set[str]], needs: dict[str, Item]) -> Iterator[str]:
    """Yield the needs that a line reads, those that they read first."""
    for read in sorted(reads[name]):
        if read in needs:
            yield from _before(read, reads, needs)
            yield read


def _materials(items: Sequence[Item], reads: dict[str, set[str]]) -> list[Item]:
    return [item for item in items if item.origin == "material"]


def _check_cycle(reads: dict[str, set[str]], where: str) -> None:
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise Invalid(
                f"conditions go round in a circle: {circle}",
                code="form.cycle",
                where=f"{where}, {name}, when",
                remedy="Take one of these conditions away.",
            )
        if name not in done:
            for read in sorted(reads[name]):
                walk(read, (*path, name))
            done.add(name)

    for name in reads:
        walk(name, ())


def _check_order(placed: Sequence[Item], reads: dict[str, set[str]], where: str) -> None:
    """Refuse what is still out of order: a need or a material that depends on what comes after it."""
    seen: set[str] = set()
    for item in placed:
        for read in sorted(reads[item.name] - seen):
            raise Invalid(
                f"{_word(item)} {item.name} depends on the later answer {read}",
                code="form.order",
                where=f"{where}, {_word(item)} {item.name}, when",
                remedy=f"Put {read} before whatever depends on {item.name}.",
            )
        seen.add(item.name)
