"""The report form as data: what was typed, cleaned; and what is wrong with it, field by field."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.kernel.declare import City
from quanyu.kernel.intake import Intake

STEPS: Final = ("photo", "place", "matter", "contact", "check")
"""Large type asks one thing a page, in this order."""

STEP_OF: Final[Mapping[str, str]] = {
    "photo": "photo",
    "district": "place",
    "address": "place",
    "category": "matter",
    "text": "matter",
    "name": "contact",
    "phone": "contact",
    "website": "contact",
}
LENGTHS: Final[Mapping[str, int]] = {"address": 200, "text": 2000, "name": 60, "phone": 30}
PHOTOS_MAX: Final = 3
TYPED_MAX: Final = 20_000
"""More than this of one field is not shown again."""

_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()-]{4,24}")
_CONTROLS: Final = dict.fromkeys(code for code in range(32) if code not in (9, 10)) | {127: None}


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a field: the key of the sentence that says so, and the values in it."""

    field: str
    key: str
    values: Mapping[str, Any] = {}


class Report(msgspec.Struct, frozen=True):
    """What somebody typed so far; `photos` are digests of files that were uploaded with this form."""

    district: str = ""
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    category: str = ""
    text: str = ""
    name: str = ""
    phone: str = ""
    website: str = ""
    photos: tuple[str, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether a point on the map is known."""
        return self.lon is not None and self.lat is not None


def clean(text: str) -> str:
    """Return typed text without control characters, with one kind of line end, in Unicode's composed form."""
    lines = text[:TYPED_MAX].replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", lines.translate(_CONTROLS)).strip()


def read_report(fields: Mapping[str, str], photos: Sequence[str], city: City) -> Report:
    """Return the report in form fields; never refuses: what cannot be read is left out, what is wrong is kept."""
    words = {name: clean(fields.get(name, "")) for name in STEP_OF if name != "photo"}
    point = read_point(fields.get("lon", ""), fields.get("lat", ""), city)
    lon, lat = point if point else (None, None)
    return Report(**words, lon=lon, lat=lat, photos=tuple(dict.fromkeys(photos)))


def read_point(lon: str, lat: str, city: City) -> tuple[float, float] | None:
    """Return a point in degrees if it lies within the city's box: a phone in another city says nothing of this one."""
    try:
        east, north = float(lon), float(lat)
    except ValueError:
        return None
    if not (math.isfinite(east) and math.isfinite(north)):
        return None
    west, south, east_end, north_end = city.box
    inside = west <= east <= east_end and south <= north <= north_end
    return (round(east, 6), round(north, 6)) if inside else None


def faults_of(report: Report, city: City, intake: Intake) -> list[Fault]:
    """Return everything that is wrong, in the order of the form."""
    return list(_faults(report, city, intake))


def _faults(report: Report, city: City, intake: Intake) -> Iterator[Fault]:
    if len(report.photos) > PHOTOS_MAX:
        yield Fault("photo", "fault.photos_many", {"count": PHOTOS_MAX})
    if report.district not in {district["code"] for district in city.districts}:
        yield Fault("district", "fault.district")
    if not report.address and not report.placed:
        yield Fault("address", "fault.address")
    if report.category and intake.find_choice(report.category) is None:
        yield Fault("category", "fault.category")
    if not report.text and not report.photos:
        yield Fault("text", "fault.text")
    if report.phone and not _PHONE.fullmatch(unicodedata.normalize("NFKC", report.phone)):
        yield Fault("phone", "fault.phone")
    if report.website:
        yield Fault("website", "fault.website")
    for name, most in LENGTHS.items():
        if len(getattr(report, name)) > most:
            yield Fault(name, f"fault.long_{name}", {"count": most})
