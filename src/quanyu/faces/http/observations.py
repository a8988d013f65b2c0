"""Observations coming in.

By the batch: rows or columns, packed or plain, all of them or each by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from quanyu.faces.http.body import decoded, media_type, read_bytes
from quanyu.faces.http.entities import receipt
from quanyu.faces.http.route import Ask, Route
from quanyu.faces.http.shown import shown
from quanyu.kernel.device import Gathering, Row
from quanyu.kernel.entity import body_of, check_name
from quanyu.kernel.errors import Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command, Instant
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING

SENT_BYTES_MAX = 8 * 1024 * 1024
UNPACKED_BYTES_MAX = 32 * 1024 * 1024
ROWS_MAX = 100_000
ERRORS_MAX = 100
FUTURE_MAX_US = 24 * 3_600_000_000
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
PACKED_WBITS = 31
"""zlib's word for gzip with its header."""


class BatchQuery(msgspec.Struct):
    """`atomic=false` takes the rows that are right and says which are not; otherwise it is all or nothing."""

    atomic: bool = True


class Observed(msgspec.Struct, forbid_unknown_fields=True):
    """One observation; `observedAt` is RFC 3339 and defaults to now."""

    entity: str
    attribute: str
    value: float | str | bool
    observedAt: str | None = None  # noqa: N815
    unit: str | None = None


class Columns(msgspec.Struct, forbid_unknown_fields=True):
    """Numbers in columns: `entity[i]` and `attribute[i]` are places in `entities` and `attributes`.

    `observedAt[i]` is RFC 3339, or whole milliseconds since 1970; `units` gives the common code of an attribute.
    """

    entities: list[str]
    attributes: list[str]
    entity: list[int]
    attribute: list[int]
    observedAt: list[str | int]  # noqa: N815
    value: list[float]
    units: dict[str, str] = {}


class ObservedBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A batch: `items` or `columns`. A list of items alone, or one item a line (NDJSON), is understood too."""

    items: Annotated[list[Observed], msgspec.Meta(max_length=ROWS_MAX)] | None = None
    columns: Columns | None = None


Fault = tuple[int, QuanyuError]
"""Number of a row, and why it is refused."""


async def read_batch(request: Request) -> ObservedBatch:
    """Return the batch in a body; Invalid says what cannot be read. Unpacking and decoding happen in a thread."""
    content = await read_bytes(request, SENT_BYTES_MAX)
    return await run_in_threadpool(_batch, content, media_type(request), request.headers.get("content-encoding", ""))


def _batch(content: bytes, kind: str, encoding: str) -> ObservedBatch:
    content = unpacked(content, encoding.strip().lower())
    if kind in NDJSON:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) > ROWS_MAX:
            raise _too_many(len(lines))
        return ObservedBatch([_line(line, number) for number, line in enumerate(lines)])
    if kind != "application/json":
        raise Invalid(
            f"Media type {kind[:80] or 'none'} is not JSON.",
            code="http.media_type",
            where="Content-Type",
            remedy="Send application/json or application/x-ndjson.",
        )
    shape = list[Observed] if content.lstrip()[:1] == b"[" else ObservedBatch
    found = decoded(content, shape)
    return found if isinstance(found, ObservedBatch) else ObservedBatch(found)


def _line(line: bytes, number: int) -> Observed:
    try:
        item: Observed = decoded(line, Observed)
    except Invalid as fault:
        raise Invalid(fault.message, code=fault.code, where=f"line {number + 1}", remedy=fault.remedy) from fault
    return item


def unpacked(content: bytes, encoding: str) -> bytes:
    """Return a body as it was before gzip; what would unpack to more than the limit is refused before it does."""
    if encoding in ("", "identity"):
        return content
    if encoding != "gzip":
        raise Invalid(
            f"Content-Encoding {encoding[:40]} is not known.",
            code="http.encoding",
            where="Content-Encoding",
            remedy="Send it plain or with gzip.",
        )
    unpacker = zlib.decompressobj(PACKED_WBITS)
    try:
        found = unpacker.decompress(content, UNPACKED_BYTES_MAX + 1)
    except zlib.error as fault:
        raise Invalid(f"The body is not gzip: {fault}.", code="http.encoding", where="body") from fault
    if len(found) > UNPACKED_BYTES_MAX:
        raise Invalid(
            f"The body unpacks to more than {UNPACKED_BYTES_MAX} bytes.",
            code="http.too_large",
            where="body",
            remedy="Send it in smaller parts.",
        )
    if not unpacker.eof or unpacker.unused_data:
        raise Invalid("The body is not one whole gzip member.", code="http.encoding", where="body")
    return found


async def observe(ask: Ask) -> Any:
    """Take a batch of observations: all or none, or with `atomic=false` each row by itself (207 when some are refused)."""
    rows, faults = await run_in_threadpool(_judged, ask)
    if faults and ask.query.atomic:
        raise faults[0][1]
    gathering = Gathering()
    gathering.take(rows)
    # What comes into a simulated home says so, whoever sends it.
    provenance = "simulated:http" if ask.hub.simulated else "measured:http"
    commands = [
        Command("observe", f"http:{ask.actor.id}", {**body_of(batch), "as": "live"}, provenance)
        for batch in gathering.batches()
    ]
    if commands:
        answer = receipt(ask, await ask.hub.commit(commands, ask.actor.id, key=ask.key))
    else:
        answer = {"seq": None, "at": None, "outcomes": []}
    answer = {
        **answer,
        "taken": len(gathering),
        "refused": len(faults),
        "errors": [_told(*each) for each in faults[:ERRORS_MAX]],
    }
    if not faults:
        return answer
    content = msgspec.json.encode(shown(answer, ask.zone))
    return Response(content, 207, {"Cache-Control": "no-store"}, "application/json")


def _told(row: int, error: QuanyuError) -> dict[str, Any]:
    return {"row": row, "code": error.code, "detail": error.message, "where": error.where, "remedy": error.remedy}


def _judged(ask: Ask) -> tuple[list[Row], list[Fault]]:
    """Return the rows that can be taken and the faults of the others, in the order in which they were sent."""
    batch: ObservedBatch = ask.body
    if (batch.items is None) == (batch.columns is None):
        raise Invalid(
            "The batch has neither items nor columns, or both.",
            code="observations.shape",
            where="body",
            remedy="Send items or columns.",
        )
    now = ask.hub.clock.now()
    found = _items(batch.items, now) if batch.items is not None else _rows_of(batch.columns)  # type: ignore[arg-type]
    read = [(number, each) for number, each in enumerate(found)]
    if not read:
        raise Invalid("The batch is empty.", code="observations.shape", where="body", remedy="Send at least one row.")
    missing = set() if ask.query.atomic else _missing(ask, [row for _, row in read if not isinstance(row, QuanyuError)])
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, row in read:
        if not isinstance(row, QuanyuError):
            fault = _fault(row, number, now + FUTURE_MAX_US, missing)
            if fault is None:
                rows.append(row)
                continue
            row = fault
        faults.append((number, row))
    return rows, faults


def _items(items: Sequence[Observed], now: Instant) -> Iterable[Row | QuanyuError]:
    if len(items) > ROWS_MAX:
        raise _too_many(len(items))
    for number, item in enumerate(items):
        try:
            at = now if item.observedAt is None else parse_instant(item.observedAt, where=f"items[{number}].observedAt")
        except Invalid as fault:
            yield fault
        else:
            yield item.entity, item.attribute, at, item.value, item.unit


def _rows_of(columns: Columns) -> Iterable[Row | QuanyuError]:
    length = len(columns.value)
    for name in ("entity", "attribute", "observedAt"):
        if len(getattr(columns, name)) != length:
            raise Invalid(
                f"Column {name} holds {len(getattr(columns, name))} values, column value {length}.",
                code="observations.shape",
                where=f"columns.{name}",
                remedy="Give every column one value per observation.",
            )
    if length > ROWS_MAX:
        raise _too_many(length)
    entities, attributes, units = columns.entities, columns.attributes, columns.units
    cells = zip(columns.entity, columns.attribute, columns.observedAt, columns.value, strict=True)
    for number, (entity, attribute, when, value) in enumerate(cells):
        if not (0 <= entity < len(entities) and 0 <= attribute < len(attributes)):
            yield Invalid(
                f"Observation {number} names an entity or attribute that the batch does not list.",
                code="observations.shape",
                where=f"columns.entity[{number}]",
            )
            continue
        try:
            at = _milliseconds(when, number) if isinstance(when, int) else parse_instant(when, where=_at(number))
        except Invalid as fault:
            yield fault
        else:
            name = attributes[attribute]
            yield entities[entity], name, at, value, units.get(name)


def _at(number: int) -> str:
    return f"columns.observedAt[{number}]"


def _milliseconds(when: int, number: int) -> Instant:
    if not 0 <= when < 4_102_444_800_000:
        raise Invalid(
            f"{str(when)[:40]} is no count of milliseconds between 1970 and 2100.",
            code="time.unreadable",
            where=_at(number),
            remedy="Write RFC 3339, or whole milliseconds since 1970.",
        )
    return when * 1000


def _missing(ask: Ask, rows: Sequence[Row]) -> set[str]:
    find = ask.hub.views.entities.find
    return {id_ for id_ in {row[0] for row in rows} if find(id_, EVERYTHING) is None}


def _fault(row: Row, number: int, latest: Instant, missing: set[str]) -> QuanyuError | None:
    """Return why a row cannot be taken; what only the writer knows is left to it."""
    if row[0] in missing:
        return Missing(
            f"Entity {row[0][:200]} does not exist, so nothing can be observed of it.",
            code="entity.missing",
            where=f"row {number}",
            remedy="Create the entity first.",
        )
    try:
        check_name(row[1], f"row {number}")
    except Invalid as fault:
        return fault
    if row[2] > latest:
        return Invalid(
            f"An observation of {row[0][:200]} lies more than a day in the future.",
            code="observations.future",
            where=f"row {number}",
            remedy="Check the sender's clock and time zone.",
        )
    return None


def _too_many(count: int) -> Invalid:
    return Invalid(
        f"The batch holds {count} observations; {ROWS_MAX} are the most.",
        code="observations.size",
        where="body",
        remedy="Send it in parts.",
    )


ROUTES = (
    Route(method="POST", path="/api/v1/observations", permission="observe", handle=observe, summary="Send observations",
          query=BatchQuery, body=ObservedBatch, read=read_batch, status=201),
)  # fmt: skip
