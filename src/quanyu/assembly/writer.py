"""The writer: takes groups of calls, decides each, folds its facts, and makes the group durable with one sync."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

import msgspec
import structlog

from quanyu.assembly.causes import Causes
from quanyu.assembly.chain import linked
from quanyu.assembly.core import CURSOR
from quanyu.assembly.desk import WriterDesk
from quanyu.assembly.lagging import Lagging
from quanyu.assembly.repeating import digest_of, keep_receipt, known_receipt
from quanyu.assembly.state import WriterState
from quanyu.assembly.together import Together
from quanyu.kernel.errors import Conflict, Invalid, QuanyuError, Unavailable, Unsupported
from quanyu.kernel.journal import (
    BASE_BYTES,
    PROVENANCE_KINDS,
    Advance,
    Command,
    Engine,
    Fact,
    Group,
    Head,
    Instant,
    Kind,
    Outcome,
    Receipt,
    Record,
    Row,
    Store,
    Stored,
    Table,
    provenance_kind,
)

STEP_BACK_MAX_US = 5 * 60 * 1_000_000
LEFT_MAX = 250
"""So much is left for later before it is done: enough to be done together, and still at hand for the processor."""
BODY_BYTES_MAX = 64 * 1024 * 1024
_encode = msgspec.msgpack.Encoder().encode
log = structlog.get_logger()

Gate = Callable[[Command, "WriterDesk"], None]


class Call(msgspec.Struct, frozen=True):
    """One call of `commit`: its commands share a fate when atomic."""

    commands: Sequence[Command]
    actor: str
    key: str | None = None
    atomic: bool = True
    advance: Advance | None = None
    at: Instant | None = None


class Writer:
    """Owned by one thread. `process` returns one receipt or error per call, in order."""

    def __init__(
        self,
        store: Store,
        engines: Sequence[Engine],
        clock: Callable[[], Instant],
        machine: Callable[[], Instant],
        chance: random.Random,
        gate: Gate | None = None,
        extra_tables: Collection[Any] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._machine = machine
        self._gate = gate
        self._deciders: dict[str, Engine] = {kind: engine for engine in engines for kind in engine.commands}
        self._begins_with: dict[str, Callable[[Command], tuple[Table, Any]]] = {}
        self._goes_on_with: dict[str, tuple[Table, Callable[[Row], Any]]] = {}
        for engine in engines:
            self._begins_with |= getattr(engine, "begins_with", {})
            self._goes_on_with |= getattr(engine, "goes_on_with", {})
        self._owners: dict[str, tuple[Engine, Kind]] = {k.name: (e, k) for e in engines for k in e.kinds}
        self._together = Together(self._deciders, self._owners, gate, BODY_BYTES_MAX)
        tables = [table for engine in engines for table in engine.tables]
        self.state = WriterState([*tables, *extra_tables], store.fetch)
        self._lagging = Lagging(engines, store, self.state)
        self._torn = bool(self._lagging)
        store.lacks = self.lacks
        self._desk = WriterDesk(self.state, chance)
        self.head = store.head()
        """The end of the durable journal; `_seq` and `_at` are of the last record that was decided."""
        self._seq, self._at = self.head.seq, self.head.at
        self._made: list[Record] = []
        self._bodies: list[bytes] = []
        self._erased: list[str] = []
        self._written: Sequence[Stored] = ()
        self._time_accepted = False
        self._causes = Causes(store)
        self.kept_only = False
        """Set when the disk runs low: only records of the kept kind commit (SEMANTICS §2)."""

    @property
    def written(self) -> Sequence[Stored]:
        """The records of the last group, as the store holds them."""
        return self._written

    def process(self, calls: Sequence[Call]) -> tuple[list[Receipt | Exception], list[Record]]:
        """Decide a group of calls and make it durable; a failed write fails all of its calls.

        Rows that wait go along when there are many; a group without calls takes what there is.
        """
        self._made, self._bodies, self._erased, self._written = [], [], [], ()
        try:
            now = self._now() if calls else 0
        except Unavailable as error:
            return [error] * len(calls), []
        if self._torn:
            self.remake()
        self._look_up(calls)
        results = self._judge_all(calls, now)
        try:
            self._write(lagging=not calls)
        except Exception as error:  # whatever stopped it, the callers must hear it and the writer must live
            return self._lost(results, error), []
        return results, self._made

    def settle(self) -> None:
        """Write the rows that wait, since somebody looks at them; raises Unavailable when the store refuses them."""
        self._made, self._bodies, self._erased, self._written = [], [], [], ()
        self._lagging.watch(self._machine())
        for last in (False, True):
            try:
                if self._torn:
                    self.remake()
                self._write(lagging=True)
                return
            except Exception as error:
                self._lost((), error)
                # Made again record by record, all rows but those at fault come out.
                if last or isinstance(error, QuanyuError):
                    raise

    def lacks(self, table: Table, key: Any) -> bool:
        """Whether the durable row under a key may lag; any thread may ask."""
        # In this order: what a lost group left behind counts as torn before its rows are forgotten.
        return self.state.lacks(table, key) or self._torn

    def _write(self, lagging: bool) -> None:
        """Make what was decided durable, if it is anything, and what waits along with it."""
        lagging = (lagging and bool(self.state.waits)) or self._lagging.due(self._seq, self._machine())
        if lagging or self.state.left >= LEFT_MAX:
            self.state.settle()
        if lagging or self._made:
            self._lagging.note(self._seq if lagging else None)
        changes = self.state.changes(lagging)
        if not self._made and not changes:
            return
        pruned = any(self._owners[kind][1].life != "kept" for kind in {record.kind for record in self._made})
        base = None if pruned or len(self._made) < 2 else os.urandom(BASE_BYTES)
        head, written = self.head, linked(list(zip(self._made, self._bodies, strict=True)), self.head.chain, base)
        if written:
            head = Head(self._seq, self._at, written[-1].chain or b"")
        if not lagging:
            self._lagging.publish()
        self._store.write(Group(written, changes, head, self._erased, base, self.state.again))
        self.head, self._written = head, written
        if lagging:
            self._store.strides += 1
        self.state.flushed(lagging)
        self._lagging.written(self._seq if lagging else None)

    def _lost(self, results: Sequence[Receipt | Exception], error: Exception) -> list[Receipt | Exception]:
        """Forget the group; return what its callers hear."""
        self._torn = True
        self.state.lost()
        self._seq, self._at = self.head.seq, self.head.at
        if not isinstance(error, QuanyuError):
            log.error("group write failed", records=len(self._made), exc_info=error)
        return [result if isinstance(result, Exception) else error for result in results]

    def _look_up(self, calls: Sequence[Call]) -> None:
        """Fetch together what the decisions of a group will ask for one after the other."""
        wanted: dict[str, tuple[Table, list[Any]]] = {}
        # A key that cannot be one, or a store that does not answer: whoever asks for the row hears of it.
        with suppress(Exception):
            for call in calls:
                for command in call.commands:
                    begins_with = self._begins_with.get(command.kind)
                    if begins_with is not None:
                        table, key = begins_with(command)
                        if table.name not in wanted:
                            wanted[table.name] = table, []
                        wanted[table.name][1].append(key)
            for table, keys in wanted.values():
                found = self.state.take(table, keys, self._store.fetch_some)
                beside = self._goes_on_with.get(table.name)
                if found and beside is not None:
                    other, key_of = beside
                    self.state.take(other, map(key_of, found), self._store.fetch_some)

    def remake(self) -> None:
        """Make rows that wait again, which a lost group or an earlier process left behind."""
        self._lagging.fold()
        self._store.strides += 1
        self._torn = False

    def _now(self) -> Instant:
        now, last = self._clock(), self.head.at
        # A decision to go on holds for one step back: once caught up, the next is asked about again.
        self._time_accepted = self._time_accepted and now < last
        if now < last - STEP_BACK_MAX_US and not self._time_accepted:
            raise Unavailable(
                f"The clock stands {(last - now) // 1_000_000} s before the last record.",
                code="clock.back",
                remedy="Set the machine's clock right, or let an administrator accept the new time.",
                retry_after_s=60,
            )
        return max(now, last)

    def accept_time(self) -> None:
        """Go on although the clock stands far before the last record: instants then stand still until it has caught up."""
        self._time_accepted = True

    def _judge_all(self, calls: Sequence[Call], now: Instant) -> list[Receipt | Exception]:
        results: list[Receipt | Exception] = []
        for single, some in groupby(calls, _is_single):
            run = [*some]
            worth = single and self._together.takes(run[0].commands[0], len(run))
            found = self._judge_run(run, max(now, self._at)) if worth else None
            results += [self._judge(call, now) for call in run] if found is None else found
        return results

    def _judge_run(self, calls: Sequence[Call], at: Instant) -> list[Receipt] | None:
        """Judge calls of one command each as if they were one; None says to take each alone, faults too."""
        start, desk = self._place(), self._desk
        desk.at, desk.seq = at, self._seq + 1
        try:
            outcomes = self._decide_together([call.commands[0] for call in calls], [call.actor for call in calls], at)
        except Exception as error:  # each alone will say whose fault it is
            log.warning("calls are taken one by one", exc_info=error)
            outcomes = None
            self._back_to(start)
        if outcomes is None:
            self.state.refuse()
            return None
        self.state.accept()
        return [Receipt(outcome.seqs[-1], at, (outcome,)) for outcome in outcomes]

    def _judge(self, call: Call, now: Instant) -> Receipt | Exception:
        start = self._place()
        try:
            receipt = self._run(call, max(now, call.at or 0, self._at))
        except Exception as error:  # one call's fault, ours or theirs, must not take the group with it
            self.state.refuse()
            self._back_to(start)
            if not isinstance(error, QuanyuError):
                log.error("decision failed", kinds=[c.kind for c in call.commands[:5]], exc_info=error)
            return error
        self.state.accept()
        return receipt

    def _place(self) -> tuple[int, Instant, int]:
        return self._seq, self._at, len(self._erased)

    def _back_to(self, place: tuple[int, Instant, int]) -> None:
        """Forget the records made since a place."""
        self._seq, self._at, erased = place
        made = self._seq - self.head.seq
        del self._made[made:], self._bodies[made:], self._erased[erased:]

    def _run(self, call: Call, at: Instant) -> Receipt:
        digest = b""
        if call.key is not None:
            digest = digest_of(call)
            known = known_receipt(self.state, call, digest)
            if known is not None:
                return known
        desk = self._desk
        desk.at, desk.actor, desk.seq = at, call.actor, self._seq + 1
        several = len(call.commands)
        outcomes = self._decide_together(call.commands, [call.actor] * several, at) if several > 1 else None
        if outcomes is None:
            outcomes = [self._decide(command, call, at) for command in call.commands]
        receipt = Receipt(self._seq, at, tuple(outcomes))
        if call.key is not None:
            keep_receipt(self.state, call, digest, receipt, self._machine())
        if call.advance is not None:
            self._advance(call.advance)
        return receipt

    def _decide_together(self, commands: Sequence[Command], actors: Sequence[str], at: Instant) -> list[Outcome] | None:
        found = self._together.decide(commands, actors, self._desk, at, self.kept_only)
        if found is None:
            return None
        records, bodies = found
        self._made += records
        self._bodies += bodies
        self._seq, self._at = records[-1].seq, at
        return [Outcome(record.subject, (record.seq,), None, (record,)) for record in records]

    def _decide(self, command: Command, call: Call, at: Instant) -> Outcome:
        first = len(self._made)
        if call.atomic:
            self._apply(command, at)
        else:
            place, mark = self._place(), self.state.mark()
            try:
                self._apply(command, at)
            except QuanyuError as error:
                self.state.back_to(mark)
                self._back_to(place)
                return Outcome(command.subject, (), error)
        made = tuple(self._made[first:])
        subject = made[-1].subject if made else command.subject
        return Outcome(subject, tuple(range(self._seq - len(made) + 1, self._seq + 1)), None, made)

    def _apply(self, command: Command, at: Instant) -> None:
        engine = self._deciders.get(command.kind)
        if engine is None:
            raise Unsupported(
                f"Command {command.kind!r} does not exist.",
                code="command.unknown",
                where="kind",
                remedy=f"Use one of: {', '.join(sorted(self._deciders))}.",
            )
        if command.provenance not in PROVENANCE_KINDS and provenance_kind(command.provenance) not in PROVENANCE_KINDS:
            raise Invalid(
                f"Provenance {command.provenance!r} is not known.",
                code="provenance.unknown",
                where="provenance",
                remedy=f"Begin with one of: {', '.join(PROVENANCE_KINDS)}.",
            )
        desk = self._desk
        if self._gate is not None:
            self._gate(command, desk)
        depth = 0 if command.cause is None else self._causes.depth(command.cause)
        desk.seq = self._seq + 1
        for fact in engine.decide(command, desk):
            self._keep(fact, command, at, depth)

    def _keep(self, fact: Fact, command: Command, at: Instant, depth: int) -> None:
        owner, kind = self._owners[fact.kind]
        if self.kept_only and kind.life != "kept":
            raise Unavailable(
                "The disk of the home is nearly full: telemetry is not taken.",
                code="store.low",
                remedy="Free disk space; cases and structure still commit.",
                retry_after_s=60,
            )
        try:
            body = _encode(fact.body)
        except (OverflowError, UnicodeEncodeError) as error:
            raise Invalid(
                f"Record {fact.kind} of {fact.subject} cannot be written down: {error}.",
                code="record.value",
                remedy="Send whole numbers of at most 64 bits, or texts; and texts without halves of surrogate pairs.",
            ) from error
        if len(body) > BODY_BYTES_MAX:
            raise Invalid(
                f"Record {fact.kind} of {fact.subject} holds {len(body)} bytes; {BODY_BYTES_MAX} are the most.",
                code="record.size",
                remedy="Send it in smaller parts.",
            )
        record = Record(
            self._seq + 1, at, self._desk.actor, fact.kind, kind.version, fact.subject, fact.body, command.cause,
            fact.provenance or command.provenance,
        )  # fmt: skip
        owner.evolve(record, self.state)
        if fact.kind == "person.erased":
            self._erased.append(fact.subject)
        self._made.append(record)
        self._bodies.append(body)
        self._seq, self._at = record.seq, at
        self._desk.seq = record.seq + 1
        if depth:
            self._causes.note(record.seq, depth)

    def _advance(self, advance: Advance) -> None:
        row = self.state.get(CURSOR, advance.reader)
        seq = row[1] if row else 0
        if advance.seq < seq:
            raise Conflict(f"Reader {advance.reader} steps back from {seq} to {advance.seq}.", code="reader.back")
        self.state.put(CURSOR, (advance.reader, advance.seq, row[2] if row else ""))
        self.state.step(advance.delta)


def _is_single(call: Call) -> bool:
    """Whether a call is one command and nothing besides."""
    return len(call.commands) == 1 and call.key is None and call.advance is None and call.at is None
