"""House rules for Python code: sizes, names, errors, assertions, dead modules."""

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache

from tests.tidy.findings import ROOT, Finding, Source

LINES_MAX = 400
FUNCTION_LINES_MAX = 60
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc"}
PLACES = ("src", "tests", "tools", "bench")
PROGRAM = 'if __name__ == "__main__":'
LOADED_BY_NAME = ("src/quanyu/domains", "src/quanyu/cities", "src/quanyu/faces")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sizes(source: Source) -> Iterator[Finding]:
    """A file past 400 lines or a function past 60 is hiding something."""
    count = source.text.count("\n")
    if count > LINES_MAX:
        yield Finding(source.path, count, f"the file has {count} lines; {LINES_MAX} are allowed: split it")
    for node in source.nodes:
        if isinstance(node, Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                says = f"{node.name} has {length} lines; {FUNCTION_LINES_MAX} are allowed: split it"
                yield Finding(source.path, node.lineno, says)


def names(source: Source) -> Iterator[Finding]:
    """A name that says nothing hides what a module is for."""
    for part in (*source.path.split("/")[:-1], source.stem):
        if part in BANNED_NAMES:
            yield Finding(source.path, 1, f"{part!r} says nothing about its contents: name what it is for")


def docstrings(source: Source) -> Iterator[Finding]:
    """Every module opens with one sentence: what it is for."""
    if not source.within("tests") and not ast.get_docstring(source.tree):
        yield Finding(source.path, 1, "the module has no docstring: say in one sentence what it is for")


def unfinished(source: Source) -> Iterator[Finding]:
    """What is not built says Unsupported with what is accepted; it does not raise NotImplementedError."""
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield Finding(source.path, node.lineno, "NotImplementedError: raise Unsupported and name what is accepted")


@cache
def _runners() -> frozenset[str]:
    """The modules of assembly that pyproject.toml lets ruff pass: one list for both."""
    listed = re.search(
        r'"src/quanyu/assembly/\{([\w,]+)\}\.py" = \["BLE001"\]', (ROOT / "pyproject.toml").read_text("utf-8")
    )
    return frozenset(listed[1].split(",") if listed else ())


def blanket_errors(source: Source) -> Iterator[Finding]:
    """Only faces and the runners of assembly may catch everything: elsewhere it hides our own mistakes."""
    if source.within("src/quanyu/faces") or (source.within("src/quanyu/assembly") and source.stem in _runners()):
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and not _passes_on(node):
            yield Finding(source.path, node.lineno, "catches every exception: name those that the world can cause")


def _passes_on(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(handler))


def _catches_all(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(part, ast.Name) and part.id in {"Exception", "BaseException"} for part in parts)


def assertions(sources: Sequence[Source]) -> Iterator[Finding]:
    """Every test asserts: itself, or through a function of the tests that does."""
    tests = [source for source in sources if source.within("tests")]
    functions = [(source, node) for source in tests for node in source.nodes if isinstance(node, Function)]
    asserting = {node.name for _, node in functions if _asserts(node, frozenset())}
    grown = True
    while grown:
        more = {node.name for _, node in functions if node.name not in asserting and _asserts(node, asserting)}
        grown = bool(more)
        asserting |= more
    for source, node in functions:
        if node.name.startswith("test_") and node.name not in asserting and source.stem.startswith("test_"):
            yield Finding(source.path, node.lineno, f"{node.name} asserts nothing: say what must hold")


def _asserts(function: Function, asserting: frozenset[str] | set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"raises", "warns", "fail", "expect", "run_state_machine_as_test"} or called in asserting:
                return True
    return False


def dead_modules(sources: Sequence[Source]) -> Iterator[Finding]:
    """A module that nobody imports is dead; packs, cities and faces are loaded by name, and tests by pytest."""
    modules = [source for source in sources if source.suffix == ".py" and source.within(*PLACES)]
    named = set().union(*(_mentioned(source) for source in modules))
    configured = "".join(source.text for source in sources if source.path == "pyproject.toml")
    for source in modules:
        module = _module(source.path)
        opened_by_tool = source.stem in {"__init__", "__main__", "conftest"} or source.stem.startswith("test_")
        by_name = opened_by_tool or PROGRAM in source.text or source.within(*LOADED_BY_NAME) or source.within("bench")
        if not by_name and module not in named and source.path not in configured:
            yield Finding(source.path, 1, f"nothing imports {module}: use it or delete it")


def _module(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _mentioned(source: Source) -> set[str]:
    """Modules that a file imports, or names in a string (lazy loading, configuration, a command line)."""
    found: set[str] = set()
    package = _module(source.path).split(".")
    if source.stem != "__init__":
        package = package[:-1]
    for node in source.nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*start, *(node.module or "").split(".")]).strip(".")
            found |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value[:80]:
            found |= {node.value, node.value.split(":")[0]}
    return found
