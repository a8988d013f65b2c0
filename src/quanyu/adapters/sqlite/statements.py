"""What a store says to SQLite of declared tables: how they are made, and statements for one row or for many."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from quanyu.kernel.journal import Table

ROWS_MAX = 64
"""Rows in one statement. Each step of SQLite lets other threads run and is paid with a hand-over when one waits."""
EXACT_MAX = 16
"""More rows are written in multiples of so many, and then the rest: statements take time to make and memory to keep."""


def portions(rows: int) -> Iterator[tuple[int, int]]:
    """Yield where the rows of each statement begin and end."""
    start = 0
    while start < rows:
        left = min(rows - start, ROWS_MAX)
        end = start + (left if left <= EXACT_MAX else left - left % EXACT_MAX)
        yield start, end
        start = end


class Statements(dict[int, str]):
    """The statement for so many rows; each is made when it is first wanted."""

    def __init__(self, made: Callable[[int], str]) -> None:
        super().__init__()
        self._made = made

    def __missing__(self, rows: int) -> str:
        found = self[rows] = self._made(rows)
        return found


def declaration(table: Table) -> str:
    """Return the DDL of a declared table; a column written `… PRIMARY KEY` makes it a rowid table."""
    columns = ", ".join(table.columns)
    key = ", ".join(column_names(table)[: table.keys])
    if any("PRIMARY KEY" in column for column in table.columns):
        return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, UNIQUE ({key}))"
    if table.keys == 1 and table.columns[0].endswith(" INTEGER"):
        return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({key}))"
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID"


def column_names(table: Table) -> list[str]:
    """Return the names of the columns, keys first."""
    return [column.split()[0] for column in table.columns]


def _where(table: Table) -> str:
    return " AND ".join(f"{name} = ?" for name in column_names(table)[: table.keys])


def fetch_sql(table: Table) -> str:
    """Return the statement that finds a row by its key."""
    return f"SELECT * FROM {table.name} WHERE {_where(table)}"  # noqa: S608


def fetch_some_sql(table: Table) -> Callable[[int], str]:
    """Return the statement that finds so many rows of a table with one key column."""
    start = f"SELECT * FROM {table.name} WHERE {column_names(table)[0]} IN "  # noqa: S608
    return lambda size: f"{start}({', '.join('?' * size)})"


def delete_sql(table: Table) -> Statements:
    """Return the statements that remove so many rows at once."""
    names = column_names(table)[: table.keys]
    if table.keys == 1:
        return Statements(lambda rows: f"DELETE FROM {table.name} WHERE {names[0]} IN ({', '.join('?' * rows)})")  # noqa: S608
    row = f"({', '.join('?' * table.keys)})"
    start = f"DELETE FROM {table.name} WHERE ({', '.join(names)}) IN (VALUES "  # noqa: S608
    return Statements(lambda rows: f"{start}{', '.join([row] * rows)})")


def upsert_sql(table: Table) -> Statements:
    """Return the statements that put so many rows at once."""
    names = column_names(table)
    key = ", ".join(names[: table.keys])
    # A row keeps its rowid for life; setting it again would make SQLite move the row.
    rest = [name for name, words in zip(names, table.columns, strict=True) if "PRIMARY KEY" not in words][table.keys :]
    update = f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in rest)}" if rest else "NOTHING"
    return sized(table.name, len(names), f" ON CONFLICT ({key}) DO {update}")


def sized(table: str, columns: int, rest: str) -> Statements:
    """Return the statements that insert so many rows at once.

    A fault takes back the whole transaction: a statement that would take itself back alone keeps a copy of every page that
    it touches, which costs as much as the rows.
    """
    row = f"({', '.join('?' * columns)})"
    return Statements(lambda rows: f"INSERT OR ROLLBACK INTO {table} VALUES {', '.join([row] * rows)}{rest}")  # noqa: S608
