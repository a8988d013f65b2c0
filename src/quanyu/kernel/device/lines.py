"""Where a key stands in a TOML text: the reader of the standard library says what is wrong, but not on which line."""

from __future__ import annotations

import re
from collections.abc import Sequence

HEADER = re.compile(r"^\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?$")
KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
PART = re.compile(r""""([^"]*)"|'([^']*)'|([^\s.]+)""")
Path = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line (from 1) of the longest part of a path that stands in the text; elements of arrays by number."""
    lines = _lines(text)
    wanted = tuple(path)
    while wanted and wanted not in lines:
        wanted = wanted[:-1]
    return lines.get(wanted, 1)


def _lines(text: str) -> dict[Path, int]:
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = HEADER.match(line)
        if header is not None:
            table = _table(_parts(header[2]), header[1] == "[[", counts)
            found.setdefault(table, number)
            continue
        key = KEY.match(line)
        if key is not None:
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _table(names: list[str], array: bool, counts: dict[Path, int]) -> Path:
    """Return the path that a header opens; a table below an array belongs to its last element."""
    path: Path = ()
    for name in names[:-1]:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, names[-1])
    if array:
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return path


def _parts(dotted: str) -> list[str]:
    return [next(part for part in found if part) for found in PART.findall(dotted.strip()) if any(found)] or [""]
