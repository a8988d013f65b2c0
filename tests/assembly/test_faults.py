"""Faults of the machine: a clear error, nothing acknowledged lost, nothing half-visible, and work again afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.clock import SimulatedClock
from quanyu.assembly.demo import start_demo
from quanyu.assembly.keeping import check_hub
from quanyu.assembly.operations import run_operation
from quanyu.assembly.owner import Server
from quanyu.engines.history.view import HistoryView
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import Invalid, Unavailable
from quanyu.kernel.journal import Command
from tests.assembly.faulty_home import ROWS, SENSOR
from tests.hubs import HOUR_US, MORNING, HandClock, bare_hub, past_hub

CHILD_S_MAX = 60
MINUTE_US = 60_000_000


def in_child(job: str, home: Path, code: int = 0) -> dict[str, dict[str, Any]]:
    """Run a job of `faulty_home` in a process of its own; return what each step said."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.assembly.faulty_home", job, str(home)],
        stdout=subprocess.PIPE,
        # A full disk would leave cut bytecode of whatever is imported first there, for everybody after.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=CHILD_S_MAX,
        check=False,
    )
    assert child.returncode == code
    said = [msgspec.json.decode(line) for line in child.stdout.splitlines() if line.startswith(b"{")]
    return {each["step"]: each for each in said}


def create(name: str = "a") -> Command:
    return Command("entity.create", f"urn:ngsi-ld:Sensor:{name}", {"type": "Sensor"})


def observe(at: int = MORNING) -> Command:
    return Command("observe", "test", body_of(observations([Observation(SENSOR, "level", at, 1.0)])), "measured")


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("full")
    return folder, in_child("full", folder / "home")


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("commit", "store.write"),
        ("flush", "lake.disk"),
        ("checkpoint", "store.write"),
        ("backup", "disk.refuses"),
    ],
)
def test_a_full_disk_is_said_clearly_and_work_goes_on_when_there_is_space(
    full_disk: tuple[Path, dict[str, dict[str, Any]]], step: str, code: str
) -> None:
    _, said = full_disk
    refused = said[f"{step} without space"]
    assert refused["code"] == code
    assert refused["remedy"]
    assert refused["message"].isprintable()
    assert "code" not in said[f"{step} with space"]


