"""The folded state of a case and how it is written into rows."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.journal import Instant

Standing = Literal["open", "closed", "suspended"]
SEVERITIES: Final = ("info", "yellow", "orange", "red")
CITIZEN_CHANNELS: Final = frozenset({"citizen", "open311"})
"""Channels of people without an account: each follows the case by number and code, and is asked at its end."""

FINDINGS_KEPT: Final = 20
"""Findings kept in the folded state; older ones stay in the actions and in the count."""

OVERALL: Final = "overall"
OF_BRANCHES: Final = ("step.", "wait.", "bound.", "notice.")
"""How the names of clocks begin that go with a branch or a notice; `overall` and the named ones stay with the case."""


class ClockState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A clock with its instants resolved; `due` is None while it stands and where the calendar knows no answer.

    `certain` is then the latest day that the calendar is sure of. `pauses` are (from, to or None, ground).
    """

    name: str
    limit: str
    start: Instant
    due: Instant | None
    amber: Instant | None = None
    red: Instant | None = None
    escalate: Instant | None = None
    certain: str | None = None
    pauses: tuple[tuple[Instant, Instant | None, str], ...] = ()
    stopped: Instant | None = None
    parameter: str | None = None

    @property
    def stands(self) -> bool:
        """Whether a pause is open."""
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def begun(self) -> bool:
        """Whether it has started at all: one that waits for its beginning stopped where it started."""
        return self.stopped != self.start or self.due is not None

    @property
    def runs(self) -> bool:
        """Whether time counts now."""
        return self.stopped is None and not self.stands


