"""Who must know: outbox, back-off, dead letters, replay, isolation."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import apsw
import pytest

from quanyu.adapters.sqlite.notify import SCHEMA, SqliteNotify
from quanyu.engines.notify import reader as reading
from quanyu.engines.notify.engine import NotifyEngine
from quanyu.engines.notify.reader import NotifyReader
from quanyu.engines.notify.store import OUTBOX, RECEIVERS, WEBHOOKS, Answer
from quanyu.engines.notify.view import NotifyView
from quanyu.engines.notify.webhook import TRIES_MAX, pause_us
from quanyu.kernel.errors import Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command, Effects, Record, Row, Table
from tests.desk import MemoryDesk

SECRET = "a signing secret that is long"
HOOK = {"url": "https://hooks.example.org/a", "title": "Police", "kinds": ["case.*"]}


class Receiver:
    """Answers from a list, then 204 for ever; remembers what came."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.got: list[tuple[str, bytes, dict[str, str]]] = []

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.got.append((url, body, dict(headers)))
        return Answer(self.answers.pop(0) if self.answers else 204)


class Home:
    """An engine at its desk and a reader at its tables, with a machine clock that only tests move."""

    def __init__(self, post: Any, *, threads: bool = False) -> None:
        self.desk = MemoryDesk(NotifyEngine())
        self.now = 1_000_000_000_000
        self.seq = 100
        self.post = post
        self.threads = threads
        self.reader = self.restarted()

    def rows(self, table: Table) -> Iterator[Row]:
        return iter([row for (name, _), row in sorted(self.desk.state.rows.items()) if name == table.name])

    def restarted(self) -> NotifyReader:
        self.reader = NotifyReader(self, self.reveal, self.post, lambda: self.now, self.threads)
        return self.reader

    def reveal(self, reference: str) -> Mapping[str, str] | None:
        found = self.desk.vault.get(reference)
        return found[1] if found else None

    def keep(self, effects: Effects) -> None:
        for change in effects.delta:
            if change.row is None:
                self.desk.state.rows.pop((change.table, change.key), None)
            else:
                self.desk.state.rows[change.table, change.key] = change.row

    def command(self, kind: str, subject: str, body: dict[str, Any]) -> None:
        self.keep(self.reader.read(self.desk.run(Command(kind, subject, body)), 0))

    def hook(self, id: str = "police", **changes: Any) -> None:
        self.command("webhook.put", id, {"webhook": {**HOOK, **changes}, "secret": SECRET})

    def happen(self, kind: str = "case.opened", **body: Any) -> int:
        self.seq += 1
        record = Record(self.seq, 5, "person:li", kind, 1, "urn:case:1", body, None, "reported")
        self.keep(self.reader.read([record], 0))
        return self.seq

    def deliver(self, times: int = 1, pass_us: int = 0) -> None:
        for _ in range(times):
            self.now += pass_us
            self.reader.deliver()
            if self.reader.next_wake is not None:
                self.keep(self.reader.wake(0))

    def states(self) -> list[str]:
        return [row[5] for row in self.rows(OUTBOX)]


def test_a_record_is_delivered_signed_once_and_receipted() -> None:
    receiver = Receiver()
    home = Home(receiver)
    home.hook()
    seq = home.happen(severity="red")
    home.happen("entity.created")
    assert home.states() == ["waiting"], "the row stands before anything is sent"
    home.deliver(3)
    ((url, body, headers),) = receiver.got
    assert url == HOOK["url"]
    assert json.loads(body)["body"] == {"severity": "red"}
    assert headers["Idempotency-Key"] == f"police:{seq}"
    stamp, mac = (part.split("=")[1] for part in headers["Quanyu-Signature"].split(","))
    assert mac == hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert home.states() == ["sent"]
    assert home.reader.next_wake is None


def test_the_secret_is_only_in_the_vault() -> None:
    home = Home(Receiver())
    home.hook()
    home.happen()
    home.deliver()
    assert SECRET not in repr(home.desk.records)
    assert SECRET not in repr(home.desk.state.rows)
    home.command("webhook.put", "police", {"webhook": {**HOOK, "paused": True}})
    assert home.desk.replayed().rows.items() <= home.desk.state.rows.items()


