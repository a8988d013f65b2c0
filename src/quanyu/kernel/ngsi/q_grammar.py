"""Reads the text of a query into terms (NGSI-LD 4.9): bounded in length, terms and depth, and named faults."""

import re
from collections.abc import Collection
from contextlib import suppress
from typing import Final

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import Context, iri_of
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.moments import kind_of_time
from quanyu.kernel.ngsi.q_path import PathReader
from quanyu.kernel.ngsi.q_words import (
    DEPTH_MAX,
    PATTERNS_MAX,
    TERMS_MAX,
    All,
    Either,
    Node,
    Operator,
    Path,
    Term,
    Value,
)
from quanyu.kernel.ngsi.terms import ABSOLUTE

_OPERATOR: Final = re.compile(r"==|!=|>=|<=|!~=|~=|>|<")
_QUOTED: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BARE: Final = re.compile(r'[^;|,()"\s]+')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
_DIGITS_MAX: Final = 400

_ORDER: Final = frozenset({">", ">=", "<", "<="})


def read_query(text: str, context: Context, expand_values: Collection[str] = ()) -> Node:
    """Read a whole query; `expand_values` are words of the sender whose values are names. Raises Invalid."""
    expand = frozenset(context.name(word) for word in expand_values)
    return _Reader(text, context, expand).query()


class _Reader(PathReader):
    """One pass over a query."""

    def __init__(self, text: str, context: Context, expand: frozenset[str]) -> None:
        super().__init__(text, context)
        self.expand = expand
        self.terms = self.patterns = self.depth = 0

    def query(self) -> Node:
        node = self.either()
        self.end("; or | or the end")
        return node

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
            self.complain(f"parentheses stand more than {DEPTH_MAX} deep")
        node = self.either()
        if not self.take(")"):
            self.fail("; or | or )")
        self.depth -= 1
        return node

    def term(self) -> Term:
        self.terms += 1
        if self.terms > TERMS_MAX:
            self.complain(f"it has more than {TERMS_MAX} terms")
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
        if not expanded:
            return Term(path, operator, tuple(values), vocab=self.iris(words))
        vocab = tuple(self.context.name(word) for word in words)
        names = iter(vocab)
        values = [Value("text", iri_of(next(names))) if value.kind in ("text", "bare") else value for value in values]
        return Term(path, operator, tuple(values), vocab=vocab, expanded=True)

    def iris(self, words: list[str]) -> tuple[str, ...]:
        """Name the values that are IRIs; a plain word is a text unless the sender says otherwise."""
        found = []
        for word in words:
            if ABSOLUTE.fullmatch(word):
                with suppress(Invalid):  # the context gives it no meaning, so no vocabulary holds it
                    found.append(self.context.name(word))
        return tuple(found)

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
        value = self.classified(word)
        self.at = found.end()
        return value, None

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
            self.complain(f"a number has more than {_DIGITS_MAX} digits")
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
            self.complain(f"it has more than {PATTERNS_MAX} patterns")
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
