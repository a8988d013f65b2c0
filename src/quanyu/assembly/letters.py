"""Dead letters of devices: what could not be taken, and why; bounded, and on the disk before a sender is answered."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from quanyu.kernel.journal import Instant

KEPT = 1_000
FILE_BYTES_MAX = 8 * 1024 * 1024
PAYLOAD_LETTERS_MAX = 2_000


class Letter(msgspec.Struct, frozen=True):
    """A message that was not taken: its source and place (topic, station), what it said (cut), the error, machine time."""

    number: int
    at: Instant
    source: str
    place: str
    payload: str
    code: str
    reason: str


class Letters:
    """The newest letters of a home; `<home>/rejects/devices.ndjson` and one older file hold some thousands."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "devices.ndjson"
        self._older = folder / "devices.1.ndjson"
        self._kept: deque[Letter] = deque(maxlen=KEPT)
        self._unwritten: deque[Letter] = deque(maxlen=KEPT)
        self._writing = threading.Lock()
        self._number = 0
        for path in (self._older, self._file):
            self._remember(path)

    def _remember(self, path: Path) -> None:
        try:
            lines = path.read_bytes().splitlines()[-KEPT:]
        except OSError:
            return
        for line in lines:
            try:
                self._kept.append(msgspec.json.decode(line, type=Letter))
            except msgspec.MsgspecError:
                continue  # a line that a crash cut off
        if self._kept:
            self._number = self._kept[-1].number

    def add(self, at: Instant, source: str, place: str, payload: bytes, code: str, reason: str) -> None:
        """Take a letter in; it is on the disk after `write`."""
        self._number += 1
        text = bytes(payload[: PAYLOAD_LETTERS_MAX * 4]).decode("utf-8", "replace")[:PAYLOAD_LETTERS_MAX]
        letter = Letter(self._number, at, source, place[:400], text, code, reason[:400])
        self._kept.append(letter)
        self._unwritten.append(letter)

    def write(self) -> None:
        """Put what is new on the disk, from any thread; blocks, and raises OSError when the disk refuses."""
        with self._writing:
            fresh = []
            while self._unwritten:
                fresh.append(self._unwritten.popleft())
            if not fresh:
                return
            try:
                self._append(b"".join(msgspec.json.encode(letter) + b"\n" for letter in fresh))
            except OSError:
                self._unwritten.extendleft(reversed(fresh))
                raise

    def _append(self, lines: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._file.exists() and self._file.stat().st_size > FILE_BYTES_MAX:
            self._file.replace(self._older)
        with self._file.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def newest(self, before: int | None, limit: int, source: str | None = None) -> list[Letter]:
        """Return letters, newest first, below a number (None: from the newest); `hj212:<mn>` are those of one station."""
        found: Iterable[Letter] = reversed(tuple(self._kept))
        chosen = [
            letter
            for letter in found
            if (before is None or letter.number < before)
            and (source is None or source in (letter.source, f"{letter.source}:{letter.place}"))
        ]
        return chosen[:limit]
