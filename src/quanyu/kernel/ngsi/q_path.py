"""Reads the paths of the query language: `a.b[c.d]`, `rel{Type:a}`."""

import re
from typing import Final

from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.q_words import DEPTH_MAX, Hop, Path
from quanyu.kernel.ngsi.scanner import Scanner

# A letter, then letters, numbers and underscores; a prefix of a compact IRI may stand before it.
_NAME: Final = re.compile(r"[^\W\d_]\w*(?::[^\W\d_]\w*)?")
_SHORT_NAME: Final = re.compile(r"[^\W\d_]\w*")
_MEMBER: Final = re.compile(r"[^\W\d][\w-]*|\*")
_WANTED: Final = "the name of an attribute"


class PathReader(Scanner):
    """Reads paths in the words of a context."""

    def __init__(self, text: str, context: Context, where: str = "q", code: str = "q") -> None:
        super().__init__(text, where, code)
        self.context = context

    def path(self) -> Path:
        """Read `a.b[c.d]`, or `rel{…}` around one; no recursion, however deep it is nested."""
        found: list[Hop] = []
        while True:
            name = self.read(_SHORT_NAME if found else _NAME, _WANTED)
            stored = self.context.name(name)
            if found:
                types = self.hint(name)
                if types:
                    found[-1] = Hop(found[-1].name, types)
                    stored = self.context.name(self.read(_SHORT_NAME, _WANTED))
            if not self.take("{"):
                break
            found.append(Hop(stored))
            if len(found) > DEPTH_MAX:
                self.complain(f"a path follows more than {DEPTH_MAX} relationships")
        path = self.value_path(stored, tuple(found))
        for _ in found:
            if not self.take("}"):
                self.fail("}")
        return path

    def hint(self, first: str) -> tuple[str, ...]:
        """Read the rest of `Type,Type:` after its first word; nothing if what follows is no hint."""
        words = [first]
        while self.take(","):
            words.append(self.read(_SHORT_NAME, _WANTED))
            if len(words) > DEPTH_MAX:
                self.complain(f"a path names more than {DEPTH_MAX} types")
        if self.take(":"):
            return tuple(self.context.name(word) for word in words)
        if len(words) > 1:
            self.fail(": after the types")
        return ()

    def value_path(self, first: str, hops: tuple[Hop, ...]) -> Path:
        """Read the rest of `a.b[c.d]` after its first name."""
        names = [first]
        while self.text.startswith(".", self.at):
            self.at += 1
            names.append(self.context.name(self.read(_SHORT_NAME, _WANTED)))
            self.bounded(names)
        trailing: list[str] = []
        if self.text.startswith("[", self.at):
            self.at += 1
            trailing.append(self.member())
            while self.text.startswith(".", self.at):
                self.at += 1
                trailing.append(self.member())
                self.bounded(trailing)
            if not self.text.startswith("]", self.at):
                self.fail("]")
            self.at += 1
        return Path(tuple(names), tuple(trailing), hops)

    def member(self) -> str:
        """Read one name of a trailing path."""
        return self.read(_MEMBER, "the name of a member, a language or *")

    def bounded(self, names: list[str]) -> None:
        """Refuse a path that is too long."""
        if len(names) > DEPTH_MAX:
            self.complain(f"a path has more than {DEPTH_MAX} names")
