"""Files that come with an action: each was stored before, and counts as what it is, not as what somebody calls it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from quanyu.faces.http.hub import Hub
from quanyu.kernel.errors import Invalid, Missing


def judged(hub: Hub, files: Iterable[msgspec.Struct], where: str = "files") -> list[dict[str, Any]]:
    """Return references with the type that the content has; Invalid (file.unknown) names the first that is not stored."""
    found = []
    for place, file in enumerate(files):
        reference: dict[str, Any] = msgspec.to_builtins(file)
        try:
            kind = hub.files.kind(reference["sha256"])
        except Missing as error:
            raise Invalid(
                f"File {reference['sha256'][:12]} was never stored, or was erased.",
                code="file.unknown",
                where=f"{where}[{place}].sha256",
                remedy="Send the photo with POST /api/v1/files first, then name it here.",
            ) from error
        found.append(reference | {"type": kind})
    return found
