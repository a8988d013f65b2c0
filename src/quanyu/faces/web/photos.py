"""Photos of a report: taken in with the form, shown small to those who were given a signed address."""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
from starlette.responses import Response

from quanyu.faces.web.page import Visit
from quanyu.faces.web.port import CityHub
from quanyu.faces.web.report_form import PHOTOS_MAX, Fault
from quanyu.kernel.errors import Invalid, Missing

KEPT: Final = "kept"
"""Purpose of a signature on a photo of this form: it may be attached."""
SHOWN: Final = "shown"
"""Purpose of a signature on a photo of another matter: it may be looked at."""

SMALL_SIDE: Final = 320
GPS_DIRECTORY: Final = 0x8825
FAULTS: Final = {
    "file.size": "fault.photo_size",
    "file.pixels": "fault.photo_size",
    "file.type": "fault.photo_type",
    "file.broken": "fault.photo_broken",
}
_workers: Final = ThreadPoolExecutor(2, "photo")
"""Two photos at a time are decoded: memory is bounded whatever comes in."""


class Taken(msgspec.Struct, frozen=True):
    """What came of the uploads: digests, faults, and the place that a photo was taken at, as it says itself."""

    photos: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    point: tuple[float, float] | None = None


async def take(hub: CityHub, uploads: Sequence[bytes], room: int) -> Taken:
    """Store the uploaded photos, at most `room` of them; what is refused becomes a fault, never an error."""
    photos: list[str] = []
    faults: list[Fault] = []
    point: tuple[float, float] | None = None
    for content in uploads:
        if not content:
            continue
        if len(photos) >= room:
            faults.append(Fault("photo", "fault.photos_many", {"count": PHOTOS_MAX}))
            break
        loop = asyncio.get_running_loop()
        stored = await loop.run_in_executor(_workers, _stored, hub, content)
        if isinstance(stored, Fault):
            faults.append(stored)
            continue
        photos.append(stored)
        if point is None:
            point = await loop.run_in_executor(_workers, place_in, content)
    return Taken(tuple(photos), tuple(faults), point)


def _stored(hub: CityHub, content: bytes) -> str | Fault:
    if content.startswith(b"%PDF-"):
        return Fault("photo", "fault.photo_type")
    try:
        return hub.files.put(content).sha256
    except Invalid as error:
        return Fault("photo", FAULTS.get(error.code, "fault.photo_broken"))


def place_in(content: bytes) -> tuple[float, float] | None:
    """Return longitude and latitude (degrees WGS 84) that a camera wrote into a photo; None where it wrote none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            gps = image.getexif().get_ifd(GPS_DIRECTORY)
        lat, lon = (_degrees(gps[2], gps[1], "S"), _degrees(gps[4], gps[3], "W"))
    except (OSError, KeyError, ValueError, TypeError, ZeroDivisionError, SyntaxError, Image.DecompressionBombError):
        return None
    return (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None


def _degrees(parts: Sequence[float], side: str, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return (degrees + minutes / 60 + seconds / 3600) * (-1 if side == negative else 1)


async def show(visit: Visit) -> Response:
    """Answer with a small version of a photo whose address was signed here; Missing for any other."""
    signed = visit.request.path_params["signed"]
    digest = visit.seal.open(KEPT, signed) or visit.seal.open(SHOWN, signed)
    if digest is None:
        raise Missing("Photo address was not signed here.", code="web.photo", where="path")
    small = await asyncio.get_running_loop().run_in_executor(_workers, _small, visit.hub, digest)
    return Response(small, 200, {"Cache-Control": "private, max-age=86400"}, "image/jpeg")


def _small(hub: CityHub, digest: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(hub.files.get(digest))) as image:
        image.thumbnail((SMALL_SIDE, SMALL_SIDE))
        image.convert("RGB").save(out, "JPEG", quality=70)
    return out.getvalue()
