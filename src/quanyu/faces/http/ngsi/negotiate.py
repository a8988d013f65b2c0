"""Media types: which representation an answer takes (6.3.4, with the rules of RFC 9110), and which a body may have."""

from __future__ import annotations

from functools import lru_cache

from quanyu.kernel.errors import Invalid

JSON = "application/json"
LD = "application/ld+json"
GEO = "application/geo+json"
MERGE = "application/merge-patch+json"
PLAIN = (JSON, LD)
"""What most answers may be; the order decides between equal weights."""
MAPPED = (JSON, LD, GEO)
"""What an answer may be that shows entities."""
WRITTEN = (JSON, LD)
"""What a body may be."""
PATCHED = (JSON, LD, MERGE)
"""What the body of a PATCH may be."""


@lru_cache(maxsize=512)
def answered(header: bytes, offered: tuple[str, ...]) -> str:
    """Return the media type of an answer; Invalid `http.not_acceptable` when the sender takes none that is offered."""
    accept = header.decode("latin-1")
    if not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best, weight = "", 0.0
    for media in offered:
        family = media.partition("/")[0] + "/*"
        # The most specific range that matches decides, whatever a wildcard says.
        for wanted in (media, family, "*/*"):
            weights = [q for name, q in ranges if name == wanted]
            if weights:
                if max(weights) > weight:
                    best, weight = media, max(weights)
                break
    if not best:
        raise Invalid(
            f"None of the media types in {accept[:80]} is served here.",
            code="http.not_acceptable",
            where="Accept",
            remedy=f"Accept one of: {', '.join(offered)}.",
        )
    return best


def _range(part: str) -> tuple[str, float]:
    name, *parameters = part.split(";")
    weight = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            weight = _weight(value)
    return name.strip().lower(), weight


def _weight(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return 1.0
    # What is not a number weighs what says nothing weighs.
    return min(1.0, max(0.0, found)) if found == found else 1.0


@lru_cache(maxsize=512)
def received(header: bytes, accepted: tuple[str, ...]) -> str:
    """Return the media type of a body; Invalid `http.media_type` when it is not read here."""
    media = header.decode("latin-1").partition(";")[0].strip().lower()
    if media not in accepted:
        raise Invalid(
            f"Media type {media[:80] or 'none'} is not read here.",
            code="http.media_type",
            where="Content-Type",
            remedy=f"Send one of: {', '.join(accepted)}.",
        )
    return media
