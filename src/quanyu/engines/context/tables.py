"""The rows that are entities: documents, last values, and who has which."""

from __future__ import annotations

from typing import Final

from quanyu.kernel.journal import Table

ENTITY: Final = Table(
    "entity",
    (
        "id TEXT",
        "n INTEGER PRIMARY KEY",
        "type TEXT",
        "doc TEXT",
        "version INTEGER",
        "created INTEGER",
        "modified INTEGER",
        "provenance TEXT",
        "stamps TEXT",
        "expires INTEGER",
        "born INTEGER",
    ),
    lags=True,
)
"""`type`: the kind (several types with line breaks between). `expires`: when the first part of it does, None: never.

`born`: the seq of the record that made it; None: it is of earlier days (see kernel.entity.UNTOLD).
"""
ENTITY_N: Final = 1
KIND: Final = 2
DOC: Final = 3
ENTITY_VERSION: Final = 4
CREATED: Final = 5
MODIFIED: Final = 6
STAMPS: Final = 8
EXPIRES: Final = 9
BORN: Final = 10

LAST: Final = Table(
    "last",
    (
        "n INTEGER",
        "attribute TEXT",
        "value",
        "observed_at INTEGER",
        "at INTEGER",
        "seq INTEGER",
        "offset INTEGER",
        "unit TEXT",
        "provenance TEXT",
    ),
    keys=2,
    lags=True,
)
OBSERVED: Final = Table("observed", ("n INTEGER", "names TEXT"), lags=True)
COUNTER: Final = Table("counter", ("name TEXT", "value INTEGER"), lags=True)
