"""Answers in the two formats of the standard, and its own kind of error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree

import msgspec
import structlog
from starlette.responses import Response

from quanyu.kernel.errors import Denied, Missing, QuanyuError, Unavailable

FORMATS: Final = ("xml", "json")
MEDIA_TYPES: Final = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
ITEMS: Final = {
    "services": "service",
    "requests": "request",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "attributes": "attribute",
    "values": "value",
    "formats": "format",
}
"""What one item of a list is called in XML."""

log = structlog.get_logger()


def answer(
    suffix: str, root: str, content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return content under its root element; JSON has no root, as the standard's examples show."""
    if suffix == "json":
        body = msgspec.json.encode(content)
    else:
        element = ElementTree.Element(root)
        _fill(element, content)
        body = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPES[suffix])


def refusal(suffix: str, error: Exception) -> Response:
    """Return an error as GeoReport v2 has it: a list of code and description."""
    if not isinstance(error, QuanyuError):
        log.error("open311 request failed", exc_info=error)
        error = QuanyuError("The hub fails to answer; the cause is in its log.", code="http.internal")
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    status = 500 if error.code == "http.internal" else status
    said = " ".join(part for part in (error.message, error.remedy) if part)
    wait = error.details.get("retry_after_s")
    headers = {"Retry-After": str(wait)} if wait is not None else {}
    return answer(suffix, "errors", [{"code": status, "description": said}], status, headers)


STATUS: Final[Mapping[type[QuanyuError], int]] = {Missing: 404, Denied: 403, Unavailable: 429}


def _fill(element: ElementTree.Element, content: Any) -> None:
    if isinstance(content, Mapping):
        for name, value in content.items():
            _fill(ElementTree.SubElement(element, name), value)
    elif isinstance(content, Sequence) and not isinstance(content, str):
        for each in content:
            _fill(ElementTree.SubElement(element, ITEMS[element.tag]), each)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = "".join(letter for letter in str(content) if letter >= " " or letter in "\t\n\r")
