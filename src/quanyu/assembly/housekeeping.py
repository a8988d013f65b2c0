"""What a served home does for itself once a day: a checkpoint, orphaned files swept, old idempotency keys forgotten."""

from __future__ import annotations

import threading

import structlog

from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import IDEMPOTENCY
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import checkpoint, sweep_files
from quanyu.engines.history.tables import FORGOTTEN, INSTANCES
from quanyu.kernel.errors import QuanyuError

EVERY_S = 86_400.0
KEYS_KEPT_US = 7 * 86_400_000_000
log = structlog.get_logger()


class Housekeeper:
    """Runs `keep_house` every day of machine time until it is stopped."""

    def __init__(self, hub: Hub, every_s: float = EVERY_S) -> None:
        self._hub, self._every_s = hub, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin to wait for the first day to pass."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way and end."""
        self._stopping.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                log.info("house kept", **keep_house(self._hub))
            except QuanyuError as error:
                log.error("housekeeping fails", code=error.code, error=error.message)


def keep_house(hub: Hub) -> dict[str, int]:
    """Make a checkpoint, sweep what nobody needs, forget keys older than seven days; return what was done."""
    hub.put_down()
    seq = checkpoint(hub, hub.engines)
    return {
        "checkpoint": seq,
        "files_swept": sweep_files(hub),
        "keys_forgotten": forget_keys(hub),
        "instances_swept": sweep_instances(hub),
    }


def sweep_instances(hub: Hub) -> int:
    """Remove instances that were deleted from the past; what of it is in the lake goes when its files are merged."""
    store = hub.store
    assert isinstance(store, SqliteStore)
    if INSTANCES.name not in store.tables or FORGOTTEN.name not in store.tables:
        return 0

    def sweep() -> int:
        gone = store.delete_instances()
        hub.writer.state.forget(INSTANCES)
        return gone

    return hub.errand(sweep)


def forget_keys(hub: Hub) -> int:
    """Forget idempotency keys that are older than seven days of machine time."""
    store = hub.store
    assert isinstance(store, SqliteStore)

    def forget() -> int:
        gone = store.forget_keys(hub.machine() - KEYS_KEPT_US)
        hub.writer.state.forget(IDEMPOTENCY)
        return gone

    return hub.errand(forget)
