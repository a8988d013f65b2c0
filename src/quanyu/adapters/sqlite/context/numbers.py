"""Which number an entity has, in memory: a hint that saves a reader the way through the index of ids.

Of a million ids every second look-up meets index pages that nobody has touched for long; a slot here is one line of memory.
It is a hint and nothing else: whoever follows it finds the row with this number and this id, or asks the index. So
nobody who writes need keep it up, and no snapshot is needed.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from time import thread_time
from typing import Any, Final

import apsw
import msgspec
import structlog

SLOT_BYTES: Final = 8
SLOTS_MIN: Final = 1 << 10
SLOTS_MAX: Final = 1 << 24
"""128 MiB, which hold the ids of 12 million entities; 16 bytes an entity and fewer. What finds no room is found by index."""
FULL: Final = 0.75
"""Share of the slots that is used: beyond, one has to look at many before the right one."""
SPARE: Final = 1.4
"""Slots an entity that are made, so that others find room later."""
MISSED_MAX: Final = 1_000
"""After so many look-ups in the index all numbers are read; who is asked for little needs none in memory."""
STEP: Final = 500
"""Ids that are read together: the interpreter's lock is let go meanwhile, and then held for a part of a millisecond."""
LOAD: Final = 0.5
"""Of one core, while all numbers are read."""
NUMBERS: Final = (1 << 40) - 1
MARKS: Final = 0xFFFFFF << 40
"""A slot holds a number and above it a mark, bits of the id's hash; its other bits say where the slot is looked for."""
_HIGHEST: Final = "SELECT max(n) FROM entity"
_STEP: Final = """
SELECT json_group_array(id), json_group_array(n), max(id)
FROM (SELECT id, n FROM entity WHERE id > ? ORDER BY id LIMIT ?)
"""
_ids: Final = msgspec.json.Decoder(list[str]).decode
_numbers: Final = msgspec.json.Decoder(list[int]).decode
log = structlog.get_logger()


class Slots:
    """Numbers by the hash of an id; `room` are the ids that it takes."""

    __slots__ = ("held", "mask", "room", "slots")

    def __init__(self, slots: int) -> None:
        memory = mmap.mmap(-1, slots * SLOT_BYTES)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            # Else nearly every look-up would have to find the page first.
            memory.madvise(mmap.MADV_HUGEPAGE)
        self.slots: Any = memoryview(memory).cast("Q")
        self.mask = slots - 1
        self.room = int(slots * FULL)
        self.held = 0

    def find(self, id: str) -> int:
        """Return what may be the number of an entity, 0 for none."""
        hashed = hash(id)
        slots, mask = self.slots, self.mask
        at = hashed & mask
        mark = hashed & MARKS
        while slot := slots[at]:
            if slot & MARKS == mark:
                return slot & NUMBERS  # type: ignore[no-any-return]
            at = (at + 1) & mask
        return 0

    def put(self, id: str, n: int) -> None:
        """Take a number, in place of one with the same mark; nothing happens when there is no room."""
        hashed = hash(id)
        slots, mask = self.slots, self.mask
        at = hashed & mask
        mark = hashed & MARKS
        while slot := slots[at]:
            if slot & MARKS == mark:
                break
            at = (at + 1) & mask
        else:
            if self.held >= self.room:
                return
            self.held += 1
        slots[at] = mark | n


class Numbers:
    """The numbers of one home; may be asked by any thread. `connect` returns this thread's read-only connection.

    `slots` are as they are now: they give way to others when all numbers have been read.
    """

    def __init__(self, connect: Callable[[], apsw.Connection], slots_max: int = SLOTS_MAX) -> None:
        self._connect, self._slots_max = connect, slots_max
        self.slots = Slots(SLOTS_MIN)
        self._missed = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def learn(self, id: str, n: int) -> None:
        """Take a number that the index had to say; many of them, and all that it has are read."""
        slots = self.slots
        slots.put(id, n)
        self._missed += 1
        if self._missed >= MISSED_MAX:
            self._missed = 0
            if slots.held >= slots.room and slots.mask < self._slots_max - 1:
                self._begin()

    def _begin(self) -> None:
        if self._stop.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._read, name="numbers", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self._read_all(self._connect())
        except apsw.Error as error:
            log.warning("numbers of entities are not read", error=str(error))

    def _read_all(self, connection: apsw.Connection) -> None:
        found: Any = connection.execute(_HIGHEST).fetchone()
        wanted = 1 << int((found[0] or 0) * SPARE).bit_length()
        slots = Slots(min(self._slots_max, max(SLOTS_MIN, wanted)))
        last = ""
        while slots.held < slots.room and not self._stop.is_set():
            begun = thread_time()
            ids, numbers, last = _step(connection, last)
            for id, n in zip(ids, numbers, strict=True):
                slots.put(id, n)
            if len(ids) < STEP:
                break
            self._stop.wait((thread_time() - begun) * (1 / LOAD - 1))
        self.slots = slots

    def settle(self) -> None:
        """Return when no numbers are being read."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Read no further."""
        self._stop.set()
        self.settle()


def _step(connection: apsw.Connection, after: str) -> tuple[list[str], list[int], str]:
    found: Any = connection.execute(_STEP, (after, STEP)).fetchone()
    return _ids(found[0]), _numbers(found[1]), found[2]
