"""kill -9 at seeded moments: what was acknowledged is there, nothing half-written is visible, restart is clean."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.backup import restore
from quanyu.assembly.hub import Hub
from quanyu.assembly.keeping import check_hub
from quanyu.engines.history.view import HistoryView
from quanyu.kernel.entity import batch_of
from quanyu.kernel.view import EVERYTHING
from tests.soak.worker import operation

WAIT_S_MAX = 60
TURNS = 2
BACKUPS_RESTORED = 2
LATEST_S = {"commits": 0.6, "backups": 1.0, "import": 1.2, "compaction": 2.0, "cases": 0.8}
"""Within how long after `ready` the worker is killed."""

FOREVER = 2**61
Key = tuple[str, str, int]

STATIONS = 6
HOURS = 200
HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station".split(",")  # noqa: SIM905
ATTRIBUTES = {
    "PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3", "TEMP": "temperature",
    "PRES": "atmosphericPressure", "DEWP": "dewPoint", "RAIN": "precipitation", "WSPM": "windSpeed",
}  # fmt: skip
FIRST = datetime.fromisoformat("2014-01-01T00:00:00+08:00")


def write_air(folder: Path, seed: int) -> dict[Key, float]:
    """Write files of the air shape; return what they say, read by nobody's code but ours."""
    chance = random.Random(seed)
    said: dict[Key, float] = {}
    for station in range(STATIONS):
        with (folder / f"station-{station}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for hour in range(HOURS):
                at = FIRST + timedelta(hours=hour)
                cells: dict[str, object] = {
                    "No": hour + 1,
                    "year": at.year,
                    "month": at.month,
                    "day": at.day,
                    "hour": at.hour,
                }
                cells |= {"wd": "NA", "station": f"S{station}"}
                for column, attribute in ATTRIBUTES.items():
                    missing = chance.random() < 0.1
                    value = 1000 + chance.randrange(90) if column == "PRES" else chance.randrange(50)
                    cells[column] = "NA" if missing else value
                    if not missing:
                        key = (f"urn:ngsi-ld:AirQualityObserved:S{station}", attribute, int(at.timestamp()) * 10**6)
                        said[key] = float(value)
                writer.writerow([cells[name] for name in HEADER])
    return said


def killed_worker(home: Path, job: str, seed: int, after_s: float, together: bool) -> tuple[int, list[str]]:
    """Run the worker and kill it so long after it said ready; return its process group and what it said.

    `together` kills its children too; else a compaction goes on beside whoever opens the home next.
    """
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.worker", str(home), job, str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    kill = os.killpg if together else os.kill
    killer = threading.Timer(after_s, kill, [worker.pid, signal.SIGKILL])
    killer.start()
    said = worker.stdout.read().splitlines()
    worker.wait(WAIT_S_MAX)
    worker.stdout.close()
    assert worker.returncode == -signal.SIGKILL
    return worker.pid, said


@contextmanager
def opened(home: Path) -> Iterator[Hub]:
    hub = open_hub(home, Options())
    hub.start()
    try:
        hub.settled_blocking()
        yield hub
    finally:
        hub.close()


def standing(hub: Hub) -> dict[Key, float]:
    """What the journal says of every series: of several values of one instant the last."""
    found: dict[Key, float] = {}
    for record in hub.journal_read(0, 1_000_000, {"observed"}):
        for row in batch_of(record.body or {}):
            found[row.entity, row.attribute, row.observed_at] = float(row.value)
    return found


def in_history(hub: Hub, series: set[tuple[str, str]]) -> dict[Key, float]:
    view = HistoryView(hub.history)
    found: dict[Key, float] = {}
    for name, attribute in series:
        read = view.series(name, attribute, -FOREVER, FOREVER)
        assert len(read.at) == len(set(read.at)), f"{name} {attribute} holds an instant twice"
        found |= {
            (name, attribute, at): value for at, value in zip(read.at, read.value, strict=True) if value is not None
        }
    return found


def sound(hub: Hub, said: list[str], seed: int) -> None:
    """What holds after every kill, whatever was going on."""
    acknowledged = [int(line.split()[1]) for line in said if line.startswith("acknowledged ") and line.split()[1:]]
    assert hub.last_seq >= max(acknowledged, default=0), f"seed {seed}: acknowledged and lost"
    for word in said:
        if len(parts := word.split()) == 4:
            case = hub.views.cases.find(parts[2], EVERYTHING)
            assert case is not None, f"seed {seed}: case {parts[2]} was acknowledged and lost"
            assert case["version"] >= int(parts[3]), f"seed {seed}: an action on case {parts[2]} was lost"
    report = check_hub(hub)
    assert report.sound, f"seed {seed}: {report.faults}"
    assert report.quarantined == 0
    assert all(reader["fault"] is None for reader in hub.health()["readers"].values())
    if report.pruned == 0:
        expected = standing(hub)
        assert in_history(hub, {(name, attribute) for name, attribute, _ in expected}) == expected, f"seed {seed}"
    else:
        observed = len(hub.store.read(0, 1_000_000, {"observed"}))
        assert hub.history.statistics().rows == observed, f"seed {seed}: one observation a record"


def survives(folder: Path, job: str, seed: int) -> None:
    home, chance = folder / "home", random.Random(seed)
    written = write_air(folder, seed) if job == "import" else {}
    said: list[str] = []
    for turn in range(TURNS):
        together = chance.random() < 0.5
        after_s = chance.uniform(0.01, LATEST_S[job])
        group, words = killed_worker(home, job, seed * TURNS + turn, after_s, together)
        said += words
        try:
            with opened(home) as hub:
                sound(hub, said, seed)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
    if job == "import":
        imported_again(folder, written, seed)
    backups = [line.split()[1:] for line in said if line.startswith("backup ") and len(line.split()) == 3]
    for name, seq in backups[-BACKUPS_RESTORED:]:
        restored(folder, name, seq, seed)


def imported_again(folder: Path, written: dict[Key, float], seed: int) -> None:
    """The same import once more brings in what is lacking and nothing twice."""
    with opened(folder / "home") as hub:
        files = [str(path) for path in sorted(folder.glob("*.csv"))]
        report = operation(hub, "import", kind="air", files=files, mode="history")
        assert (report["rejected"], report["observations"] + report["repeated"]) == (0, len(written)), f"seed {seed}"
        hub.flush_history()
        assert in_history(hub, {(name, attribute) for name, attribute, _ in written}) == written, f"seed {seed}"
        assert hub.history.store.statistics().rows == len(written), f"seed {seed}: rows are there twice"
        assert check_hub(hub).sound


def restored(folder: Path, name: str, seq: str, seed: int) -> None:
    home = folder / f"restored-{seq}"
    restore(folder / name, home, lambda text, share: None)
    hub = open_hub(home, Options())
    assert hub.last_seq == int(seq), f"seed {seed}"
    hub.close()
    with opened(home) as hub:
        sound(hub, [], seed)


@pytest.mark.parametrize(
    ("job", "seed"),
    [
        ("commits", 1),
        ("commits", 2),
        ("backups", 1),
        ("import", 1),
        ("import", 2),
        ("compaction", 1),
        ("cases", 1),
        ("cases", 2),
    ],
)
def test_killed_at_a_seeded_moment(tmp_path: Path, job: str, seed: int) -> None:
    survives(tmp_path, job, seed)


@pytest.mark.soak
@pytest.mark.parametrize("job", list(LATEST_S))
@pytest.mark.parametrize("seed", range(100, 150))
def test_killed_at_fifty_seeded_moments(tmp_path: Path, job: str, seed: int) -> None:
    survives(tmp_path, job, seed)
