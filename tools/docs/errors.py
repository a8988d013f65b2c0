"""The page of error codes, read from the places in the code that raise them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.docs.markdown import section, table

KINDS = {
    "Invalid": "The input breaks a rule.",
    "Missing": "The thing does not exist.",
    "Conflict": "The thing stands otherwise already.",
    "Denied": "The actor may not.",
    "Unavailable": "Not now; later.",
    "Unsupported": "Known, but not built.",
}
Row = tuple[str, str, str, str]


def page(src: Path) -> str:
    """One table per kind: code, an example of what is said with `…` for what varies, and the remedy."""
    rows = sorted({row for path in sorted(src.rglob("*.py")) for row in raised(path.read_text(encoding="utf-8"))})
    intro = "A code is stable: programs may rely on it. The words may get better."
    return intro + "\n\n" + "".join(_kind(kind, rows) for kind in KINDS)


def _kind(kind: str, rows: list[Row]) -> str:
    first = {code: (f"`{code}`", says, remedy) for of, code, says, remedy in reversed(rows) if of == kind}
    return section(2, kind, table(("Code", "Says", "What to do"), (first[code] for code in sorted(first))), KINDS[kind])


def raised(text: str) -> Iterator[Row]:
    """(kind, code, words, remedy) for each error with a code of its own."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        kind = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {word.arg: spoken(word.value) for word in node.keywords if word.arg}
        if kind in KINDS and "…" not in given.get("code", "…"):
            yield kind, given["code"], spoken(node.args[0]) if node.args else "", given.get("remedy", "")


def spoken(node: ast.expr) -> str:
    """The fixed words of a string expression; whatever is only known when it happens becomes `…`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return spoken(node.left) + spoken(node.right)
    return "…"
