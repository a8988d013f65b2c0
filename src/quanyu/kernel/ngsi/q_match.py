"""Turns the terms of a query into functions that judge documents (NGSI-LD 4.9), made once and called often.

A term looks at *targets*: instances of an attribute, or plain members such as `observedAt`. Of several instances any
one may fulfil it. What is compared with what follows the words of the clause: equality needs the same data type and
reaches into arrays, inequality is its opposite on every element, order and patterns never hold for an array or for a
relationship, and every language of a LanguageProperty counts where none is named. Names of a vocabulary have no order:
the clause gives them none, and an index holds them shorter than they are.
"""

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any, Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import iri_of
from quanyu.kernel.ngsi.instants import micros, text_of
from quanyu.kernel.ngsi.moments import kind_of_time, order_key
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.q_words import TIMES, All, Hop, Node, Operator, Term, Value, too_complex

Document = Mapping[str, Any]
Lookup = Callable[[str], Document | None]
"""Gives the entity with an id, for conditions on linked entities; None if there is none."""

Judge = Callable[[Document, Lookup | None], bool]
Test = Callable[[Any], bool]

LINKED_MAX: Final = 1_000
"""Entities that one step along a relationship may look at, for one document."""

_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {">": gt, ">=": ge, "<": lt, "<=": le}
_NEGATIVE: Final = frozenset({"!=", "!~="})
_VALUE_OF: Final = {"Property": "value", "GeoProperty": "value", "JsonProperty": "json", "ListProperty": "valueList"}
_INSIDE: Final = {**_VALUE_OF, "LanguageProperty": "languageMap"}
_CLOSED: Final = ("Relationship", "ListRelationship", "VocabProperty")
_ABSENT: Final = object()


def judge(node: Node) -> Judge:
    """Compile a query."""
    if isinstance(node, Term):
        return _judge_term(node)
    parts = tuple(judge(part) for part in node.parts)
    if len(parts) == 2:
        one, two = parts
        if isinstance(node, All):
            return lambda document, lookup: one(document, lookup) and two(document, lookup)
        return lambda document, lookup: one(document, lookup) or two(document, lookup)
    if isinstance(node, All):
        return lambda document, lookup: all(part(document, lookup) for part in parts)
    return lambda document, lookup: any(part(document, lookup) for part in parts)


def _judge_term(term: Term) -> Judge:
    path = term.path
    if term.operator == "absent":
        found = _judge_term(Term(path, "exists"))
        return lambda document, lookup: not found(document, lookup)
    test = _on_target(term)
    if path.plain:
        return _on_attribute(path.names[0], test)
    names, hops = path.names, path.hops
    if not hops:
        return lambda document, _: any(test(target) for target in targets_of(document, names))

    def linked(document: Document, lookup: Lookup | None) -> bool:
        entities = [document] if lookup else []
        for hop in hops:
            entities = _follow(entities, hop, lookup) if lookup else []
        return any(test(target) for entity in entities for target in targets_of(entity, names))

    return linked


def _on_attribute(name: str, test: Test) -> Judge:
    def judged(document: Document, _: Lookup | None) -> bool:
        target = document.get(name, _ABSENT)
        if type(target) is dict:
            return test(target)
        if target is _ABSENT:
            return False
        if type(target) is list and target and type(target[0]) is dict:
            return any(test(instance) for instance in target)
        return test(target)

    return judged


def targets_of(document: Document, names: tuple[str, ...]) -> list[Any]:
    """Walk down the names; lists of instances fan out."""
    found: list[Any] = [document]
    for name in names:
        below: list[Any] = []
        for each in found:
            member = each.get(name, _ABSENT) if isinstance(each, Mapping) else _ABSENT
            if type(member) is list and member and type(member[0]) is dict:
                below.extend(member)
            elif member is not _ABSENT:
                below.append(member)
        found = below
    return found


