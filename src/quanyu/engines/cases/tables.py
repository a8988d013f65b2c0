"""The rows of cases. A case is known in rows by its serial number: the day it was opened and a running number."""

from __future__ import annotations

import re
from typing import Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Table

DAY_CASES_MAX: Final = 10_000_000
_ID: Final = re.compile(r"^urn:ngsi-ld:Case:(\d{8})-(\d{1,7})$")

FILE: Final = Table("case_file", ("serial INTEGER", "version INTEGER", "entries INTEGER", "head BLOB", "doc BLOB"))
ACTION: Final = Table("case_action", ("serial INTEGER", "n INTEGER", "doc BLOB"), keys=2)
INDEX: Final = Table(
    "case_index",
    (
        "serial INTEGER",
        "kind TEXT",
        "flow TEXT",
        "channel TEXT",
        "district TEXT",
        "grid TEXT",
        "asset TEXT",
        "category TEXT",
        "reporter TEXT",
        "lon REAL",
        "lat REAL",
        "historical INTEGER",
        "simulated INTEGER",
        "opened_at INTEGER",
        "severity TEXT",
        "state TEXT",
        "step TEXT",
        "role TEXT",
        "unit TEXT",
        "person TEXT",
        "lead_unit TEXT",
        "due_at INTEGER",
        "sort_at INTEGER",
        "waiting INTEGER",
        "late INTEGER",
        "closed_at INTEGER",
        "outcome TEXT",
        "returned_by TEXT",
        "returned_to TEXT",
        "escalated_to TEXT",
        "merged_into INTEGER",
        "returns INTEGER",
        "reworks INTEGER",
        "first_right INTEGER",
        "on_time INTEGER",
        "handled_on_time INTEGER",
    ),
)
NO_DUE: Final = 2**62
"""`sort_at` of cases whose due instant is unknown or stands: behind all others."""

FIXED_COLUMNS: Final = 14
"""Columns of the index that no action moves; they come first."""

TEXT: Final = Table("case_text", ("serial INTEGER", "text TEXT"))
REACH: Final = Table("case_reach", ("serial INTEGER", "unit TEXT"), keys=2)
"""Units that had to do with a case, for ever: who sees it under a unit filter."""

FOLD: Final = Table("case_fold", ("key TEXT", "serial INTEGER"))
TIMER: Final = Table("case_timer", ("due INTEGER", "serial INTEGER", "name TEXT"), keys=3)
"""The earliest pending timer of each case."""

ASK: Final = Table(
    "case_ask", ("serial INTEGER", "what TEXT", "role TEXT", "unit TEXT", "at INTEGER"), keys=2, canonical=False
)
"""Answers that cases wait for besides their steps; made again from the cases' files where they are missing."""
NOTICE: Final = Table(
    "case_notice", ("serial INTEGER", "event TEXT", "receiver TEXT", "unit TEXT", "told_at INTEGER"), keys=3
)
"""Notices that wait for their receipt."""

NUMBER: Final = Table("case_number", ("day INTEGER", "last INTEGER"))
FLOW: Final = Table("flow", ("hash TEXT", "name TEXT", "seq INTEGER", "doc BLOB"))

TABLES: Final = (FILE, ACTION, INDEX, TEXT, REACH, FOLD, TIMER, ASK, NOTICE, NUMBER, FLOW)


def serial_of(id: str) -> int:
    """Return the serial number in a case id; raises Invalid (case.id) for anything else."""
    found = _ID.match(id)
    if found is None:
        raise Invalid(
            f"Id {id[:80]!r} is not the id of a case.",
            code="case.id",
            where="subject",
            remedy="Case ids look like urn:ngsi-ld:Case:20260301-17.",
        )
    return int(found[1]) * DAY_CASES_MAX + int(found[2])


def number_of(serial: int) -> str:
    """Return the number that people read: 20260301-17."""
    day, running = divmod(serial, DAY_CASES_MAX)
    return f"{day:08d}-{running}"


def id_of(serial: int) -> str:
    """Return the case's id: urn:ngsi-ld:Case:<number>."""
    return f"urn:ngsi-ld:Case:{number_of(serial)}"
