"""What anybody may know of a matter: the filter that public pages read under, and words made fit for strangers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from quanyu.kernel.view import Filter

PUBLIC: Final = Filter(actor="citizen:", masked=frozenset({"reporter", "person", "provenance", "rule"}))
"""What the public pages read under: no reporter, no officer."""

CHANNELS: Final = frozenset({"citizen", "open311", "phone", "counter", "console", "simulation"})
"""Matters that people brought in; what rules found is for those on duty."""

TEXT_SHOWN: Final = 140
_DIGITS: Final = re.compile(r"[0-9０-９](?:[\s-]?[0-9０-９Xx]){6,}")


def is_public(case: Mapping[str, Any]) -> bool:
    """Tell whether anybody may know that the matter is being dealt with; a matter of a private flow is nobody else's."""
    return case["channel"] in CHANNELS and not case["historical"] and not case.get("private")


def masked_text(text: str, shown: int = TEXT_SHOWN) -> str:
    """Return text for strangers: what looks like a telephone or identity number is hidden, long text is cut."""
    hidden = _DIGITS.sub("•••", text)
    return hidden if len(hidden) <= shown else f"{hidden[:shown].rstrip()}…"
