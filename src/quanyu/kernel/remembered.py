"""What was read, until something is made that may have changed it: for the few rows that every request asks for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Remembered(Generic[Found]):
    """Answers of a store by key. `latest` is a number that moves whenever any of them may have become another.

    It is asked before the store is, so an answer that is older than it looks is forgotten with the next move. What is not
    there is not remembered, and beyond `most` everything is forgotten: senders choose what they ask for.
    """

    def __init__(self, latest: Callable[[], int], most: int) -> None:
        self._latest = latest
        self._most = most
        self._held: tuple[int, dict[Hashable, Found]] = (-1, {})

    def get(self, key: Hashable, read: Callable[[], Found | None]) -> Found | None:
        """Return what was read under a key, or read it."""
        latest, held = self._latest(), self._held
        if held[0] != latest:
            held = self._held = (latest, {})
        answers = held[1]
        found = answers.get(key)
        if found is None:
            found = read()
            if found is not None:
                if len(answers) >= self._most:
                    answers.clear()
                answers[key] = found
        return found
