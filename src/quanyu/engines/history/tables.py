"""State of the history: what was struck, forgotten and told (kept for ever), and what its reader writes down."""

from __future__ import annotations

from quanyu.kernel.journal import Table

TOMBSTONE = Table("tombstone", ("seq INTEGER", "offset INTEGER", "by INTEGER"), keys=2)
"""Instances that were struck by record `by`."""

AMENDED = Table("amended", ("seq INTEGER", "offset INTEGER", "by INTEGER"), keys=2)
"""Instances that stand as record `by` says, not as they were written."""

FORGOTTEN = Table("forgotten", ("entity TEXT", "attribute TEXT", "dataset TEXT", "upto INTEGER"), keys=3)
"""What was deleted from the past: an entity (attribute "") or a dataset of an attribute ("*": all) before a seq."""

TEMPORAL = Table("temporal", ("id TEXT", "type TEXT", "created INTEGER", "modified INTEGER"))
"""Entities that were told to the history itself (5.6.11); types one a line."""

MARK = Table("history_mark", ("name TEXT", "seq INTEGER"), canonical=False)
"""`lake`: the last seq flushed with rows. `read`: everything up to here that had rows is in the lake."""

INSTANCES = Table(
    "instances",
    (
        "entity TEXT",
        "attribute TEXT",
        "dataset TEXT",
        "observed_at INTEGER",
        "at INTEGER",
        "value TEXT",
        "quality TEXT",
        "source TEXT",
        "seq INTEGER",
        "offset INTEGER",
        "modified INTEGER",
        "by INTEGER",
    ),
    keys=4,
    canonical=False,
)
"""Instances with an observedAt that are no plain number: `value` is the instance as JSON, without what columns say."""

DESCRIBED = Table("described", ("entity TEXT", "seq INTEGER", "at INTEGER", "tells INTEGER"), keys=2, canonical=False)
"""Kept records that tell of an entity what has no observedAt; `tells` says what (see telling.describes).

That which made an entity is among them once the entity is deleted: until then its row says where it begins.
"""

DEPARTED = Table("departed", ("id TEXT", "type TEXT", "at INTEGER"), canonical=False)
"""Entities that were deleted; their history stays."""
