"""The rows of incidents: one folded document per case, and a numbered line for every record about it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from quanyu.kernel.journal import Instant, Row, State, Table

INCIDENT: Final = Table("incident", ("case_id TEXT", "doc BLOB"))
LINE: Final = Table("incident_line", ("case_id TEXT", "number INTEGER", "doc BLOB"), keys=2)
TABLES: Final = (INCIDENT, LINE)

_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """An emergency response as it was announced: level 1 to 4, the matter, how long it is expected to last, measures.

    `issue` counts announcements of one incident: starting is the first, every adjustment a new one.
    """

    level: int
    matter: str
    hours: float
    measures: tuple[str, ...]
    issue: int
    at: Instant
    by: str
    started_at: Instant
    lifted_at: Instant | None = None
    lifted_by: str | None = None
    lifted_why: str = ""


class Activated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan as it stood when it was activated."""

    plan: str
    title: dict[str, str]
    lead: str
    supports: tuple[str, ...]
    tasks: tuple[str, ...]
    at: Instant
    by: str


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something assigned to the incident: an entity or a name, how many, from whom; given back when it is no more needed."""

    number: int
    resource: str
    unit: str
    count: float
    at: Instant
    by: str
    returned_at: Instant | None = None


class Function(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function of the city that is watched until it is back: one attribute of an entity and its normal value."""

    entity: str
    attribute: str
    normal: float
    zh: str
    en: str


class Incident(msgspec.Struct, frozen=True, omit_defaults=True):
    """An incident as it stands; `moves` counts changes of its level, which is what a new one is checked against.

    `grade` is what the figures say, `level` what a person put in force. `window_ends` is when new figures stop to count.
    """

    kind: str
    of: str
    handling: str
    declared_at: Instant
    declared_by: str
    source: str | None = None
    figures: dict[str, float] = {}
    figured_at: Instant | None = None
    window_ends: Instant | None = None
    grade: int | None = None
    grade_by: tuple[str, ...] = ()
    grade_unknown: tuple[int, ...] = ()
    level: int | None = None
    level_at: Instant | None = None
    level_by: str | None = None
    level_why: str = ""
    moves: int = 0
    responses: tuple[Response, ...] = ()
    plans: tuple[Activated, ...] = ()
    resources: tuple[Resource, ...] = ()
    functions: tuple[Function, ...] = ()
    lines: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def response(self) -> Response | None:
        """The response in force."""
        last = self.responses[-1] if self.responses else None
        return last if last is not None and last.lifted_at is None else None


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record about an incident, as its log shows it."""

    seq: int
    at: Instant
    by: str
    kind: str
    said: dict[str, Any]


_incidents: Final = msgspec.msgpack.Decoder(Incident)
_lines: Final = msgspec.msgpack.Decoder(Line)


def find_incident(state: State, id: str) -> Incident | None:
    """Return an incident as the writer sees it; None where its case was never declared to be one."""
    row = state.get(INCIDENT, id)
    return None if row is None else incident_of(row)


def incident_of(row: Row) -> Incident:
    """Read an incident from its row."""
    return _incidents.decode(row[1])


def line_of(row: Row) -> Line:
    """Read a line of the log from its row."""
    return _lines.decode(row[2])


def put_incident(state: State, id: str, incident: Incident, line: Line) -> None:
    """Write an incident with the line that the record adds to its log."""
    incident = msgspec.structs.replace(incident, lines=incident.lines + 1)
    state.put(INCIDENT, (id, _encode(incident)))
    state.put(LINE, (id, incident.lines, _encode(line)))
