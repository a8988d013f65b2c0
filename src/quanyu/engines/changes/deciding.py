"""What may become of a change, and who may decide it: two persons, the second one on the newest words and their replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from quanyu.engines.changes.store import (
    LATEST,
    SUBJECTS,
    Change,
    Standing,
    Subject,
    find_change,
    find_release,
    id_of,
    latest,
    number_of,
    unknown,
)
from quanyu.kernel.errors import Conflict, Denied, Invalid
from quanyu.kernel.journal import Body, Command, Desk, Fact, Instant

REASON_MAX: Final = 2_000
DEFINITION_BYTES_MAX: Final = 512 * 1024
OUTCOME_BYTES_MAX: Final = 256 * 1024
PERSON: Final = "person:"
MACHINES: Final = ("engine:", "system:")

T = TypeVar("T")


class Checked(NamedTuple):
    """A definition that would load: its line of releases, its document with everything resolved, and what it replaces.

    `drawing` is the definition as it was sent, when it was a picture: the document does not say where things stood.
    """

    line: str
    document: Body
    before: Body | None
    drawing: Body | None = None


Moment = Literal["proposed", "released", "restored"]
Check = Callable[[str, Body, Instant, Moment], Checked]
"""Judges a definition: name, document as sent, city time, and what is done with it. Raises what load would raise."""
Checks = Mapping[str, Check]


class _Words(msgspec.Struct, forbid_unknown_fields=True):
    definition: dict[str, Any]
    why: str


class _Proposal(_Words):
    kind: Subject
    name: str


class _Edit(_Words):
    revision: int


class _Outcome(msgspec.Struct, forbid_unknown_fields=True):
    revision: int
    asked_by: str
    outcome: dict[str, Any]


class _Approval(msgspec.Struct, forbid_unknown_fields=True):
    revision: int
    reason: str = ""


class _Reason(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


def propose(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Write a change down, once it would load."""
    body = _read(command, _Proposal)
    if body.kind not in SUBJECTS or body.kind not in checks:
        raise no_kind(body.kind)
    checked = _checked(checks, body.kind, body.name, body, desk)
    row = desk.state.get(LATEST, "change", "")
    number = 1 if row is None else row[2] + 1
    return Fact(
        "change.proposed",
        id_of(number),
        {
            "kind": body.kind,
            "name": body.name,
            "line": checked.line,
            "definition": checked.document,
            "before": checked.before,
            "drawing": checked.drawing,
            "why": _said(body.why, "why"),
            "base": latest(desk.state, body.kind, checked.line),
        },
    )


