"""Laws of queries: written and read again they are equal, they hold as a plain reading of the clause, plans are safe."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.ngsi.context import CORE, iri_of
from quanyu.kernel.ngsi.q import Comparison, parse_q
from quanyu.kernel.ngsi.q_words import All, Either, Node, Term, Value

TIMES = ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.50Z", "2020-01-01T00:00:00,5Z", "2021-01-01T00:00:00Z"]
TEXTS = ["x", "xy", "urn:x", "http://example.com/x", *TIMES]
WORDS = ["x", "y", "http://example.com/x"]
NUMBERS = [0, 1, 1.5]

scalars = st.one_of(st.sampled_from(NUMBERS), st.booleans(), st.sampled_from(TEXTS))
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.fixed_dictionaries({}, optional={"x": scalars, "en": scalars})
)
texts = st.sampled_from(TEXTS)


def one_or_list(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(part, st.lists(part, min_size=1, max_size=2))


plain = st.builds(lambda value: {"type": "Property", "value": value}, scalars)
kinds = st.one_of(
    plain,
    plain,
    st.builds(lambda value: {"type": "Property", "value": value}, values),
    st.builds(lambda value: {"type": "JsonProperty", "json": value}, values),
    st.builds(lambda value: {"type": "ListProperty", "valueList": value}, st.lists(scalars, max_size=2)),
    st.builds(lambda value: {"type": "Relationship", "object": value}, one_or_list(texts)),
    st.builds(lambda value: {"type": "VocabProperty", "vocab": value}, one_or_list(st.sampled_from(WORDS))),
    st.builds(
        lambda value: {"type": "LanguageProperty", "languageMap": value},
        st.dictionaries(st.sampled_from(["en", "fr"]), one_or_list(texts), min_size=1),
    ),
)


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    found = dict(draw(kinds))
    if draw(st.booleans()):
        found["s"] = draw(kinds)
    if draw(st.booleans()):
        found["observedAt"] = draw(st.sampled_from([TIMES[0], TIMES[1], 1_577_836_800_000_000]))
    return found


attributes = st.one_of(instances(), instances(), st.lists(instances(), min_size=2, max_size=3))
documents = st.fixed_dictionaries({"a": attributes}, optional={"b": attributes, "c": attributes})

paths = st.sampled_from(
    ["a", "a", "a", "a", "a", "b", "c", "a.s", "b.s", "a[x]", "a[en]", "b[*]", "a.s[x]", "a.observedAt"]
)
quoted = texts.map(lambda text: f'"{text}"')
comparable = st.one_of(
    st.sampled_from(NUMBERS).map(str), quoted, st.sampled_from(TIMES).map(lambda t: t.replace(",", "."))
)
others = st.one_of(comparable, st.sampled_from(["true", "false", "x", "urn:x", "http://example.com/x"]))
equalities = st.tuples(
    paths,
    st.sampled_from(["==", "!="]),
    st.one_of(
        others,
        st.lists(others, min_size=2, max_size=3).map(",".join),
        st.tuples(st.sampled_from(NUMBERS).map(str), st.sampled_from(NUMBERS).map(str)).map("..".join),
        st.tuples(quoted, quoted).map("..".join),
    ),
).map("".join)
orders = st.tuples(paths, st.sampled_from([">", ">=", "<", "<="]), comparable).map("".join)
patterns = st.tuples(paths, st.sampled_from(["~=", "!~="]), st.sampled_from(['"x"', '"^x$"', "y", '"[xy]$"'])).map(
    "".join
)
terms = st.one_of(equalities, equalities, orders, orders, patterns, paths, paths.map(lambda path: "!" + path))
queries = st.recursive(
    terms,
    lambda part: st.one_of(
        st.lists(part, min_size=2, max_size=3).map(lambda parts: ";".join(f"({part})" for part in parts)),
        st.lists(part, min_size=2, max_size=3).map("|".join),
    ),
    max_leaves=5,
)


@given(queries)
def test_what_is_written_reads_as_the_same_query(text: str) -> None:
    query = parse_q(text, CORE)
    assert parse_q(query.text(CORE), CORE) == query


@settings(max_examples=800)
@given(st.one_of(terms, queries), documents)
def test_a_query_holds_as_a_plain_reading_of_the_clause_says(text: str, document: dict[str, Any]) -> None:
    query = parse_q(text, CORE)
    assert query.matches(document) is holds(query.root, document)


@settings(max_examples=800)
@given(st.one_of(terms, queries), documents)
def test_what_an_index_starts_from_is_true_of_every_match(text: str, document: dict[str, Any]) -> None:
    query = parse_q(text, CORE)
    if query.matches(document):
        assert [each for each in query.required() if not indexed(each, document)] == []


def holds(node: Node, document: dict[str, Any]) -> bool:
    if isinstance(node, All):
        return all(holds(part, document) for part in node.parts)
    if isinstance(node, Either):
        return any(holds(part, document) for part in node.parts)
    found = [target for target in reach(document, node.path.names) if stands(target, node)]
    if node.operator in ("exists", "absent"):
        return bool(found) is (node.operator == "exists")
    return any(fulfils(target, node) for target in found)


def reach(document: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    if not names:
        return [document]
    member = document.get(names[0]) if isinstance(document, dict) else None
    below = member if isinstance(member, list) else [] if member is None else [member]
    return [target for each in below for target in reach(each, names[1:])]


MEMBERS = {"Property": "value", "JsonProperty": "json", "ListProperty": "valueList", "LanguageProperty": "languageMap"}


def stands(target: Any, term: Term) -> bool:
    """Whether the member that a trailing path names is there."""
    if not term.path.trailing:
        return True
    (name,) = term.path.trailing
    if not isinstance(target, dict) or target["type"] not in MEMBERS:
        return False
    inside = target[MEMBERS[target["type"]]]
    if name == "*":
        return bool(target["type"] == "LanguageProperty")
    return isinstance(inside, dict) and name in inside


def fulfils(target: Any, term: Term) -> bool:
    if not isinstance(target, dict):
        return one(instant(target), term)
    kind = target["type"]
    if kind == "Relationship":
        return term.operator in ("==", "!=") and not term.ranged and one(target["object"], term)
    if kind == "VocabProperty":
        return vocabulary(target["vocab"], term)
    inside = target[MEMBERS[kind]]
    trailing = term.path.trailing
    if kind == "LanguageProperty" and trailing in ((), ("*",)):
        judged = [one(word, term) for word in inside.values()]
        return all(judged) if term.operator in ("!=", "!~=") else any(judged)
    return one(inside[trailing[0]] if trailing else inside, term)


def instant(value: Any) -> Any:
    return "2020-01-01T00:00:00Z" if value == 1_577_836_800_000_000 else value


def vocabulary(vocab: Any, term: Term) -> bool:
    words = vocab if isinstance(vocab, list) else [vocab]
    iris = {iri_of(word) for word in words}
    if term.operator in ("==", "!="):
        asked = {str(value.value) for value in term.values if ":" in str(value.value) and not term.ranged}
        return bool(iris & asked) is (term.operator == "==")
    return term.operator in ("~=", "!~=") and isinstance(vocab, str) and one(iri_of(vocab), term)


FINDS: dict[str, Callable[[str], bool]] = {
    "x": lambda value: "x" in value,
    "^x$": lambda value: value == "x",
    "y": lambda value: "y" in value,
    "[xy]$": lambda value: value[-1:] in ("x", "y"),
}


def one(value: Any, term: Term) -> bool:
    """Whether a value fulfils a condition, word by word as the clause has it."""
    operator = term.operator
    if operator == "==":
        return equal(value, term)
    if operator == "!=":
        return not equal(value, term)
    if operator in ("~=", "!~="):
        return isinstance(value, str) and FINDS[str(term.values[0].value)](value) is (operator == "~=")
    order = compared(value, term.values[0])
    return order is not None and bool({">": order > 0, ">=": order >= 0, "<": order < 0, "<=": order <= 0}[operator])


def equal(value: Any, term: Term) -> bool:
    if term.ranged:
        low, high = (compared(value, end) for end in term.values)
        return low is not None and high is not None and low >= 0 >= high
    each = value if isinstance(value, list) else [value]
    return any(compared(item, asked) == 0 for item in each for asked in term.values)


def compared(value: Any, asked: Value) -> int | None:
    """Give -1, 0 or 1 where both are of one data type."""
    if isinstance(value, bool) or asked.kind == "boolean":
        return 0 if isinstance(value, bool) and value is asked.value else None
    if isinstance(value, int | float):
        return sign(value, asked.value) if asked.kind == "number" else None
    if not isinstance(value, str) or not isinstance(asked.value, str):
        return None
    if moment(value) and moment(asked.value):
        return sign(moment(value), moment(asked.value))
    return None if asked.kind == "dateTime" else sign(value, asked.value)


def moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text.endswith("Z") else None
    except ValueError:
        return None


def sign(one: Any, two: Any) -> int:
    return int(one > two) - int(one < two)


def indexed(each: Comparison, document: dict[str, Any]) -> bool:
    """Whether an index on (attribute, value), as `Comparison` describes it, finds the document."""
    if each.operator in ("exists", "!="):
        return each.attribute in document
    found = list(entries(document.get(each.attribute, [])))
    if each.operator == "==":
        return any(type_of(value) == type_of(asked) and value == asked for value in found for asked in each.values)
    low = each.values[0] if each.operator in ("..", ">", ">=") else None
    high = each.values[-1] if each.operator in ("..", "<", "<=") else None
    return any(
        (low is None or (type_of(value) == type_of(low) and (value > low or (value == low and each.operator != ">"))))
        and (
            high is None
            or (type_of(value) == type_of(high) and (value < high or (value == high and each.operator != "<")))
        )
        for value in found
    )


def type_of(value: Any) -> str:
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def entries(attribute: Any) -> Iterator[Any]:
    for instance in attribute if isinstance(attribute, list) else [attribute]:
        inside = instance[{**MEMBERS, "Relationship": "object", "VocabProperty": "vocab"}[instance["type"]]]
        parts = list(inside.values()) if instance["type"] == "LanguageProperty" else [inside]
        for part in parts:
            yield from (each for each in (part if isinstance(part, list) else [part]) if not isinstance(each, dict))
