"""What the garbage collector looks at while hubs work: not what the process was made of, and not at every few requests."""

from __future__ import annotations

import atexit
import gc
import threading

YOUNG_MAX = 100_000
"""New objects that outlive what made them, between two collections: hardly any of them stands in a cycle. What the hub
remembers of the last few thousand records is fewer, so that it comes and goes without being looked at."""


class Heap:
    """The collector of this process, eased while at least one hub works."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._working = 0
        self._usual = gc.get_threshold()
        # At its end the process takes everything apart, whether or not its hubs were closed.
        atexit.register(gc.unfreeze)

    def ease(self) -> None:
        """Leave everything that lives now out of collections: modules, packs and rules live as long as the hub."""
        with self._guard:
            if not self._working:
                self._usual = gc.get_threshold()
                gc.set_threshold(YOUNG_MAX, *self._usual[1:])
                gc.freeze()
            self._working += 1

    def restore(self) -> None:
        """Collect as before once no hub works any more."""
        with self._guard:
            self._working -= 1
            if not self._working:
                gc.set_threshold(*self._usual)
                gc.unfreeze()


HEAP = Heap()