def test_failures_wait_longer_each_time_and_end_as_dead_letter() -> None:
    receiver = Receiver(*[500] * TRIES_MAX)
    home = Home(receiver)
    home.hook()
    home.happen()
    home.deliver(5)
    assert len(receiver.got) == 1, "no second try before the pause is over"
    for tries in range(1, TRIES_MAX):
        home.deliver(1, pause_us(tries) - 1)
        assert len(receiver.got) == tries
        home.deliver(1, 1)
    assert home.states() == ["dead"]
    assert pause_us(30) == 3_600_000_000
    home.command("webhook.replay", "police", {})
    assert home.states() == ["waiting"]
    home.deliver()
    assert home.states() == ["sent"]


def test_replay_after_a_seq_sends_receipted_ones_again() -> None:
    receiver = Receiver()
    home = Home(receiver)
    home.hook()
    first, second = home.happen(), home.happen()
    home.deliver(2)
    home.command("webhook.replay", "police", {"after": first})
    home.deliver(2)
    assert [headers["Idempotency-Key"] for _, _, headers in receiver.got] == [
        f"police:{first}",
        f"police:{second}",
        f"police:{second}",
    ]


def test_a_dead_receiver_delays_nobody() -> None:
    class OneDead(Receiver):
        def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            super().__call__(url, body, headers)
            return Answer(0, "refused") if "dead" in url else Answer(200)

    home = Home(OneDead())
    home.hook("dead", url="https://dead.example.org/")
    home.hook("police")
    for _ in range(5):
        home.happen()
    home.deliver(5)
    by_hook = {(row[0], row[5]) for row in home.rows(OUTBOX)}
    assert by_hook == {("dead", "waiting"), ("police", "sent")}


def test_a_full_queue_goes_to_the_dead_letters_and_asks_for_a_resync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WAITING_MAX", 2)
    home = Home(Receiver())
    home.hook()
    for _ in range(3):
        home.happen()
    assert home.states() == ["waiting", "waiting", "dead"]
    assert next(home.rows(RECEIVERS))[4] == 1
    home.deliver(2)
    home.command("webhook.replay", "police", {})
    home.deliver()
    assert home.states() == ["sent"] * 3
    assert next(home.rows(RECEIVERS))[4] == 0


def test_receipts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RECEIPTS_MAX", 3)
    home = Home(Receiver())
    home.hook()
    for _ in range(5):
        home.happen()
    home.deliver(5)
    assert [row[1] for row in home.rows(OUTBOX)] == [103, 104, 105]


def test_a_restart_finds_what_waited_and_sends_it_once() -> None:
    receiver = Receiver(500)
    home = Home(receiver)
    home.hook()
    home.happen()
    home.deliver()
    home.restarted()
    home.deliver(1, pause_us(1))
    assert home.states() == ["sent"]
    home.restarted()
    home.deliver()
    assert len(receiver.got) == 2


def test_a_batch_read_twice_is_queued_once() -> None:
    receiver = Receiver()
    home = Home(receiver)
    home.hook()
    record = Record(500, 5, "person:li", "case.opened", 1, "urn:case:1", {}, None, "reported")
    home.reader.read([record], 0)  # the step that could not be committed
    home.keep(home.reader.read([record], 0))
    home.deliver(3)
    assert len(receiver.got) == 1


def test_a_changed_address_takes_over_what_waited() -> None:
    receiver = Receiver(500)
    home = Home(receiver)
    home.hook()
    home.happen()
    home.deliver()
    home.hook(url="https://hooks.example.org/b")
    home.deliver()
    assert receiver.got[-1][0] == "https://hooks.example.org/b"
    assert home.states() == ["sent"]


def test_removal_forgets_the_outbox_and_erasure_of_the_secret_ends_deliveries() -> None:
    home = Home(Receiver())
    home.hook()
    home.happen()
    home.desk.vault.clear()
    home.deliver()
    assert home.states() == ["dead"]
    home.command("webhook.remove", "police", {})
    assert home.states() == []
    home.happen()
    assert home.states() == []


@pytest.mark.parametrize(
    ("changes", "kind", "body", "wanted"),
    [
        ({}, "case.opened", {}, True),
        ({}, "case.opened", {"as": "history"}, False),
        ({"paused": True}, "case.opened", {}, False),
        ({"where": {"severity": "red"}}, "case.opened", {"severity": "red"}, True),
        ({"where": {"severity": ["red", "orange"]}}, "case.opened", {"severity": "yellow"}, False),
        ({"where": {"place.district": "east"}}, "case.opened", {"place": {"district": "east"}}, True),
        ({"where": {"place.district": "east"}}, "case.opened", {"place": None}, False),
        ({"kinds": ["case.acted"]}, "case.opened", {}, False),
    ],
)
def test_what_a_webhook_wants(changes: dict[str, Any], kind: str, body: dict[str, Any], wanted: bool) -> None:
    home = Home(Receiver())
    home.hook(**changes)
    home.happen(kind, **body)
    assert bool(home.states()) is wanted


