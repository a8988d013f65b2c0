"""What an operator looks at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quanyu.engines.cases.engine import CasesEngine

if TYPE_CHECKING:
    from quanyu.assembly.hub import Hub


def health_of(hub: Hub) -> dict[str, Any]:
    """Return journal, queue, readers, and what will be a fault soon."""
    from quanyu.assembly.calendar import warnings_of

    declared = hasattr(hub, "calendar")
    deliveries = _deliveries(hub)
    return {
        "warnings": [
            *(warnings_of(hub) if declared else ()),
            *_unfit(hub),
            *_vacant(hub),
            *hub.devices.warnings(),
            *_unheard(deliveries),
            *_left_out(hub),
        ],
        "seq": hub.last_seq,
        "city_time": hub.clock.now(),
        "queued": hub.line.queued,
        "groups": hub.line.groups,
        "calls": hub.line.calls,
        "disk_low": hub.writer.kept_only,
        "devices": hub.devices.health(),
        "calendar_last_day": hub.calendar.last_day.isoformat() if declared else None,
        "deliveries": deliveries,
        "readers": {
            name: {
                "seen": runner.seen,
                "lag": hub.last_seq - runner.seen,
                "fault": runner.fault,
                "quarantined": runner.quarantined,
            }
            for name, runner in hub.runners.items()
        },
    }


def _unfit(hub: Hub) -> list[str]:
    """Name released definitions that what the packs declare today does not bear."""
    changes = getattr(hub, "changes", None)
    return [] if changes is None else [f"released {fault} (passed over)" for fault in changes.law.faults]


def _left_out(hub: Hub) -> list[str]:
    """Return a sentence when rows of a record could not be made, which is our fault."""
    faults = hub.writer.state.faults
    return [f"{faults} changes are missing in the indexes: see the log, and report it."] if faults else []


def _vacant(hub: Hub) -> list[str]:
    """Name the units that flows send cases to and the city profile has no more."""
    return [fault for engine in hub.engines if isinstance(engine, CasesEngine) for fault in engine.office.vacancies()]


def _deliveries(hub: Hub) -> dict[str, int]:
    """Return how the receivers of subscriptions do, to entities and to registrations together."""
    totals: Counter[str] = Counter()
    for view in (getattr(hub, name, None) for name in ("subscriptions", "registration_subscriptions")):
        if view is not None:
            totals.update(view.totals())
    return dict(totals)


def _unheard(totals: Mapping[str, int]) -> list[str]:
    """Return a sentence when notifications do not reach whom they are for."""
    told = {name: totals.get(name, 0) for name in ("failing", "waiting", "dead", "dropped")}
    if not (told["failing"] or told["dead"] or told["dropped"]):
        return []
    waits = f"{told['waiting']} notifications wait, {told['dead']} are dead letters, {told['dropped']} were dropped"
    return [f"{told['failing']} receivers of subscriptions do not answer; {waits}: see GET /api/v1/subscriptions."]