def _follow(entities: list[Document], hop: Hop, lookup: Lookup) -> list[Document]:
    """Step from entities along a relationship to those of its targets that exist and have a named type."""
    ids: dict[str, None] = {}
    for entity in entities:
        for target in targets_of(entity, (hop.name,)):
            ids.update(dict.fromkeys(objects_of(target)))
    if len(ids) > LINKED_MAX:
        too_complex(f"{hop.name} leads to more than {LINKED_MAX} entities")
    found = [entity for entity in map(lookup, ids) if entity is not None]
    if not hop.types:
        return found
    return [entity for entity in found if not set(_listed(entity.get("type"))).isdisjoint(hop.types)]


def objects_of(target: Any) -> list[str]:
    """Give the ids that a Relationship or ListRelationship instance points at; none for anything else."""
    if type(target) is not dict:
        return []
    kind = target.get("type")
    if kind == "Relationship":
        objects = _listed(target.get("object"))
    elif kind == "ListRelationship":
        objects = [each.get("object") if type(each) is dict else each for each in _listed(target.get("objectList"))]
    else:
        return []
    return [each for each in objects if type(each) is str]


def _never(_: Any) -> bool:
    return False


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def _on_target(term: Term) -> Test:
    """Compile the condition on one target, by the type of the instance."""
    if term.path.trailing:
        return _on_member(term, term.path.trailing)
    if term.operator == "exists":
        return lambda _: True
    plain = _on_value(term)
    links = plain if term.operator in ("==", "!=") and not term.ranged else _never
    words = _on_words(term, plain)
    languages = _on_languages(term.operator, plain)
    stamps = _on_stamp(term, plain) if term.path.names[-1] in TIMES else plain

    def test(target: Any) -> bool:
        if type(target) is not dict:
            return stamps(target)
        kind = target.get("type")
        member = _VALUE_OF.get(kind) if type(kind) is str else None
        if member is not None:
            return plain(target.get(member))
        if kind == "Relationship":
            return links(target.get("object"))
        if kind == "ListRelationship":
            return links(objects_of(target))
        if kind == "LanguageProperty":
            return languages(target.get("languageMap"))
        if kind == "VocabProperty":
            return words(target.get("vocab"))
        return plain(target)

    return test


def _on_member(term: Term, trailing: tuple[str, ...]) -> Test:
    """Compile a condition on a member within a compound value, or on one language."""
    plain: Test = (lambda _: True) if term.operator == "exists" else _on_value(term)
    languages = _on_languages(term.operator, plain)

    def test(target: Any) -> bool:
        if trailing == ("*",) and type(target) is dict and target.get("type") == "LanguageProperty":
            return languages(target.get("languageMap"))
        value = _member(target, trailing)
        return value is not _ABSENT and plain(value)

    return test


def _member(target: Any, trailing: tuple[str, ...]) -> Any:
    """Step into the value of a target; _ABSENT where there is no such member."""
    kind = target.get("type") if type(target) is dict else None
    member = _INSIDE.get(kind) if type(kind) is str else None
    value = target.get(member) if member else _ABSENT if kind in _CLOSED else target
    for name in trailing:
        if type(value) is not dict or name not in value:
            return _ABSENT
        value = value[name]
    return value


def member_of(target: Any, trailing: tuple[str, ...]) -> Any:
    """Give what a trailing path leads to within a target; None where there is nothing."""
    value = _member(target, trailing)
    return None if value is _ABSENT else value


def value_of(target: Any) -> Any:
    """Give the one value of a target to sort by: ids of relationships, the first language by its tag."""
    kind = target.get("type") if type(target) is dict else None
    if type(kind) is not str:
        return target
    if kind == "LanguageProperty":
        words = target.get("languageMap")
        return words[min(words)] if type(words) is dict and words else None
    if kind in ("Relationship", "ListRelationship"):
        found = objects_of(target)
        return found[0] if len(found) == 1 else found or None
    if kind == "VocabProperty":
        return target.get("vocab")
    return target.get(_VALUE_OF[kind]) if kind in _VALUE_OF else target


def _on_languages(operator: Operator, plain: Test) -> Test:
    """Any language may fulfil a condition; a negative one must hold in all."""
    fold = all if operator in _NEGATIVE else any

    def test(words: Any) -> bool:
        return type(words) is dict and bool(words) and fold(plain(word) for word in words.values())

    return test


