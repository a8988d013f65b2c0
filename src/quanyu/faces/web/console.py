"""The console's built files: hashed assets for ever, the shell for every page of the console, a remedy when unbuilt."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.responses import PlainTextResponse, Response

from quanyu.faces.web.assets import FOREVER
from quanyu.faces.web.page import Visit

FOLDER: Final = Path(__file__).parent / "static"
SHELL: Final = "index.html"
PAGES: Final = (
    "/", "/map", "/board", "/operations", "/services", "/case/{id:path}", "/incidents/{id}", "/rules", "/rules/{id}",
    "/changes/{id}", "/flows/{id}",
    "/shifts", "/warnings", "/incidents",
)  # fmt: skip
"""Addresses that the console's router knows; it is one document."""

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".pbf": "application/x-protobuf",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json",
}


class ConsoleFiles:
    """Serves one folder; a path that leads out of it does not exist."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    async def shell(self, visit: Visit) -> Response:
        """Answer with the console's one document, to browsers that want a page."""
        if not _wants_page(visit.request.headers.get("accept", "")):
            return PlainTextResponse("Not found", 404, {"Cache-Control": "no-store"})
        if not (self._folder / SHELL).is_file():
            return visit.notice(503, "unbuilt")
        return await self._file(visit, SHELL, "no-cache")

    async def asset(self, visit: Visit) -> Response:
        """Answer with a file whose name holds its digest."""
        return await self._file(visit, f"assets/{visit.request.path_params['path']}", FOREVER)

    async def other(self, visit: Visit) -> Response:
        """Answer with a file beside the shell (mark, manifest)."""
        parts = visit.request.path_params
        return await self._file(visit, f"{parts['name']}.{parts['suffix']}", "no-cache")

    async def _file(self, visit: Visit, name: str, kept: str) -> Response:
        path = self.find(name)
        if path is None:
            return PlainTextResponse("Not found", 404, {"Cache-Control": "no-store"})
        return await asyncio.to_thread(_answer, visit, path, kept)

    def find(self, name: str) -> Path | None:
        """Return a file of the folder; None for a folder, a hidden file, an unknown type, or a way out."""
        parts = name.split("/")
        if any(part in ("", ".", "..") or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        path = self._folder.joinpath(*parts)
        if path.suffix not in TYPES or not path.is_file():
            return None
        return path if path.resolve().is_relative_to(self._folder.resolve()) else None


def _wants_page(accept: str) -> bool:
    return "text/html" in accept or not accept or accept.strip() == "*/*"


def _answer(visit: Visit, path: Path, kept: str) -> Response:
    packed = path.with_name(f"{path.name}.gz")
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    if "gzip" in visit.request.headers.get("accept-encoding", "") and packed.is_file():
        path, headers["Content-Encoding"] = packed, "gzip"
    status = path.stat()
    headers["ETag"] = f'"{_digest(path, status.st_mtime_ns, status.st_size)}"'
    known = (each.strip().removeprefix("W/") for each in visit.request.headers.get("if-none-match", "").split(","))
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    kind = TYPES[Path(path.name.removesuffix(".gz")).suffix]
    return Response(path.read_bytes(), 200, headers, kind)


@lru_cache(maxsize=512)
def _digest(path: Path, changed_ns: int, size: int) -> str:
    """Return the tag of a file's content; a file that changes has another time or size."""
    return sha256(path.read_bytes()).hexdigest()[:24]
