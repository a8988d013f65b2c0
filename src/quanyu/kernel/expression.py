"""One expression over named values: comparison, arithmetic, and/or/not, abs, min, max, names, numbers and texts.

Guards and rule tasks of flows are written in it (SEMANTICS §7, §8). A value that is not known makes what needs it
unknown (None), and `and`, `or` and `not` follow Kleene: `unknown or true` is true. Nothing here can raise when it is
evaluated: a text beside a number, a division by zero and a result that is no finite number are unknown, too.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from quanyu.kernel.errors import Invalid

Value = bool | int | float | str | None
Row = Mapping[str, Any]
Read = Callable[[Row], Value]

TEXT_MAX: Final = 500
DEPTH_MAX: Final = 24
NUMBER_MAX: Final = 2**53
"""Whole numbers beyond it become floating-point numbers, so that every result can be kept in a record."""

ALLOWED: Final = "Use names, numbers, texts, comparison, + - * /, and, or, not, in (…, …), abs, min, max."

_BINARY: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: Final[Mapping[type, Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {"min": min, "max": max}


class Expression:
    """A compiled expression: the `names` that it reads, and its value for a row of values by name."""

    def __init__(self, text: str, where: str = "") -> None:
        self.text = text
        self._where = where
        self.names: frozenset[str] = frozenset()
        if len(text) > TEXT_MAX:
            raise self._refused(f"has {len(text)} characters; {TEXT_MAX} are allowed", 1, 1)
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except SyntaxError as fault:
            raise self._refused(f"cannot be read: {fault.msg}", fault.lineno or 1, fault.offset or 1) from fault
        except (ValueError, RecursionError, MemoryError) as fault:
            raise self._refused("cannot be read: it is nested too deeply or holds what no text may", 1, 1) from fault
        self._found: set[str] = set()
        self._read = self._compiled(tree.body, 0)
        self.names = frozenset(self._found)

    def value(self, row: Row) -> Value:
        """Return the value for a row; None where it is not known."""
        return self._read(row)

    def holds(self, row: Row) -> bool:
        """Say whether the expression is true; unknown is not."""
        return self._read(row) is True

    def _refused(self, why: str, line: int, column: int) -> Invalid:
        return Invalid(
            f"Expression {self.text[:80]!r} {why}.",
            code="expression",
            where=f"{self._where}, line {line}, column {column}".removeprefix(", "),
            remedy=ALLOWED,
        )

    def _compiled(self, node: ast.expr, depth: int) -> Read:
        if depth > DEPTH_MAX:
            raise self._refused(f"is nested deeper than {DEPTH_MAX}", node.lineno, node.col_offset + 1)
        deeper = depth + 1
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return _literal(_kept(value))
            case ast.Name(id=name):
                self._found.add(name)
                return lambda row: _kept(row.get(name))
            case ast.BinOp(op=op) if type(op) in _BINARY:
                return _worked(_BINARY[type(op)], self._compiled(node.left, deeper), self._compiled(node.right, deeper))
            case ast.UnaryOp(op=ast.USub()):
                return _worked(lambda value, _: -value, self._compiled(node.operand, deeper), _literal(0))
            case ast.UnaryOp(op=ast.Not()):
                return _negated(self._compiled(node.operand, deeper))
            case ast.BoolOp():
                return _joined([self._compiled(each, deeper) for each in node.values], ends=isinstance(node.op, ast.Or))
            case ast.Compare():
                return self._compared(node, deeper)
            case ast.Call(func=ast.Name(id="abs"), args=[inner], keywords=[]):
                return _worked(lambda value, _: abs(value), self._compiled(inner, deeper), _literal(0))
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _CALLS and len(node.args) > 1:
                parts = [self._compiled(each, deeper) for each in node.args]
                read = parts[0]
                for part in parts[1:]:
                    read = _worked(_CALLS[name], read, part)
                return read
        raise self._refused(f"holds {_word(node)}, which is not allowed", node.lineno, node.col_offset + 1)

    def _compared(self, node: ast.Compare, depth: int) -> Read:
        sides, parts = [node.left, *node.comparators], []
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                parts.append(self._member(left, right, isinstance(op, ast.In), depth))
            elif type(op) in _COMPARE:
                work = _COMPARE[type(op)]
                parts.append(_between(work, self._compiled(left, depth), self._compiled(right, depth)))
            else:
                word = type(op).__name__
                raise self._refused(f"compares with {word}, which is not allowed", node.lineno, node.col_offset + 1)
        return parts[0] if len(parts) == 1 else _joined(parts, ends=False)

    def _member(self, left: ast.expr, right: ast.expr, wanted: bool, depth: int) -> Read:
        listed = right.elts if isinstance(right, ast.Tuple | ast.List) else []
        words = [each.value for each in listed if isinstance(each, ast.Constant) and isinstance(each.value, str | int)]
        if not listed or len(words) < len(listed):
            raise self._refused(
                "looks into something else than listed texts and numbers", right.lineno, right.col_offset
            )
        part = self._compiled(left, depth)

        def read(row: Row) -> Value:
            value = part(row)
            return None if value is None else (value in words) is wanted

        return read


def _word(node: ast.expr) -> str:
    return f"the literal {node.value!r:.40}" if isinstance(node, ast.Constant) else type(node).__name__


def _kept(value: Any) -> Value:
    """Return a value as expressions know it; what is neither truth, finite number nor text is unknown."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= NUMBER_MAX else _kept(_float(value))
    return value if isinstance(value, float) and isfinite(value) else None


