"""The rows of warnings, channels, terminals and receipts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from quanyu.kernel.cap import Alert
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Instant, Row, State, Table
from quanyu.kernel.warning import Draft, Mode

WARNING: Final = Table("warning", ("key TEXT", "number INTEGER", "standing TEXT", "expires INTEGER", "doc BLOB"))
IDENTIFIER: Final = Table("warning_identifier", ("identifier TEXT", "key TEXT"))
CHANNEL: Final = Table("warning_channel", ("id TEXT", "doc BLOB"))
TERMINAL: Final = Table("warning_terminal", ("channel TEXT", "number INTEGER", "id TEXT", "doc BLOB"), keys=2)
TERMINAL_ID: Final = Table("warning_terminal_id", ("channel TEXT", "id TEXT", "number INTEGER"), keys=2)
REACH: Final = Table("warning_reach", ("key TEXT", "channel TEXT", "block INTEGER", "states BLOB"), keys=3)
"""One byte for each of BLOCK terminals of a channel: what is known of them, for one warning."""
RECEIVED: Final = Table("warning_received", ("digest TEXT", "number INTEGER", "doc BLOB"))
MARK: Final = Table("warning_mark", ("name TEXT", "value INTEGER"))
TABLES: Final = (WARNING, IDENTIFIER, CHANNEL, TERMINAL, TERMINAL_ID, REACH, RECEIVED, MARK)

BLOCK: Final = 4096

Standing = Literal["draft", "submitted", "approved", "published", "superseded", "cancelled", "expired", "dropped"]
OVER: Final = frozenset({"superseded", "cancelled", "expired"})
"""What was published and holds no more."""

_PREFIX: Final = "urn:ngsi-ld:Warning:"
_KEY: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode


class CityWarning(msgspec.Struct, frozen=True, omit_defaults=True):
    """A warning as it stands. `authors` wrote at it and may not approve it. `reach`: how many terminals each channel asks.

    `rounds`: how often each channel was told. `ended_by` is the key of what took its place, where something did.
    """

    key: str
    number: int
    draft: Draft
    authors: tuple[str, ...]
    drafted_at: Instant
    revision: int = 1
    standing: Standing = "draft"
    edited_at: Instant | None = None
    submitted_by: str = ""
    submitted_at: Instant | None = None
    approved_by: str = ""
    approved_at: Instant | None = None
    published_by: str = ""
    published_at: Instant | None = None
    identifier: str = ""
    alert: Alert | None = None
    law: tuple[str, ...] = ()
    reach: dict[str, int] = {}
    rounds: dict[str, int] = {}
    ended_at: Instant | None = None
    ended_by: str = ""
    note: str = ""
    simulated: bool = False

    @property
    def id(self) -> str:
        """Name under which records and faces know it."""
        return id_of(self.key)

    def in_force(self, now: Instant) -> bool:
        """Whether people are to act by it now; a Cancel takes a warning away and is none itself."""
        return (
            self.standing == "published"
            and self.draft.kind != "Cancel"
            and self.draft.expires is not None
            and now < self.draft.expires
        )


class Channel(msgspec.Struct, frozen=True, omit_defaults=True):
    """A way to people. `webhook`: the receiver that its gateway listens at. `count`: how many terminals it has."""

    id: str
    mode: Mode
    kind: str
    zh: str
    en: str
    languages: tuple[str, ...] = ("zh",)
    capability: str = ""
    webhook: str = ""
    simulated: bool = False
    count: int = 0


class Terminal(msgspec.Struct, frozen=True, omit_defaults=True):
    """One loudspeaker, screen or group of phones, with its place."""

    title: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    grid: str = ""
    simulated: bool = False


_warnings: Final = msgspec.msgpack.Decoder(CityWarning)
_channels: Final = msgspec.msgpack.Decoder(Channel)
_terminals: Final = msgspec.msgpack.Decoder(Terminal)


class WarningStore(Protocol):
    """What views and the timer ask a store."""

    def find(self, key: str) -> Row | None:
        """Return the row of a warning."""
        ...

    def key_of(self, identifier: str) -> str | None:
        """Return the key of a published warning."""
        ...

    def newest(self, standings: Sequence[str], before: int | None, limit: int) -> list[Row]:
        """Return warnings, newest first, below a number."""
        ...

    def next_expiry(self) -> Instant | None:
        """Return when the first published warning expires."""
        ...

    def expired(self, now: Instant, limit: int) -> list[str]:
        """Return keys of published warnings whose time has passed."""
        ...

    def channels(self) -> list[Row]:
        """Return all channels, by id."""
        ...

    def terminals(self, channel: str, after: int, limit: int) -> list[Row]:
        """Return terminals of a channel with a number above `after`."""
        ...

    def reach(self, key: str, channel: str | None = None) -> list[Row]:
        """Return what is known of the terminals of a warning."""
        ...

    def received(self, before: int | None, limit: int) -> list[Row]:
        """Return messages of peers, newest first."""
        ...


def id_of(key: str) -> str:
    """Return the id of a warning: urn:ngsi-ld:Warning:<key>."""
    return _PREFIX + key


def key_of(id: str) -> str:
    """Return the key in an id; raises Invalid (warning.key) for anything else."""
    key = id.removeprefix(_PREFIX)
    if not _KEY.fullmatch(key):
        raise Invalid(
            f"Id {id[:80]!r} is none of a warning.",
            code="warning.key",
            where="subject",
            remedy="Write urn:ngsi-ld:Warning: and at most 64 letters, digits and hyphens.",
        )
    return key


def unknown(id: str) -> Missing:
    """Return the error for a warning that does not exist."""
    return Missing(
        f"Warning {id[:80]!r} does not exist.",
        code="warning.unknown",
        where="subject",
        remedy="GET /api/v1/warnings lists them.",
    )


def no_channel(id: str) -> Missing:
    """Return the error for a channel that does not exist."""
    return Missing(
        f"Channel {id[:80]!r} does not exist.",
        code="warning.channel_unknown",
        where="channel",
        remedy="GET /api/v1/warning-channels lists them.",
    )


def warning_of(row: Row) -> CityWarning:
    """Read a warning from its row."""
    return _warnings.decode(row[4])


def channel_of(row: Row) -> Channel:
    """Read a channel from its row."""
    return _channels.decode(row[1])


def terminal_of(row: Row) -> Terminal:
    """Read a terminal from its row."""
    return _terminals.decode(row[3])


def get_warning(state: State, id: str) -> CityWarning:
    """Return a warning as the writer sees it; raises Missing (warning.unknown)."""
    row = state.get(WARNING, key_of(id))
    if row is None:
        raise unknown(id)
    return warning_of(row)


def put_warning(state: State, warning: CityWarning) -> None:
    """Write the row of a warning."""
    state.put(WARNING, (warning.key, warning.number, warning.standing, warning.draft.expires or 0, _encode(warning)))


def get_channel(state: State, id: str) -> Channel:
    """Return a channel as the writer sees it; raises Missing (warning.channel_unknown)."""
    row = state.get(CHANNEL, id)
    if row is None:
        raise no_channel(id)
    return channel_of(row)


def put_channel(state: State, channel: Channel) -> None:
    """Write the row of a channel."""
    state.put(CHANNEL, (channel.id, _encode(channel)))


def put_terminals(state: State, channel: Channel, terminals: Iterable[Mapping[str, Any]]) -> Channel:
    """Write terminals under their numbers; one that stands already is put anew. Returns the channel with its new count."""
    count = channel.count
    for each in terminals:
        id = each["id"]
        row = state.get(TERMINAL_ID, channel.id, id)
        number = count if row is None else row[2]
        if row is None:
            state.put(TERMINAL_ID, (channel.id, id, number))
            count += 1
        doc = {name: value for name, value in each.items() if name != "id"}
        state.put(TERMINAL, (channel.id, number, id, _encode(doc)))
    return msgspec.structs.replace(channel, count=count)


def next_number(state: State, name: str) -> int:
    """Return the next number of a series, from 1."""
    row = state.get(MARK, name)
    return 1 if row is None else int(row[1]) + 1