def test_a_full_disk_damages_nothing_and_leaves_nothing_lying(
    full_disk: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    folder, said = full_disk
    assert said["rows"]["result"] == ROWS
    assert said["check"]["result"]["faults"] == []
    assert sorted(path.name for path in folder.iterdir()) == ["home", "kept.quanyu"]
    assert {path.suffix for path in (folder / "home" / "checkpoints").iterdir()} == {".gz"}


def test_on_a_nearly_full_disk_only_kept_records_commit_until_there_is_space(tmp_path: Path) -> None:
    free = [0.04]
    with bare_hub(tmp_path) as hub:
        hub.disk_free = lambda home: free[0]
        hub.commit_blocking([create()], "person:a")
        with pytest.raises(Unavailable) as refused:
            hub.commit_blocking([observe()], "person:a")
        assert refused.value.code == "store.low"
        assert hub.health()["disk_low"]
        mixed = hub.commit_blocking([create("b"), observe()], "person:a", atomic=False)
        assert [outcome.error is None for outcome in mixed.outcomes] == [True, False]
        free[0] = 0.06
        assert hub.commit_blocking([observe()], "person:a").seq == 3
        assert not hub.health()["disk_low"]


def test_a_disk_that_does_not_answer_stops_nobody(tmp_path: Path) -> None:
    def gone(home: Path) -> float:
        raise OSError(5, "Input/output error")

    with bare_hub(tmp_path) as hub:
        hub.disk_free = gone
        assert hub.commit_blocking([create()], "person:a").seq == 1


@pytest.mark.parametrize("job", ["cut-before", "cut-after"])
def test_power_lost_between_lake_and_cursor_loses_nothing_and_doubles_nothing(tmp_path: Path, job: str) -> None:
    for turn in range(1, 3):
        said = in_child(job, tmp_path, -signal.SIGKILL)
        assert len(said["observed"]["result"]) == 3
        with past_hub(tmp_path) as hub:
            hub.settled_blocking()
            for _ in range(2):
                assert hub.history.statistics().rows == 3 * ROWS * turn
                start = MORNING - 10**12
                series = HistoryView(hub.history).series(SENSOR, "level", start, start + 10**15)
                assert len(series.at) == len(set(series.at)) == 3 * ROWS * turn
                hub.flush_history()
            assert check_hub(hub).faults == []


def test_a_clock_far_back_stops_writes_until_an_administrator_accepts_it_once(tmp_path: Path) -> None:
    clock = HandClock()
    with bare_hub(tmp_path, clock) as hub:
        hub.commit_blocking([create()], "person:a")
        clock.at = MORNING - HOUR_US
        with pytest.raises(Unavailable) as refused:
            hub.commit_blocking([create("b")], "person:a")
        assert (refused.value.code, refused.value.details["retry_after_s"]) == ("clock.back", 60)
        run_operation(hub, "accept-time", {}, lambda text, share: None)
        assert hub.commit_blocking([create("b")], "person:a").at == MORNING
        clock.at = MORNING + MINUTE_US
        assert hub.commit_blocking([create("c")], "person:a").at == clock.at
        clock.at -= HOUR_US
        with pytest.raises(Unavailable, match="before the last record"):
            hub.commit_blocking([create("d")], "person:a")


def test_a_second_process_is_told_who_owns_the_home_and_works_through_the_owner(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options())
    hub.start()
    server = Server(tmp_path, lambda name, arguments, told: run_operation(hub, name, arguments, told))
    try:
        said = in_child("second", tmp_path)
    finally:
        server.close()
        hub.close()
    assert said["open"]["code"] == "home.owned"
    assert str(os.getpid()) in said["open"]["message"]
    assert said["check"]["result"]["faults"] == []
    assert said["unknown"]["code"] == "operation.unknown"
    assert "backup" in said["unknown"]["remedy"]


def test_a_home_is_free_again_when_its_owner_has_closed(tmp_path: Path) -> None:
    open_hub(tmp_path, Options()).close()
    said = in_child("second", tmp_path)
    assert said["open"]["result"] > 0


def test_a_city_that_was_stopped_before_its_first_step_starts_again(tmp_path: Path) -> None:
    for _ in range(2):
        hub = open_hub(tmp_path, Options(demo=True))
        hub.start()
        try:
            assert start_demo(hub, 7, None, 0, lambda text, share: None).position.number == -1
            assert hub.access.find_person("person:admin") is not None
        finally:
            hub.close()


def test_a_city_resumes_where_its_people_acted_between_two_steps(tmp_path: Path) -> None:
    demo = Options(demo=True)
    hub = open_hub(tmp_path, demo)
    hub.start()
    driver = start_demo(hub, 7, "2026-03-02T08:00:00+08:00", 0, lambda text, share: None)
    assert isinstance(hub.clock, SimulatedClock)
    driver.step()
    hub.clock.jump(driver.position.at + 9 * MINUTE_US)
    acted = hub.commit_blocking([create("late")], "person:admin")
    hub.close()
    hub = open_hub(tmp_path, demo)
    hub.start()
    try:
        assert hub.commit_blocking([create("later")], "person:admin").at >= acted.at
        driver = start_demo(hub, 7, None, 0, lambda text, share: None)
        driver.step()
        assert driver.position.number == 1
    finally:
        hub.close()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"days": {}},
        {"days": {"soon": {"works": True, "source": "x"}}},
        {"days": {"2026-03-05": {"works": "yes", "source": "x"}}},
        {"days": {"2026-03-05": {"works": True}}},
    ],
)
def test_a_calendar_edit_that_would_keep_the_home_from_opening_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    with bare_hub(tmp_path) as hub:
        with pytest.raises(Invalid) as refused:
            hub.commit_blocking([Command("calendar.edit", "calendar", body)], "system:test")
        assert (refused.value.code, refused.value.where) == ("calendar.day", "days")
        assert hub.last_seq == 0
