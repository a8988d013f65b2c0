"""From a frame of data to rows: which station, which factors, which of its numbers goes to which attribute.

2011 is real-time data, 2051 minutes, 2061 hours, 2031 days. The data that a station declares as its own (`data`) feed
the plain attributes; the others stand beside them (`pm25Hour`), so that no series mixes a moment with a mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import inf, isfinite

import msgspec

from quanyu.assembly.devices import Gauge
from quanyu.assembly.intake import Reading, newborn
from quanyu.faces.hj212.frame import Frame, Group
from quanyu.kernel.device import Row, Station
from quanyu.kernel.device.factors import Factors
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import instant
from quanyu.kernel.time.instant import zone_of

KINDS: Mapping[str, str] = {"2011": "Now", "2051": "Minute", "2061": "Hour", "2031": "Day"}
"""Command number → what it adds to an attribute when it is not the station's own kind of data."""
MEANS: Mapping[str, str] = {"Avg": "", "Min": "Min", "Max": "Max", "Cou": "Total"}
MOMENTS: Mapping[str, str] = {"Rtd": ""}
NORMAL = "N"
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
COMPLAINTS_MAX = 8


class Arrived(msgspec.Struct):
    """A frame that came from a station that may send it, and how many values it held."""

    station: Station
    gauge: Gauge
    frame: Frame
    data: bytes
    values: int = 0


class FrameReader:
    """Reads frames of data by a city's table of factors."""

    def __init__(self, factors: Factors, zone: str) -> None:
        self._factors, self._zone = factors, zone

    def read(self, arrived: Arrived) -> Reading:
        """Return what a frame says; Invalid when nothing of it can be taken. What is left out of it is the complaint."""
        frame, station = arrived.frame, arrived.station
        at, day = self._time(frame, station)
        left_out: list[str] = []
        rows: list[Row] = []
        for group in frame.cp:
            if group[0][0] != "DataTime":
                rows += self._group(group, station, frame.cn, (at, day), left_out)
        if not rows:
            raise Invalid(_complaint(left_out) or "The frame holds no values.", code="hj212.nothing", where=frame.mn)
        arrived.values = len(rows)
        births = {}
        if station.create is not None:
            births[station.entity] = newborn(station.entity, station.type, station.mn, station.create)
        complaint = Invalid(_complaint(left_out), code="hj212.left_out", where=frame.mn) if left_out else None
        return Reading(rows, births, complaint)

    def _time(self, frame: Frame, station: Station) -> tuple[Instant, date]:
        text = next((value for group in frame.cp for key, value in group if key == "DataTime"), "")
        try:
            if len(text) != 14 or not text.isdigit():
                raise ValueError(text)
            when = datetime.strptime(text, "%Y%m%d%H%M%S")
        except ValueError as fault:
            raise Invalid(
                f"DataTime {text[:30]!r} is no time (YYYYMMDDhhmmss).", code="hj212.time", where=frame.mn
            ) from fault
        zone = zone_of(station.zone or self._zone)
        return instant(when.replace(tzinfo=zone)), when.date()

    def _group(
        self, group: Group, station: Station, cn: str, when: tuple[Instant, date], left_out: list[str]
    ) -> list[Row]:
        """Return the rows of one factor's group."""
        at, day = when
        flags = {key.rpartition("-")[0]: value for key, value in group if key.endswith("-Flag")}
        kind = "" if cn == station.data else KINDS[cn]
        fields = MOMENTS if cn == "2011" else MEANS
        rows: list[Row] = []
        for key, text in group:
            code, _, field = key.rpartition("-")
            if field == "Flag" and code:
                continue
            factor = self._factors.find(code, day)
            if factor is None:
                left_out.append(f"code {code or key} is not in the table of factors")
            elif field not in fields:
                left_out.append(f"{key} is not read from {cn}")
            elif flags.get(code, NORMAL) != NORMAL:
                left_out.append(f"{key} is flagged {flags[code][:4]}")
            elif (value := _number(text)) is None:
                left_out.append(f"{key} holds {text[:20]!r}, which is no number")
            else:
                name = f"{factor.attribute}{kind}{fields[field]}"
                rows.append((station.entity, name, at, value * factor.scale, factor.unit))
        return rows


def _number(text: str) -> float | None:
    value = float(text) if NUMBER.fullmatch(text) else inf
    return value if isfinite(value) else None


def _complaint(left_out: Sequence[str]) -> str:
    shown = list(dict.fromkeys(left_out))
    more = f"; and {len(shown) - COMPLAINTS_MAX} more" if len(shown) > COMPLAINTS_MAX else ""
    return f"Left out: {'; '.join(shown[:COMPLAINTS_MAX])}{more}." if shown else ""
