"""The history as a Delta table at `<home>/lake/observations`: sorted zstd Parquet files, written and read by DuckDB.

`log` keeps the table's transaction log through deltalake and makes it durable, `parquet` writes a file, `query` reads
files and hot tail together, `compact` merges files in a child process, `check` finds what is wrong. DuckDB and
deltalake are imported by the first flush or query, not with the module.
"""