@pytest.mark.parametrize(
    ("command", "error", "code"),
    [
        (Command("webhook.put", "Bad Id", {"webhook": HOOK, "secret": SECRET}), Invalid, "webhook.id"),
        (Command("webhook.put", "a", {"webhook": HOOK}), Invalid, "webhook.secret"),
        (Command("webhook.put", "a", {"webhook": HOOK, "secret": "short"}), Invalid, "command.body"),
        (Command("webhook.put", "a", {"webhook": {**HOOK, "kindz": []}, "secret": SECRET}), Invalid, "command.body"),
        (Command("webhook.remove", "a", {}), Missing, "webhook.missing"),
        (Command("webhook.replay", "a", {}), Missing, "webhook.missing"),
    ],
)
def test_bad_commands(command: Command, error: type[QuanyuError], code: str) -> None:
    with pytest.raises(error) as caught:
        MemoryDesk(NotifyEngine()).run(command)
    assert caught.value.code == code
    assert "short" not in caught.value.message


def test_couriers_deliver_in_their_own_threads() -> None:
    taken = threading.Event()

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        taken.set()
        return Answer(200)

    home = Home(post, threads=True)
    home.hook()
    home.happen()
    assert taken.wait(5)
    home.reader.stop()


def test_the_view_shows_health_and_no_secret() -> None:
    home = Home(Receiver(204, 500))
    home.hook()
    home.happen()
    home.happen()
    home.deliver(2)
    connection = apsw.Connection(":memory:")
    for table in (WEBHOOKS, OUTBOX, RECEIVERS):
        connection.execute(f"CREATE TABLE {table.name} ({', '.join(table.columns)})")
    connection.execute(SCHEMA)
    for (name, _), row in home.desk.state.rows.items():
        connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    view = NotifyView(SqliteNotify(lambda: connection))
    (shown,) = view.webhooks()
    assert (shown["health"], shown["sent"], shown["waiting"]) == ("failing", 1, 1)
    assert shown["last_error"] == "HTTP status 500"
    assert "secret" not in shown
    assert [each["seq"] for each in view.deliveries("police")] == [102, 101]
    assert [each["seq"] for each in view.deliveries("police", "sent", before=102)] == [101]


def told(home: Home, number: int = 1) -> int:
    """Let a case tell a receiver, as the record of its notice says it."""
    key = f"20260302-1:withdrawn:portal:{number}"
    return home.happen("case.told", event="withdrawn", receiver="portal", key=key)


def test_what_became_of_a_notice_goes_back_to_its_case() -> None:
    home = Home(Receiver(503, 204))
    home.hook(where={"receiver": "portal"}, kinds=["case.told"])
    told(home)
    home.happen("case.told", event="withdrawn", receiver="bank", key="20260302-1:withdrawn:bank:1")
    home.reader.deliver()
    assert home.reader.wake(0).commands == (), "a failure is tried again and is no answer"
    home.now += pause_us(1)
    home.reader.deliver()
    effects = home.reader.wake(0)
    (answer,) = effects.commands
    assert (answer.kind, answer.subject) == ("case.receipt", "urn:case:1")
    assert answer.body == {"event": "withdrawn", "receiver": "portal", "round": 1, "webhook": "police"}
    assert effects.delta, "the receipt and the row of its delivery move in one step"
    assert home.reader.wake(0).commands == ()


def test_a_notice_that_is_given_up_says_why() -> None:
    home = Home(Receiver(*[500] * TRIES_MAX))
    home.hook(kinds=["case.told"])
    told(home, 2)
    answers: list[Command] = []
    for tries in range(TRIES_MAX):
        home.now += pause_us(tries) if tries else 0
        home.reader.deliver()
        effects = home.reader.wake(0)
        home.keep(effects)
        answers += list(effects.commands)
    (answer,) = answers
    assert answer.body["error"] == "HTTP status 500"
    assert answer.body["round"] == 2


def test_after_a_restart_a_notice_is_still_delivered_under_its_key() -> None:
    receiver = Receiver()
    home = Home(receiver)
    home.hook(kinds=["case.told"])
    told(home)
    home.restarted()
    home.reader.deliver()
    assert json.loads(receiver.got[0][1])["body"]["key"] == "20260302-1:withdrawn:portal:1"
    assert [answer.kind for answer in home.reader.wake(0).commands] == ["case.receipt"]
