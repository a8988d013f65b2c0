"""One-expression conditions over a row: comparison, arithmetic, and/or/not, abs, min, max, names; nothing else."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from quanyu.kernel.errors import Invalid

Row = Mapping[str, Any]
Read = Callable[[Row], Any]

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
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {"abs": abs, "min": min, "max": max}


class Expression:
    """A compiled expression: `names` it reads, and its value for a row (None as soon as a needed value is None)."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self._where = where
        self.names: set[str] = set()
        try:
            tree = ast.parse(text, mode="eval")
        except SyntaxError as fault:
            raise self._refused(f"cannot be read: {fault.msg}", fault.offset or 0) from fault
        self._read = self._compiled(tree.body)

    def __call__(self, row: Row) -> Any:
        """Return the value for a row; an unknown (None) value anywhere in an operation makes the whole unknown."""
        try:
            return self._read(row)
        except (_Unknown, ZeroDivisionError):
            return None

    def _refused(self, why: str, column: int) -> Invalid:
        return Invalid(
            f"Expression {self.text[:80]!r} {why}.",
            code="indicator.expression",
            where=f"{self._where}, column {column}",
            remedy="Use names, numbers, texts, comparison, arithmetic, and, or, not, abs, min, max.",
        )

    def _compiled(self, node: ast.expr) -> Read:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return lambda row: value
            case ast.Constant(value=None):
                return lambda row: None
            case ast.Name(id=name):
                self.names.add(name)
                return lambda row: row[name]
            case ast.BinOp(op=op) if type(op) in _BINARY:
                return self._known(_BINARY[type(op)], [self._compiled(node.left), self._compiled(node.right)])
            case ast.UnaryOp(op=ast.USub()):
                return self._known(operator.neg, [self._compiled(node.operand)])
            case ast.UnaryOp(op=ast.Not()):
                return self._known(operator.not_, [self._compiled(node.operand)])
            case ast.BoolOp():
                return self._joined(node)
            case ast.Compare():
                return self._compared(node)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _CALLS and node.args:
                return self._known(_CALLS[name], [self._compiled(each) for each in node.args])
        raise self._refused(f"holds {type(node).__name__}, which is not allowed", node.col_offset + 1)

    def _known(self, work: Callable[..., Any], parts: list[Read]) -> Read:
        def read(row: Row) -> Any:
            values = [part(row) for part in parts]
            if None in values:
                raise _Unknown
            return work(*values)

        return read

    def _joined(self, node: ast.BoolOp) -> Read:
        parts = [self._compiled(each) for each in node.values]
        ends = isinstance(node.op, ast.Or)

        # A plain loop: rows are many, and a generator a row would cost more than the comparison.
        def read(row: Row) -> bool:
            for part in parts:
                if bool(part(row)) is ends:
                    return ends
            return not ends

        return read

    def _compared(self, node: ast.Compare) -> Read:
        sides = [node.left, *node.comparators]
        for op, side in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.Is | ast.IsNot) and not (isinstance(side, ast.Constant) and side.value is None):
                raise self._refused("tests identity with something else than None", side.col_offset + 1)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot):
            part, wanted = self._compiled(node.left), isinstance(node.ops[0], ast.Is)
            return lambda row: (part(row) is None) == wanted
        for op in node.ops:
            if type(op) not in _COMPARE:
                raise self._refused(f"compares with {type(op).__name__}, which is not allowed", node.col_offset + 1)
        works = [_COMPARE[type(op)] for op in node.ops]
        parts = [self._compiled(side) for side in sides]
        if len(works) == 1:
            return _between(works[0], *parts)

        def read(row: Row) -> bool:
            values = [part(row) for part in parts]
            if None in values:
                raise _Unknown
            return all(work(a, b) for work, a, b in zip(works, values, values[1:], strict=False))

        return read


def _between(work: Callable[[Any, Any], bool], left: Read, right: Read) -> Read:
    """Compare two parts: nearly every condition is made of these."""

    def read(row: Row) -> bool:
        one, other = left(row), right(row)
        if one is None or other is None:
            raise _Unknown
        return work(one, other)

    return read


class _Unknown(Exception):
    """A value that the operation needs is not known."""
