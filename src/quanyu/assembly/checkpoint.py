"""Checkpoints: a canonical dump of the state at one seq, and its digest in the journal."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from quanyu.assembly.files import sync_folder
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Later, Row, Table

_encode = msgspec.msgpack.Encoder().encode


class Rows(Protocol):
    """Anything that yields a table's rows in key order."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield rows in key order."""
        ...


class RebuiltState:
    """State in memory, folded from records."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Row, Row]] = {}

    def get(self, table: Table, *key: Any) -> Row | None:
        """Return the row under its key."""
        return self._rows.get(table.name, {}).get(key)

    def put(self, table: Table, row: Row) -> None:
        """Write a row; one of a table that is not compared would only fill the memory."""
        if not table.canonical:
            return
        self._rows.setdefault(table.name, {})[row[: table.keys]] = row

    def put_all(self, table: Table, rows: Iterable[Row]) -> None:
        """Write rows."""
        for row in rows:
            self.put(table, row)

    def delete(self, table: Table, *key: Any) -> None:
        """Remove the row under its key."""
        self._rows.get(table.name, {}).pop(key, None)

    def later(self, work: Later, of: tuple[Any, ...]) -> None:
        """Leave what concerns no canonical table."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield rows in key order."""
        found = self._rows.get(table.name, {})
        rows = (found[key] for key in sorted(found))
        yield from rows if table.shape is None else map(table.shape.written, rows)


def canonical(tables: Iterable[Table]) -> list[Table]:
    """Return the tables that are rebuilt and compared, in order of name."""
    return sorted((table for table in tables if table.canonical), key=lambda table: table.name)


def dump(state: Rows, tables: Iterable[Table], path: Path) -> tuple[str, dict[str, int]]:
    """Write the canonical dump durably; return its digest and the number of rows of each table. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as raw:
            digest, counts = _written(state, tables, raw)
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
    return digest, counts


def _written(state: Rows, tables: Iterable[Table], raw: IO[bytes]) -> tuple[str, dict[str, int]]:
    digest, counts = sha256(), dict[str, int]()
    with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as file:
        for table in canonical(tables):
            counts[table.name] = 0
            for row in state.rows(table):
                line = _encode([table.name, row])
                digest.update(line)
                file.write(len(line).to_bytes(4, "big") + line)
                counts[table.name] += 1
    return digest.hexdigest(), counts


def load(path: Path, tables: Iterable[Table], expected: str) -> RebuiltState:
    """Return the state of a dump; Invalid `checkpoint.damaged` when its digest is not the expected one.

    Rows of tables that are no more (a layout of earlier days) count for the digest and are left out; those of a table
    that has more columns now have nothing in them.
    """
    named = {table.name: table for table in tables}
    state, digest = RebuiltState(), sha256()
    try:
        with gzip.open(path, "rb") as file:
            while head := file.read(4):
                line = file.read(int.from_bytes(head, "big"))
                digest.update(line)
                name, row = msgspec.msgpack.decode(line)
                if name in named:
                    table = named[name]
                    row = (*row, *[None] * (len(table.columns) - len(row)))
                    state.put(table, row if table.shape is None else table.shape.read(row))
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise Invalid(f"Checkpoint {path.name} cannot be read: {error}.", code="checkpoint.damaged") from error
    if digest.hexdigest() != expected:
        raise Invalid(f"Checkpoint {path.name} does not match its digest.", code="checkpoint.damaged", where=str(path))
    return state
