"""Which types of entities are asked for (NGSI-LD 4.17): `Building|House`, `(Home;Vehicle),Motorhome`, `*`."""

from collections.abc import Sequence

from quanyu.kernel.ngsi.choice import AnyOf, Both, Choice, holds, read_choice, written
from quanyu.kernel.ngsi.context import Context

EVERY = "*"


class Types:
    """A selection of entity types by stored name."""

    __slots__ = ("root",)

    def __init__(self, root: Choice) -> None:
        self.root = root

    def matches(self, types: str | Sequence[str]) -> bool:
        """Whether an entity of this type, or of all these types, is selected."""
        if isinstance(self.root, str):
            root = self.root
            return root == EVERY or (types == root if isinstance(types, str) else root in types)
        has = (types,) if isinstance(types, str) else types
        return holds(self.root, lambda name: name == EVERY or name in has)

    def any_of(self) -> tuple[str, ...] | None:
        """Give types of which every selected entity has at least one; None where every type is selected."""
        found = _starts(self.root)
        return None if found is None else tuple(dict.fromkeys(found))

    def names(self) -> frozenset[str]:
        """Give every type that the selection names."""
        return frozenset(_names(self.root)) - {EVERY}

    def text(self, context: Context) -> str:
        """Write the selection in the words of a context."""
        return written(self.root, lambda name: name if name == EVERY else context.type_word(name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Types) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)


def parse_types(text: str, context: Context) -> Types:
    """Read an entity type selection; raises Invalid (types.syntax, types.complex)."""
    read = read_choice(
        text,
        lambda word, _: word if word == EVERY else context.name(word),
        where="type",
        code="types",
        what="the name of a type",
    )
    return Types(read)


def _starts(choice: Choice) -> tuple[str, ...] | None:
    """Follow an alternative on every side and a conjunction on its narrowest."""
    if isinstance(choice, str):
        return None if choice == EVERY else (choice,)
    sides = [_starts(part) for part in choice.parts]
    known = [side for side in sides if side is not None]
    if isinstance(choice, Both):
        return min(known, key=len) if known else None
    return tuple(name for side in known for name in side) if len(known) == len(sides) else None


def _names(choice: Choice) -> list[str]:
    if isinstance(choice, AnyOf | Both):
        return [name for part in choice.parts for name in _names(part)]
    return [choice]
