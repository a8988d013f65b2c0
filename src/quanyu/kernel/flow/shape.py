"""The shape of a flow's document, for documents that come from outside: every part of its type, and nothing unknown."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow.words import Evidence, Field, Permission

SHOWN: Final = frozenset({"hash", "pack", "release", "classes"})
"""What a face adds to a document that it shows; sent back, it says nothing."""


class _Shape(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Title(_Shape):
    zh: str
    en: str


class _Parameter(_Shape):
    parameter: str


_Limit = str | _Parameter


class _Extension(_Shape):
    by: _Limit
    role: str


class _SamePerson(_Shape):
    same_person: str


class _Boundary(_Shape):
    name: str
    after: _Limit
    to: str
    interrupting: bool = True
    since: str | None = None


class _Step(_Shape):
    name: str
    by: str
    title: _Title
    to: str | None = None
    fails: str | None = None
    tells: str | None = None
    ends: bool = False
    within: _Limit | None = None
    may: list[tuple[str, str | None]] = []
    evidence: list[tuple[str, int, str | None]] = []
    unless: _SamePerson | None = None
    outcome: list[str] = []
    fields: list[Field] = []
    extend: _Extension | None = None
    kind: Literal["user", "manual", "receive", "service", "send", "rule"] = "user"
    boundary: list[_Boundary] = []
    sets: list[tuple[str, str]] = []
    form: str = ""


class _Node(_Shape):
    name: str
    title: _Title
    gateway: Literal["exclusive", "parallel"] | None = None
    until: _Limit | None = None
    since: str | None = None
    call: str | None = None


class _Clock(_Shape):
    name: str
    title: _Title
    limit: _Limit
    since: str | None = None
    until: str | None = None
    follows: bool = False


class _Keeping(_Shape):
    limit: _Limit
    since: str
    tells: str | None = None


class _Flow(_Shape):
    name: str
    case: str
    title: _Title
    roles: dict[str, str]
    steps: list[_Step]
    overall: _Limit
    amber: float
    red: float
    escalate: str | None
    escalate_after: str | None
    confirm: str | None
    until: str | None = None
    private: bool = False
    extend: _Extension | None = None
    nodes: list[_Node] = []
    arrows: list[Annotated[list[str], msgspec.Meta(min_length=2, max_length=3)]] = []
    clocks: list[_Clock] = []
    begins: str | None = None
    deemed: str | None = None
    keeps: _Keeping | None = None
    figures: list[str] = []


def check_shape(document: Any) -> dict[str, Any]:
    """Return the document without what faces add; raises Invalid (flow.document) with the part that does not fit.

    Whether such a flow can be walked to its end is judged when it is read (`flow_from_document`).
    """
    try:
        known = msgspec.convert(document, dict[str, Any])
        given = {name: value for name, value in known.items() if name not in SHOWN}
        shape = msgspec.convert(given, _Flow)
        for step in shape.steps:
            for word, ground in step.may:
                msgspec.convert({"word": word, "ground": ground}, Permission)
            for kind, count, attribute in step.evidence:
                msgspec.convert({"kind": kind, "count": count, "attribute": attribute}, Evidence)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"The document of a flow does not fit: {fault}.",
            code="flow.document",
            where="definition",
            remedy="Send a flow as GET /api/v1/flows shows it.",
        ) from fault
    return given
