"""The page of benchmarks: names and goals from the sources in bench/, values from the last committed run."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.docs.markdown import sentence, table

INTRO = """Each figure is a ratio to a named peer where there is one, measured in one run: CPU time, medians of interleaved
rounds. Nothing is timed in a test. Run them with `make bench`, or one bench with `make bench ARGS=commit.group100`.

The column *Measured* is the last run that was committed: `quanyu bench --json > bench/measured.ndjson`, then `make docs`."""
NAME = re.compile(r"\[([a-z]+\.[a-z0-9_]+)\]")
SIGN = {"higher": "≥", "lower": "≤"}
Given = Mapping[str, ast.expr]


def page(bench: Path) -> str:
    """One row per name that a bench promises in its docstring or yields."""
    measured = load_run(bench / "measured.ndjson")
    rows: dict[str, tuple[str, Given]] = {}
    for path in sorted(bench.glob("*.py")):
        for name, what, given in promised(path.read_text(encoding="utf-8")):
            # A bench names what its helpers yield: one row, with its words and their numbers.
            said, known = rows.get(name, ("", {}))
            rows[name] = said or what, known or given
    shown = [_shown(name, what, given, measured.get(name, {})) for name, (what, given) in rows.items()]
    return f"{INTRO}\n\n{table(('Name', 'Measures', 'Goal', 'Unit', 'Peer', 'Measured', 'Detail'), shown)}"


def load_run(path: Path) -> dict[str, dict[str, Any]]:
    """Results of a run by name; empty when none was committed."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {found["name"]: found for found in map(json.loads, filter(None, lines))}


def _shown(name: str, what: str, given: Given, found: Mapping[str, Any]) -> tuple[object, ...]:
    stated = {key: node.value for key, node in given.items() if isinstance(node, ast.Constant)}
    goal, better = found.get("goal", stated.get("goal")), str(stated.get("better", ""))
    limit = "" if goal is None else f"{SIGN.get(better, '')} {goal:g}".strip()
    value = "not yet" if "value" not in found else f"{found['value']:g}"
    return f"`{name}`", what, limit, stated.get("unit"), stated.get("peer"), value, found.get("detail")


def promised(text: str) -> Iterator[tuple[str, str, Given]]:
    """(name, what, arguments of `result`) for each bench of a module; the names stand in the docstring as `[name]`."""
    for function in ast.parse(text).body:
        doc = ast.get_docstring(function) if isinstance(function, ast.FunctionDef) else None
        calls = {str(name): given for name, given in _results(function)}
        names = list(dict.fromkeys([*NAME.findall(doc or ""), *calls]))
        what = NAME.sub("", sentence(doc)).strip(" ,:.")
        for name in names:
            yield name, what, calls.get(name, {})


def _results(function: ast.stmt) -> Iterator[tuple[object, Given]]:
    """(name, arguments) for each call of `result`; a name from a loop over a written-out table counts once a row."""
    order = ("name", "value", "unit", "better", "peer", "detail", "goal")
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "result" and node.args:
            given = dict(zip(order, node.args, strict=False)) | {
                word.arg: word.value for word in node.keywords if word.arg
            }
            for row in _loop_rows(function, given["name"]):
                filled = {key: row.get(getattr(value, "id", ""), value) for key, value in given.items()}
                if isinstance(filled["name"], ast.Constant):
                    yield filled["name"].value, filled


def _loop_rows(function: ast.stmt, name: ast.expr) -> Iterator[Given]:
    """What the variables of the loop around a call stand for, once a row; one empty row when the name is written out."""
    if isinstance(name, ast.Constant):
        yield {}
    for node in ast.walk(function):
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple) and isinstance(node.iter, ast.Tuple):
            targets = [getattr(each, "id", "") for each in node.target.elts]
            if getattr(name, "id", "") in targets:
                rows = [row.elts for row in node.iter.elts if isinstance(row, ast.Tuple)]
                yield from (dict(zip(targets, row, strict=True)) for row in rows)
