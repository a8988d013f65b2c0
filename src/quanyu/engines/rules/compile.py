"""From a declared rule to what the evaluator runs: its condition as vectors, its limits in microseconds, its hash."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Container
from typing import Any, Final

import msgspec

from quanyu.engines.rules.expression import ALLOWED, CALLED, Number, Place, Truth, number, truth
from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import NAME_PATTERN
from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.rule_file import Written
from quanyu.kernel.time import Hours, Limit, Minutes

_UP: Final = (ast.Gt, ast.GtE)
_DOWN: Final = (ast.Lt, ast.LtE)
_MIRROR: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
}
_LINES: Final = re.compile(r"[\r\n\t]")
_PHASES: Final = ("absent", "unchanged", "baseline")


class Plan(msgspec.Struct, frozen=True, eq=False):  # compared and hashed by identity
    """A compiled rule. `threshold` is set for the simple form `attribute <op> expression of parameters`.

    `upward`: larger values of the judged attribute are worse. `limit`: the other side of the comparison with the
    attribute, when the attribute stands alone on its side. Lengths are microseconds of event time.
    """

    rule: Rule
    hash: str
    attributes: tuple[str, ...]
    parameters: tuple[str, ...]
    test: Truth
    threshold: Number | None
    strict: bool
    upward: bool
    limit: Number | None
    limit_text: str
    lasting_us: int
    max_gap_us: int | None
    absent_us: int | None
    unchanged_us: int | None

    @property
    def name(self) -> str:
        """Name of the rule: part of the fold key of its findings."""
        return self.rule.name


def compile_rule(rule: Rule, parameters: Container[str]) -> Plan:
    """Compile a rule; names in `parameters` are parameters, all others attributes. Raises Invalid with the place.

    A written condition compiles to the same plan, under the same hash, as a function that returns the same expression.
    """
    _check_options(rule)
    place, arguments, body = _written(rule) if isinstance(rule.condition, Written) else _body(rule)
    names = frozenset(arguments)
    test = truth(body, names, place)
    used = [node.id for node in ast.walk(body) if isinstance(node, ast.Name) and node.id in names]
    found = _comparison_of(body, rule.attribute)
    side = found[1] if found is not None else None
    simple = (
        found is not None
        and found[2] is body
        and not any(option is not None for option in (rule.unchanged, rule.baseline, rule.absent))
        and all(n.id in parameters for n in ast.walk(found[1]) if isinstance(n, ast.Name) and n.id in names)
    )
    limit = number(side, names, place) if side is not None else None
    return Plan(
        rule=rule,
        hash=_hash(rule, body),
        attributes=tuple(dict.fromkeys(n for n in used if n not in parameters and n != rule.attribute)),
        parameters=tuple(dict.fromkeys(n for n in used if n in parameters and n != rule.attribute)),
        test=test,
        threshold=limit if simple else None,
        strict=found is not None and issubclass(found[0], ast.Gt | ast.Lt),
        upward=_upward(body, rule.attribute),
        limit=limit,
        limit_text=ast.unparse(side) if side is not None else "",
        lasting_us=_length(rule, "lasting", rule.unchanged or rule.lasting) or 0,
        max_gap_us=_length(rule, "max_gap", rule.max_gap),
        absent_us=_length(rule, "absent", rule.absent),
        unchanged_us=_length(rule, "unchanged", rule.unchanged),
    )


def _check_options(rule: Rule) -> None:
    where = _where(rule.condition)
    if not (NAME_PATTERN.match(rule.type) and NAME_PATTERN.match(rule.attribute)):
        raise Invalid(
            f"Rule {rule.name} watches {rule.on!r}, which is not a type and an attribute.",
            code="rule.on",
            where=where,
            remedy='Write on="Type.attribute".',
        )
    if rule.within is not None:
        raise Unsupported(
            f"Rule {rule.name} asks for a geofence, which is not built.",
            code="rule.within",
            where=where,
            remedy="Leave `within` out; lasting, clears, max_gap, absent, unchanged, baseline and group_by are accepted.",
        )
    if rule.clears is not None and not rule.clears > 0:
        raise Invalid(f"Rule {rule.name} clears at a factor that is not positive.", code="rule.clears", where=where)
    if rule.baseline is not None and not rule.baseline > 0:
        raise Invalid(f"Rule {rule.name} has a baseline that is not positive.", code="rule.baseline", where=where)
    special = [option for option in _PHASES if getattr(rule, option) is not None]
    clash = [*special[1:]] + [option for option in ("clears",) if special and getattr(rule, option) is not None]
    if special and special[0] != "baseline" and rule.lasting is not None:
        clash.append("lasting")
    if clash:
        raise Invalid(
            f"Rule {rule.name} combines {special[0]} with {', '.join(clash)}.",
            code="rule.options",
            where=where,
            remedy="Declare one rule for each.",
        )


def _body(rule: Rule) -> tuple[Place, list[str], ast.expr]:
    """Return where the function stands, its argument names and the expression that it returns."""
    function = inspect.unwrap(rule.condition)
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError) as fault:
        raise Invalid(
            f"Rule {rule.name} has no source to compile.",
            code="rule.source",
            where=_where(function),
            remedy="Define the condition with `def` in a file.",
        ) from fault
    indent = len(lines[0]) - len(lines[0].lstrip())
    place = Place(inspect.getsourcefile(function) or "?", first, indent)
    try:
        tree: ast.AST = ast.parse(textwrap.dedent("".join(lines))).body[0]
    except SyntaxError:  # a lambda in the middle of a statement
        tree = ast.Pass(lineno=1, col_offset=0)
    if not isinstance(tree, ast.FunctionDef) or tree.name != function.__name__:
        raise place.refusal(tree, "no `def` of its own")
    return place, _arguments(tree, place), _returned(tree, place)


def condition_of(rule: Rule) -> str:
    """Return the one expression of a rule's condition as text; raises as `compile_rule` does."""
    if isinstance(rule.condition, Written):
        return rule.condition.text
    return ast.unparse(_body(rule)[2])


