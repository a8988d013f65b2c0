"""Reads the text of a query into terms (NGSI-LD 4.9): bounded in length, terms and depth, and named faults."""

import re
from collections.abc import Collection
from typing import Final, NoReturn

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.moments import kind_of_time, micros
from quanyu.kernel.ngsi.naming import Naming, iri_of, stored_name
from quanyu.kernel.ngsi.q_words import (
    DEPTH_MAX,
    LENGTH_MAX,
    PATTERNS_MAX,
    TERMS_MAX,
    All,
    Either,
    Hop,
    Node,
    Operator,
    Path,
    Term,
    Value,
    refuse,
    too_complex,
)

# A letter, then letters, numbers and underscores; a prefix of a compact IRI may stand before it.
_NAME: Final = re.compile(r"[^\W\d_]\w*(?::[^\W\d_]\w*)?")
_SHORT_NAME: Final = re.compile(r"[^\W\d_]\w*")
_OPERATOR: Final = re.compile(r"==|!=|>=|<=|!~=|~=|>|<")
_QUOTED: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BARE: Final = re.compile(r'[^;|,()"\s]+')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MEMBER: Final = re.compile(r"[^\W\d_][\w-]*|\*")
_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_SPACE: Final = re.compile(r"\s*")
_DIGITS_MAX: Final = 400

_ORDER: Final = frozenset({">", ">=", "<", "<="})
_TIMES: Final = frozenset({"dateTime", "date", "time"})


def read_query(text: str, context: Naming, expand_values: Collection[str] = ()) -> Node:
    """Read a whole query; `expand_values` are words of the sender whose values are names. Raises Invalid."""
    if len(text) > LENGTH_MAX:
        too_complex(f"it has {len(text)} of at most {LENGTH_MAX} characters")
    expand = frozenset(stored_name(word, context) for word in expand_values)
    return _Reader(text, context, expand).query()


