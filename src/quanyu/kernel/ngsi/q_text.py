"""Writes a query back as text, in the words of any context."""

import msgspec

from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.q_words import All, Node, Path, Term, Value


def text_of(node: Node, context: Context) -> str:
    """Write a query canonically: no spaces, parentheses only where an alternative stands among conditions."""
    if isinstance(node, Term):
        return _term(node, context)
    if isinstance(node, All):
        return ";".join(_inside(part, context) for part in node.parts)
    return "|".join(text_of(part, context) for part in node.parts)


def _inside(part: Node, context: Context) -> str:
    text = text_of(part, context)
    return text if isinstance(part, Term) else f"({text})"


def _term(term: Term, context: Context) -> str:
    path = _path(term.path, context)
    if term.operator == "exists":
        return path
    if term.operator == "absent":
        return "!" + path
    if term.expanded:
        return f"{path}{term.operator}{_expanded(term, context)}"
    sign = ".." if term.ranged else ","
    return f"{path}{term.operator}{sign.join(_value(value) for value in term.values)}"


def _expanded(term: Term, context: Context) -> str:
    """Write values that are names as the words of this context, quoted."""
    names = iter(term.vocab)
    return ",".join(
        _value(Value("text", context.type_word(next(names))) if value.kind in ("text", "bare") else value)
        for value in term.values
    )


def _value(value: Value) -> str:
    if value.kind == "pattern":
        text = str(value.value).replace('"', '\\"')
        return f'"{text}"'
    if value.kind == "number":
        return repr(value.value)
    if value.kind in ("text", "boolean"):
        return msgspec.json.encode(value.value).decode()
    return str(value.value)


def _path(path: Path, context: Context) -> str:
    text = ".".join(context.word(name) for name in path.names)
    if path.trailing:
        text += f"[{'.'.join(path.trailing)}]"
    for hop in reversed(path.hops):
        hint = ",".join(context.type_word(name) for name in hop.types)
        text = f"{context.word(hop.name)}{{{hint}:{text}}}" if hint else f"{context.word(hop.name)}{{{text}}}"
    return text
