"""How a ratio is measured: both sides interleaved in one process, CPU time of all threads, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
Result = dict[str, Any]


def cpu_s(work: Callable[[], object]) -> float:
    """Return CPU seconds of all threads that the work took."""
    start = time.process_time()
    work()
    return time.process_time() - start


def interleaved(ours: Callable[[], object], peer: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Return median CPU seconds of ours and of the peer, run in turn after one warm-up each."""
    ours(), peer()
    pairs = [(cpu_s(ours), cpu_s(peer)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def result(
    name: str, value: float, unit: str, better: str, peer: str, detail: str, goal: float | None = None
) -> Result:
    """Return one line of the bench."""
    return {
        "name": name, "value": round(value, 3), "unit": unit, "better": better, "peer": peer, "goal": goal,
        "detail": detail,
    }  # fmt: skip
