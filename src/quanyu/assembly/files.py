"""Files of a home: stored under their digest, durable before any record names them."""

from __future__ import annotations

import io
import os
import warnings
from hashlib import sha256
from pathlib import Path

import msgspec

from quanyu.kernel.errors import Invalid, Missing

BYTES_MAX = 20 * 1024 * 1024
PIXELS_MAX = 50_000_000
SIDE_MAX = 2560
JPEG_QUALITY = 85
SUFFIXES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


class StoredFile(msgspec.Struct, frozen=True):
    """What a record says of a file."""

    sha256: str
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None


class Files:
    """`<home>/files/<sha256>`: photos re-encoded without their EXIF data, PDF as it came."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "files"

    def put(self, content: bytes) -> StoredFile:
        """Judge a file by its content, re-encode photos, and store it durably; Invalid says why it is refused."""
        if len(content) > BYTES_MAX:
            raise Invalid(
                f"File holds {len(content)} bytes; {BYTES_MAX} are the most.", code="file.size", where="file",
                remedy="Send a smaller photo.",
            )  # fmt: skip
        if content.startswith(b"%PDF-"):
            return self.keep(content, "application/pdf", None)
        if not any(content.startswith(magic) for magic in SUFFIXES.values()):
            raise Invalid(
                "File is neither a JPEG, PNG or WebP photo nor a PDF.", code="file.type", where="file",
                remedy="Send a photo, or a PDF.",
            )  # fmt: skip
        photo, size = _reencoded(content)
        return self.keep(photo, "image/jpeg", size)

    def keep(self, content: bytes, kind: str, size: tuple[int, int] | None = None) -> StoredFile:
        """Store content as it is, durable when it returns; only what was judged, or what we drew ourselves."""
        name = sha256(content).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        if not path.exists():
            part = self.folder / f".{name}.{os.getpid()}.part"
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            sync_folder(self.folder)
        return StoredFile(name, kind, len(content), *(size or (None, None)))

    def get(self, name: str) -> bytes:
        """Return a file's content; Missing when it is not there (never was, or was erased)."""
        path = self.folder / name
        if len(name) != 64 or not name.isalnum() or not path.is_file():
            raise Missing(f"File {name[:80]} does not exist.", code="file.missing", where="sha256")
        return path.read_bytes()

    def kind(self, name: str) -> str:
        """Return the media type of a file, judged by its first bytes; Missing when it is not there."""
        path = self.folder / name
        if len(name) != 64 or not name.isalnum() or not path.is_file():
            raise Missing(f"File {name[:80]} does not exist.", code="file.missing", where="sha256")
        with path.open("rb") as file:
            begins = file.read(16)
        return next((kind for kind, magic in SUFFIXES.items() if begins.startswith(magic)), "application/pdf")

    def erase(self, name: str) -> None:
        """Remove a file for ever."""
        (self.folder / name).unlink(missing_ok=True)
        sync_folder(self.folder)

    def faults(self) -> list[str]:
        """Return what is wrong with the files that are there: names that are not their content's digest."""
        if not self.folder.is_dir():
            return []
        return [
            f"file {path.name} does not match its name"
            for path in sorted(self.folder.iterdir())
            if not path.name.startswith(".") and sha256(path.read_bytes()).hexdigest() != path.name
        ]


def _reencoded(content: bytes) -> tuple[bytes, tuple[int, int]]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > PIXELS_MAX:
                    raise Invalid(
                        f"Photo has {image.width} × {image.height} pixels; {PIXELS_MAX} are the most.",
                        code="file.pixels",
                        where="file",
                        remedy="Send a smaller photo.",
                    )
                upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((SIDE_MAX, SIDE_MAX))
        out = io.BytesIO()
        upright.save(out, "JPEG", quality=JPEG_QUALITY)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning) as error:
        raise Invalid(
            f"Photo cannot be read: {error}.", code="file.broken", where="file", remedy="Take or export it again."
        ) from error
    return out.getvalue(), upright.size


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
