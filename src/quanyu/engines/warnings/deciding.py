"""What may become of a warning, and who may decide it: written by one, approved by another, published as approved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.engines.warnings.bodies import DraftBody, EditBody, PublishBody, ResendBody, StepBody, read, who
from quanyu.engines.warnings.reach import FAILED, SILENT, asked_again, counted, highest
from quanyu.engines.warnings.spreading import dispatched, in_turn
from quanyu.engines.warnings.store import (
    BLOCK,
    CHANNEL,
    IDENTIFIER,
    OVER,
    REACH,
    WARNING,
    Channel,
    CityWarning,
    channel_of,
    get_channel,
    get_warning,
    id_of,
    key_of,
    next_number,
)
from quanyu.kernel.cap import reference
from quanyu.kernel.errors import Conflict, Denied, Invalid
from quanyu.kernel.identifier.warning import make_warning_id
from quanyu.kernel.journal import Command, Desk, Fact, Instant, State
from quanyu.kernel.warning import Draft, Fault, WarningLaw, compose, faults_of, message_of, mode_of

PERSON: Final = "person:"
SEQUENCES: Final = 10
"""Messages that one unit may issue in one second: the last character of the id is one digit."""
REFERENCES_MAX: Final = 50
ALLOWED_MAX: Final = 20
"""So many words that are allowed are said in the remedy; all of them are in `allowed`."""

Places = Callable[[Instant, Collection[str]], Mapping[str, int]]
"""From an instant and the districts concerned to channels' ids or kinds with their place; the smaller comes first."""
Decision = Callable[[WarningLaw, Command, Desk], Iterator[Fact]]