def _on_words(term: Term, plain: Test) -> Test:
    """Compile a condition on a VocabProperty: equality by name, patterns on the IRI; names have no order."""
    if term.operator in ("~=", "!~="):
        return lambda vocab: type(vocab) is str and plain(iri_of(vocab))
    if term.operator not in ("==", "!="):
        return _never
    names = frozenset() if term.ranged else frozenset(term.vocab)
    wanted = term.operator == "=="
    return lambda vocab: names.isdisjoint(each for each in _listed(vocab) if type(each) is str) is not wanted


def _on_value(term: Term) -> Test:
    """Compile the condition on a value as it is stored."""
    operator = term.operator
    if operator in ("~=", "!~="):
        holds = compile_pattern(str(term.values[0].value))
        wanted = operator == "~="
        return lambda value: type(value) is str and holds(value) is wanted
    if operator in _ORDERS:
        return _ordered(_ORDERS[operator], term.values[0])
    equal = _within(*term.values) if term.ranged else _equal(term)
    if operator == "==":
        return equal
    return lambda value: not equal(value)


def _equal(term: Term) -> Test:
    """Compile equality with any of the values: same data type, arrays by their elements."""
    numbers = frozenset(each.value for each in term.values if each.kind == "number")
    flags = frozenset(each.value for each in term.values if each.kind == "boolean")
    texts = frozenset(each.value for each in term.values if each.kind in ("text", "bare", "date"))
    times = _time_keys(term.values)

    def one(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return value in texts or (bool(times) and _time_key(value) in times)
        if kind is int or kind is float:
            return value in numbers
        if kind is bool:
            return value in flags
        return kind is dict and type(value.get("@value")) is not dict and "@value" in value and one(value["@value"])

    return lambda value: any(one(each) for each in value) if type(value) is list else one(value)


def _time_keys(values: tuple[Value, ...]) -> frozenset[tuple[str, str] | None]:
    return frozenset(key for each in values if isinstance(each.value, str) and (key := _time_key(each.value)))


def _time_key(text: str) -> tuple[str, str] | None:
    """Give kind and order of a date or time."""
    kind = kind_of_time(text)
    return (kind, order_key(text)) if kind else None


def _ordered(compare: Callable[[Any, Any], bool], bound: Value) -> Test:
    """Compile `target compare bound`; other data types never hold."""
    limit: Any = bound.value
    if bound.kind == "number":
        return lambda value: (type(value) is int or type(value) is float) and compare(value, limit)
    kind = kind_of_time(limit)
    key = order_key(limit) if kind else limit
    quoted = bound.kind == "text"

    def test(value: Any) -> bool:
        if type(value) is not str:
            return type(value) is dict and type(value.get("@value")) is str and test(value["@value"])
        if kind and kind_of_time(value) == kind:
            return compare(order_key(value), key)
        return quoted and compare(value, limit)

    return test


def _within(low: Value, high: Value) -> Test:
    """Compile the closed interval."""
    above, below = _ordered(ge, low), _ordered(le, high)
    return lambda value: above(value) and below(value)


def _on_stamp(term: Term, plain: Test) -> Test:
    """Compile the condition on an instant, which stands as text or as microseconds and counts alike."""
    texts = [str(each.value) for each in term.values if kind_of_time(str(each.value)) == "dateTime"]
    try:
        limits = [micros(text) for text in texts]
    except Invalid:  # a quoted text that only looks like a date
        return _as_text(plain)
    if len(limits) < len(term.values) or term.operator == "exists":
        return _as_text(plain)
    compare = _ORDERS.get(term.operator)
    if compare is not None:
        first = limits[0]
        return lambda value: compare(value, first) if type(value) is int else plain(value)
    wanted = term.operator == "=="
    if term.ranged:
        low, high = limits
        return lambda value: (low <= value <= high) is wanted if type(value) is int else plain(value)
    exact = frozenset(limits)
    return lambda value: (value in exact) is wanted if type(value) is int else plain(value)


def _as_text(plain: Test) -> Test:
    def test(value: Any) -> bool:
        try:
            return plain(text_of(value) if type(value) is int else value)
        except Invalid:  # a number that is no instant
            return plain(value)

    return test
