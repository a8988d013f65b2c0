"""The read view of likeness: what may be the same as a case, or as a report that is being written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from quanyu.engines.cases.alike.near import EITHER, Candidate, bounds_of, candidates
from quanyu.engines.cases.alike.spots import AlikeStore, Spot, cell_of
from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.likeness import Weights, letters_of
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.view import EVERYTHING, Filter, Page, Sketch

SHOWN_MAX: Final = 10
UNSAVED: Final = -1
"""Serial of a report that has not been opened."""


class AlikeView:
    """Implements `kernel.view.Alike`; what the filter keeps out is no candidate."""

    def __init__(
        self,
        store: AlikeStore,
        cases: CasesView,
        parameters: Parameters,
        now: Callable[[], Instant],
        *,
        zone: str,
        jurisdiction: str,
    ) -> None:
        self._store, self._cases, self._now = store, cases, now
        self._parameters, self._zone, self._jurisdiction = parameters, zone, jurisdiction

    def renew(self, parameters: Parameters) -> None:
        """Compare by what the city released from the next question on."""
        self._parameters = parameters

    def near(self, sketch: Sketch, scope: Filter, weights: Weights | None = None, least: float = 0.3) -> list[Any]:
        """Return open cases that may be what a report tells, best first; `weights` widen or narrow the search."""
        spot = Spot(
            cell_of(sketch.lon, sketch.lat, sketch.district), self._now(), UNSAVED, sketch.lon, sketch.lat, sketch.flow,
            sketch.category, sketch.district, EITHER, letters_of(sketch.address),
            letters_of(sketch.text),
        )  # fmt: skip
        return self._shown(spot, scope, weights, least)

    def of(self, id: str, scope: Filter) -> dict[str, Any]:
        """Return what may be the same as a case, what was suggested, and the outbreak that it belongs to."""
        serial = serial_of(id)
        spots = self._store.spots_of(serial)
        root = self._store.outbreak(serial)
        suggested = [
            {"case": id_of(one if other == serial else other), "score": score, "why": msgspec.json.decode(doc)}
            for one, other, score, doc in self._store.pairs_of(serial)
        ]
        return {
            "alike": self._shown(spots[0], scope, None, 0.0) if spots else [],
            "suggested": [each for each in suggested if self._cases.listed(each["case"], scope)],
            "unlike": [
                other for other in map(id_of, sorted(self._store.unlike(serial))) if self._cases.listed(other, scope)
            ],
            "outbreak": None if root is None else self._outbreak(root, scope),
        }

    def suggestions(self, scope: Filter, after: str | None, limit: int) -> Page:
        """Return pairs that somebody should judge, newest first; a pair shows only to who may see both."""
        pairs: list[dict[str, Any]] = []
        cursor = _cursor(after)
        while len(pairs) < limit:
            rows = self._store.pairs(cursor, limit)
            for serial, other, score, doc in rows:
                cursor = (serial, other)
                case, like = self._cases.listed(id_of(serial), scope), self._cases.listed(id_of(other), scope)
                if case and like and case["merged_into"] is None and "closed" not in (case["state"], like["state"]):
                    pairs.append({"case": case, "other": like, "score": score, "why": msgspec.json.decode(doc)})
                    if len(pairs) == limit:
                        break
            if len(rows) < limit:
                cursor = None if len(pairs) < limit else cursor
                break
        return Page(pairs, None if cursor is None else f"{cursor[0]}:{cursor[1]}")

    def _shown(self, spot: Spot, scope: Filter, weights: Weights | None, least: float) -> list[dict[str, Any]]:
        bounds = bounds_of(self._parameters, self._now(), self._zone, self._jurisdiction)
        if bounds is None and weights is None:
            return []
        found = candidates(self._store, spot, weights or bounds.weights, (), least)  # type: ignore[union-attr]
        return list(self._leading(found, spot, scope))

    def _leading(self, found: Iterable[Candidate], spot: Spot, scope: Filter) -> Iterable[dict[str, Any]]:
        """Yield each open case once, under its best report."""
        seen = {id_of(spot.serial)} if spot.serial != UNSAVED else set()
        for each in found:
            case = self._cases.listed(id_of(each.spot.serial), EVERYTHING)
            if case is not None and case["merged_into"] is not None:
                case = self._cases.listed(case["merged_into"], EVERYTHING)
            if case is None or case["id"] in seen or case["state"] == "closed":
                continue
            seen.add(case["id"])
            shown = self._cases.listed(case["id"], scope)
            if shown is not None:
                like = each.likeness
                yield {"case": shown, "score": round(like.score, 3), "away_m": like.away_m, "why": like.why}
            if len(seen) > SHOWN_MAX:
                return

    def _outbreak(self, root: int, scope: Filter) -> dict[str, Any]:
        members = [id_of(serial) for serial in self._store.members(root)]
        return {"count": len(members), "reports": [id for id in members if self._cases.listed(id, scope) is not None]}


def _cursor(after: str | None) -> tuple[int, int] | None:
    if after is None:
        return None
    serial, _, other = after.partition(":")
    if not (serial.isdigit() and other.isdigit()):
        raise Invalid(
            f"Cursor {after[:60]!r} does not continue the suggestions.",
            code="query.cursor",
            where="after",
            remedy="Send the cursor of the page before, unchanged.",
        )
    return int(serial), int(other)
