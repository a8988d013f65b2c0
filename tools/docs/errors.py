"""The page of error codes, read from the places in the code that raise them."""

import ast
from collections.abc import Iterator, Mapping
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
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(src.rglob("*.py"))}
    rows = sorted({row for text in texts.values() for row in raised(text)} | set(relayed(src, texts)))
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


Refusal = tuple[list[str], ast.Call]
"""The parameters of a function that only makes an error, and the error that it makes."""


def relayed(src: Path, texts: Mapping[Path, str]) -> Iterator[Row]:
    """Errors that a small function makes, whose callers give the end of the code: `refuse(element, why, "start", …)`."""
    trees = {path: ast.parse(text) for path, text in texts.items()}
    made = {
        ".".join(path.relative_to(src).with_suffix("").parts): dict(_refusals(tree)) for path, tree in trees.items()
    }
    for path, tree in trees.items():
        known = dict(made[".".join(path.relative_to(src).with_suffix("").parts)])
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in made:
                known |= {name.asname or name.name: refusal for name in node.names
                          if (refusal := made[node.module].get(name.name)) is not None}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
                yield from _row(node, *known[node.func.id])


def _refusals(tree: ast.Module) -> Iterator[tuple[str, Refusal]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and isinstance(last := node.body[-1], ast.Return):
            call = last.value
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in KINDS:
                code = next((word.value for word in call.keywords if word.arg == "code"), None)
                if isinstance(code, ast.JoinedStr):
                    yield node.name, ([each.arg for each in node.args.args], call)


def _row(call: ast.Call, names: list[str], error: ast.Call) -> Iterator[Row]:
    given = dict(zip(names, map(spoken, call.args), strict=False))
    given |= {word.arg: spoken(word.value) for word in call.keywords if word.arg}
    words = {word.arg: spoken(word.value, given) for word in error.keywords if word.arg}
    if "…" not in words["code"]:
        says = spoken(error.args[0], given).replace("……", "…")
        yield getattr(error.func, "id", ""), words["code"], says, words.get("remedy", "")


def spoken(node: ast.expr, given: Mapping[str, str] | None = None) -> str:
    """The fixed words of a string expression, names as `given`; whatever is only known when it happens becomes `…`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part, given) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return spoken(node.left, given) + spoken(node.right, given)
    if given and isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        return given.get(node.value.id, "…")
    return given.get(node.id, "…") if given and isinstance(node, ast.Name) else "…"
