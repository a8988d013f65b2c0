"""The word of the NGSI-LD route table: each route declares who may use it, what may be asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from quanyu.faces.http.ngsi.asked import Asked
from quanyu.faces.http.ngsi.negotiate import PLAIN, WRITTEN

BASE = "/ngsi-ld/v1"
Method = Literal["GET", "POST", "PATCH", "DELETE", "PUT"]
Body = Literal["object", "list", "any"]


class NgsiRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One route below /ngsi-ld/v1.

    `path`: `/entities/{entityId}/attrs`; a part in braces is one segment, decoded. `permission`: a view action
    (`view:entities`) or the command kind that the handler commits (the tenant's gate judges it again).
    `handle`: a coroutine runs in the event loop, a plain function in a thread, unless `quick` says that it is so cheap
    that a thread would cost more: then in the loop, together with those that came in the same turn.
    `parameters`, `options`: what may be asked; `unbuilt`: what the standard knows here and the hub does not build (501).
    `body`: the JSON shape that is read (None: no body). An object's @context is resolved and taken out of it; the items
    of a list keep theirs (see `Asked.context_of`), and so does an object when `own_context` says that its handler judges.
    `reads`, `answers`: media types. `makes_tenant`: a tenant that does not exist may be made by this write.
    """

    method: Method
    path: str
    permission: str
    handle: Callable[[Asked], Any]
    summary: str
    parameters: frozenset[str] = frozenset()
    unbuilt: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    body: Body | None = None
    own_context: bool = False
    reads: tuple[str, ...] = WRITTEN
    answers: tuple[str, ...] = PLAIN
    makes_tenant: bool = False
    quick: bool = False
    status: int = 200


def words(text: str) -> frozenset[str]:
    """Return a set of words written with spaces, for the table."""
    return frozenset(text.split())
