"""Homes of earlier releases: each opens, is sound, and still says what happened in it. `tests/homes/make.py` made them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.backup import restore
from quanyu.assembly.personal import read_personal
from quanyu.assembly.remote import operate, was_simulated
from quanyu.kernel.errors import Missing
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.homes.make import HOUR_US, START, STATION

HOMES = sorted((Path(__file__).parents[1] / "homes").glob("*.quanyu.gz"))
BYTES_MAX = 300_000


def unpacked(pressed: Path, folder: Path) -> Path:
    file, home = folder / "home.quanyu", folder / "home"
    file.write_bytes(gzip.decompress(pressed.read_bytes()))
    restore(file, home, lambda text, share: None)
    return home


def test_every_release_left_a_small_home() -> None:
    assert "0.1.0" in {path.name.removesuffix(".quanyu.gz") for path in HOMES}
    assert all(path.stat().st_size < BYTES_MAX for path in HOMES)


@pytest.mark.parametrize("pressed", HOMES, ids=lambda path: path.name)
def test_a_home_of_a_release_opens_and_checks(pressed: Path, tmp_path: Path) -> None:
    home = unpacked(pressed, tmp_path)
    assert was_simulated(home)
    report = operate(home, "check", {})
    assert report["faults"] == []
    assert report["erased_persons"] == 1
    assert len(list((home / "checkpoints").iterdir())) == 1
    exported = operate(home, "export", {"target": str(tmp_path / "out")})
    assert exported["rows"]["cases.ndjson"] == 2
    assert exported["history_files"] > 1


@pytest.mark.parametrize("pressed", HOMES, ids=lambda path: path.name)
def test_a_home_of_a_release_says_what_happened(pressed: Path, tmp_path: Path) -> None:
    hub = open_hub(unpacked(pressed, tmp_path), Options(demo=True))
    try:
        hub.start()
        hub.settled_blocking()
        series = hub.views.history.series(STATION, "pm25", START - 48 * HOUR_US, START + 3 * HOUR_US)
        assert len(series.at) == 51
        assert hub.views.entities.last(STATION, "pm25") == (42.0, START + 2 * HOUR_US)
        closed, waiting = sorted(
            hub.views.cases.query(CaseQuery(list="all"), EVERYTHING).items,
            key=lambda case: str(case["closed_at"] is None),
        )
        whole = hub.views.cases.find(closed["id"], EVERYTHING)
        assert whole is not None
        assert whole["outcome"]["word"] == "fixed"
        (found,) = whole["findings"]
        assert (found["from"], found["to"], found["limit"]) == (START - 4 * HOUR_US, START, 120.0)
        done = [each["action"] for each in whole["actions"] if each["actor"].startswith("person:")]
        assert done == ["accept", "dispatch", "inspect", "check", "close"]
        assert [hub.files.get(each["sha256"])[:4] for each in whole["actions"][3]["files"]] == [b"\x89PNG"] * 2
        erased = hub.views.cases.find(waiting["id"], EVERYTHING)
        assert erased is not None
        with pytest.raises(Missing):
            read_personal(hub, erased["reporter"], "system:test", "call back")
        assert b"13800138000" not in json.dumps(whole, default=str).encode()
        assert hub.access.tokens()[0]["title"] == "a gateway"
    finally:
        hub.close()
