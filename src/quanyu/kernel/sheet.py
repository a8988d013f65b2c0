"""Sheets: CSV text with a fixed header and `#` comment lines, read with the line that each row stands on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from quanyu.kernel.errors import Invalid


def read_sheet(
    text: str, *, file: str, columns: tuple[str, ...], key: tuple[str, ...] = (), more: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, row) of a sheet whose header begins with `columns`; `more` allows others after them.

    Cells are stripped. Invalid names file and line: wrong header, wrong number of cells, a repeated key.
    """
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#")
    header: list[str] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, line in lines:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        where = f"{file}, line {number}"
        if not header:
            header = cells
            _check_header(header, columns, more, where)
            continue
        if len(cells) != len(header):
            raise Invalid(f"row has {len(cells)} cells, the header {len(header)}", code="sheet.cells", where=where)
        row = dict(zip(header, cells, strict=True))
        name = tuple(row[each] for each in key)
        if key and seen.setdefault(name, number) != number:
            raise Invalid(f"row {', '.join(name)} stands on line {seen[name]} already", code="sheet.twice", where=where)
        yield number, row
    if not header:
        raise Invalid("sheet has no header", code="sheet.header", where=file, remedy=f"begin with {','.join(columns)}")


def _check_header(header: list[str], columns: tuple[str, ...], more: bool, where: str) -> None:
    if tuple(header[: len(columns)]) != columns or (len(header) > len(columns) and not more):
        raise Invalid(
            f"header {','.join(header)} is not the documented one",
            code="sheet.header",
            where=where,
            remedy=f"begin with {','.join(columns)}",
        )


def number_in(row: Mapping[str, str], column: str, where: str) -> float:
    """Return the number of a cell; Invalid (sheet.number) says which cell holds none."""
    try:
        return float(row[column])
    except ValueError as fault:
        raise Invalid(f"cell {column} holds {row[column]!r}, not a number", code="sheet.number", where=where) from fault
