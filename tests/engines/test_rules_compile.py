"""What a condition may be, what is refused and where, and how the unknown behaves."""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.rules.compile import compile_rule
from quanyu.engines.rules.expression import Place, truth
from quanyu.kernel.declare import Rule, rule
from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.time import hours, minutes, working_days

NAMES = frozenset("abc")
Maybe = float | None


def declared(condition: Callable[..., Any], **options: Any) -> Rule:
    return rule(on="T.a", opens="f", zh="甲", en="a", **options)(condition)


def kept(condition: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(condition)
    def wrapped(*values: Any) -> Any:
        return condition(*values)

    return wrapped


def test_a_threshold_is_seen_through_decorators() -> None:
    @kept
    def high(a: float, limit: float) -> bool:
        """Say why."""
        return 2 * limit < a

    plan = compile_rule(declared(high), {"limit"})
    assert plan.threshold is not None
    assert (plan.upward, plan.strict, plan.parameters, plan.limit_text) == (True, True, ("limit",), "2 * limit")


def test_other_conditions_name_their_attributes() -> None:
    def dry(a: float, b: float, limit: float) -> bool:
        return a <= limit and not b >= 1

    plan = compile_rule(declared(dry), {"limit"})
    assert plan.threshold is None
    assert (plan.upward, plan.attributes, plan.parameters) == (False, ("b",), ("limit",))


def call(a: float) -> bool:
    return bool(round(a) > 1)


def power(a: float) -> bool:
    return a**2 > 1


def two(a: float) -> bool:
    b = a
    return b > 1


def later(a: float) -> bool:
    return a > 1
    return a > 2


def stranger(a: float) -> bool:
    return a > LIMIT


def member(a: float) -> bool:
    return a in (1, 2)


def text(a: float) -> bool:
    return a > "1"  # type: ignore[operator, no-any-return]


def flag(a: float) -> bool:
    return a + True > 1


def empty(a: float) -> None:
    """Nothing."""


def many(a: float, *others: float) -> bool:
    return a > 1


def given_value(a: float, limit: float = 2) -> bool:
    return a > limit


def least(a: float) -> bool:
    return min(a) > 1  # type: ignore[call-overload, no-any-return]


def size(a: float) -> bool:
    return abs(a, a) > 1  # type: ignore[call-arg]


LIMIT = 3
REFUSED = [
    (call, 1, "a call of bool"),
    (power, 1, "BinOp (a ** 2)"),
    (two, 1, "a statement (Assign) before its one return of an expression"),
    (later, 2, "a second statement"),
    (stranger, 1, "the name 'LIMIT', which is not an argument"),
    (member, 1, "the comparison In"),
    (text, 1, "the literal '1'"),
    (flag, 1, "the literal True"),
    (empty, 1, "no return of an expression"),
    (many, 0, "the argument 'others' without a name of an attribute or parameter"),
    (given_value, 0, "a default value"),
    (least, 1, "min of 1 values"),
    (size, 1, "abs of 2 values"),
    (lambda a: a > 1, 0, "no `def` of its own"),
]


@pytest.mark.parametrize(("condition", "below", "says"), REFUSED)
def test_anything_else_is_refused_with_its_place(condition: Callable[..., Any], below: int, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_rule(declared(condition), ())
    assert refused.value.code == "rule.condition"
    assert says in refused.value.message
    file, line, column = (refused.value.where or "").rsplit(":", 2)
    assert file == __file__
    assert int(line) == condition.__code__.co_firstlineno + below
    assert int(column) >= 1
    assert "min, max" in (refused.value.remedy or "")


def above(a: float) -> bool:
    return a > 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"clears": 0.0}, "rule.clears"),
        ({"baseline": -1.0}, "rule.baseline"),
        ({"lasting": working_days(1)}, "rule.length"),
        ({"absent": hours(1), "lasting": hours(1)}, "rule.options"),
        ({"unchanged": hours(1), "clears": 0.5}, "rule.options"),
        ({"baseline": 3.0, "unchanged": hours(1)}, "rule.options"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_rule(declared(above, **options), ())
    assert refused.value.code == code
    assert refused.value.where == f"{__file__}:{above.__code__.co_firstlineno}"


def test_a_rule_watches_a_type_and_an_attribute() -> None:
    with pytest.raises(Invalid) as refused:
        compile_rule(rule(on="pm25", opens="f", zh="甲", en="a")(above), ())
    assert refused.value.code == "rule.on"


def test_a_geofence_is_not_built() -> None:
    with pytest.raises(Unsupported, match="geofence"):
        compile_rule(declared(above, within="urn:ngsi-ld:Area:1"), ())


def test_a_condition_without_a_file_is_refused() -> None:
    namespace: dict[str, Any] = {}
    exec("def typed(a): return a > 1", namespace)
    with pytest.raises(Invalid) as refused:
        compile_rule(declared(namespace["typed"]), ())
    assert refused.value.code == "rule.source"


def test_the_hash_is_of_name_condition_and_options() -> None:
    plain = compile_rule(declared(above), ()).hash
    assert compile_rule(declared(above), ()).hash == plain
    assert compile_rule(declared(above, lasting=minutes(5)), ()).hash != plain


numbers = st.sampled_from(["a", "b", "c", "0", "1", "2.5"])
arithmetic = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"(-{t})"),
        inner.map(lambda t: f"abs({t})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=4,
)
comparisons = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
atoms = st.one_of(
    st.tuples(arithmetic, comparisons, arithmetic).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    st.tuples(numbers, comparisons, numbers, comparisons, numbers).map(lambda t: f"({' '.join(t)})"),
    numbers,
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda t: f"({' and '.join(t)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda t: f"({' or '.join(t)})"),
        inner.map(lambda t: f"(not {t})"),
    ),
    max_leaves=6,
)
columns = st.lists(st.sampled_from([None, -1.0, 0.0, 1.0, 2.5, 3.0]), min_size=3, max_size=3)


