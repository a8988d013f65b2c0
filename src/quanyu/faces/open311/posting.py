"""POST of a service request: a form from anybody's program becomes a case like any other."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from quanyu.engines.cases.office import CODE_ALPHABET, CODE_LENGTH
from quanyu.faces.open311.answer import answer
from quanyu.faces.open311.port import CityHub
from quanyu.faces.open311.shape import OTHER, language_of
from quanyu.kernel.errors import Denied, Invalid, Missing
from quanyu.kernel.intake import Intake, find_intake
from quanyu.kernel.journal import Command
from quanyu.kernel.pace import Pace

VISITOR: Final = "citizen:open311"
BURST, EVERY_S = 10, 20.0
"""An address may send so many at once, then one each so many seconds; a program with a token is the city's own."""

FIELDS: Final = frozenset({
    "api_key", "jurisdiction_id", "service_code", "lat", "long", "address_string", "address_id", "email", "device_id",
    "account_id", "first_name", "last_name", "phone", "description", "media_url",
})  # fmt: skip
MEDIA: Final = "media"
MEDIA_MAX: Final = 3
LENGTHS: Final[Mapping[str, int]] = {"description": 2000, "address_string": 200, "phone": 30, "media_url": 500}
NAME_MAX: Final = 60
BODY_BYTES_MAX: Final = 32 * 1024 * 1024
NOTICE: Final = {
    "zh": "事项编号 {number},查询码 {code}。用它在 /my 查看进展;办完后会请您确认是否解决。",
    "en": "Number {number}, code {code}. Follow it at /my; when it is done you are asked whether it is fixed.",
}


