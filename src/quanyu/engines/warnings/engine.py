"""Decides the commands of warnings and folds their records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.warnings import deciding, keeping
from quanyu.engines.warnings.deciding import Decision, Places
from quanyu.engines.warnings.reach import ask, hear
from quanyu.engines.warnings.store import (
    CHANNEL,
    IDENTIFIER,
    MARK,
    RECEIVED,
    TABLES,
    WARNING,
    Channel,
    CityWarning,
    Standing,
    channel_of,
    get_channel,
    get_warning,
    key_of,
    put_channel,
    put_terminals,
    put_warning,
    warning_of,
)
from quanyu.kernel.cap import alert_of
from quanyu.kernel.journal import Body, Command, Desk, Fact, Kind, Record, State
from quanyu.kernel.warning import Draft, WarningLaw

DECISIONS: Final[Mapping[str, Decision]] = {
    "warning.draft": deciding.draft,
    "warning.edit": deciding.edit,
    "warning.submit": deciding.submit,
    "warning.send_back": deciding.send_back,
    "warning.approve": deciding.approve,
    "warning.drop": deciding.drop,
    "warning.publish": deciding.publish,
    "warning.resend": deciding.resend,
    "warning.expire": deciding.expire,
    "warning.receipts": keeping.receipts,
    "warning.receive": keeping.receive,
    "warning_channel.put": keeping.put_channel,
    "warning_terminal.put": keeping.put_terminals,
}

_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode


class WarningsEngine:
    """Owns warnings, channels, terminals and receipts. `law`: the tables that new messages follow."""

    name: Final = "warnings"
    commands: Final = tuple(DECISIONS)
    kinds: Final = tuple(
        Kind(name)
        for name in (
            "warning.drafted",
            "warning.edited",
            "warning.submitted",
            "warning.sent_back",
            "warning.approved",
            "warning.dropped",
            "warning.published",
            "warning.sent",
            "warning.expired",
            "warning.receipts",
            "warning.received",
            "warning_channel.put",
            "warning_terminal.put",
        )
    )
    tables: Final = TABLES

    def __init__(self, law: WarningLaw) -> None:
        self.law = law
        self.places: Places = lambda at, districts: {}
        """At which place in the order each channel is told, by id or kind; assembly hands it in."""

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command about a warning; refusals have codes that begin with warning."""
        if command.kind == "warning.publish":
            return deciding.publish(self.law, command, desk, self.places)
        return DECISIONS[command.kind](self.law, command, desk)

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into its rows."""
        body = record.body
        assert body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
        _EVOLUTIONS[record.kind](record, body, state)


def _drafted(record: Record, body: Body, state: State) -> None:
    warning = CityWarning(
        key=key_of(record.subject),
        number=body["number"],
        draft=msgspec.convert(body["draft"], Draft),
        authors=(body["by"],),
        drafted_at=record.at,
        simulated=record.provenance.startswith("simulated"),
    )
    state.put(MARK, ("warning", warning.number))
    put_warning(state, warning)


def _edited(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    authors = warning.authors if body["by"] in warning.authors else (*warning.authors, body["by"])
    put_warning(
        state,
        replace(
            warning,
            draft=msgspec.convert(body["draft"], Draft),
            revision=body["revision"],
            authors=authors,
            edited_at=record.at,
        ),
    )


def _submitted(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    put_warning(
        state,
        replace(warning, standing="submitted", submitted_by=body["by"], submitted_at=record.at, note=body["note"]),
    )


def _sent_back(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    put_warning(
        state, replace(warning, standing="draft", approved_by="", approved_at=None, submitted_by="", note=body["note"])
    )


def _approved(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    put_warning(
        state, replace(warning, standing="approved", approved_by=body["by"], approved_at=record.at, note=body["note"])
    )


def _dropped(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    put_warning(state, replace(warning, standing="dropped", ended_at=record.at, note=body["note"]))


def _published(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    replaced = body["replaces"]
    if replaced is not None:
        row = state.get(WARNING, replaced)
        assert row is not None, f"record {record.seq} replaces {replaced}, which was never drafted"
        word: Standing = "cancelled" if warning.draft.kind == "Cancel" else "superseded"
        put_warning(state, replace(warning_of(row), standing=word, ended_at=record.at, ended_by=warning.key))
    state.put(IDENTIFIER, (body["identifier"], warning.key))
    put_warning(
        state,
        replace(
            warning,
            standing="published",
            published_by=body["by"],
            published_at=record.at,
            identifier=body["identifier"],
            alert=alert_of(body["alert"]),
            law=tuple(body["law"]),
            reach=body["reach"],
        ),
    )


def _sent(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    ask(state, warning.key, body["channel"], body["targets"])
    put_warning(state, replace(warning, rounds=warning.rounds | {body["channel"]: body["round"]}))


def _expired(record: Record, body: Body, state: State) -> None:
    warning = get_warning(state, record.subject)
    put_warning(state, replace(warning, standing="expired", ended_at=record.at))


def _receipts(record: Record, body: Body, state: State) -> None:
    hear(state, key_of(record.subject), body["channel"], body["numbers"], body["states"])


def _received(record: Record, body: Body, state: State) -> None:
    state.put(MARK, ("received", body["number"]))
    doc = {"alert": body["alert"], "remarks": body["remarks"], "at": record.at, "by": record.actor}
    state.put(RECEIVED, (record.subject.removeprefix("cap:"), body["number"], _encode(doc)))


def _channel_put(record: Record, body: Body, state: State) -> None:
    row = state.get(CHANNEL, record.subject)
    count = 0 if row is None else channel_of(row).count
    fields = {name: value for name, value in body.items() if name != "as_person"}
    put_channel(state, msgspec.convert(fields | {"id": record.subject, "count": count}, Channel))


def _terminals_put(record: Record, body: Body, state: State) -> None:
    put_channel(state, put_terminals(state, get_channel(state, record.subject), body["terminals"]))


_EVOLUTIONS: Final[Mapping[str, Callable[[Record, Body, State], None]]] = {
    "warning.drafted": _drafted,
    "warning.edited": _edited,
    "warning.submitted": _submitted,
    "warning.sent_back": _sent_back,
    "warning.approved": _approved,
    "warning.dropped": _dropped,
    "warning.published": _published,
    "warning.sent": _sent,
    "warning.expired": _expired,
    "warning.receipts": _receipts,
    "warning.received": _received,
    "warning_channel.put": _channel_put,
    "warning_terminal.put": _terminals_put,
}