def draft(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Write a warning down; it may be incomplete until it is submitted."""
    body = read(command, DraftBody)
    key = key_of(command.subject)
    if desk.state.get(WARNING, key) is not None:
        raise Conflict(
            f"Warning {command.subject} exists already.",
            code="warning.exists",
            where="subject",
            remedy="Take another id.",
        )
    person = who(desk, body.as_person)
    _check_words(law, desk.state, body.draft)
    _check_replaced(desk.state, body.draft)
    yield Fact(
        "warning.drafted",
        id_of(key),
        {"number": next_number(desk.state, "warning"), "draft": msgspec.to_builtins(body.draft), "by": person},
    )


def edit(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Rewrite a draft; whoever writes at it becomes one of its authors."""
    body = read(command, EditBody)
    warning = _in(desk, command, "draft")
    _check_revision(warning, body.revision)
    _check_words(law, desk.state, body.draft, warning.draft)
    _check_replaced(desk.state, body.draft)
    person = who(desk, body.as_person)
    said = {"revision": warning.revision + 1, "draft": msgspec.to_builtins(body.draft), "by": person}
    yield Fact("warning.edited", warning.id, said)


def submit(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Hand a draft to the second person, once it passes every named check."""
    body = read(command, StepBody)
    warning = _in(desk, command, "draft")
    _check_revision(warning, body.revision)
    found = faults_of(warning.draft, law, desk.at, _channels_for(desk.state, warning.draft))
    if found:
        raise incomplete(found)
    yield Fact("warning.submitted", warning.id, {"by": who(desk, body.as_person), "note": body.note})


def send_back(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Give a draft back to its authors, with the reason: by somebody else."""
    body = read(command, StepBody)
    warning = _in(desk, command, "submitted", "approved")
    _check_revision(warning, body.revision)
    person = _second(warning, who(desk, body.as_person))
    if not body.note.strip():
        raise Invalid(
            "Sending back says no reason.", code="warning.reason", where="note", remedy="Say what is to be changed."
        )
    yield Fact("warning.sent_back", warning.id, {"by": person, "note": body.note})


def approve(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Approve the words of a revision: a person who wrote none of them, once."""
    body = read(command, StepBody)
    warning = _in(desk, command, "submitted")
    _check_revision(warning, body.revision)
    person = _second(warning, who(desk, body.as_person))
    _check_ahead(warning, desk.at)
    yield Fact("warning.approved", warning.id, {"revision": warning.revision, "by": person, "note": body.note})


def drop(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Give up a warning that was not published."""
    body = read(command, StepBody)
    warning = _in(desk, command, "draft")
    _check_revision(warning, body.revision)
    if not body.note.strip():
        raise Invalid(
            "Dropping says no reason.", code="warning.reason", where="note", remedy="Say why it is not needed."
        )
    yield Fact("warning.dropped", warning.id, {"by": who(desk, body.as_person), "note": body.note})


def publish(law: WarningLaw, command: Command, desk: Desk, places: Places = lambda *_: {}) -> Iterator[Fact]:
    """Issue what was approved: give it its id, end what it replaces, and tell every channel of its own kind in turn."""
    body = read(command, PublishBody)
    warning = _in(desk, command, "approved")
    _check_revision(warning, body.revision)
    _check_ahead(warning, desk.at)
    replaced = _check_replaced(desk.state, warning.draft)
    person = who(desk, body.as_person)
    identifier = _identifier(law, warning.draft, desk)
    references: tuple[str, ...] = ()
    if replaced is not None and replaced.alert is not None:
        references = (*replaced.alert.references, reference(replaced.alert, law.zone))[-REFERENCES_MAX:]
    alert = compose(warning.draft, law, identifier=identifier, sent=desk.at, references=references, web=body.web)
    message = message_of(alert)
    sent, reach = [], {}
    order = places(desk.at, warning.draft.target.districts)
    for channel in in_turn([get_channel(desk.state, id) for id in warning.draft.channels], order):
        maps = dict(body.targets.get(channel.id, {}))
        _check_targets(channel, maps)
        reach[channel.id] = counted(maps)
        sent.append(dispatched(warning.id, message, channel, maps, reach[channel.id]))
    yield Fact(
        "warning.published",
        warning.id,
        {
            "by": person,
            "identifier": identifier,
            "alert": msgspec.to_builtins(alert),
            "law": law.versions(warning.draft.event, warning.draft.colour),
            "reach": reach,
            "replaces": None if replaced is None else replaced.key,
        },
    )
    yield from sent


def resend(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """Tell a channel once more to reach those of whom nothing was heard; what is over is told by nobody again."""
    body = read(command, ResendBody)
    warning = get_warning(desk.state, command.subject)
    if warning.standing != "published" or (warning.draft.expires or 0) <= desk.at:
        raise over(warning)
    channel = get_channel(desk.state, body.channel)
    if channel.id not in warning.reach:
        raise Invalid(
            f"Channel {channel.id} was never told of {warning.identifier}.",
            code="warning.channel_untold",
            where="channel",
            remedy=f"Told were: {', '.join(warning.reach) or 'none'}.",
        )
    blocks = range((channel.count + BLOCK - 1) // BLOCK)
    rows = ((block, row[3]) for block in blocks if (row := desk.state.get(REACH, warning.key, channel.id, block)))
    maps = asked_again(rows, frozenset({SILENT, FAILED}))
    assert warning.alert is not None, f"warning {warning.key} is published and has no message"
    turn = warning.rounds.get(channel.id, 0) + 1
    yield dispatched(warning.id, message_of(warning.alert), channel, maps, counted(maps), turn)


def expire(law: WarningLaw, command: Command, desk: Desk) -> Iterator[Fact]:
    """End a warning whose time has passed; the hub does that alone."""
    if not desk.actor.startswith(("engine:", "system:")):
        raise Denied(
            f"Actor {desk.actor} may not let a warning expire.",
            code="warning.machine_only",
            where=command.kind,
            remedy="Publish a Cancel to lift it before its time.",
        )
    warning = get_warning(desk.state, command.subject)
    if warning.standing == "published" and (warning.draft.expires or 0) <= desk.at:
        yield Fact("warning.expired", warning.id, {}, "simulated" if warning.simulated else "derived")


def over(warning: CityWarning) -> Conflict:
    """Return the refusal of anything that would send a warning that does not hold (any more)."""
    return Conflict(
        f"Warning {warning.identifier or warning.id} is {warning.standing} and is not sent again.",
        code="warning.over",
        where="subject",
        remedy="Draft a new one, or send what took its place.",
        standing=warning.standing,
        ended_by=warning.ended_by,
    )


def incomplete(found: list[Fault]) -> Invalid:
    """Return the refusal of a draft with everything that it lacks."""
    first = found[0]
    return Invalid(
        f"The draft fails {len(found)} checks; the first: {first.en} ({first.where})",
        code="warning.incomplete",
        where=first.where,
        remedy="Complete what `faults` lists.",
        faults=msgspec.to_builtins(found),
    )


def _in(desk: Desk, command: Command, *standings: str) -> CityWarning:
    warning = get_warning(desk.state, command.subject)
    if warning.standing not in standings:
        if warning.standing in OVER:
            raise over(warning)
        raise Conflict(
            f"Warning {warning.id} is {warning.standing}, not {' or '.join(standings)}.",
            code="warning.standing",
            where="standing",
            remedy="Look at it again; somebody was quicker.",
            standing=warning.standing,
        )
    return warning


def _check_revision(warning: CityWarning, seen: int) -> None:
    if seen != warning.revision:
        raise Conflict(
            f"Warning {warning.id} is at revision {warning.revision}, not {seen}.",
            code="warning.revision",
            where="revision",
            remedy="Read it again: somebody edited it meanwhile.",
            revision=warning.revision,
        )


def _second(warning: CityWarning, person: str) -> str:
    if not person.startswith(PERSON):
        raise Denied(
            f"Actor {person} may not decide on a warning.",
            code="warning.person",
            where="actor",
            remedy="A person who answers for it does that, not a machine.",
        )
    if person in warning.authors or person == warning.submitted_by:
        raise Denied(
            f"Actor {person} wrote or submitted {warning.id} and may not decide on it.",
            code="warning.same_person",
            where="actor",
            remedy="A second person looks at it and decides.",
        )
    return person


def _check_ahead(warning: CityWarning, now: Instant) -> None:
    if (warning.draft.expires or 0) <= now:
        raise Conflict(
            f"Warning {warning.id} would have expired before it is issued.",
            code="warning.late",
            where="expires",
            remedy="Send it back and give it a later expiry.",
        )


def _check_words(law: WarningLaw, state: State, draft: Draft, before: Draft | None = None) -> None:
    """Refuse a kind, level, issuer or channel that does not exist; what stood in the draft before is marked, not refused.

    A word that is missing is no fault yet: a draft may be incomplete until it is submitted.
    """
    known = {"event": law.kinds, "colour": law.colours, "issuer": law.units}
    for name, allowed in known.items():
        word = getattr(draft, name)
        if word and word not in allowed and (before is None or word != getattr(before, name)):
            raise unknown_word(name, word, sorted(allowed))
    kept = before.channels if before is not None else ()
    for word in draft.channels:
        if word not in kept and state.get(CHANNEL, word) is None:
            raise unknown_word("channels", word, ())


def unknown_word(name: str, word: str, allowed: Sequence[str]) -> Invalid:
    """Return the refusal of a word that stands in none of the tables; `allowed` are those that do, none where they are many."""
    listed = "warning-channels" if name == "channels" else "warning-words"
    several = f"Use one of {', '.join(allowed)}." if 0 < len(allowed) <= ALLOWED_MAX else ""
    return Invalid(
        f"The draft's {name} is {word[:60]!r}, which does not exist here.",
        code="warning.word_unknown",
        where=name,
        remedy=several or f"GET /api/v1/{listed} lists what is allowed.",
        allowed=list(allowed),
    )


def _check_replaced(state: State, draft: Draft) -> CityWarning | None:
    """Return the warning that a draft replaces: one that holds, of the same kind of mode."""
    if not draft.replaces:
        return None
    replaced = get_warning(state, draft.replaces)
    if replaced.standing != "published" or replaced.draft.kind == "Cancel":
        raise Conflict(
            f"Warning {replaced.identifier or replaced.id} is {replaced.standing} and cannot be replaced.",
            code="warning.replaced_standing",
            where="replaces",
            remedy="Only a warning that holds is updated or cancelled.",
            standing=replaced.standing,
        )
    if mode_of(replaced.draft.status) != mode_of(draft.status):
        raise Denied(
            f"A message of status {draft.status} may not replace one of status {replaced.draft.status}.",
            code="warning.mode_replaced",
            where="replaces",
            remedy="An exercise ends exercises, a real warning ends real ones.",
        )
    return replaced


def _check_targets(channel: Channel, maps: Mapping[str, Any]) -> None:
    known = all(block.isascii() and block.isdigit() and len(block) < 8 for block in maps)
    if not known or highest(maps) >= channel.count:
        raise Invalid(
            f"Targets name terminals that channel {channel.id} has not.",
            code="warning.targets",
            where=f"targets: {channel.id}",
            remedy="Choose targets anew; the channel's terminals have changed.",
        )


def _channels_for(state: State, draft: Draft) -> list[str]:
    rows = [row for id in draft.channels if (row := state.get(CHANNEL, id)) is not None]
    mode = mode_of(draft.status)
    return [channel.id for channel in map(channel_of, rows) if channel.mode == mode]


def _identifier(law: WarningLaw, draft: Draft, desk: Desk) -> str:
    kind = law.kinds.get(draft.event)
    industry = kind.industry if kind else "000"
    for sequence in range(SEQUENCES):
        identifier = str(make_warning_id(law.division, industry, desk.at, sequence=sequence))
        if desk.state.get(IDENTIFIER, identifier) is None:
            return identifier
    raise Conflict(
        "Ten messages were issued in this second already; the id has one digit for them.",
        code="warning.id_taken",
        where="identifier",
        remedy="Publish it again a second later.",
    )
