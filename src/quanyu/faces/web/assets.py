"""The style and the small scripts of the public pages: served under hashed names, compressed once, kept for ever."""

from __future__ import annotations

import gzip
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

PATH: Final = "/citizen"
FOREVER: Final = "public, max-age=31536000, immutable"
TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
NAMES: Final = ("public.css", "report.js", "mark.svg")


class Asset(msgspec.Struct, frozen=True):
    """A file as it goes over the wire."""

    type: str
    plain: bytes
    packed: bytes


@lru_cache
def hashed_names() -> dict[str, str]:
    """Return name → name with the digest of its content in it."""
    return {name: _hashed(name, _content(name)) for name in NAMES}


@lru_cache
def _assets() -> dict[str, Asset]:
    found = {}
    for name, hashed in hashed_names().items():
        content = _content(name)
        kind = TYPES[name.rpartition(".")[2]]
        found[hashed] = Asset(kind, content, gzip.compress(content, 9, mtime=0))
    return found


def _content(name: str) -> bytes:
    return files("quanyu.faces.web").joinpath("assets", name).read_bytes()


def _hashed(name: str, content: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{sha256(content).hexdigest()[:12]}.{suffix}"


def address(name: str) -> str:
    """Return where a page finds an asset."""
    return f"{PATH}/{hashed_names()[name]}"


def serve(request: Request) -> Response:
    """Answer with an asset; a name whose digest is not the present one does not exist."""
    asset = _assets().get(request.path_params["name"])
    if asset is None:
        return PlainTextResponse("Not found", 404, {"Cache-Control": "no-store"})
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, 200, headers | {"Content-Encoding": "gzip"}, asset.type)
    return Response(asset.plain, 200, headers, asset.type)