class Posting:
    """Takes reports; photos may be sent along as `media` in a multipart form."""

    def __init__(self, hub: CityHub) -> None:
        self._hub = hub
        self._pace = Pace(hub.machine, BURST, EVERY_S)

    async def __call__(self, request: Request, suffix: str) -> Response:
        """GeoReport v2, POST service request."""
        if int(request.headers.get("content-length") or 0) > BODY_BYTES_MAX:
            raise Invalid(
                f"The form holds more than {BODY_BYTES_MAX} bytes.",
                code="open311.too_large",
                where="body",
                remedy="Send fewer or smaller photos.",
            )
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            raise Invalid(
                f"A body of type {kind!r:.60} is not taken.",
                code="open311.media_type",
                where="Content-Type",
                remedy="Send a form: application/x-www-form-urlencoded, or multipart/form-data with photos.",
            )
        try:
            async with request.form(max_files=MEDIA_MAX, max_fields=60, max_part_size=64 * 1024) as form:
                given = {name: value for name, value in form.items() if isinstance(value, str)}
                photos = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
                return await self._taken(request, suffix, given, photos)
        except (MultiPartException, HTTPException) as fault:
            raise Invalid(
                f"The form cannot be read: {getattr(fault, 'message', '') or getattr(fault, 'detail', '')}",
                code="open311.form",
                where="body",
                remedy=f"Send the fields of GeoReport v2 and at most {MEDIA_MAX} photos named {MEDIA}.",
            ) from fault

    async def _taken(self, request: Request, suffix: str, given: dict[str, str], photos: list[UploadFile]) -> Response:
        address = request.client.host if request.client else "unknown"
        if not self._holds_key(given.get("api_key")):
            self._pace.check(address)
        intake = find_intake(self._hub.packs)
        if intake is None:
            raise Missing("This city takes no reports here.", code="open311.no_intake", remedy="Call its hotline.")
        body = self._opening(intake, given)
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        body["code"] = code
        body["files"] = [await self._photo(photo, number) for number, photo in enumerate(photos, 1)]
        receipt = await self._hub.commit([Command("case.open", "", body)], VISITOR)
        number = receipt.outcomes[0].subject.rpartition(":")[2]
        shown = "-".join(code[place : place + 4] for place in range(0, CODE_LENGTH, 4))
        language = language_of(request.headers.get("accept-language"))
        notice = NOTICE[language].format(number=number, code=shown)
        return answer(
            suffix,
            "service_requests",
            [{"service_request_id": number, "service_notice": notice, "account_id": None}],
            201,
        )

    def _holds_key(self, key: str | None) -> bool:
        """Tell whether a program sent a token of the city; a wrong one is refused, none is a stranger's."""
        if not key:
            return False
        actor = self._hub.access.actor_for_token(key, self._hub.machine()) if len(key) <= 200 else None
        if actor is None:
            raise Denied(
                "The api_key is not valid.",
                code="open311.key",
                where="api_key",
                remedy="Leave it out, or ask the city for a token.",
            )
        self._hub.access.check(actor, "case.open")
        return True

    def _opening(self, intake: Intake, given: Mapping[str, str]) -> dict[str, Any]:
        unknown = [name for name in given if name not in FIELDS and not name.startswith("attribute[")]
        if unknown:
            raise _wrong(unknown[0], "is not known", f"Send fields of GeoReport v2: {', '.join(sorted(FIELDS))}.")
        for name, most in LENGTHS.items():
            if len(given.get(name, "")) > most:
                raise _wrong(name, f"holds more than {most} letters", "Say it shorter.")
        choice = intake.find_choice(given.get("service_code", ""))
        if choice is None and given.get("service_code") != OTHER.code:
            if not given.get("service_code"):
                raise _wrong("service_code", "is missing", "Send one of the service list.")
            raise Missing(
                f"Service {given['service_code']!r:.60} does not exist.",
                code="open311.service",
                where="service_code",
                remedy="See the service list.",
            )
        text = given.get("description", "").strip()
        if given.get("media_url"):
            text = f"{text}\n{given['media_url']}".strip()
        if not text and choice is None:
            raise _wrong("description", "is missing", "Say what is the matter.")
        way = intake.way_of(choice)
        body: dict[str, Any] = {
            "flow": way.flow, "kind": way.kind, "text": text, "channel": "open311", "place": self._place(given),
        }  # fmt: skip
        if choice is not None:
            body |= {"class": choice.code, "title": dict(choice.title)}
        name = " ".join(given.get(part, "").strip() for part in ("first_name", "last_name")).strip()[:NAME_MAX]
        contact = given.get("phone", "").strip() or given.get("email", "").strip()[:60]
        if name or contact:
            body["reporter"] = {"name": name or None, "phone": contact or None}
        return body

    def _place(self, given: Mapping[str, str]) -> dict[str, Any]:
        city = self._hub.city
        place: dict[str, Any] = {}
        address = given.get("address_string", "").strip()
        if address:
            place["address"] = address
        if given.get("lat") or given.get("long"):
            lat, lon = _degrees(given, "lat"), _degrees(given, "long")
            west, south, east, north = city.box
            if not (west <= lon <= east and south <= lat <= north):
                raise _wrong("lat", "and long lie outside this city", "Send a point within it, WGS 84.")
            stretch = math.cos(math.radians(lat))
            nearest = min(
                city.districts,
                key=lambda each: ((each["centre"][0] - lon) * stretch) ** 2 + (each["centre"][1] - lat) ** 2,
            )
            place |= {"lon": lon, "lat": lat, "district": nearest["code"]}
        elif given.get("address_id") and not address:
            raise _wrong("address_id", "is not known here", "Send lat and long, or address_string.")
        elif not address:
            raise _wrong("lat", "and long are missing, and so is address_string", "Say where it is.")
        return place

    async def _photo(self, photo: UploadFile, number: int) -> dict[str, str]:
        kept = await run_in_threadpool(self._hub.files.put, await photo.read())
        return {"sha256": kept.sha256, "type": kept.type, "name": f"photo-{number}.jpg"}


def _degrees(given: Mapping[str, str], name: str) -> float:
    try:
        value = float(given.get(name, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _wrong(name, f"is {given.get(name, '')!r:.40}, no number of degrees", "Send lat and long, WGS 84.")
    return value


def _wrong(name: str, what: str, remedy: str) -> Invalid:
    return Invalid(f"Field {name} {what}.", code="open311.field", where=name, remedy=remedy)
