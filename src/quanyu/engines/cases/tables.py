"""The rows of cases. A case is known in rows by its serial number: the day it was opened and a running number."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from quanyu.engines.cases.columns import NO_DUE as NO_DUE
from quanyu.engines.cases.columns import read_row, written_row
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Shape, Table

DAY_CASES_MAX: Final = 10_000_000
_ID: Final = re.compile(r"^urn:ngsi-ld:Case:(\d{8})-(\d{1,7})$")

ROW: Final = Table(
    "case_row",
    (
        "serial INTEGER",
        "version INTEGER",
        "entries INTEGER",
        "seqs BLOB",
        "timer_at INTEGER",
        "timer TEXT",
        "district TEXT",
        "historical INTEGER",
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
        "doc BLOB",
    ),
    pressed=True,
    lags=True,
    shape=Shape(written_row, read_row),
)
"""What every record about a case moves: one row, so that an action writes one.

`entries` counts the records after the opening; `seqs` holds where the last of them lie in the journal, `SEQ_BYTES` each
(earlier ones: `TRAIL`). `timer` is the earliest pending one. The columns from `district` on are what lists look at; the
folded state `doc` comes last, where it is not in their way.
"""

OPENING: Final = Table(
    "case_opening",
    (
        "serial INTEGER",
        "seq INTEGER",
        "kind TEXT",
        "flow TEXT",
        "channel TEXT",
        "grid TEXT",
        "asset TEXT",
        "category TEXT",
        "reporter TEXT",
        "lon REAL",
        "lat REAL",
        "simulated INTEGER",
        "opened_at INTEGER",
        "fold_key TEXT",
        "title TEXT",
    ),
    lags=True,
)
"""What no action moves: what is searched by and what decisions need. The record `seq` holds the opening itself."""

SEQ_BYTES: Final = 5
PAGE_ENTRIES: Final = 64
TRAIL: Final = Table("case_trail", ("serial INTEGER", "page INTEGER", "seqs BLOB"), keys=2, lags=True)
"""Full pages of a long history: `PAGE_ENTRIES` seqs each; the last page is in the row of the case."""

TEXT: Final = Table("case_text", ("serial INTEGER", "text TEXT"), canonical=False, lags=True)
"""What a search looks into. A store keeps its index alone: the words themselves are in the journal."""

REACH: Final = Table("case_involved", ("unit TEXT", "serial INTEGER"), keys=2, lags=True)
"""Units that had to do with a case, for ever: who sees it under a unit filter."""

FOLD: Final = Table("case_fold", ("key TEXT", "serial INTEGER"), lags=True)
ASK: Final = Table(
    "case_ask",
    ("serial INTEGER", "what TEXT", "role TEXT", "unit TEXT", "at INTEGER"),
    keys=2,
    canonical=False,
    lags=True,
)
"""Answers that cases wait for besides their steps; they follow from the folded state."""

BRANCH: Final = Table(
    "case_branch",
    ("serial INTEGER", "id INTEGER", "role TEXT", "unit TEXT", "person TEXT"),
    keys=2,
    canonical=False,
    lags=True,
)
"""Whose turn it is besides the leading branch's, where a case stands at several steps; follows from the folded state."""

SUBJECT: Final = Table("case_subject", ("subject TEXT", "serial INTEGER"), keys=2, lags=True)
"""Whose cases they are: what a person or firm applies for, was offered, or was given without asking (`owning`).

A subject is named by its id, as registers name it; name and answers lie in the vault. Only such cases have rows here.
"""

NOTICE: Final = Table(
    "case_notice", ("serial INTEGER", "event TEXT", "receiver TEXT", "unit TEXT", "told_at INTEGER"), keys=3, lags=True
)
"""Notices that wait for their receipt."""

SHIFT: Final = Table(
    "shift", ("id TEXT", "desk TEXT", "number INTEGER", "doc BLOB", "accepted BLOB", "seq INTEGER"), lags=True
)
"""Shifts that were handed over: the body as it was kept, and that of the acceptance."""

SHIFT_DESK: Final = Table("shift_desk", ("desk TEXT", "last INTEGER", "upto INTEGER"), lags=True)

NUMBER: Final = Table("case_number", ("day INTEGER", "last INTEGER"), lags=True)
FLOW: Final = Table("flow", ("hash TEXT", "name TEXT", "seq INTEGER", "doc BLOB"), lags=True)

TABLES: Final = (ROW, OPENING, TRAIL, TEXT, REACH, FOLD, ASK, BRANCH, SUBJECT, NOTICE, NUMBER, FLOW, SHIFT, SHIFT_DESK)


@lru_cache(maxsize=16_384)
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


@lru_cache(maxsize=16_384)
def id_of(serial: int) -> str:
    """Return the case's id: urn:ngsi-ld:Case:<number>."""
    return f"urn:ngsi-ld:Case:{number_of(serial)}"


def seqs_of(packed: bytes) -> list[int]:
    """Return the seqs that a row or a page of the trail holds."""
    return [int.from_bytes(packed[at : at + SEQ_BYTES], "big") for at in range(0, len(packed), SEQ_BYTES)]
