"""The lake itself: a Delta table for everybody, whole after every accident, merged without anybody noticing."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest

from quanyu.adapters.lake.check import verify
from quanyu.adapters.lake.compact import Request, compaction
from quanyu.adapters.lake.log import DeltaLog
from quanyu.adapters.lake.store import PACKAGES, LakeStore
from quanyu.engines.history.store import Window
from quanyu.kernel.entity import Observation
from quanyu.kernel.errors import Missing
from tests.engines.past import HOUR_US, MINUTE_US, MORNING, Journal, Past, State, sensor, series_of

END = MORNING + 1000 * HOUR_US


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "home" / "lake"


@pytest.fixture
def store(lake: Path) -> Iterator[LakeStore]:
    store = LakeStore(lake, grace_hours=0, compact_at_files=1000)
    yield store
    store.close()


def filled(store: LakeStore, files: int = 6, seed: int = 1) -> Past:
    """Write files whose times overlap and correct one another."""
    chance = random.Random(seed)
    past = Past(store, Journal(), State())
    for _ in range(files):
        past.journal.observe(
            Observation(
                sensor(chance.randrange(3)),
                "level",
                MORNING + chance.randrange(60) * MINUTE_US,
                float(chance.randrange(9)),
                "MTR",
            )
            for _ in range(80)
        )
        past.feed()
        past.flush()
    return past


def check_all(past: Past) -> None:
    for number in range(3):
        series = past.view.series(sensor(number), "level", MORNING, END)
        assert (list(series.at), list(series.value)) == series_of(past.journal, sensor(number), "level", MORNING, END)


def reopened(past: Past, lake: Path) -> Past:
    return Past(LakeStore(lake, grace_hours=0), past.journal, past.state)


def test_a_delta_reader_opens_the_table_and_counts_its_rows(store: LakeStore) -> None:
    from deltalake import DeltaTable, QueryBuilder

    filled(store, 2)
    table = DeltaTable(store.table)
    assert table.count() == store.statistics().rows
    answer = (
        QueryBuilder().register("observations", table).execute("SELECT count(*) AS n, max(seq) AS s FROM observations")
    )
    assert [row["n"] for row in answer.read_all().to_struct_array().to_pylist()] == [store.statistics().rows]
    assert [field.name for field in table.schema().fields][:4] == ["entity", "attribute", "dataset", "observed_at"]


def test_compaction_folds_corrections_and_counts_them(store: LakeStore) -> None:
    past = filled(store)
    before = store.statistics()
    store.compact(past.reader.struck)
    assert store.settle() == 0
    after = store.statistics()
    standing = sum(len(series_of(past.journal, sensor(number), "level", MORNING, END)[0]) for number in range(3))
    assert (after.files, after.rows) == (1, standing)
    assert 0 < after.corrections <= before.rows - after.rows
    assert after.last_seq == before.last_seq
    check_all(past)


def test_compaction_starts_by_itself_when_small_files_gather(lake: Path) -> None:
    store = LakeStore(lake, grace_hours=0, compact_at_files=3)
    past = filled(store, 3)
    assert store.settle() == 0
    assert store.statistics().files == 1
    check_all(past)
    store.close()


def test_a_struck_instance_leaves_the_files_when_everything_is_folded(store: LakeStore) -> None:
    past = filled(store, 3)
    points = past.view.points(sensor(0), "level", MORNING, END)
    struck = (int(points.seq[0]), int(points.offset[0]))
    past.journal.strike(struck)
    past.feed()
    check_all(past)
    store.compact(past.reader.struck, everything=True)
    assert store.settle() == 0
    check_all(past)
    without = LakeStore(store.lake)
    found = without.points(_everything(sensor(0)), past.reader.tail_rows(), (), 1000)
    assert struck not in set(zip(found.seq.tolist(), found.offset.tolist(), strict=True))
    without.close()


def test_a_struck_instance_stays_while_an_older_value_could_surface(store: LakeStore) -> None:
    """Files that are merged without one that overlaps them must keep the struck row: it hides what came before."""
    past = filled(store, 2)
    version = DeltaLog(store.table).version()
    assert version.files[0].overlaps(version.files[1])
    points = past.view.points(sensor(0), "level", MORNING, END)
    past.journal.strike((int(points.seq[0]), int(points.offset[0])))
    past.feed()
    store.compact(past.reader.struck)
    store.settle()
    check_all(past)


@pytest.mark.parametrize("steps", range(1, 6))
def test_a_compaction_cut_after_any_step_changes_no_answer(store: LakeStore, lake: Path, steps: int) -> None:
    past = filled(store, 4, seed=steps)
    work = compaction(store.table, Request(grace_hours=0))
    done = [step for step, _ in zip(work, range(steps), strict=False)]
    work.close()
    assert done == ["chosen", "written", "committed", "swept"][:steps]
    again = reopened(past, lake)
    check_all(again)
    assert verify(lake, past.state.mark) == []
    list(compaction(store.table, Request(grace_hours=0)))
    check_all(reopened(past, lake))


@pytest.mark.parametrize("line", ["chosen", "written", "committed"])
def test_a_killed_child_leaves_a_whole_table(store: LakeStore, lake: Path, line: str) -> None:
    past = filled(store, 4)
    child = subprocess.Popen(
        [sys.executable, "-m", "quanyu.adapters.lake.compact", str(store.table)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGES},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(msgspec.json.encode(Request(grace_hours=0)).decode())
    child.stdin.close()
    said = list(takewhile(lambda step: step.strip() != line, child.stdout))
    child.kill()
    assert [step.strip() for step in said] == ["chosen", "written", "committed"][: len(said)]
    assert len(said) < 3
    child.wait(60)
    child.stdout.close()
    again = reopened(past, lake)
    check_all(again)
    assert verify(lake, past.state.mark) == []


def test_reads_hold_their_version_while_a_compaction_commits(store: LakeStore) -> None:
    past = filled(store, 4)
    work = compaction(store.table, Request(grace_hours=1))
    for _ in work:
        check_all(past)
    past.journal.observe([Observation(sensor(0), "level", MORNING, 55.0)])
    past.feed()
    past.flush()
    check_all(past)


def test_an_append_and_a_compaction_may_commit_at_once(store: LakeStore) -> None:
    past = filled(store, 4)
    work = compaction(store.table, Request(grace_hours=0))
    assert [next(work), next(work)] == ["chosen", "written"]
    past.journal.observe([Observation(sensor(0), "level", MORNING, 55.0)])
    past.feed()
    past.flush()
    assert list(work) == ["committed", "swept"]
    store.refresh()
    assert store.statistics().files == 2
    check_all(past)


def test_a_second_compaction_at_a_time_does_nothing(store: LakeStore) -> None:
    filled(store, 3)
    with (store.lake / "compact.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store.compact(())
        assert store.settle() == 0
    assert store.statistics().files == 3


def test_a_torn_log_is_mended_on_opening(store: LakeStore, lake: Path) -> None:
    past = filled(store, 2)
    log = store.table / "_delta_log"
    (log / f"{3:020}.json").write_text('{"add":{"pa')
    (log / f"{4:020}.json").write_text("")
    (log / f"{2:020}.checkpoint.parquet").write_bytes(b"PAR1 torn")
    (log / "_last_checkpoint").write_text('{"version":2,"size":3}')
    again = reopened(past, lake)
    check_all(again)
    assert sorted(path.name for path in log.iterdir()) == [f"{number:020}.json" for number in range(3)]


def test_a_checkpoint_carries_files_and_marks(store: LakeStore) -> None:
    filled(store, 3)
    log = DeltaLog(store.table)
    before = log.version()
    log.checkpoint()
    assert log.checkpoint_age() == 0
    assert DeltaLog(store.table).version() == before


def test_orphans_are_swept_and_the_table_is_not(store: LakeStore) -> None:
    past = filled(store, 2)
    orphan = store.table / "single-orphan.parquet"
    orphan.write_bytes(b"PAR1")
    DeltaLog(store.table).sweep(1)
    assert orphan.exists()
    DeltaLog(store.table).sweep(0)
    assert not orphan.exists()
    check_all(past)


def test_verify_finds_what_is_wrong(store: LakeStore, lake: Path) -> None:
    assert verify(lake, 0) == []
    assert [finding.code for finding in verify(lake, 5)] == ["lake.behind"]
    past = filled(store, 4)
    assert verify(lake, past.state.mark) == []
    paths = [store.table / file.path for file in DeltaLog(store.table).version().files]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes() + b"x")
    paths[2].write_bytes(b"\0" * paths[2].stat().st_size)
    found = {finding.where: finding.code for finding in verify(lake, past.state.mark)}
    assert found == {str(paths[0]): "lake.file", str(paths[1]): "lake.size", str(paths[2]): "lake.unreadable"}


def test_verify_counts_rows(store: LakeStore, lake: Path) -> None:
    filled(store, 2)
    log = DeltaLog(store.table)
    one = log.version().files[0]
    shutil.copy(store.table / one.path, store.table / "single-short.parquet")
    log.commit([msgspec.structs.replace(one, path="single-short.parquet", rows=one.rows + 1)], seq=3)
    assert [finding.code for finding in verify(lake, 2)] == ["lake.rows"]


def test_a_snapshot_is_the_version_of_a_seq_and_opens_elsewhere(store: LakeStore, tmp_path: Path) -> None:
    past = filled(store, 3)
    snapshot = store.snapshot(2)
    assert snapshot.seq == 2
    for name in snapshot.files:
        target = tmp_path / "restored" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(store.lake.parent / name, target)
    restored = reopened(past, tmp_path / "restored" / "lake")
    assert restored.reader.store.last_seq() == 2
    check_all(restored)


def test_a_snapshot_of_swept_files_is_missing(store: LakeStore) -> None:
    filled(store, 3)
    list(compaction(store.table, Request(grace_hours=0)))
    assert store.snapshot(3).files
    with pytest.raises(Missing) as gone:
        store.snapshot(1)
    assert gone.value.code == "lake.snapshot"


def test_an_empty_home_has_an_empty_snapshot(store: LakeStore) -> None:
    assert store.snapshot(9).files == ()


def _everything(entity: str) -> Window:
    return Window((entity,), "level", MORNING, END)
