"""What an index can know of a query: conditions that all hold, each a choice of comparisons of which one holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from quanyu.engines.context.index import SCOPE, SEVERAL
from quanyu.kernel.ngsi.q import Comparison
from quanyu.kernel.ngsi.q_plan import required_of
from quanyu.kernel.ngsi.q_words import All, Either, Node
from quanyu.kernel.ngsi.scope import ScopeQ

Leaf = Sequence[Comparison]
_WORTH: Final = {"==": 0, "..": 1, "<": 2, "<=": 2, ">": 2, ">=": 2}


def leaves_of(node: Node) -> list[Leaf]:
    """Return what surely holds wherever a query does; alternatives give one leaf if each side gives any."""
    if isinstance(node, All):
        return _ranges([leaf for part in node.parts for leaf in leaves_of(part)])
    if isinstance(node, Either):
        sides = [leaves_of(part) for part in node.parts]
        if not all(sides):
            return []
        best = [min(side, key=_worth) for side in sides]
        return [tuple(dict.fromkeys(comparison for leaf in best for comparison in leaf))]
    return [(comparison,) for comparison in required_of(node)]


def _worth(leaf: Leaf) -> int:
    return max(_WORTH.get(comparison.operator, 3) for comparison in leaf)


def _ranges(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Join a lower and an upper bound of one attribute to a range.

    An attribute with several values may keep each bound with another of them: those stand in the index by themselves.
    """
    found: list[Leaf] = []
    lows: dict[tuple[str, bool], Comparison] = {}
    highs: dict[tuple[str, bool], Comparison] = {}
    for leaf in leaves:
        found.append(leaf)
        if len(leaf) == 1 and leaf[0].operator in ("<", "<=", ">", ">="):
            bounds = lows if leaf[0].operator in (">", ">=") else highs
            bounds.setdefault((leaf[0].attribute, isinstance(leaf[0].values[0], str)), leaf[0])
    for key in lows.keys() & highs.keys():
        joined = Comparison(key[0], "..", (lows[key].values[0], highs[key].values[0]))
        found.insert(0, (joined, Comparison(key[0], "==", (SEVERAL,))))  # type: ignore[arg-type]
    return found


def scope_leaf(scope_q: ScopeQ) -> Leaf:
    """Return what is sure of the scopes that a question means, as comparisons of texts."""
    found: list[Comparison] = []
    for pattern in scope_q.patterns.values():
        fixed: list[str] = []
        for level in pattern.levels:
            if level == "+":
                break
            fixed.append(level)
        if not fixed:
            return [Comparison(SCOPE, "exists")]
        path = "".join(f"/{level}" for level in fixed)
        if pattern.below or len(fixed) < len(pattern.levels):
            found += [Comparison(SCOPE, "==", (path,)), Comparison(SCOPE, "..", (f"{path}/", f"{path}0"))]
        else:
            found.append(Comparison(SCOPE, "==", (path,)))
    return found