class Token(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the case stands: one token per branch; `role` and `unit` say whose turn it is."""

    id: int
    step: str
    at: Instant
    role: str
    unit: str | None = None
    person: str | None = None


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A branch at a wait of its flow, where nobody has to do anything; it shares its numbers with the tokens."""

    id: int
    node: str
    at: Instant


class Done(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A step done, by whom and when; the latest one of a name counts."""

    step: str
    at: Instant
    person: str


class Finding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a rule saw: a stretch of event time (`end` None while it lasts), a value, and why it counts."""

    start: Instant
    end: Instant | None
    value: float | None
    limit: float | None
    unit: str | None
    severity: str
    why: dict[str, str]
    count: int = 1


class Result(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How the case ended: the word, and what makes it true."""

    word: str
    by: str
    at: Instant
    note: str = ""
    date: str | None = None
    who: str | None = None


class Objection(msgspec.Struct, frozen=True, gc=False):
    """A dispute that waits for arbitration by a role, at a unit where one is named."""

    by: str | None
    person: str
    reason: str
    at: Instant
    role: str = "chief"
    unit: str | None = None


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request for more time at a step (its token): by how much, for which clocks, and who answers."""

    by: str | None
    person: str
    reason: str
    at: Instant
    limit: str
    clocks: tuple[str, ...]
    token: int
    role: str
    unit: str | None


class Extended(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """More time that was given to a clock; a clock that starts anew under the same name has none of it."""

    clock: str
    start: Instant
    limit: str


class Banked(msgspec.Struct, frozen=True, gc=False):
    """Why a case lies in the problem bank, since when, and the day on which somebody looks at it again."""

    by: str | None
    person: str
    reason: str
    since: Instant
    review: str
    remind_at: Instant


REMINDER: Final = "bank.review"
"""The timer of a review date."""


class Notice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One receiver told of one event; `round` grows when a reopened case tells it anew, `tries` when it is told again.

    `webhook` is the one whose answer is the receipt; `error` says why its delivery was given up.
    """

    event: str
    receiver: str
    zh: str
    en: str
    told_at: Instant
    round: int = 1
    tries: int = 1
    unit: str | None = None
    webhook: str | None = None
    receipt_at: Instant | None = None
    by: str | None = None
    error: str | None = None


KEEP: Final = "keep.erase"
"""The timer at which what a case tells of a person is erased."""

REPORTED: Final = "reported"
STANDS: Final = "open"
UNMOVED: Final = ("", "open", 0)


class Opening(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What was said at the opening; never rewritten."""

    kind: str
    flow: str
    title: dict[str, str]
    channel: str
    text: str = ""
    place: dict[str, Any] | None = None
    asset: str | None = None
    asset_type: str | None = None
    category: str | None = None
    reporter: str | None = None
    reporter_id: str | None = None
    code: str | None = None
    fold_key: str | None = None
    rule: str | None = None
    rule_version: str | None = None
    parameters: tuple[dict[str, Any], ...] = ()
    provenance: str = REPORTED
    subjects: dict[str, str] = {}
    document: str | None = None


KEYS: Final = {
    "flow_hash": "f",
    "opened_at": "o",
    "seen_at": "e",
    "severity": "s",
    "state": "S",
    "tokens": "t",
    "token_last": "n",
    "done": "d",
    "clocks": "c",
    "fired": "F",
    "units": "u",
    "limits": "l",
    "district": "D",
    "first_unit": "U",
    "first_right": "R",
    "outcome": "w",
    "closed_at": "x",
    "proven": "p",
    "confirmed": "C",
    "handled_on_time": "h",
    "last": "a",
}
"""What fields of most cases are called in rows; a name once given stays."""


class CaseState(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename=KEYS):
    """Everything about a case that actions move; a fold over its actions gives exactly this.

    `seen_at` is how far event time has come in a historical case. Defaults are left out of rows by identity, so a word
    that may stand at its default is set from a literal alone.

    Of flows with branches: `bounced` are the roles of branches that were returned (counted in `bounces`, too), `settled` of
    those that were arbitrated; `waits` are branches that nobody has to move, `joins` are ways that have arrived at a join as
    (join, from), `sides` are the tokens of side branches, `data` is what guards read, `disputed` the token that objects.

    Of applications: `subjects` are the person and the firm that were proven and how, `forms` the version of the form of
    each step, `answers` what was said by question (personal ones as references into the vault, None where one was left empty),
    `contradicted` the items of registers that the applicant says are not right.

    `keep` says until when what the case tells of a person is kept: apart from the clocks, because it runs on when the case
    has ended; `erased_at` is when that was over.
    """

    flow_hash: str
    opened_at: Instant
    severity: str
    seen_at: Instant = 0
    state: Standing = STANDS
    tokens: tuple[Token, ...] = ()
    token_last: int = 0
    done: tuple[Done, ...] = ()
    clocks: tuple[ClockState, ...] = ()
    fired: tuple[str, ...] = ()
    units: dict[str, str] = {}
    supports: tuple[str, ...] = ()
    limits: dict[str, tuple[str, str]] = {}
    district: str | None = None
    returned_by: str | None = None
    returned_to: str | None = None
    returned_until: str | None = None
    returns: int = 0
    bounces: int = 0
    reworks: int = 0
    reopens: int = 0
    first_unit: str | None = None
    first_right: bool | None = None
    objection: Objection | None = None
    arbitrated: bool = False
    merged_into: int | None = None
    merged: tuple[int, ...] = ()
    outcome: Result | None = None
    closed_at: Instant | None = None
    proven: bool = False
    confirmed: Literal["asked", "yes", "no", "lapsed"] | None = None
    confirm_by: Instant | None = None
    handled_on_time: bool | None = None
    late: bool = False
    escalated_to: str | None = None
    findings: tuple[Finding, ...] = ()
    finding_count: int = 0
    findings_ended_at: Instant | None = None
    historical: bool = False
    simulated: bool = False
    asks_reporter: bool = False
    extension: Asked | None = None
    extended: tuple[Extended, ...] = ()
    bank: Banked | None = None
    territory: bool = False
    notices: tuple[Notice, ...] = ()
    last: tuple[str, str, Instant] = UNMOVED
    waits: tuple[Waiting, ...] = ()
    joins: tuple[tuple[str, str], ...] = ()
    sides: tuple[int, ...] = ()
    data: dict[str, Any] = {}
    disputed: int = 0
    subjects: dict[str, str] = {}
    forms: dict[str, str] = {}
    answers: dict[str, Any] = {}
    contradicted: tuple[str, ...] = ()
    keep: ClockState | None = None
    erased_at: Instant | None = None
    bounced: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def overall(self) -> ClockState:
        """The clock of the whole case."""
        for clock in self.clocks:
            if clock.name == OVERALL:
                return clock
        raise LookupError(OVERALL)

    @property
    def outstanding(self) -> tuple[Notice, ...]:
        """Notices that wait for their receipt."""
        return tuple(each for each in self.notices if each.receipt_at is None)

    @property
    def token(self) -> Token | None:
        """The branch that leads: whose unit holds the case."""
        return self.tokens[0] if self.tokens else None

    @property
    def main_branches(self) -> frozenset[int]:
        """Numbers of the branches that hold the case open: at steps and waits, side branches apart."""
        standing = [token.id for token in self.tokens]
        if self.waits or self.sides:
            return frozenset([*standing, *[each.id for each in self.waits]]).difference(self.sides)
        return frozenset(standing)

    def find_token(self, step: str) -> Token | None:
        """Return the branch that stands at this step."""
        return next((token for token in self.tokens if token.step == step), None)

    def find_clock(self, name: str) -> ClockState | None:
        """Return a clock by name: `overall`, or `step.<token>`."""
        for clock in self.clocks:
            if clock.name == name:
                return clock
        return None

    def longer(self, clock: ClockState) -> tuple[str, ...]:
        """Return the limits that were added to a clock."""
        return tuple(each.limit for each in self.extended if (each.clock, each.start) == (clock.name, clock.start))

    @property
    def was_extended(self) -> bool:
        """Whether a clock that stands was given more time."""
        return any(self.longer(clock) for clock in self.clocks)

    def doer(self, step: str) -> str | None:
        """Return who did a step last."""
        return next((done.person for done in reversed(self.done) if done.step == step), None)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line of a case's history, read from the record that wrote it."""

    seq: int
    at: Instant
    actor: str
    action: str
    step: str | None = None
    note: str = ""
    files: tuple[dict[str, Any], ...] = ()
    fields: dict[str, Any] = {}
    person: dict[str, Any] | None = None
    provenance: str = REPORTED


_state_decoder: Final = msgspec.msgpack.Decoder(CaseState)
encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode
"""Rows are compared byte by byte after a replay: maps are written in one order."""


def state_of(row: bytes) -> CaseState:
    """Read the folded state from its row."""
    return _state_decoder.decode(row)
