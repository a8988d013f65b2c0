"""Entities in SQLite: documents with last values joined on reading; boxes, values and counts to find them by."""

from quanyu.adapters.sqlite.context.schema import SCHEMA
from quanyu.adapters.sqlite.context.store import SqliteContext

__all__ = ["SCHEMA", "SqliteContext"]
