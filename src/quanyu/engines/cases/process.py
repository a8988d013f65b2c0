"""The process of a flow as past cases show it: read through the store, under the filter of who asks."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from quanyu.engines.cases.slimming import process, without
from quanyu.engines.cases.store import CaseStore, Viewer
from quanyu.engines.cases.tables import id_of
from quanyu.engines.cases.walked import Walk, walk_of
from quanyu.kernel.errors import Missing
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import CaseQuery, Filter

WALKS_MAX: Final = 1_000
"""Cases that one answer looks at, newest first."""
PAGE: Final = 200


def walks_of(
    store: CaseStore, flow: str, start: Instant, end: Instant, scope: Filter, viewer: Viewer
) -> tuple[list[Walk], bool]:
    """Return how the cases of a flow opened in [start, end) went, newest first, and whether there are more."""
    walks: list[Walk] = []
    query = CaseQuery(list="all", flow=flow, opened_from=start, opened_to=end, sort="opened", limit=PAGE)
    while True:
        page = store.query(query, scope, viewer)
        for stored in page.items:
            records = store.records([stored.opening, *store.trail(stored.serial)])
            walks.append(walk_of(id_of(stored.serial), records))
        if page.after is None or len(walks) >= WALKS_MAX:
            return walks, page.after is not None
        query = msgspec.structs.replace(query, after=page.after)


def process_of(
    store: CaseStore, flow: str, start: Instant, end: Instant, scope: Filter, viewer: Viewer, step: str | None
) -> dict[str, Any]:
    """Return volume, days and drop-outs by step; with a step, what the closed cases would have been without it.

    Raises Missing (process.step) for a step at which none of the cases ever stood.
    """
    walks, more = walks_of(store, flow, start, end, scope, viewer)
    found = process(walks)
    made: dict[str, Any] = {"flow": flow, "from": start, "to": end, "more": more} | msgspec.to_builtins(found)
    if step is None:
        return made
    known = [each.step for each in found.steps]
    if step not in known:
        raise Missing(
            f"No case of {flow} in this time stood at the step {step[:80]}.",
            code="process.step",
            where="without",
            remedy=f"Steps are {', '.join(known) or 'none: no case was opened in this time'}.",
        )
    return made | {"without": msgspec.to_builtins(without(walks, step))}
