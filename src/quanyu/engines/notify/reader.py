"""The ear of notify: turns records into outbox rows, and the couriers' results into receipts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from quanyu.engines.notify.courier import Courier
from quanyu.engines.notify.store import OUTBOX, RECEIVERS, WEBHOOKS, Delivery, Post, Rows, delivery_of
from quanyu.engines.notify.webhook import RECEIPTS_MAX, WAITING_MAX, WEBHOOKS_MAX, Webhook, payload_of
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Row, Table

TOLD = "case.told"
"""The kind of record whose delivery somebody waits for: what became of it goes back as `case.receipt`."""

OWN = frozenset({"webhook.put", "webhook.removed", "webhook.replayed"})
Reveal = Callable[[str], Mapping[str, str] | None]
"""Opens a vault reference."""
Edge = Callable[[str, str, Mapping[str, Any], str], str | None]
"""Kind, subject and body of a record, and the receiver: why it must not go out there; None lets it pass."""


class _Receiver(msgspec.Struct):
    hook: Webhook
    secret: str
    courier: Courier
    receipts: deque[int]
    queued: set[int]
    status: list[int | str | None]
    """last_ok, last_error, failing_since, resync: the columns of RECEIVERS behind the key."""


class NotifyReader:
    """Reads every kind of record. `rows` shows its tables, `reveal` opens signing secrets, `post` sends.

    With `threads=False` nothing is sent until `deliver` is called: tests drive it by hand.
    """

    name = "notify"
    wants: Collection[str] | None = None
    tables: Collection[Table] = (OUTBOX, RECEIVERS)

    def __init__(
        self,
        rows: Rows,
        reveal: Reveal,
        post: Post,
        machine: Callable[[], Instant],
        threads: bool = True,
        edge: Edge | None = None,
    ) -> None:
        self._edge = edge
        self._rows = rows
        self._reveal = reveal
        self._post = post
        self._machine = machine
        self._threads = threads
        self._receivers: dict[str, _Receiver] = {}
        self._results: deque[Delivery] = deque()
        self._answers: list[Command] = []
        for row in rows.rows(WEBHOOKS):
            self._open(row[0], msgspec.json.decode(row[1], type=Webhook), row[2])
        self._resume()

    @property
    def minds(self) -> Collection[str] | None:
        """Which kinds concern it at present: without a receiver, those of webhooks alone."""
        return self.wants if self._receivers else OWN

    @property
    def next_wake(self) -> Instant | None:
        """At once while results of couriers wait to be written, otherwise never."""
        return 0 if self._results else None

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Write an outbox row for each record and receiver that wants it, and follow changes of webhooks."""
        delta: list[Change] = []
        for record in records:
            if record.kind.startswith("webhook."):
                delta += self._follow(record)
            for id_, receiver in self._receivers.items():
                if receiver.hook.wants(record) and record.seq not in receiver.queued and self._passes(id_, record):
                    delta += self._queue(id_, receiver, record)
        delta += self._written()
        return Effects(self._receipts(), tuple(delta))

    def wake(self, now: Instant) -> Effects:
        """Write the receipts that couriers brought back."""
        delta = tuple(self._written())
        return Effects(self._receipts(), delta)

    def deliver(self) -> None:
        """Let every courier try its first delivery in this thread."""
        for receiver in list(self._receivers.values()):
            receiver.courier.step()

    def stop(self) -> None:
        """End the couriers; what waits is found again in the outbox."""
        for receiver in self._receivers.values():
            receiver.courier.stop()

    def _open(self, id_: str, hook: Webhook, secret: str) -> None:
        known = self._receivers.get(id_)
        if known is not None and known.hook.url == hook.url and known.secret == secret:
            known.hook = hook
            return
        if known is not None:
            known.courier.stop()
        elif len(self._receivers) >= WEBHOOKS_MAX:
            return
        courier = Courier(
            id_, hook.url, lambda: (self._reveal(secret) or {}).get("secret"), self._post, self._machine,
            self._results.append, None if self._edge is None else self._stopped,
        )  # fmt: skip
        self._receivers[id_] = _Receiver(hook, secret, courier, deque(), set(), [None, None, None, 0])
        if self._threads:
            courier.start()
        if known is not None:
            self._take_over(id_, known)

    def _passes(self, id_: str, record: Record) -> bool:
        return self._edge is None or self._edge(record.kind, record.subject, record.body or {}, id_) is None

    def _stopped(self, delivery: Delivery) -> str | None:
        assert self._edge is not None, "couriers ask the edge only where there is one"
        body = msgspec.json.decode(delivery.payload).get("body") or {}
        return self._edge(delivery.kind, delivery.subject, body, delivery.webhook)

    def _take_over(self, id_: str, known: _Receiver) -> None:
        """Give what waited for the old address or secret to the new courier."""
        receiver = self._receivers[id_]
        receiver.status, receiver.receipts = known.status, known.receipts
        for delivery in self._stored(id_):
            if delivery.state == "waiting":
                self._hand(receiver, msgspec.structs.replace(delivery, due=0))

    def _resume(self) -> None:
        for row in self._rows.rows(RECEIVERS):
            if row[0] in self._receivers:
                self._receivers[row[0]].status = list(row[1:])
        for row in self._rows.rows(OUTBOX):
            delivery = delivery_of(row)
            receiver = self._receivers.get(delivery.webhook)
            if receiver is None:
                continue
            if delivery.state == "waiting":
                self._hand(receiver, delivery)
            elif delivery.state == "sent":
                receiver.receipts.append(delivery.seq)

    def _stored(self, webhook: str) -> Iterable[Delivery]:
        return (delivery_of(row) for row in self._rows.rows(OUTBOX) if row[0] == webhook)

    def _follow(self, record: Record) -> list[Change]:
        body = record.body or {}
        if record.kind == "webhook.put":
            self._open(record.subject, msgspec.convert(body["webhook"], Webhook), body["secret"])
            return []
        if record.kind == "webhook.replayed":
            return self._replay(record.subject, body.get("after"))
        receiver = self._receivers.pop(record.subject, None)
        if receiver is not None:
            receiver.courier.stop()
        stored = [_gone(delivery) for delivery in self._stored(record.subject)]
        return [*stored, Change(RECEIVERS.name, (record.subject,), None)]

    def _replay(self, id_: str, after: int | None) -> list[Change]:
        """Send dead letters again, or everything behind a seq that the outbox still holds."""
        receiver = self._receivers.get(id_)
        if receiver is None:
            return []
        delta = []
        for delivery in self._stored(id_):
            again = delivery.state == "dead" if after is None else delivery.seq > after
            if again and delivery.seq not in receiver.queued:
                fresh = msgspec.structs.replace(delivery, state="waiting", tries=0, due=0, error=None, done=None)
                self._hand(receiver, fresh)
                delta.append(_change(fresh))
        receiver.status[3] = 0
        return [*delta, _status(id_, receiver)]

    def _queue(self, id_: str, receiver: _Receiver, record: Record) -> list[Change]:
        delivery = Delivery(id_, record.seq, record.kind, record.subject, payload_of(record))
        if receiver.courier.waiting < WAITING_MAX:
            self._hand(receiver, delivery)
            return [_change(delivery)]
        dead = msgspec.structs.replace(
            delivery, state="dead", error="The queue of this receiver is full.", done=self._machine()
        )
        receiver.status[3] = 1
        return [_change(dead), _status(id_, receiver)]

    def _hand(self, receiver: _Receiver, delivery: Delivery) -> None:
        receiver.queued.add(delivery.seq)
        receiver.courier.add(delivery)

    def _receipts(self) -> tuple[Command, ...]:
        answers, self._answers = tuple(self._answers), []
        return answers

    def _written(self) -> list[Change]:
        delta = []
        while self._results:
            delivery = self._results.popleft()
            receiver = self._receivers.get(delivery.webhook)
            if receiver is None:
                continue
            delta.append(_change(delivery))
            delta += self._booked(receiver, delivery)
            if delivery.kind == TOLD and delivery.state != "waiting":
                self._answers.append(receipt_command(delivery))
        return delta

    def _booked(self, receiver: _Receiver, delivery: Delivery) -> list[Change]:
        if delivery.state != "waiting":
            receiver.queued.discard(delivery.seq)
        if delivery.state == "sent":
            receiver.receipts.append(delivery.seq)
            receiver.status[:3] = [delivery.done, None, None]
        else:
            receiver.status[1] = delivery.error
            receiver.status[2] = receiver.status[2] or self._machine()
        delta = [_status(delivery.webhook, receiver)]
        while len(receiver.receipts) > RECEIPTS_MAX:
            delta.append(Change(OUTBOX.name, (delivery.webhook, receiver.receipts.popleft()), None))
        return delta


def receipt_command(delivery: Delivery) -> Command:
    """Return what a case is told of the delivery of its notice: that it was taken, or why it was given up."""
    body = msgspec.json.decode(delivery.payload)["body"]
    said = {"event": body["event"], "receiver": body["receiver"], "round": int(body["key"].rpartition(":")[2])}
    error = {} if delivery.state == "sent" else {"error": delivery.error or "The delivery was given up."}
    return Command("case.receipt", delivery.subject, said | {"webhook": delivery.webhook} | error, "derived")


def _change(delivery: Delivery) -> Change:
    return Change(OUTBOX.name, (delivery.webhook, delivery.seq), delivery.row())


def _gone(delivery: Delivery) -> Change:
    return Change(OUTBOX.name, (delivery.webhook, delivery.seq), None)


def _status(id_: str, receiver: _Receiver) -> Change:
    row: Row = (id_, *receiver.status)
    return Change(RECEIVERS.name, (id_,), row)
