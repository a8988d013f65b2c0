"""Stamps: a hash of the inputs kept beside the output, so that a second run has nothing to do."""

import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.say import ROOT, line


def digest(files: Iterable[Path], *words: str) -> str:
    """SHA-256 over names and contents, in the order given; a missing file counts as empty."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in files:
        total.update(f"\0{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name}\0".encode())
        total.update(path.read_bytes() if path.is_file() else b"")
    return total.hexdigest()


def is_fresh(stamp: Path, expected: str) -> bool:
    """True when the stamp holds the expected hash: the output was made from these very inputs."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == expected


def press(stamp: Path, value: str) -> None:
    """Writes the stamp; called last, so that an interrupted run is repeated."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value, encoding="utf-8")


@contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time in a checkout: two terminals, or `make -j`, wait for each other."""
    with (ROOT / "Makefile").open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line("Another make is setting up this checkout; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
