"""The read side of notify: webhooks with their health, and their deliveries."""

from __future__ import annotations

from typing import Any

import msgspec

from quanyu.engines.notify.store import NotifyStore


class NotifyView:
    """Shows webhooks to faces; signing secrets are never shown."""

    def __init__(self, store: NotifyStore) -> None:
        self._store = store

    def webhooks(self) -> list[dict[str, Any]]:
        """Return webhooks with health: ok, failing (since, why), paused, or new; instants are machine time."""
        shown = []
        for row, receiver, counts in self._store.webhooks():
            document = msgspec.json.decode(row[1])
            _, last_ok, last_error, failing_since, resync = receiver or (row[0], None, None, None, 0)
            health = "failing" if failing_since else "ok" if last_ok else "new"
            shown.append(
                {
                    "id": row[0],
                    **document,
                    "changed_at": row[3],
                    "health": "paused" if document.get("paused") else health,
                    "last_ok": last_ok,
                    "last_error": last_error,
                    "failing_since": failing_since,
                    "resync_needed": bool(resync),
                    "waiting": counts.get("waiting", 0),
                    "sent": counts.get("sent", 0),
                    "dead": counts.get("dead", 0),
                }
            )
        return shown

    def deliveries(
        self, webhook: str, state: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return deliveries of a webhook, newest first, without their payloads."""
        found = self._store.deliveries(webhook, state, before, limit)
        return [
            {name: value for name, value in msgspec.structs.asdict(each).items() if name != "payload"} for each in found
        ]
