"""Conditions as vectors: the syntax tree of one expression becomes NumPy calls, with a third truth value for missing data.

Unknown is NaN in numbers (a missing attribute or parameter, a division by zero, inf - inf) and, in truth values, neither
true nor false (Kleene). A condition compiles twice: to a mask of the rows where it is said to be true, and, under `not`,
to a mask of the rows where it is said to be false. Negation is pushed down to the comparisons, so a comparison with an
unknown side is in neither mask, `not` of it neither, and `unknown or true` is true.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from quanyu.kernel.errors import Invalid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64] | float
    Mask = NDArray[np.bool_] | bool

Columns = Mapping[str, "Numbers"]
"""Values by name: one per row, or one for all rows; NaN is unknown."""

Number = Callable[[Columns], Any]
Truth = Callable[[Columns], Any]

CALLED: Final = frozenset({"abs", "min", "max"})
ALLOWED: Final = "write one expression of comparisons, + - * /, and, or, not, abs, min, max, numbers and arguments"

_TRUE: Final[dict[type[ast.cmpop], str]] = {
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "apart",
}
_FALSE: Final = {
    "greater": "less_equal",
    "greater_equal": "less",
    "less": "greater_equal",
    "less_equal": "greater",
    "equal": "apart",
    "apart": "equal",
}
_ARITHMETIC: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
_FOLDS: Final = {"min": "minimum", "max": "maximum"}


class Place:
    """Where a function stands, so that a refusal can name file, line and column.

    `text`: a condition that somebody wrote, perhaps over several lines, and that was parsed as one.
    """

    def __init__(self, file: str, line: int, column: int, text: str | None = None) -> None:
        self.file, self.line, self.column, self.text = file, line, column, text

    def of(self, node: ast.AST) -> str:
        """Return file, line and column of a node."""
        offset = getattr(node, "col_offset", 0)
        if self.text is not None:
            return self.at(offset)
        return f"{self.file}:{self.line + getattr(node, 'lineno', 1) - 1}:{self.column + offset + 1}"

    def at(self, offset: int) -> str:
        """Return file, line and column of a place in the text, counted in bytes."""
        before = (self.text or "").encode()[:offset].decode(errors="ignore")
        return f"{self.file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

    def refusal(self, node: ast.AST, what: str) -> Invalid:
        """Return the error that names the node."""
        return Invalid(
            f"Rule condition holds {what}, which has no vector form.",
            code="rule.condition",
            where=self.of(node),
            remedy=ALLOWED,
        )


def truth(node: ast.expr, names: frozenset[str], place: Place, said: bool = True) -> Truth:
    """Compile a condition to the mask of rows where it is said to be true (or false)."""
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [truth(value, names, place, said) for value in values]
            return _all(parts) if isinstance(op, ast.And) is said else _any(parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return truth(operand, names, place, not said)
        case ast.Compare():
            return _comparison(node, names, place, said)
        case ast.Constant(value=bool() as value):
            return lambda _columns: value is said
        case _:
            return _compare("apart" if said else "equal", number(node, names, place), lambda _columns: 0.0)


def number(node: ast.expr, names: frozenset[str], place: Place) -> Number:
    """Compile arithmetic; a name that is no argument, and anything that gives no number, is refused."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            try:
                literal = float(value)
            except OverflowError as fault:
                raise place.refusal(node, "a number that is too large") from fault
            return lambda _columns: literal
        case ast.Name(id=name) if name in names:
            return lambda columns: columns[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = number(operand, names, place)
            return lambda columns: -inner(columns)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _arithmetic(_ARITHMETIC[type(op)], number(left, names, place), number(right, names, place))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in CALLED:
            return _call(node, name, args, names, place)
    raise place.refusal(node, _word(node))


def _call(node: ast.expr, name: str, args: list[ast.expr], names: frozenset[str], place: Place) -> Number:
    parts = [number(arg, names, place) for arg in args]
    if name == "abs":
        if len(parts) != 1:
            raise place.refusal(node, f"abs of {len(parts)} values")
        inner = parts[0]
        return lambda columns: abs(inner(columns))
    if len(parts) < 2:
        raise place.refusal(node, f"{name} of {len(parts)} values")
    folded = parts[0]
    for part in parts[1:]:
        folded = _arithmetic(_FOLDS[name], folded, part)
    return folded


def _comparison(node: ast.Compare, names: frozenset[str], place: Place, said: bool) -> Truth:
    for op in node.ops:
        if type(op) not in _TRUE:
            raise place.refusal(node, f"the comparison {type(op).__name__}")
    sides = [number(side, names, place) for side in (node.left, *node.comparators)]
    parts = []
    for op, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
        word = _TRUE[type(op)]
        parts.append(_compare(word if said else _FALSE[word], left, right))
    if len(parts) == 1:
        return parts[0]
    return _all(parts) if said else _any(parts)


def _compare(word: str, left: Number, right: Number) -> Truth:
    import numpy as np

    if word == "apart":  # NaN is not apart from anything: it is unknown.
        return lambda columns: _apart(left(columns), right(columns))
    ufunc = getattr(np, word)
    return lambda columns: ufunc(left(columns), right(columns))


def _apart(left: Any, right: Any) -> Any:
    import numpy as np

    return np.less(left, right) | np.greater(left, right)


def _arithmetic(word: str, left: Number, right: Number) -> Number:
    import numpy as np

    if word == "divide":
        return lambda columns: _quotient(left(columns), right(columns))
    ufunc = getattr(np, word)
    return lambda columns: ufunc(left(columns), right(columns))


def _quotient(above: Any, below: Any) -> Any:
    """Divide; by zero is unknown, not infinite."""
    import numpy as np

    return np.where(np.equal(below, 0.0), np.nan, np.divide(above, below))


def _all(parts: list[Truth]) -> Truth:
    def both(columns: Columns) -> Any:
        mask = parts[0](columns)
        for part in parts[1:]:
            mask = mask & part(columns)
        return mask

    return both


def _any(parts: list[Truth]) -> Truth:
    def either(columns: Columns) -> Any:
        mask = parts[0](columns)
        for part in parts[1:]:
            mask = mask | part(columns)
        return mask

    return either


def _word(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return f"a call of {ast.unparse(node.func)}"
    if isinstance(node, ast.Name):
        return f"the name {node.id!r}, which is not an argument"
    if isinstance(node, ast.Constant):
        return f"the literal {node.value!r}"
    return f"{type(node).__name__} ({ast.unparse(node)[:40]})"
