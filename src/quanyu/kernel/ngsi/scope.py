"""Which scopes are asked for (NGSI-LD 4.19): `/Madrid/+/ParqueNorte`, `/CompanyA/#`, `(/a;/b),/c`."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from quanyu.kernel.ngsi.choice import Choice, holds, read_choice, written
from quanyu.kernel.ngsi.q_words import DEPTH_MAX, refuse, too_complex

_LEVEL: Final = re.compile(r"[^/+#]+|\+")


class ScopePattern(msgspec.Struct, frozen=True):
    """Levels from the root, `+` for any one; with `below` everything underneath is meant too."""

    levels: tuple[str, ...]
    below: bool = False

    def holds(self, scope: Sequence[str]) -> bool:
        """Whether a scope, given as its levels, is meant."""
        length = len(self.levels)
        if len(scope) < length or (len(scope) > length and not self.below):
            return False
        return all(level in ("+", has) for level, has in zip(self.levels, scope, strict=False))

    def text(self) -> str:
        """Write the pattern as it is asked."""
        return "".join(f"/{level}" for level in self.levels) + ("/#" if self.below else "")


class ScopeQ:
    """A question about the scopes of an entity."""

    __slots__ = ("patterns", "root")

    def __init__(self, root: Choice, patterns: Mapping[str, ScopePattern]) -> None:
        self.root = root
        self.patterns = patterns

    def matches(self, scopes: str | Sequence[str] | None) -> bool:
        """Whether an entity with this scope, or all these scopes, is meant; one without any never is."""
        if not scopes:
            return False
        has = [levels(scope) for scope in ((scopes,) if isinstance(scopes, str) else scopes)]
        return holds(self.root, lambda word: any(self.patterns[word].holds(scope) for scope in has))

    def text(self) -> str:
        """Write the question canonically."""
        return written(self.root, str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScopeQ) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)


def levels(scope: str) -> tuple[str, ...]:
    """Split a scope at its levels; the first slash may be missing."""
    return tuple(scope.removeprefix("/").split("/"))


def parse_scope_q(text: str) -> ScopeQ:
    """Read a scope question; raises Invalid (scope_q.syntax, scope_q.complex)."""
    patterns: dict[str, ScopePattern] = {}

    def read(word: str, position: int) -> str:
        pattern = _pattern(word, position)
        return patterns.setdefault(pattern.text(), pattern).text()

    return ScopeQ(
        read_choice(text, read, where="scopeQ", code="scope_q", what="a scope such as /Madrid/Gardens"), patterns
    )


def _pattern(word: str, position: int) -> ScopePattern:
    path = word.removeprefix("/")
    below = path == "#" or path.endswith("/#")
    names = () if path == "#" else tuple(path.removesuffix("/#").split("/"))
    if len(names) > DEPTH_MAX:
        too_complex(f"a scope has more than {DEPTH_MAX} levels", where="scopeQ", code="scope_q.complex")
    if any(not _LEVEL.fullmatch(name) for name in names):
        refuse(
            position, "levels divided by /, + for any one, /# at the end", word, where="scopeQ", code="scope_q.syntax"
        )
    return ScopePattern(names, below)
