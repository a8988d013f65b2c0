"""The parser of hourly air files: rows as documented, missing values missing, bad rows refused with line and reason."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.assembly.packs import load_city
from quanyu.domains.green.air.sources import BEARINGS, air
from quanyu.kernel.declare import Chunk, Imported
from quanyu.kernel.entity import batch_of, body_of
from quanyu.kernel.time import parse_instant

CITY = load_city("beijing")
HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station".split(",")  # noqa: SIM905
GOOD = "1,2013,3,1,0,4,4,4,7,300,77,-0.7,1023,-18.8,0,NNW,4.4,Aotizhongxin"
DATA = Path(os.environ.get("QUANYU_BENCH_DATA") or Path(__file__).parents[3] / "shared" / "data")
REAL = sorted((DATA / "beijing-air").glob("PRSA_Huairou*.csv.gz"))


def parsed(*rows: str) -> Imported:
    cells = [row.split(",") for row in rows]
    columns = {name: [row[n] for row in cells] for n, name in enumerate(HEADER)}
    return air.parse(Chunk("made-up.csv", range(2, 2 + len(rows)), columns), CITY)


def changed(**cells: str) -> str:
    row = dict(zip(HEADER, GOOD.split(","), strict=True)) | {
        name.replace("_", "."): value for name, value in cells.items()
    }
    return ",".join(row[name] for name in HEADER)


def test_a_row_becomes_twelve_observations_of_its_station() -> None:
    found = parsed(GOOD)
    assert found.observations is not None
    rows = {row.attribute: row for row in found.observations}
    assert len(rows) == 12
    assert rows["pm25"].value == 4
    assert rows["co"].value == 300
    assert rows["co"].unit == "GQ"
    assert rows["dewPoint"].value == -18.8
    assert rows["windDirection"].value == BEARINGS["NNW"] == 337.5
    assert {row.observed_at for row in rows.values()} == {parse_instant("2013-03-01T00:00:00+08:00")}
    assert {row.entity for row in rows.values()} == {"urn:ngsi-ld:AirQualityObserved:Aotizhongxin"}
    assert found.rejects == []


def test_a_known_station_stands_in_its_district_and_an_unknown_one_nowhere() -> None:
    known, unknown = parsed(GOOD), parsed(changed(station="Elsewhere"))
    assert [command.kind for command in known.commands] == ["entity.create"]
    assert known.commands[0].body["district"]["value"] == "110105"
    assert known.commands[0].body["positionQuality"]["value"] == "district"
    assert known.commands[0].body["location"]["value"]["type"] == "Point"
    assert "location" not in unknown.commands[0].body


def test_missing_values_stay_missing() -> None:
    found = parsed(changed(PM2_5="NA", wd="NA", O3=""))
    assert found.observations is not None
    attributes = {row.attribute for row in found.observations}
    assert len(attributes) == 9
    assert not attributes & {"pm25", "windDirection", "o3"}
    assert found.rejects == []


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ({"PM2_5": "abc"}, "PM2.5", "not a number"),
        ({"PM2_5": "-3"}, "PM2.5", "below 0"),
        ({"PM10": "nan"}, "PM10", "not a finite number"),
        ({"O3": "inf"}, "O3", "not a finite number"),
        ({"TEMP": "99"}, "TEMP", "above 60"),
        ({"wd": "NXW"}, "wd", "16 points"),
        ({"month": "13"}, "day", "not a date"),
        ({"day": "31", "month": "2"}, "day", "not a date"),
        ({"hour": "24"}, "hour", "0 to 23"),
        ({"hour": "x"}, "hour", "0 to 23"),
        ({"station": ""}, "station", "not a station name"),
        ({"station": "a b<c"}, "station", "not a station name"),
    ],
)
def test_a_bad_row_is_refused_whole_and_stops_nothing(cells: dict[str, str], column: str, reason: str) -> None:
    found = parsed(GOOD, changed(**cells), changed(hour="2"))
    assert found.observations is not None
    assert [(each.line, each.column) for each in found.rejects] == [(3, column)]
    assert reason in found.rejects[0].reason
    assert len(found.observations) == 24


def test_a_chunk_of_bad_rows_brings_nothing() -> None:
    found = parsed(changed(hour="77"))
    assert found.observations is None
    assert found.commands == []
    assert len(found.rejects) == 1


def test_rows_come_in_the_order_of_the_file_and_travel_in_a_record() -> None:
    found = parsed(GOOD, changed(hour="1", station="Dongsi"), changed(hour="2"))
    assert found.observations is not None
    back = list(batch_of(body_of(found.observations)))
    assert back == list(found.observations)
    assert [row.observed_at for row in back] == sorted(row.observed_at for row in back)
    assert len(found.commands) == 2


@given(st.lists(st.text(alphabet="0123456789.-NAxe", max_size=5), min_size=1, max_size=6))
def test_whatever_stands_in_a_cell_is_a_number_missing_or_refused(texts: list[str]) -> None:
    found = parsed(*(changed(PM2_5=text.replace(",", "")) for text in texts))
    values = [row.value for row in found.observations or () if row.attribute == "pm25"]
    missing = sum(text in ("NA", "") for text in texts)
    assert len(values) + missing + len(found.rejects) == len(texts)
    assert all(isinstance(value, float) and 0 <= value < float("inf") for value in values)


def test_a_real_file_comes_in_whole() -> None:
    # Without the shared data the made-up row stands in for a file.
    rows = [HEADER, GOOD.split(",")]
    for path in REAL:
        with gzip.open(path, "rt", encoding="utf-8") as text:
            rows = list(csv.reader(text))
    columns = dict(zip(rows[0], (list(column) for column in zip(*rows[1:], strict=True)), strict=True))
    found = air.parse(Chunk("real.csv", range(2, len(rows) + 1), columns), CITY)
    missing = sum(cell == "NA" for name in HEADER[5:17] for cell in columns[name])
    assert found.observations is not None
    assert found.rejects == []
    assert len(found.observations) == 12 * (len(rows) - 1) - missing
    assert not np.isnan(np.asarray(found.observations.value)).any()
