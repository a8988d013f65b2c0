"""The real import: every observation through journal, history, rules and folded cases, until all readers have settled."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Result, result
from quanyu.assembly import Options, open_hub
from quanyu.assembly.operations import run_operation
from quanyu.kernel.errors import Missing


def air() -> Iterator[Result]:
    """[import.air]: the twelve sites of the shared air set; Missing where they are not there."""
    folder = Path(os.environ.get("QUANYU_BENCH_DATA", "../shared/data")) / "beijing-air"
    files = sorted(str(path) for path in folder.glob("*.csv.gz"))
    if not files:
        raise Missing(
            "import.air was not measured: its data are not here.",
            code="bench.data",
            where=str(folder),
            remedy="Put the twelve *.csv.gz files there, or name their parent folder in QUANYU_BENCH_DATA.",
        )
    with tempfile.TemporaryDirectory() as name:
        hub = open_hub(Path(name), Options())
        hub.start()
        wall, cpu = time.perf_counter(), time.process_time()
        arguments = {"kind": "air", "files": files, "mode": "history"}
        report = run_operation(hub, "import", arguments, lambda text, share: None)
        hub.flush_history()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        hub.close()
    detail = f"{report['observations']:,} observations, {report['cases']} cases, {wall:.1f} s wall, {cpu:.1f} s CPU"
    yield result("import.air", report["observations"] / wall, "observations/s", "higher", "none", detail, 100_000)