class _Reader:
    """One pass from left to right; `at` is the position of the next character."""

    def __init__(self, text: str, context: Naming, expand: frozenset[str]) -> None:
        self.text = text
        self.context = context
        self.expand = expand
        self.at = 0
        self.terms = 0
        self.patterns = 0
        self.depth = 0

    def query(self) -> Node:
        node = self.either()
        if self.at < len(self.text):
            self.fail("; or | or the end")
        return node

    def fail(self, expected: str) -> NoReturn:
        refuse(self.at, expected, self.text[self.at : self.at + 20])

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def take(self, sign: str) -> bool:
        """Step over `sign` and the spaces around it if it comes next."""
        self.skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self.skip()
        return True

    def either(self) -> Node:
        parts = [self.all()]
        while self.take("|"):
            parts.append(self.all())
        return _joined(parts, Either)

    def all(self) -> Node:
        parts = [self.part()]
        while self.take(";"):
            parts.append(self.part())
        return _joined(parts, All)

    def part(self) -> Node:
        if not self.take("("):
            return self.term()
        self.depth += 1
        if self.depth > DEPTH_MAX:
            too_complex(f"parentheses stand more than {DEPTH_MAX} deep")
        node = self.either()
        if not self.take(")"):
            self.fail("; or | or )")
        self.depth -= 1
        return node

    def term(self) -> Term:
        self.terms += 1
        if self.terms > TERMS_MAX:
            too_complex(f"it has more than {TERMS_MAX} terms")
        if self.take("!"):
            return Term(self.path(), "absent")
        path = self.path()
        self.skip()
        found = _OPERATOR.match(self.text, self.at)
        if found is None:
            return Term(path, "exists")
        self.at = found.end()
        self.skip()
        operator: Operator = found.group()  # type: ignore[assignment]
        if operator in ("~=", "!~="):
            return Term(path, operator, (self.pattern(),))
        return self.comparison(path, operator)

    def comparison(self, path: Path, operator: Operator) -> Term:
        begin = self.at
        first, ranged = self.value()
        if ranged is not None:
            if operator in _ORDER:
                self.at = begin
                self.fail("one value (a range goes with == and != only)")
            return Term(path, operator, (first, ranged), ranged=True)
        values = [first]
        if operator in _ORDER:
            if first.kind in ("bare", "boolean"):
                self.at = begin
                self.fail("a number, a quoted text, a date or a time")
            return Term(path, operator, (first,))
        while self.take(","):
            begin = self.at
            value, ranged = self.value()
            if ranged is not None:
                self.at = begin
                self.fail("one value (a list holds no ranges)")
            values.append(value)
        expanded = path.attribute in self.expand or path.names[-1] in self.expand
        words = [str(value.value) for value in values if value.kind in ("text", "bare")]
        # A VocabProperty stores names: IRIs are always read as such, plain words only where the sender asked.
        vocab = tuple(self.context.name(word) for word in words if expanded or ":" in word)
        if expanded:
            names = iter(vocab)
            values = [
                Value("text", iri_of(next(names))) if value.kind in ("text", "bare") else value for value in values
            ]
        return Term(path, operator, tuple(values), vocab=vocab, expanded=expanded)

    def name(self, shape: re.Pattern[str] = _NAME) -> str:
        found = shape.match(self.text, self.at)
        if found is None:
            self.fail("the name of an attribute")
        self.at = found.end()
        return found.group()

    def path(self, hops: tuple[Hop, ...] = ()) -> Path:
        """Read `a.b[c.d]`, or `rel{…}` around one; no recursion, however deep it is nested."""
        types: tuple[str, ...] = ()
        found: list[Hop] = list(hops)
        while True:
            name = self.name(_SHORT_NAME if found else _NAME)
            stored = stored_name(name, self.context)
            if found:
                types = self.hint(name)
                if types:
                    found[-1] = Hop(found[-1].name, types)
                    stored = stored_name(self.name(_SHORT_NAME), self.context)
            if not self.take("{"):
                break
            found.append(Hop(stored))
            if len(found) > DEPTH_MAX:
                too_complex(f"a path follows more than {DEPTH_MAX} relationships")
        path = self.value_path(stored, tuple(found))
        for _ in found:
            if not self.take("}"):
                self.fail("}")
        return path

    def hint(self, first: str) -> tuple[str, ...]:
        """Read the rest of `Type,Type:` after its first word; nothing if what follows is no hint."""
        words = [first]
        while self.take(","):
            words.append(self.name(_SHORT_NAME))
            if len(words) > DEPTH_MAX:
                too_complex(f"a path names more than {DEPTH_MAX} types")
        if self.take(":"):
            return tuple(self.context.name(word) for word in words)
        if len(words) > 1:
            self.fail(": after the types")
        return ()

    def value_path(self, first: str, hops: tuple[Hop, ...]) -> Path:
        names = [first]
        while self.text.startswith(".", self.at):
            self.at += 1
            names.append(stored_name(self.name(_SHORT_NAME), self.context))
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
        found = _MEMBER.match(self.text, self.at)
        if found is None:
            self.fail("the name of a member, a language or *")
        self.at = found.end()
        return found.group()

    def bounded(self, names: list[str]) -> None:
        if len(names) > DEPTH_MAX:
            too_complex(f"a path has more than {DEPTH_MAX} names")

    def value(self) -> tuple[Value, Value | None]:
        """Read a value, or both ends of a range."""
        begin = self.at
        if self.text.startswith('"', begin):
            first = self.quoted()
            if not self.text.startswith("..", self.at):
                return first, None
            self.at += 2
            return first, self.range_end(first)
        found = _BARE.match(self.text, begin)
        if found is None:
            self.fail("a value")
        word = found.group()
        low, dots, _ = word.partition("..")
        if dots and low:
            first = self.classified(low)
            if first.kind not in ("bare", "boolean"):
                self.at = begin + len(low) + 2
                return first, self.range_end(first)
        self.at = found.end()
        return self.classified(word), None

    def range_end(self, first: Value) -> Value:
        begin = self.at
        if self.text.startswith('"', begin):
            second = self.quoted()
        else:
            found = _BARE.match(self.text, begin)
            second = self.classified(found.group() if found else "")
            self.at = found.end() if found else begin
        if second.kind != first.kind:
            self.at = begin
            self.fail(f"the end of a range of {first.kind} values")
        return second

    def quoted(self) -> Value:
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            self.fail("a text that ends with a quotation mark")
        try:
            text = msgspec.json.decode(found.group().encode(), type=str)
        except ValueError:  # what JSON does not allow, or half of a surrogate pair
            self.fail("a text quoted as in JSON")
        self.at = found.end()
        return Value("text", text)

    def classified(self, word: str) -> Value:
        """Tell what an unquoted value is; what is nothing else is a URI or a word."""
        number = _NUMBER.fullmatch(word)
        if number is not None:
            return self.number(word, whole=not any(number.groups()))
        if word in ("true", "false"):
            return Value("boolean", word == "true")
        kind = kind_of_time(word)
        if kind is None:
            return Value("bare", word)
        if kind == "dateTime":
            try:
                micros(word)
            except Invalid:
                self.fail("a date and time that exist")
        return Value(kind, word)

    def number(self, word: str, *, whole: bool) -> Value:
        if len(word) > _DIGITS_MAX:
            too_complex(f"a number has more than {_DIGITS_MAX} digits")
        if whole:
            return Value("number", int(word))
        number = float(word)
        if number in (float("inf"), float("-inf")):
            self.fail("a number that a computer can hold")
        return Value("number", number)

    def pattern(self) -> Value:
        r"""Read a regular expression: verbatim between quotes (`\"` is a quote), or bare up to ; or | outside groups."""
        self.patterns += 1
        if self.patterns > PATTERNS_MAX:
            too_complex(f"it has more than {PATTERNS_MAX} patterns")
        if self.text.startswith('"', self.at):
            found = _QUOTED.match(self.text, self.at)
            if found is None:
                self.fail("a pattern that ends with a quotation mark")
            self.at = found.end()
            return Value("pattern", _ESCAPE.sub(_unquoted, found.group()[1:-1]))
        begin = self.at
        depth = 0
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "\\":
                self.at += 1
            elif sign in "([{":
                depth += 1
            elif sign in ")]}":
                if not depth:
                    break
                depth -= 1
            elif sign in ";|" and not depth:
                break
            self.at += 1
        self.at = min(self.at, len(self.text))
        if self.at == begin:
            self.fail("a pattern")
        return Value("pattern", _ESCAPE.sub(_unquoted, self.text[begin : self.at].rstrip()))


def _unquoted(escape: re.Match[str]) -> str:
    return '"' if escape.group() == '\\"' else escape.group()


def _joined(parts: list[Node], kind: type[All] | type[Either]) -> Node:
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return kind(tuple(flat))
