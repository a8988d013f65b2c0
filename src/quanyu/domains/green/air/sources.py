"""Hourly air and weather: files of one station or several (`quanyu import air FILE…`), and messages of stations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any, Final, cast

from quanyu.kernel.declare import Chunk, City, Imported, Reject, message, source
from quanyu.kernel.device import Field
from quanyu.kernel.entity import Observations, urn
from quanyu.kernel.journal import Command
from quanyu.kernel.time import midnight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MISSING: Final = ("NA", "")
HOUR_US: Final = 3_600_000_000
STATION_LETTERS_MAX: Final = 64

QUANTITIES: Final[Mapping[str, tuple[str, str, float, float]]] = {
    "PM2.5": ("pm25", "GQ", 0, inf),
    "PM10": ("pm10", "GQ", 0, inf),
    "SO2": ("so2", "GQ", 0, inf),
    "NO2": ("no2", "GQ", 0, inf),
    "CO": ("co", "GQ", 0, inf),
    "O3": ("o3", "GQ", 0, inf),
    "TEMP": ("temperature", "CEL", -90, 60),
    "PRES": ("atmosphericPressure", "A97", 500, 1100),
    "DEWP": ("dewPoint", "CEL", -90, 60),
    "RAIN": ("precipitation", "MMT", 0, 500),
    "WSPM": ("windSpeed", "MTS", 0, 120),
}
"""Column → attribute, unit, least and greatest value that is a measurement at all."""

COMPASS: Final = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
BEARINGS: Final = {point: 22.5 * number for number, point in enumerate(COMPASS)}
ATTRIBUTES: Final = (*(each[0] for each in QUANTITIES.values()), "windDirection")
UNITS: Final = {**{name: unit for name, unit, _, _ in QUANTITIES.values()}, "windDirection": "DD"}


air_station = message(
    "air_station",
    type="AirQualityObserved",
    fields={name: Field(name, unit) for name, unit in UNITS.items()},
    time="observedAt",
    zh="空气质量站消息",
    en="Message of an air station",
)
"""A station that speaks our own words: attributes by name in the units of types.csv, and when they were observed."""


@source(
    columns=("No", "year", "month", "day", "hour", *QUANTITIES, "wd", "station"),
    zh="空气质量与气象小时数据",
    en="Hourly air quality and weather",
)
def air(chunk: Chunk, city: City) -> Imported:
    """Columns No, year, month, day, hour (the city's local time), PM2.5, PM10, SO2, NO2, CO, O3 (all µg/m³), TEMP and
    DEWP (°C), PRES (hPa), RAIN (mm), wd (16 points), WSPM (m/s), station. NA stands for a missing value.

    A row with one wrong cell is refused whole: its other cells may have slipped by one column.
    """
    import numpy as np

    rejects: dict[int, Reject] = {}
    hours = _instants(chunk, city, rejects)
    stations = _stations(chunk, rejects)
    table = np.empty((len(chunk.lines), len(ATTRIBUTES)))
    for place, (column, (_, _, least, most)) in enumerate(QUANTITIES.items()):
        table[:, place] = _read(chunk, column, _quantity(least, most), rejects)
    table[:, -1] = _read(chunk, "wd", _bearing, rejects)
    table[sorted(rejects)] = nan
    names = sorted({name for row, name in enumerate(stations) if row not in rejects})
    number = {name: place for place, name in enumerate(names)}
    rows, columns = np.nonzero(~np.isnan(table))
    entity = np.array([number.get(name, 0) for name in stations], dtype=np.int32)
    batch = Observations(
        tuple(urn("AirQualityObserved", name) for name in names),
        ATTRIBUTES,
        # Columns of an array are the columns of a batch: it asks for buffers, not for lists.
        cast("Sequence[int]", entity[rows]),
        cast("Sequence[int]", columns.astype(np.int32)),
        cast("Sequence[int]", np.array(hours, dtype=np.int64)[rows]),
        cast("Sequence[float]", table[rows, columns]),
        UNITS,
    )
    return Imported(
        observations=batch if len(batch) else None,
        commands=[_station(name, city) for name in names],
        rejects=[rejects[row] for row in sorted(rejects)],
    )


def _instants(chunk: Chunk, city: City, rejects: dict[int, Reject]) -> list[int]:
    days: dict[tuple[str, str, str], int | Exception] = {}
    instants = []
    columns = chunk.columns
    rows = zip(columns["year"], columns["month"], columns["day"], columns["hour"], strict=True)
    for row, (year, month, day, hour) in enumerate(rows):
        key = (year, month, day)
        if key not in days:
            days[key] = _midnight(key, city.zone)
        start = days[key]
        if isinstance(start, Exception):
            _refuse(chunk, rejects, row, "day", f"{year}-{month}-{day} is not a date: {start}")
        elif not (hour.isascii() and hour.isdigit() and int(hour) < 24):
            _refuse(chunk, rejects, row, "hour", f"hour {hour[:20]!r} is not one of 0 to 23")
        instants.append(0 if row in rejects else start + int(hour) * HOUR_US)  # type: ignore[operator]
    return instants


def _midnight(key: tuple[str, str, str], zone: str) -> int | Exception:
    try:
        year, month, day = (int(part) for part in key)
        return midnight(date(year, month, day), zone)
    except (ValueError, OverflowError) as fault:
        return fault


def _stations(chunk: Chunk, rejects: dict[int, Reject]) -> Sequence[str]:
    fit = {name: _is_station(name) for name in set(chunk.columns["station"])}
    for row, name in enumerate(chunk.columns["station"]):
        if not fit[name]:
            _refuse(chunk, rejects, row, "station", f"station {name[:80]!r} is not a station name")
    return chunk.columns["station"]


def _is_station(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= STATION_LETTERS_MAX


def _read(
    chunk: Chunk, column: str, read: Callable[[str], float | str], rejects: dict[int, Reject]
) -> NDArray[np.float64]:
    """Return a column of numbers: each distinct text is read once, as hourly values repeat a thousandfold."""
    import numpy as np

    texts = chunk.columns[column]
    known = {text: read(text) for text in set(texts)}
    wrong = {text: why for text, why in known.items() if isinstance(why, str)}
    if wrong:
        for row, text in enumerate(texts):
            if text in wrong:
                _refuse(chunk, rejects, row, column, wrong[text])
        known.update(dict.fromkeys(wrong, nan))
    return np.fromiter(map(known.__getitem__, texts), float, len(texts))


def _quantity(least: float, most: float) -> Callable[[str], float | str]:
    def read(text: str) -> float | str:
        if text in MISSING:
            return nan
        try:
            value = float(text)
        except ValueError:
            return f"{text[:40]!r} is not a number; a missing value is written NA"
        if not isfinite(value):
            return f"{text[:40]!r} is not a finite number"
        if value < least:
            return f"{text[:40]} is below {least:g}"
        return value if value <= most else f"{text[:40]} is above {most:g}"

    return read


def _bearing(text: str) -> float | str:
    if text in MISSING:
        return nan
    return BEARINGS.get(text, f"{text[:20]!r} is not one of the 16 points of the compass")


def _refuse(chunk: Chunk, rejects: dict[int, Reject], row: int, column: str, reason: str) -> None:
    """Keep the first fault of a row."""
    rejects.setdefault(row, Reject(chunk.lines[row], f"{column}: {reason}", column))


def _station(name: str, city: City) -> Command:
    """Describe a station from the city profile; where it only knows the district, the district's centre stands in."""
    document: dict[str, Any] = {
        "id": urn("AirQualityObserved", name),
        "type": "AirQualityObserved",
        "name": {"type": "Property", "value": {"zh": name, "en": name}},
        "stationCode": {"type": "Property", "value": name},
    }
    known = next((fact for fact in city.facts if fact.get("id") == f"air_station:{name}"), None)
    place = known and next((each for each in city.districts if each["code"] == known["district"]), None)
    if known and place:
        lon, lat = place["centre"]
        document["name"]["value"] = {"zh": known["zh"], "en": known["en"]}
        document["district"] = {"type": "Property", "value": place["code"]}
        document["positionQuality"] = {"type": "Property", "value": "district"}
        point = [round(lon + known["shift"][0], 4), round(lat + known["shift"][1], 4)]
        document["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": point}}
    return Command("entity.create", document["id"], document, provenance="measured:air")
