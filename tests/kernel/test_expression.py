"""Expressions over named values: what they say, what they do not know, and what is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.expression import Expression, read_expression


@pytest.mark.parametrize(
    ("text", "row", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", {}, 5.0),
        ("pm25 > 75 and severity == 'red'", {"pm25": 80, "severity": "red"}, True),
        ("0 < size <= 10", {"size": 10}, True),
        ("0 < size <= 10", {"size": 11}, False),
        ("severity in ('red', 'orange')", {"severity": "orange"}, True),
        ("severity not in ('red', 'orange')", {"severity": "orange"}, False),
        ("max(a, b, 3) - min(a, b) + abs(-1)", {"a": 1, "b": 2}, 3),
        ("not fixed", {"fixed": False}, True),
        ("day >= '2026-05-09'", {"day": "2026-06-01"}, True),
        ("class_a == 3", {"class_a": "3"}, False),
        ("class_a != 3", {"class_a": "3"}, True),
        ("size > 3", {}, None),
        ("size > 3 or True", {}, True),
        ("size > 3 and False", {}, False),
        ("not (size > 3)", {}, None),
        ("size in (1, 2)", {}, None),
        ("'a' + 'b'", {}, None),
        ("'a' * 100000000", {}, None),
        ("'a' < 3", {}, None),
        ("1 / 0", {}, None),
        ("size and True", {"size": 7}, None),
        ("size", {"size": [1, 2]}, None),
        ("size", {"size": float("nan")}, None),
        ("size * size", {"size": 10**15}, 1e30),
        ("size", {"size": 10**400}, None),
    ],
)
def test_an_expression_has_the_value_that_it_says(text: str, row: dict[str, Any], value: Any) -> None:
    made = Expression(text)
    assert made.value(row) == value
    assert type(made.value(row)) is type(value)
    assert made.holds(row) is (value is True)


def test_an_expression_names_what_it_reads() -> None:
    assert Expression("a > b and max(c, 1) == 2").names == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a >", "here, line 1, column"),
        ("open('x')", "here, line 1, column 1"),
        ("a > 1 and a.real", "here, line 1, column 11"),
        ("a[0]", "here, line 1, column 1"),
        ("a ** 2", "here, line 1, column 1"),
        ("a is 2", "here, line 1, column 1"),
        ("a in b", "here, line 1, column 5"),
        ("1 if a else 2", "here, line 1, column 1"),
        ("lambda: 1", "here, line 1, column 1"),
        ("abs(1, 2)", "here, line 1, column 1"),
        ("min(1)", "here, line 1, column 1"),
        ("f'{a}'", "here, line 1, column 1"),
        ("1j", "here, line 1, column 1"),
        ("(a := 3)", "here, line 1, column 2"),
        ("", "here, line 1, column 1"),
        ("a == b", "here, line 1, column 6"),
        ("a + " * 200 + "a", "here, line 1, column 1"),
        ("-" * 400 + "a", "here, line 1, column 26"),
        ("(" * 240 + "a" + ")" * 240, "here, line 1"),
        ("a\0", "here, line 1"),
    ],
)
def test_anything_else_is_refused_with_line_and_column(text: str, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_expression(text, {"a"}, "here")
    assert refused.value.code == "expression"
    assert str(refused.value.where).startswith(where)
    assert refused.value.remedy


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab1", max_size=3) | st.lists(st.integers())
TEXTS = st.recursive(
    st.sampled_from(["a", "b", "c", "1", "2.5", "'x'", "True"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "<", "<=", "==", "!=", "and", "or"]), inner).map(
            lambda p: f"({' '.join(p)})"
        )
        | inner.map(lambda text: f"(not {text})")
        | st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})")
    ),
    max_leaves=12,
)


@given(TEXTS, st.fixed_dictionaries({}, optional=dict.fromkeys("abc", VALUES)))
def test_no_row_makes_an_expression_fail(text: str, row: dict[str, Any]) -> None:
    value = Expression(text).value(row)
    assert value is None or isinstance(value, bool | str) or abs(value) < float("inf")


@given(TEXTS, st.fixed_dictionaries({}, optional=dict.fromkeys("abc", VALUES)))
def test_not_turns_truth_round_and_leaves_the_unknown(text: str, row: dict[str, Any]) -> None:
    value = Expression(text).value(row)
    turned = Expression(f"not {text}").value(row)
    assert turned == (not value if isinstance(value, bool) else None)
