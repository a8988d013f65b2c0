"""Tenants: homes within a home, each with its own store, journal, history and chain; opened lazily and capped."""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from quanyu.assembly.hub import Hub
from quanyu.kernel.errors import Invalid, Missing, QuanyuError, Unavailable

OPEN_MAX = 16
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$")
Opener = Callable[[Path], Hub]
"""Opens the hub of a tenant in its folder; it is at work when it is returned."""


class Tenants:
    """The tenants of a home. `creates`: the first write makes a tenant that does not exist yet.

    `tells` says of a database whether somebody subscribes there: such tenants are opened by `resume`, since they have
    something to do though nobody asks them, and they are the last to make room.

    Whoever works in a tenant enters and leaves it: a hub that somebody is in is never closed to make room.
    """

    def __init__(
        self,
        home: Path,
        opener: Opener,
        creates: bool = False,
        open_max: int = OPEN_MAX,
        tells: Callable[[Path], bool] = lambda database: False,
    ) -> None:
        self._tells, self._closed = tells, False
        self._home, self._opener, self._creates, self._open_max = home / "tenants", opener, creates, open_max
        self._open: OrderedDict[str, Hub] = OrderedDict()
        self._inside: Counter[str] = Counter()
        self._made: dict[str, int] = {}
        """Tenants made since the start, with the journal's end at that moment."""
        # Opening and closing take long and happen in threads; the guard is held for moments, by the event loop too.
        self._opening, self._guard = threading.Lock(), threading.Lock()

    def names(self) -> list[str]:
        """Return the tenants that exist."""
        if not self._home.is_dir():
            return []
        return sorted(path.name for path in self._home.iterdir() if (path / "quanyu.db").is_file())

    def opened(self, name: str) -> Hub | None:
        """Enter a tenant that is open, None when it is not: touches no file, so the event loop may ask."""
        with self._guard:
            hub = self._open.get(name)
            if hub is not None:
                self._open.move_to_end(name)
                self._inside[name] += 1
            return hub

    def enter(self, name: str, write: bool = False) -> Hub:
        """Return a tenant's hub, open until `leave`; Invalid for a name that no folder may have, Missing for none."""
        if not NAME.match(name):
            raise Invalid(
                f"Tenant {name[:60]!r} is not a name.",
                code="tenant.name",
                where="NGSILD-Tenant",
                remedy="Use letters, digits, - and _, at most 50.",
            )
        with self._opening:
            if self._closed:
                raise Unavailable("The hub is closing.", code="hub.closing", retry_after_s=5)
            hub = self.opened(name)
            if hub is not None:
                return hub
            folder = self._home / name
            if not (folder / "quanyu.db").is_file() and not (write and self._creates):
                raise Missing(
                    f"Tenant {name} does not exist.",
                    code="tenant.missing",
                    where="NGSILD-Tenant",
                    remedy="Write to it first where that makes tenants, or ask for its name.",
                )
            self._make_room()
            made = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            hub = self._opener(folder)
            with self._guard:
                if made:
                    self._made[name] = hub.last_seq
                self._open[name] = hub
                self._inside[name] += 1
            return hub

    def resume(self) -> None:
        """Open the tenants that have somebody to tell, as far as there is room; returns at once."""
        threading.Thread(target=self._resume, name="tenants", daemon=True).start()

    def _resume(self) -> None:
        for name in self.names():
            if self._closed or len(self._open) >= self._open_max:
                return
            with suppress(QuanyuError):
                if self._tells(self._home / name / "quanyu.db"):
                    self.enter(name)
                    self.leave(name)

    def leave(self, name: str) -> None:
        """Give a tenant back that was entered."""
        with self._guard:
            self._inside[name] -= 1
            if self._inside[name] <= 0:
                del self._inside[name]

    def is_fresh(self, name: str) -> bool:
        """Whether a tenant was made since the start, nothing was written to it, and nobody is in."""
        with self._guard:
            hub = self._open.get(name)
            return hub is not None and not self._inside[name] and self._made.get(name) == hub.last_seq

    def unmake(self, name: str) -> None:
        """Remove a tenant that a refused request made; one that is not fresh stays."""
        with self._opening:
            if not self.is_fresh(name):
                return
            with self._guard:
                if self._inside[name]:
                    return
                hub = self._open.pop(name)
                del self._made[name]
            hub.close()
            rmtree(self._home / name)

    def _make_room(self) -> None:
        while len(self._open) >= self._open_max:
            with self._guard:
                idle_ones = [name for name in self._open if not self._inside[name]]
                quiet = (name for name in idle_ones if not self._tells(self._home / name / "quanyu.db"))
                idle = next(quiet, idle_ones[0] if idle_ones else None)
                hub = None if idle is None else self._open.pop(idle)
            if hub is None:
                raise Unavailable(
                    f"All {self._open_max} tenants that may be open are at work.",
                    code="tenant.busy",
                    where="NGSILD-Tenant",
                    remedy="Send it again later.",
                    retry_after_s=1,
                )
            hub.close()

    def close(self) -> None:
        """Close every tenant that is open."""
        self._closed = True
        with self._opening, self._guard:
            while self._open:
                self._open.popitem()[1].close()
