"""Data files: sorted columns written as zstd Parquet, with the encodings that measured smallest.

DuckDB's version 1 pages hold times as plain int64 and leave the rest to zstd over row groups of half a million rows:
what repeats from sensor to sensor (`at`, `seq`) then costs nearly nothing. Its DELTA_BINARY_PACKED (version 2) packs
256 values to one width, so one missing sample in a hundred widens every pack: 4.1 bytes a jittered time against 3.3.
Values and words are dictionary-encoded up to DICTIONARY_MAX distinct ones a row group.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quanyu.adapters.lake.log import DataFile, sync
from quanyu.engines.history.columns import Codes, Rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROW_GROUP_ROWS = 524_288
DICTIONARY_MAX = 4_000
LEVEL = 6
FORMAT = (
    f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, PARQUET_VERSION v1,"
    f" ROW_GROUP_SIZE {ROW_GROUP_ROWS}, DICTIONARY_SIZE_LIMIT {DICTIONARY_MAX})"
)

_WRITE = """
COPY (
    SELECT
        ($entities::VARCHAR[])[entity] AS entity,
        ($words::VARCHAR[])[attribute] AS attribute,
        '' AS dataset,
        make_timestamptz(observed_at) AS observed_at,
        make_timestamptz("at") AS "at",
        value,
        ($words::VARCHAR[])[unit] AS unit,
        ($words::VARCHAR[])[quality] AS quality,
        ($words::VARCHAR[])[source] AS source,
        seq,
        "offset"
    FROM columns
) TO $path
"""


def connect(scratch: Path, threads: int, memory_mb: int) -> DuckDBPyConnection:
    """Open a database in memory that spills into `scratch` and never looks for extensions in the network."""
    import duckdb

    settings: dict[str, Any] = {
        "threads": threads,
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": True,
        "TimeZone": "UTC",
    }
    connection = duckdb.connect(":memory:", config=settings)
    # DuckDB's binding complains at length about connections that outlive the interpreter.
    atexit.register(connection.close)
    return connection


def write_rows(connection: DuckDBPyConnection, table: Path, name: str, rows: Rows) -> DataFile:
    """Write rows (sorted already) as the file `name` of the table, durably; return its statistics. Raises OSError."""
    import duckdb

    path = table / name
    entities, entity = _named(rows, rows.entity)
    words, coded = _shared(rows)
    cursor = connection.cursor()
    try:
        cursor.register("columns", column_arrays(rows) | {"entity": entity} | coded)
        cursor.execute(_WRITE + FORMAT, {"entities": entities, "words": words, "path": str(path)})
    except duckdb.IOException as error:
        raise OSError(str(error)) from error
    finally:
        cursor.close()
    sync(path)
    sync(table)
    attributes, _ = _named(rows, rows.attribute)
    return DataFile(
        name,
        len(rows),
        path.stat().st_size,
        (min(entities), max(entities)),
        (min(attributes), max(attributes)),
        (int(rows.observed_at.min()), int(rows.observed_at.max())),
        (int(rows.seq.min()), int(rows.seq.max())),
    )


def column_arrays(rows: Rows) -> dict[str, NDArray[Any]]:
    """Return the number columns as DuckDB takes them: contiguous arrays by name."""
    return {name: np.ascontiguousarray(getattr(rows, name)) for name in ("observed_at", "at", "seq", "value", "offset")}


def _shared(rows: Rows) -> tuple[list[str], dict[str, Codes]]:
    """Return the words of the narrow columns as one list, and each column as 1-based places in it (0: no word)."""
    names = ("attribute", "unit", "quality", "source")
    used = sorted(set().union(*(set(np.unique(getattr(rows, name)).tolist()) for name in names)) - {0})
    places = np.zeros(len(rows.words.names), np.int32)
    places[used] = np.arange(1, len(used) + 1)
    return [rows.words.names[code] for code in used], {name: places[getattr(rows, name)] for name in names}


def _named(rows: Rows, codes: Codes) -> tuple[list[str], Codes]:
    """Return the names that a column uses, and the column as 1-based places among them."""
    used = np.flatnonzero(np.bincount(codes))
    places = np.zeros(len(rows.words.names), np.int32)
    places[used] = np.arange(1, len(used) + 1)
    return [rows.words.names[code] for code in used.tolist()], places[codes]
