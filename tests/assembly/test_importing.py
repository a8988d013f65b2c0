"""Imports: what is good comes in once, what is bad is set aside with its line, and nothing stops for a row."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from quanyu.assembly import Hub, Options, open_hub
from quanyu.assembly.operations import run_operation
from quanyu.kernel.errors import Conflict, Invalid, Missing, QuanyuError
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery

MAPPING = """
name = "gauges"
type = "WaterGauge"
entity = "gauge"
time = "read_at"
[columns.level_m]
attribute = "level"
unit = "MTR"
[columns.rain]
attribute = "rain"
unit = "MMT"
"""
HEADER = "gauge,read_at,level_m,rain\n"
GOOD = HEADER + "g1,2026-03-02 08:00:00,1.5,0\ng1,2026-03-02T09:00:00,1.7,NA\ng2,2026-03-02T00:00:00Z,2.5,3\n"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = open_hub(tmp_path / "home", Options())
    made.start()
    yield made
    made.close()


def imported(hub: Hub, tmp_path: Path, content: str | bytes, name: str = "gauges.csv", **more: Any) -> dict[str, Any]:
    path, mapping = tmp_path / name, tmp_path / "gauges.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    mapping.write_text(more.pop("mapping", MAPPING))
    arguments = {"kind": "observations", "files": [str(path)], "mode": "history", "mapping": str(mapping)} | more
    result: dict[str, Any] = run_operation(hub, "import", arguments, lambda text, share: None)
    return result


def level(hub: Hub, gauge: str) -> list[float | None]:
    start, end = parse_instant("2026-03-01T00:00:00Z"), parse_instant("2026-03-04T00:00:00Z")
    return list(hub.views.history.series(f"urn:ngsi-ld:WaterGauge:{gauge}", "level", start, end).value)


def test_good_rows_come_in_once(hub: Hub, tmp_path: Path) -> None:
    first = imported(hub, tmp_path, GOOD)
    assert (first["rows"], first["observations"], first["entities"], first["rejected"]) == (3, 5, 2, 0)
    again = imported(hub, tmp_path, gzip.compress(GOOD.encode()), name="gauges.csv.gz")
    assert (again["observations"], again["repeated"], again["entities"]) == (0, 5, 0)
    assert level(hub, "g1") == [1.5, 1.7]
    found = hub.views.entities.find("urn:ngsi-ld:WaterGauge:g2", EVERYTHING)
    assert found is not None
    assert found["level"]["observedAt"] == parse_instant("2026-03-02T08:00:00+08:00")


def test_parquet_comes_in_as_csv_does(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "gauges.parquet"
    connection = duckdb.connect(":memory:")
    connection.execute(
        "COPY (SELECT 'g1' AS gauge, TIMESTAMP '2026-03-02 08:00:00' AS read_at, 1.5 AS level_m, NULL AS rain)"
        f" TO '{path}' (FORMAT parquet)"
    )
    connection.close()
    result = imported(hub, tmp_path, path.read_bytes(), name="gauges.parquet")
    assert (result["rows"], result["observations"]) == (1, 1)
    assert level(hub, "g1") == [1.5]
    with pytest.raises(Invalid, match="Parquet"):
        imported(hub, tmp_path, b"not parquet", name="other.parquet")


def test_bad_rows_are_set_aside_with_line_and_reason(hub: Hub, tmp_path: Path) -> None:
    bad = GOOD + "g 3,2026-03-02,1,1\ng1,yesterday,1,1\ng1,2026-03-02T10:00:00,high,inf\ng1,2026\n"
    result = imported(hub, tmp_path, bad)
    assert (result["observations"], result["rejected"]) == (5, 5)
    with Path(result["reject_file"]).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["line"], row["column"]) for row in rows) == [
        ("5", "gauge"), ("6", "read_at"), ("7", "level_m"), ("7", "rain"), ("8", "")
    ]  # fmt: skip
    assert all(row["reason"] and row["file"] == "gauges.csv" for row in rows)


@pytest.mark.parametrize(
    ("content", "more", "error", "code"),
    [
        ("gauge,read_at\n", {}, Invalid, "import.header"),
        ("", {}, Invalid, "import.header"),
        (HEADER.encode() + b"\xff\xfe\n", {}, Invalid, "import.broken"),
        (GOOD, {"mapping": "name = 1"}, Invalid, "mapping.shape"),
        (GOOD, {"mapping": MAPPING.replace("WaterGauge", "Water Gauge")}, Invalid, "entity.name"),
        (GOOD, {"mapping": MAPPING.replace('time = "read_at"', 'time = "read_at"\nzone = "Mars/Base"')}, Invalid,
         "mapping.shape"),
        (GOOD, {"files": ["/nowhere/gauges.csv"]}, Missing, "import.file"),
        (GOOD, {"mode": "tomorrow"}, Invalid, "import.mode"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(
    hub: Hub, tmp_path: Path, content: str | bytes, more: dict[str, Any], error: type[QuanyuError], code: str
) -> None:
    with pytest.raises(error) as refused:
        imported(hub, tmp_path, content, **more)
    assert refused.value.code == code
    assert refused.value.where
    assert refused.value.remedy


def test_unknown_kind_and_missing_mapping_are_said(hub: Hub, tmp_path: Path) -> None:
    for arguments, code in (
        ({"kind": "noise", "files": [], "mode": "history"}, "import.kind"),
        ({"kind": "x", "files": [], "mode": "history", "mapping": str(tmp_path / "none.toml")}, "mapping.file"),
    ):
        with pytest.raises(Missing) as refused:
            run_operation(hub, "import", arguments, lambda text, share: None)
        assert refused.value.code == code


def test_a_simulated_home_refuses_real_sources_as_live(tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "home", Options(demo=True))
    with pytest.raises(Conflict, match="simulated"):
        imported(hub, tmp_path, GOOD, mode="live")
    hub.close()


def test_the_real_air_set_opens_cases_that_can_be_found(hub: Hub) -> None:
    folder = Path(__file__).parents[3] / "shared" / "data" / "beijing-air"
    files = sorted(folder.glob("*Huairou*.csv.gz"))
    if not files:
        # The set is optional: a made day with heavy particles stands in for it.
        files = [_heavy_day(hub.home.parent)]
    arguments = {"kind": "air", "files": [str(path) for path in files], "mode": "history"}
    result = run_operation(hub, "import", arguments, lambda text, share: None)
    assert result["rejected"] == 0
    assert result["cases"] >= 1
    page = hub.views.cases.query(CaseQuery(list="all", historical=True, limit=5), EVERYTHING)
    case = hub.views.cases.find(page.items[0]["id"], EVERYTHING)
    assert case is not None
    assert case["findings"][0]["why"]["zh"]
    assert case["due_at"] is not None
    assert hub.views.cases.count(CaseQuery(list="mine"), EVERYTHING) == 0


def _heavy_day(folder: Path) -> Path:
    lines = ["No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"]
    lines += [
        f"{n + 1},2014,3,1,{n},{300 if 5 < n < 12 else 20},30,5,20,500,40,5,1010,-5,0,N,1,Huairou" for n in range(24)
    ]
    path = folder / "made.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