def _float(value: int) -> float:
    return float(value) if value.bit_length() < 1000 else float("inf")


def _literal(value: Value) -> Read:
    return lambda row: value


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _worked(work: Callable[[Any, Any], Any], left: Read, right: Read) -> Read:
    def read(row: Row) -> Value:
        one, other = left(row), right(row)
        if not _is_number(one) or not _is_number(other):
            return None
        try:
            return _kept(work(one, other))
        except (ZeroDivisionError, OverflowError):
            return None

    return read


def _between(work: Callable[[Any, Any], bool], left: Read, right: Read) -> Read:
    def read(row: Row) -> Value:
        one, other = left(row), right(row)
        if one is None or other is None:
            return None
        if isinstance(one, str) is not isinstance(other, str):
            # A text is never a number: they differ, and neither comes first.
            return True if work is operator.ne else False if work is operator.eq else None
        return work(one, other)

    return read


def _negated(part: Read) -> Read:
    def read(row: Row) -> Value:
        value = _truth(part(row))
        return None if value is None else not value

    return read


def _joined(parts: list[Read], *, ends: bool) -> Read:
    def read(row: Row) -> Value:
        known = True
        for part in parts:
            value = _truth(part(row))
            if value is ends:
                return ends
            known = known and value is not None
        return not ends if known else None

    return read


def _truth(value: Value) -> bool | None:
    """Only truth values join: a number or a text beside `and` is unknown, not "something"."""
    return value if isinstance(value, bool) else None


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Return the compiled expression of a text that was checked before; the same text is compiled once."""
    return Expression(text)


def read_expression(text: str, names: Collection[str], where: str) -> Expression:
    """Compile an expression that may read these names; raises Invalid (expression) with line and column otherwise."""
    made = Expression(text, where)
    for unknown in sorted(made.names - set(names)):
        tree = ast.parse(text.strip(), mode="eval")
        node = next(each for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id == unknown)
        raise Invalid(
            f"Expression {text[:80]!r} reads the name {unknown!r}, which nothing gives.",
            code="expression",
            where=f"{where}, line {node.lineno}, column {node.col_offset + 1}",
            remedy=f"Known names: {', '.join(sorted(names)) or 'none'}.",
        )
    return made