OPERATORS: dict[type[ast.AST], Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def number_of(node: ast.expr, row: Mapping[str, Maybe]) -> Maybe:
    """Arithmetic with None for the unknown."""
    match node:
        case ast.Constant(value=value):
            assert isinstance(value, int | float)
            return float(value)
        case ast.Name(id=name):
            return row[name]
        case ast.UnaryOp(operand=operand):
            inner = number_of(operand, row)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right):
            a, b = number_of(left, row), number_of(right, row)
            if a is None or b is None or (isinstance(op, ast.Div) and b == 0):
                return None
            return float(OPERATORS[type(op)](a, b))
        case ast.Call(func=ast.Name(id=name), args=args):
            parts = [number_of(arg, row) for arg in args]
            known = [part for part in parts if part is not None]
            fold: Callable[[list[float]], float] = {"min": min, "max": max}.get(name, lambda values: abs(values[0]))
            return fold(known) if len(known) == len(parts) else None
    raise AssertionError(ast.dump(node))


def said(node: ast.expr, row: Mapping[str, Maybe]) -> bool | None:
    """Three-valued logic after Kleene, with None for the unknown."""
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [said(value, row) for value in values]
            decisive = isinstance(op, ast.Or)
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = said(operand, row)
            return None if inner is None else not inner
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [number_of(side, row) for side in (left, *comparators)]
            results = [
                None if a is None or b is None else bool(OPERATORS[type(op)](a, b))
                for op, (a, b) in zip(ops, pairwise(sides), strict=True)
            ]
            return False if False in results else None if None in results else True
    value = number_of(node, row)
    return None if value is None else value != 0


@settings(max_examples=300, deadline=None)
@given(conditions, st.lists(columns, min_size=1, max_size=5))
def test_vectors_follow_kleene(source: str, rows: list[list[Maybe]]) -> None:
    node = ast.parse(source, mode="eval").body
    laid = {
        name: np.array([np.nan if row[i] is None else row[i] for row in rows], dtype=np.float64)
        for i, name in enumerate("abc")
    }
    with np.errstate(all="ignore"):
        is_true = np.broadcast_to(truth(node, NAMES, Place("", 1, 0))(laid), len(rows))
        is_false = np.broadcast_to(truth(node, NAMES, Place("", 1, 0), said=False)(laid), len(rows))
    expected = [said(node, dict(zip("abc", row, strict=True))) for row in rows]
    assert is_true.tolist() == [value is True for value in expected]
    assert is_false.tolist() == [value is False for value in expected]
