"""The book of rules: memory as rows, pages of everything and the steps since, written with the cursor that they are of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from quanyu.engines.rules import memory
from quanyu.engines.rules.evaluate import Evaluator
from quanyu.engines.rules.store import RULE_PAGE, RULE_STEP, ReaderState
from quanyu.kernel.journal import Change

STEPS_MAX: Final = 500
STEP_BYTES_MIN: Final = 256 * 1024
STEP_SHARE_MAX: Final = 4
"""Pages replace the steps when there are so many of them, or when they outgrow the pages so many times."""


class Book:
    """Knows which rows stand, so that it can replace them."""

    def __init__(self) -> None:
        self._pages: set[tuple[str, int]] = set()
        self._steps: list[int] = []
        self._next = 1
        self._page_bytes = 0
        self._step_bytes = 0

    def load(self, state: ReaderState, evaluator: Evaluator) -> set[str]:
        """Put the memory back; return the hashes of the rules that it was kept for."""
        entries: list[list[Any]] = []
        for part, page, body in state.rows(RULE_PAGE):
            self._pages.add((part, page))
            self._page_bytes += len(body)
            entries += memory.unpack(body)
        # Who is where comes before what was seen of them.
        known = memory.apply(evaluator, sorted(entries, key=lambda entry: entry[0] not in memory.FIRST))
        for step, body in sorted(state.rows(RULE_STEP)):
            self._steps.append(step)
            self._step_bytes += len(body)
            known |= memory.apply(evaluator, memory.unpack(body))
        self._next = self._steps[-1] + 1 if self._steps else 1
        return known

    def step(self, evaluator: Evaluator) -> Iterator[Change]:
        """Yield the rows that bring the book to the evaluator's present memory."""
        body = memory.pack(evaluator.changes.take(evaluator.watches))
        self._step_bytes += len(body)
        full = self._step_bytes > max(STEP_BYTES_MIN, STEP_SHARE_MAX * self._page_bytes)
        if len(self._steps) < STEPS_MAX and not full:
            yield Change(RULE_STEP.name, (self._next,), (self._next, body))
            self._steps.append(self._next)
            self._next += 1
            return
        yield from self._everything(evaluator)

    def rewrite(self, evaluator: Evaluator) -> Iterator[Change]:
        """Yield the rows that make the book hold this evaluator's memory and nothing else: rules came or went."""
        evaluator.changes.take(evaluator.watches)
        yield from self._everything(evaluator)

    def _everything(self, evaluator: Evaluator) -> Iterator[Change]:
        yield from (Change(RULE_STEP.name, (step,), None) for step in self._steps)
        self._steps, self._step_bytes, self._page_bytes = [], 0, 0
        stale, self._pages = self._pages, set()
        for part, page, entries in memory.everything(evaluator):
            body = memory.pack(entries)
            self._pages.add((part, page))
            self._page_bytes += len(body)
            yield Change(RULE_PAGE.name, (part, page), (part, page, body))
        yield from (Change(RULE_PAGE.name, key, None) for key in sorted(stale - self._pages))
