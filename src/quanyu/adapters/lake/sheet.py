"""Parquet files of others, read as text rows like a CSV would be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quanyu.kernel.errors import Invalid

BATCH_ROWS = 20_000
TextRows = list[tuple[str, ...]]


def parquet_rows(path: Path, size: int = BATCH_ROWS) -> Iterator[TextRows]:
    """Yield the names of the columns as the only row of the first batch, then batches of rows; a null is an empty text.

    Raises Invalid when the file is not Parquet.
    """
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.execute("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet($1)", [str(path)])
        yield [tuple(column[0] for column in relation.description or ())]
        while rows := relation.fetchmany(size):
            yield [tuple("" if cell is None else cell for cell in row) for row in rows]
    except duckdb.Error as error:
        raise Invalid(
            f"File {path.name} cannot be read as Parquet: {str(error).splitlines()[0]}.",
            code="import.broken",
            where=str(path),
            remedy="Name a Parquet file, or a CSV file with another ending.",
        ) from error
    finally:
        connection.close()
