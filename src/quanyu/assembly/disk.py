"""How much of the disk of a home is free."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

LOOKED_S = 0.1
"""So long an answer holds: groups of calls follow one another faster than a disk fills."""


class Disk:
    """The disk that holds a home; raises OSError where it does not answer."""

    def __init__(self) -> None:
        self._free, self._until = 1.0, 0.0

    def free(self, home: Path) -> float:
        """Return its free share, as it was a moment ago."""
        now = monotonic()
        if now >= self._until:
            found = os.statvfs(home)
            self._free, self._until = found.f_bavail / found.f_blocks, now + LOOKED_S
        return self._free