def edit(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Rewrite a proposal; whoever writes at it becomes one of its authors, and its replay is stale from then on."""
    body = _read(command, _Edit)
    change = _proposal(desk, command)
    _check_revision(change, body.revision)
    checked = _checked(checks, change.kind, change.name, body, desk)
    return Fact(
        "change.edited",
        change.id,
        {
            "revision": change.revision + 1,
            "line": checked.line,
            "definition": checked.document,
            "before": checked.before,
            "drawing": checked.drawing,
            "why": _said(body.why, "why"),
            "base": latest(desk.state, change.kind, checked.line),
        },
    )


def note_replay(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Keep the outcome of a replay with the words that it speaks of."""
    if not desk.actor.startswith(MACHINES):
        raise Denied(
            f"Actor {desk.actor} may not write the outcome of a replay.",
            code="change.machine_only",
            where=command.kind,
            remedy="Start the replay; the hub writes what came of it.",
        )
    body = _read(command, _Outcome)
    change = _proposal(desk, command)
    _check_revision(change, body.revision)
    if len(msgspec.msgpack.encode(body.outcome)) > OUTCOME_BYTES_MAX:
        raise Invalid("The outcome of the replay is too large.", code="change.size", where="outcome")
    return Fact("change.replayed", change.id, msgspec.to_builtins(body), "derived:changes")


def release(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Put a change into force: by a second person, on its newest words, which were replayed, over what still stands."""
    body = _read(command, _Approval)
    change = _proposal(desk, command)
    _check_second(change, desk.actor, "release")
    _check_revision(change, body.revision)
    if change.replay is None or change.replay.revision != change.revision:
        said = "was never replayed" if change.replay is None else "was edited after its replay"
        raise Conflict(
            f"Change {change.id} {said}.",
            code="change.replay_missing" if change.replay is None else "change.replay_stale",
            where="replay",
            remedy="Replay it over the last 30 days, look at the outcome, then release it.",
        )
    newest = latest(desk.state, change.kind, change.line)
    if newest != change.base:
        raise Conflict(
            f"Change {change.id} was written over version {change.base} of {change.line}; version {newest} is in force.",
            code="change.base_moved",
            where="base",
            remedy="Edit it over the version in force, replay it again, then release it.",
            base=change.base,
            in_force=newest,
        )
    checked = checks[change.kind](change.name, change.definition, desk.at, "released")
    return Fact(
        "change.released",
        change.id,
        {
            "kind": change.kind,
            "name": change.name,
            "line": change.line,
            "release": newest + 1,
            "base": change.base,
            "definition": checked.document,
            "before": checked.before,
            "drawing": change.drawing,
            "revision": change.revision,
            "reason": body.reason[:REASON_MAX],
        },
    )


def roll_back(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Put the version before a released change back into force, in one action; what it was stays on record."""
    body = _read(command, _Reason)
    change = _get(desk, command)
    _check_person(desk.actor, "roll back")
    if change.state != "released":
        raise _stands(change, "released")
    newest = latest(desk.state, change.kind, change.line)
    before = find_release(desk.state, change.kind, change.line, change.replaced)
    definition = None if before is None else before.definition
    # A dated row is taken out by itself: what lies beneath it counts again, under its own version.
    restored = None if change.kind == "parameter" else definition
    if restored is not None:
        checks[change.kind](change.name, restored, desk.at, "restored")
    return Fact(
        "change.rolled_back",
        change.id,
        {
            "kind": change.kind,
            "name": change.name,
            "line": change.line,
            "release": newest + 1,
            "restores": 0 if before is None else before.change,
            "definition": restored,
            "drawing": None if before is None else before.drawing,
            "reason": _said(body.reason, "reason"),
        },
    )


def reject(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Refuse a change, with the reason: by somebody who did not write it."""
    body = _read(command, _Reason)
    change = _proposal(desk, command)
    _check_second(change, desk.actor, "reject")
    return Fact("change.rejected", change.id, {"reason": _said(body.reason, "reason")})


def withdraw(checks: Checks, command: Command, desk: Desk) -> Fact:
    """Take a change back, with the reason: by one of those who wrote it."""
    body = _read(command, _Reason)
    change = _proposal(desk, command)
    if desk.actor not in change.authors:
        raise Denied(
            f"Actor {desk.actor} did not write change {change.id}.",
            code="change.not_author",
            where="subject",
            remedy="Reject it, with the reason.",
        )
    return Fact("change.withdrawn", change.id, {"reason": _said(body.reason, "reason")})


def no_kind(kind: str) -> Invalid:
    """Return the error for a change of something that has no rules of its own."""
    return Invalid(
        f"A change is about {kind!r:.40}.",
        code="change.kind",
        where="kind",
        remedy=f"Use one of {', '.join(SUBJECTS)}.",
    )


def _read(command: Command, shape: type[T]) -> T:
    try:
        return msgspec.convert(command.body, shape)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Command {command.kind} cannot be read: {fault}.",
            code="change.body",
            where="body",
            remedy="See the description of the change routes in GET /api/openapi.json.",
        ) from fault


def _said(text: str, where: str) -> str:
    if not text.strip() or len(text) > REASON_MAX:
        raise Invalid(
            f"The {where} is empty or longer than {REASON_MAX} characters.",
            code="change.reason",
            where=where,
            remedy="Say in a sentence why.",
        )
    return text.strip()


def _checked(checks: Checks, kind: str, name: str, words: _Words, desk: Desk) -> Checked:
    if len(msgspec.msgpack.encode(words.definition)) > DEFINITION_BYTES_MAX:
        raise Invalid(
            f"The definition of {name[:80]} is larger than {DEFINITION_BYTES_MAX} bytes.",
            code="change.size",
            where="definition",
        )
    return checks[kind](name, words.definition, desk.at, "proposed")


def _get(desk: Desk, command: Command) -> Change:
    change = find_change(desk.state, number_of(command.subject))
    if change is None:
        raise unknown(command.subject)
    return change


def _proposal(desk: Desk, command: Command) -> Change:
    change = _get(desk, command)
    if change.state != "proposed":
        raise _stands(change, "proposed")
    return change


def _stands(change: Change, wanted: Standing) -> Conflict:
    return Conflict(
        f"Change {change.id} is {change.state}, not {wanted}.",
        code="change.state",
        where="state",
        remedy="Look at it again; somebody has decided it." if wanted == "proposed" else "Roll back what is in force.",
        state=change.state,
    )


def _check_revision(change: Change, seen: int) -> None:
    if seen != change.revision:
        raise Conflict(
            f"Change {change.id} is at revision {change.revision}, not {seen}.",
            code="change.revision",
            where="revision",
            remedy="Read it again: somebody edited it meanwhile.",
            revision=change.revision,
        )


def _check_person(actor: str, word: str) -> None:
    if not actor.startswith(PERSON):
        raise Denied(
            f"Actor {actor} may not {word} a change.",
            code="change.person",
            where="actor",
            remedy="A person who answers for it does that, not a machine.",
        )


def _check_second(change: Change, actor: str, word: str) -> None:
    _check_person(actor, word)
    if actor in change.authors:
        raise Denied(
            f"Actor {actor} wrote change {change.id} and may not {word} it.",
            code="change.same_person",
            where="actor",
            remedy="A second person looks at it and decides.",
        )
