"""What an operator looks at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quanyu.assembly.hub import Hub


def health_of(hub: Hub) -> dict[str, Any]:
    """Return journal, queue, readers, and what will be a fault soon."""
    from quanyu.assembly.calendar import warnings_of

    declared = hasattr(hub, "calendar")
    return {
        "warnings": [*(warnings_of(hub) if declared else ()), *hub.devices.warnings()],
        "seq": hub.last_seq,
        "city_time": hub.clock.now(),
        "queued": hub.line.queued,
        "groups": hub.line.groups,
        "calls": hub.line.calls,
        "disk_low": hub.writer.kept_only,
        "devices": hub.devices.health(),
        "calendar_last_day": hub.calendar.last_day.isoformat() if declared else None,
        "deliveries": hub.subscriptions.totals() if hasattr(hub, "subscriptions") else {},
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
