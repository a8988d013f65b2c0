"""What commands may carry; anything else is refused with the place of the fault."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant

TEXT_MAX = 4000
Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]
Word = Annotated[str, msgspec.Meta(max_length=200)]
Severity = Literal["info", "yellow", "orange", "red"]
As = Literal["live", "history"]
Channel = Literal["console", "counter", "phone", "citizen", "open311", "rule", "incident", "simulation", "import"]


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command's body: unknown fields are mistakes, not decoration."""


class Place(_Body, frozen=True, omit_defaults=True):
    """Where it is; degrees WGS 84, codes of the city profile, an address as people say it."""

    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    district: Word | None = None
    grid: Word | None = None
    address: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class FileRef(_Body, frozen=True, omit_defaults=True):
    """A stored file by its digest; the hub has judged its type by content."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    type: Word
    name: Word | None = None


Files = Annotated[tuple[FileRef, ...], msgspec.Meta(max_length=30)]


class Reporter(_Body, frozen=True):
    """Who reported it; sealed into the vault before anything is written. `id` is set for people the hub knows."""

    name: Word | None = None
    phone: Word | None = None
    id: Word | None = None


class AsPerson(_Body, frozen=True):
    """The simulated person in whose name a simulation acts."""

    id: Word
    name: Word
    unit: Word | None
    role: Word


class OpenBody(_Body, frozen=True):
    """case.open: a matter brought by somebody."""

    flow: Word
    kind: Word | None = None
    title: dict[Literal["zh", "en"], Word] | None = None
    text: Text = ""
    severity: Severity = "yellow"
    place: Place | None = None
    asset: Word | None = None
    asset_type: Word | None = None
    category: Word | None = msgspec.field(default=None, name="class")
    reporter: Reporter | None = None
    channel: Channel = "console"
    files: Files = ()
    code: Annotated[str, msgspec.Meta(min_length=8, max_length=64)] | None = None
    as_: As = msgspec.field(default="live", name="as")
    at: Instant | None = None
    as_person: AsPerson | None = None
    same_as: Word | None = None
    """The open case that the reporter says it is about, too."""
    unlike: Annotated[tuple[Word, ...], msgspec.Meta(max_length=20)] = ()
    """Cases that the reporter has seen and says are others."""
    subjects: Annotated[tuple[Word, ...], msgspec.Meta(max_length=2)] = ()
    """Who applies, where that is proven: a `person:<id>`, a `firm:<credit code>`, or one acting for the other."""
    document: Word | None = None
    """Which identity document a clerk has seen."""
    units: Annotated[dict[Word, Word], msgspec.Meta(max_length=20)] = {}
    """Whose turn roles of the flow are in this case, where the flow itself does not say."""


class FindBody(_Body, frozen=True, rename={"start": "from", "end": "to", "as_": "as"}):
    """case.find: what a rule saw on one asset, begun or ended."""

    rule: Word
    rule_title: dict[Literal["zh", "en"], Word]
    severity: Severity
    flow: Word
    asset: Word | None
    start: Instant
    end: Instant | None = None
    asset_type: Word | None = None
    attribute: Word | None = None
    value: float | None = None
    limit: float | None = None
    unit: Word | None = None
    why: dict[str, Text] = {}
    count: int = 1
    place: Place | None = None
    as_: As = "live"
    parameters: tuple[dict[str, Any], ...] = ()
    rule_version: Word | None = None


class ActBody(_Body, frozen=True):
    """case.act: one action of somebody on one case; `at` is event time and only historical cases take it.

    `step` names the branch that is meant where several stand.
    """

    action: Word
    note: Text = ""
    fields: Annotated[dict[str, Any], msgspec.Meta(max_length=60)] = {}
    files: Files = ()
    at: Instant | None = None
    as_person: AsPerson | None = None
    step: Word | None = None


class MigrateBody(_Body, frozen=True):
    """case.migrate: move a case to another version of its flow, by name (as declared now) or hash.

    `map` leads from elements of the old version to their places in the new one; the same name needs no entry.
    """

    to: Word
    note: Text = ""
    map: Annotated[dict[Word, Word], msgspec.Meta(max_length=1000)] = {}
    as_person: AsPerson | None = None


class TimerBody(_Body, frozen=True):
    """case.timer: a timer whose instant has come."""

    name: Word
    due: Instant


class ReceiptBody(_Body, frozen=True):
    """case.receipt: what became of the delivery of a notice by a webhook; an error says that it was given up."""

    event: Word
    receiver: Word
    round: int
    webhook: Word
    error: Text | None = None


class DisownBody(_Body, frozen=True):
    """case.disown: the erased person or firm whose case it is no more."""

    subject: Word


class RecountBody(_Body, frozen=True):
    """case.recount: compute the clocks again, after a calendar edit or a changed parameter."""

    reason: Text


class HandOverBody(_Body, frozen=True):
    """shift.hand_over: the log of the records in (after, upto], with the officer's notes; `to` names who takes over."""

    desk: Word
    after: Annotated[int, msgspec.Meta(ge=0)]
    upto: Annotated[int, msgspec.Meta(ge=0)]
    from_at: Instant
    log: dict[str, Any]
    notes: Text = ""
    to: Word | None = None


class AcceptBody(_Body, frozen=True):
    """shift.accept: whoever takes over has read the log."""

    remarks: Text = ""


Body = TypeVar("Body", bound=_Body)


def read_body(kind: str, body: dict[str, Any], type: type[Body]) -> Body:
    """Return the typed body; raises Invalid (case.body) that names the field at fault."""
    try:
        return msgspec.convert(body, type)
    except msgspec.ValidationError as fault:
        why, _, place = str(fault).partition(" - at `$")
        raise Invalid(
            f"Command {kind} cannot be read: {why}.",
            code="case.body",
            where=f"body{place.rstrip('`')}",
            remedy="Accepted fields: " + ", ".join(field.encode_name for field in msgspec.structs.fields(type)) + ".",
        ) from fault
