"""Open311 GeoReport v2: what the public may report, in the standard's own words, as XML and as JSON.

The cases behind it are the same as everybody's: two statuses go out, and `status_notes` says what really stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from quanyu.faces.open311.port import CityHub

ORDER = 20


def routes(hub: CityHub) -> Sequence[BaseRoute]:
    """Return the standard's paths under /open311/v2; all others there end in its own kind of error."""
    from quanyu.faces.open311.door import Door

    return Door(hub).routes()
