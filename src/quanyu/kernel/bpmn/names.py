"""Names and roles for what others drew: from ids and lanes, as a flow needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from quanyu.kernel.bpmn.facts import Facts
from quanyu.kernel.bpmn.scan import Inventory
from quanyu.kernel.bpmn.words import DESK_TITLES, LANE, PROCESS
from quanyu.kernel.bpmn.xml import Element
from quanyu.kernel.flow import DESK_ROLES, NAME, RESERVED

_DESKS: Final = {title: role for role, title in DESK_TITLES.items()} | {
    "duty officer": "duty",
    "duty chief": "chief",
    "acceptance clerk": "clerk",
    "data engineer": "engineer",
}

_OTHER: Final = re.compile(r"[^a-z0-9_]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def word(text: str, stem: str) -> str:
    """Return a name in snake_case made of a text; `stem` goes before what is no name by itself."""
    made = _OTHER.sub("_", _HUMP.sub("_", text.strip()).lower()).strip("_")[:60]
    return made if NAME.match(made) else f"{stem}_{made}".rstrip("_")[:64]


def name_nodes(ids: Iterable[str], ours: bool) -> dict[str, str]:
    """Return a name for each id of the file; ids that are names stand, others are made one, all different."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for id in ids:
        made = id if ours else word(id, "step")
        if not ours and made in RESERVED:
            made = f"step_{made}"
        count, stem = 2, made[:60]
        while made in taken:
            made, count = f"{stem}_{count}", count + 1
        taken.add(made)
        names[id] = made
    return names


def process_name(process: Element) -> str:
    """Return the name of a flow after its process."""
    return word(process.get("id").removeprefix(PROCESS), "flow")


def lane_role(lane: Element, given: Mapping[str, str], known: Mapping[str, str]) -> str:
    """Return the role of a lane: as said, as marked, as called, else a word made of its name or id."""
    name, id = lane.get("name").strip(), lane.get("id")
    for key in (name, id):
        if key in given:
            return given[key]
    marked = Facts(lane, "lane").get("lane")
    if marked is not None and "role" in marked.attributes:
        return marked.get("role")
    return _role(name, id.removeprefix(LANE), known)


def pool_role(inventory: Inventory, given: Mapping[str, str], known: Mapping[str, str]) -> str:
    """Return the role of a process without lanes: that of its pool, or of the process itself."""
    process, pool = inventory.process, inventory.participant
    name = (pool.get("name") if pool is not None else "").strip() or process.get("name").strip()
    for key in (name, process.get("id")):
        if key in given:
            return given[key]
    return _role(name, process.get("id").removeprefix(PROCESS), known)


def _role(name: str, id: str, known: Mapping[str, str]) -> str:
    plain = " ".join(name.lower().split())
    if name in known or name in DESK_ROLES:
        return name
    if plain in _DESKS or plain in DESK_ROLES:
        return _DESKS.get(plain, plain)
    return word(name if name.isascii() and name else id, "role")