def names_in(rule: Rule) -> dict[str, str]:
    """Return the names that a written condition reads, each with its place ("rule heavy:1:6"); raises Invalid."""
    place, _, body = _written(rule)
    return {
        node.id: place.of(node)
        for node in reversed(list(ast.walk(body)))
        if isinstance(node, ast.Name) and node.id not in CALLED
    }


def _written(rule: Rule) -> tuple[Place, list[str], ast.expr]:
    """Return the expression that a city wrote; any name in it may be an attribute or a parameter."""
    assert isinstance(rule.condition, Written)
    text = rule.condition.text
    place = Place(f"rule {rule.name}", 1, 0, text)
    try:
        body = ast.parse(_LINES.sub(" ", text), mode="eval").body
        # What is nested too deeply to be walked is no sentence that an official wrote.
        names = [node.id for node in ast.walk(body) if isinstance(node, ast.Name)]
        ast.unparse(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        offset = getattr(fault, "offset", None)
        raise Invalid(
            f"Rule condition cannot be read: {getattr(fault, 'msg', None) or fault}.",
            code="rule.condition",
            where=place.at(offset - 1 if offset else len(text.encode())),
            remedy=ALLOWED,
        ) from fault
    return place, [name for name in names if name not in CALLED], body


def _arguments(tree: ast.FunctionDef, place: Place) -> list[str]:
    arguments = tree.args
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            raise place.refusal(extra, f"the argument {extra.arg!r} without a name of an attribute or parameter")
    for default in (*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)):
        raise place.refusal(default, "a default value")
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _returned(tree: ast.FunctionDef, place: Place) -> ast.expr:
    statements = list(tree.body)
    first = statements[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        statements = statements[1:]
    if not statements:
        raise place.refusal(first, "no return of an expression")
    statement = statements[0]
    if not isinstance(statement, ast.Return) or statement.value is None:
        raise place.refusal(
            statement, f"a statement ({type(statement).__name__}) before its one return of an expression"
        )
    if len(statements) > 1:
        raise place.refusal(statements[1], "a second statement")
    return statement.value


def _comparison_of(node: ast.expr, attribute: str) -> tuple[type[ast.cmpop], ast.expr, ast.expr] | None:
    """Find the first comparison with the attribute alone on one side: its operator, the other side, itself."""
    for part in ast.walk(node):
        if not isinstance(part, ast.Compare) or len(part.ops) != 1 or type(part.ops[0]) not in _MIRROR:
            continue
        left, op, right = part.left, type(part.ops[0]), part.comparators[0]
        if isinstance(left, ast.Name) and left.id == attribute:
            return op, right, part
        if isinstance(right, ast.Name) and right.id == attribute:
            return _MIRROR[op], left, part
    return None


def _upward(body: ast.expr, attribute: str) -> bool:
    """Say whether larger values are worse, by the first comparison that the attribute takes part in."""
    found = _comparison_of(body, attribute)
    if found is not None:
        return issubclass(found[0], _UP)
    for part in ast.walk(body):
        if isinstance(part, ast.Compare):
            left = any(isinstance(n, ast.Name) and n.id == attribute for n in ast.walk(part.left))
            right = any(isinstance(n, ast.Name) and n.id == attribute for n in ast.walk(part.comparators[0]))
            if left or right:
                return isinstance(part.ops[0], _UP if left else _DOWN) or type(part.ops[0]) not in _MIRROR
    return True


def _length(rule: Rule, option: str, limit: Limit | None) -> int | None:
    if limit is None:
        return None
    if not isinstance(limit, Hours | Minutes):
        raise Invalid(
            f"Rule {rule.name} has {option}={limit}, which has no fixed length.",
            code="rule.length",
            where=_where(rule.condition),
            remedy="Use hours() or minutes().",
        )
    return limit.length_us


def _hash(rule: Rule, body: ast.expr) -> str:
    source = ast.unparse(body)  # spaces and comments change nothing
    options = [rule.on, rule.clears, rule.baseline, rule.group_by, rule.severity, rule.opens]
    lengths = [str(limit) for limit in (rule.lasting, rule.max_gap, rule.absent, rule.unchanged)]
    digest = hashlib.sha256(msgspec.json.encode([rule.name, source, options, lengths]))
    return digest.hexdigest()[:16]


def _where(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else repr(function)
