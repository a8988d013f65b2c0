"""Finds and runs the benches of a checkout: every function there that yields results."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from quanyu.kernel.errors import Missing

Bench = Callable[[], Iterator[dict[str, Any]]]
COLUMNS = ("name", "value", "unit", "better", "goal", "peer", "detail")


def checkout() -> Path:
    """Return the folder that holds `bench/`; Missing when Quanyu runs from a wheel."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[4]):
        if (folder / "bench" / "__init__.py").is_file():
            return folder
    raise Missing(
        "There is no bench folder here.",
        code="bench.missing",
        where=str(Path.cwd()),
        remedy="Run quanyu bench in a checkout of the repository.",
    )


def find_benches(folder: Path) -> dict[str, Bench]:
    """Return benches by `module.function`: public functions without arguments that say they yield Results."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    package = importlib.import_module("bench")
    found: dict[str, Bench] = {}
    for each in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"bench.{each.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and function.__annotations__.get("return") in ("Iterator[Result]", Iterator[dict[str, Any]]):
                found[f"{each.name}.{name}"] = function
    return found


def chosen(benches: dict[str, Bench], names: Sequence[str]) -> dict[str, Bench]:
    """Return the benches whose module, function or full name was asked for, or whose docstring names the [result]."""
    if not names:
        return benches
    picked = {
        name: bench
        for name, bench in benches.items()
        if any(each in (name, *name.split(".")) or f"[{each}]" in (bench.__doc__ or "") for each in names)
    }
    if not picked:
        raise Missing(
            f"No bench is called {', '.join(names)}.",
            code="bench.name",
            where="NAME",
            remedy=f"There are: {', '.join(benches)}.",
        )
    return picked


def measured(benches: dict[str, Bench], lacking: Callable[[Missing], None]) -> Iterator[dict[str, Any]]:
    """Yield the results of benches; one whose data are not here is told to `lacking`, or raised when it is the only one."""
    for bench in benches.values():
        try:
            yield from bench()
        except Missing as missing:
            if len(benches) == 1:
                raise
            lacking(missing)
