"""What the terminal sees: results as tables or JSON lines, progress, and errors with what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from quanyu.kernel.errors import QuanyuError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def stopped(error: QuanyuError) -> None:
    """Print an error of the tree: what stopped, where, and what to do."""
    err.print(f"Stopped: {error.message}", markup=False, soft_wrap=True)
    if error.where:
        err.print(f"Where: {error.where}", markup=False, soft_wrap=True)
    if error.remedy:
        err.print(f"To do: {error.remedy}", markup=False, soft_wrap=True)


def line(value: Any) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def plain(text: str) -> None:
    """Print a line as it is."""
    out.print(text, markup=False, soft_wrap=True)


def facts(title: str, values: Mapping[str, Any]) -> None:
    """Print names and values below one another."""
    table = Table(title=title, show_header=False, title_justify="left", box=None)
    for name, value in values.items():
        if value is not None:
            table.add_row(name.replace("_", " "), cell(value))
    out.print(table)


def rows(title: str, items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print items as a table of the named columns."""
    table = Table(*columns, title=title, title_justify="left")
    for item in items:
        table.add_row(*(cell(item.get(column)) for column in columns))
    out.print(table)


def cell(value: Any) -> str:
    """Return a value as people read it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """Show how far a long operation is; nothing when quiet or when nobody watches."""
    if quiet or not err.is_terminal:
        yield lambda text, share: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, share: bar.update(task, description=text, completed=share)
