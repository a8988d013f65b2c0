"""Files of downloaded documents, by URL: bounded in number and bytes, those unused for longest go first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import structlog

from quanyu.kernel.journal import Instant

NUMBER_MAX = 1_000
BYTES_MAX = 64_000_000
log = structlog.get_logger()


class Kept(msgspec.Struct):
    """A document on the shelf: when it came, when it was last asked for (machine time), and its size."""

    at: Instant
    used: Instant
    bytes: int


class Shelf:
    """`<folder>/<sha256 of the URL>.json` beside `index.json`. A broken index or file is as if it were not there."""

    def __init__(
        self, folder: Path, machine: Callable[[], Instant], number_max: int = NUMBER_MAX, bytes_max: int = BYTES_MAX
    ) -> None:
        self._folder = folder
        self._machine = machine
        self._number_max, self._bytes_max = number_max, bytes_max
        self._guard = threading.Lock()
        self._index = self._read_index()

    def find(self, url: str) -> Any:
        """Return a document, None when it is not there."""
        with self._guard:
            kept = self._index.get(url)
            if kept is None:
                return None
            kept.used = self._machine()
        try:
            return msgspec.json.decode(self._path(url).read_bytes())
        except (OSError, msgspec.DecodeError) as fault:
            log.warning("kept context is lost", url=url, reason=str(fault))
            return None

    def put(self, url: str, content: bytes) -> None:
        """Keep a document, and let the oldest go where there is no room. A full disk keeps nothing and stops nobody."""
        with self._guard:
            now = self._machine()
            old = self._index.pop(url, None)
            if old is not None and self._same(url, content):
                self._index[url] = Kept(old.at, now, old.bytes)
                return
            self._index[url] = Kept(now, now, len(content))
            gone = self._surplus(url)
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                _replace(self._path(url), content)
                for other in gone:
                    self._path(other).unlink(missing_ok=True)
                self._write_index()
            except OSError as fault:
                log.warning("context is not kept", url=url, reason=str(fault))

    def drop(self, url: str) -> bool:
        """Remove a document; False when it was not there."""
        with self._guard:
            if self._index.pop(url, None) is None:
                return False
            self._path(url).unlink(missing_ok=True)
            self._write_index()
            return True

    def kept(self) -> Mapping[str, Kept]:
        """Return what is on the shelf, by URL."""
        with self._guard:
            return {url: msgspec.structs.replace(kept) for url, kept in self._index.items()}

    def _same(self, url: str, content: bytes) -> bool:
        with suppress(OSError):
            return self._path(url).read_bytes() == content
        return False

    def _surplus(self, newest: str) -> list[str]:
        """Take from the index what there is no room for."""
        gone = []
        total = sum(kept.bytes for kept in self._index.values())
        for url in sorted(self._index, key=lambda each: self._index[each].used):
            if len(self._index) <= self._number_max and total <= self._bytes_max:
                break
            if url != newest:
                total -= self._index.pop(url).bytes
                gone.append(url)
        return gone

    def _path(self, url: str) -> Path:
        return self._folder / f"{sha256(url.encode()).hexdigest()}.json"

    def _read_index(self) -> dict[str, Kept]:
        try:
            return msgspec.json.decode((self._folder / "index.json").read_bytes(), type=dict[str, Kept])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as fault:
            log.warning("index of kept contexts is lost", reason=str(fault))
            return {}

    def _write_index(self) -> None:
        _replace(self._folder / "index.json", msgspec.json.encode(self._index))


def _replace(path: Path, content: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
    part.write_bytes(content)
    part.replace(path)
