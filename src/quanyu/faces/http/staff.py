"""Names of staff beside their ids: looked up when they are shown, so that an erased person stays erased."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quanyu.faces.http.hub import Hub

PERSON = "person:"


def names_of(hub: Hub, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of those among some actors who are staff and have one, by id."""
    people = {id: hub.access.find_person(id) for id in sorted({id for id in ids if id and id.startswith(PERSON)})}
    return {id: person["name"] for id, person in people.items() if person is not None and person["name"]}
