"""Warnings: two persons, one message; exercises stay among themselves; what is over is sent by nobody."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from quanyu.engines.warnings.guarding import WarningTimers, edge, stands_so
from quanyu.engines.warnings.reach import CODES, bitmaps, counted, highest, tally
from quanyu.engines.warnings.store import BLOCK, id_of, key_of
from quanyu.kernel.cap import check_alert, read_alert, triple, write_alert
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.identifier.warning import parse_warning_id
from quanyu.kernel.warning import Draft, Target, Texts, faults_of, mode_of, read_law
from tests.engines.warning_desk import HOUR, LAW, NOON, SECOND, WarningDesk, a_draft, warning_desk


@pytest.fixture
def desk() -> Iterator[WarningDesk]:
    with warning_desk() as made:
        yield made


def refused(desk: WarningDesk, kind: str, id: str, body: Any = None, actor: str = "person:author") -> QuanyuError:
    """Send what must be refused, and see that it left no trace."""
    before = desk.writer.head
    with pytest.raises(QuanyuError) as caught:
        desk.send(kind, id, body, actor)
    assert desk.writer.head == before
    return caught.value


def heard(*pairs: tuple[int, str], channel: str = "speakers") -> dict[str, Any]:
    """Receipts as a command carries them."""
    numbers, states = [each[0] for each in pairs], bytes(CODES[each[1]] for each in pairs)
    return {"channel": channel, "numbers": array("I", numbers).tobytes(), "states": states}


# -- the way of a message -------------------------------------------------------------------------------------------------


def test_a_warning_goes_from_draft_to_people(desk: WarningDesk) -> None:
    """Drafted by one, approved by another, published with its 31 characters, and told to its channel."""
    id = desk.published()
    warning = desk.get(id)
    assert (warning.standing, warning.approved_by, warning.published_by) == (
        "published",
        "person:second",
        "person:author",
    )
    assert len(warning.identifier) == 31
    named = parse_warning_id(warning.identifier)
    assert (named.division, named.sequence) == ("110000", 0)
    assert warning.alert is not None
    assert check_alert(warning.alert, desk.at) == []
    assert read_alert(write_alert(warning.alert, LAW.zone)).infos == warning.alert.infos
    assert [info.severity for info in warning.alert.infos] == ["Severe", "Severe"]
    sent = [record for record in desk.made if record.kind == "warning.sent"]
    assert [(each.body or {})["channel"] for each in sent] == ["speakers"]
    assert warning.reach == {"speakers": 10}


def test_the_author_never_approves(desk: WarningDesk) -> None:
    """Neither who wrote it, nor who wrote at it, nor who submitted it."""
    id = desk.drafted()
    draft = msgspec.to_builtins(a_draft(certainty="Observed"))
    desk.send("warning.edit", id, {"revision": 1, "draft": draft}, "person:editor")
    desk.send("warning.submit", id, {"revision": 2}, "person:submitter")
    for person in ("person:author", "person:editor", "person:submitter"):
        assert refused(desk, "warning.approve", id, {"revision": 2}, person).code == "warning.same_person"
        assert (
            refused(desk, "warning.send_back", id, {"revision": 2, "note": "x"}, person).code == "warning.same_person"
        )
    assert refused(desk, "warning.approve", id, {"revision": 2}, "engine:rules").code == "warning.person"
    desk.send("warning.approve", id, {"revision": 2}, "person:second")


def test_nobody_approves_twice(desk: WarningDesk) -> None:
    """The second approval is refused, by the same person and by a third."""
    id = desk.approved()
    for person in ("person:second", "person:third"):
        assert refused(desk, "warning.approve", id, {"revision": 1}, person).code == "warning.standing"


def test_what_was_approved_is_what_is_published(desk: WarningDesk) -> None:
    """An approved warning cannot be edited; one that was sent back must be approved anew."""
    id = desk.approved()
    draft = msgspec.to_builtins(a_draft())
    assert refused(desk, "warning.edit", id, {"revision": 1, "draft": draft}).code == "warning.standing"
    desk.send("warning.send_back", id, {"revision": 1, "note": "范围有误"}, "person:second")
    assert refused(desk, "warning.publish", id, {"revision": 1}).code == "warning.standing"
    desk.send("warning.edit", id, {"revision": 1, "draft": draft})
    assert refused(desk, "warning.submit", id, {"revision": 1}).code == "warning.revision"
    desk.send("warning.submit", id, {"revision": 2})
    assert refused(desk, "warning.approve", id, {"revision": 1}, "person:second").code == "warning.revision"


def test_sending_back_and_dropping_say_why(desk: WarningDesk) -> None:
    """A reason is written, or nothing happens."""
    id = desk.submitted()
    assert refused(desk, "warning.send_back", id, {"revision": 1}, "person:second").code == "warning.reason"
    desk.send("warning.send_back", id, {"revision": 1, "note": "错字"}, "person:second")
    assert refused(desk, "warning.drop", id, {"revision": 1, "note": " "}).code == "warning.reason"
    desk.send("warning.drop", id, {"revision": 1, "note": "雨带北移"})
    assert desk.get(id).standing == "dropped"


def test_one_that_would_have_expired_is_not_issued(desk: WarningDesk) -> None:
    """Too late to approve, too late to publish."""
    submitted, approved = desk.submitted("a"), desk.approved("b")
    desk.at = NOON + 7 * HOUR
    assert refused(desk, "warning.approve", submitted, {"revision": 1}, "person:second").code == "warning.late"
    assert refused(desk, "warning.publish", approved, {"revision": 1}).code == "warning.late"


def test_ids_and_bodies_are_checked(desk: WarningDesk) -> None:
    """What cannot be a warning is none."""
    body = {"draft": msgspec.to_builtins(a_draft())}
    assert refused(desk, "warning.draft", "a b", body).code == "warning.key"
    assert refused(desk, "warning.draft", id_of("x"), {"draft": {"colour": "pink"}}).code == "warning.body"
    desk.drafted()
    assert refused(desk, "warning.draft", id_of("one"), body).code == "warning.exists"
    assert refused(desk, "warning.submit", id_of("none"), {"revision": 1}).code == "warning.unknown"
    as_person = body | {"as_person": {"id": "person:x"}}
    assert refused(desk, "warning.draft", id_of("y"), as_person).code == "warning.as_person"


def test_ten_messages_in_a_second_and_no_more(desk: WarningDesk) -> None:
    """The id has one digit for them; the eleventh is published a second later."""
    ids = [desk.approved(f"w{number}") for number in range(11)]
    at = desk.at
    for id in ids[:10]:
        desk.at = at
        desk.send("warning.publish", id, {"revision": 1})
    assert len({desk.get(id).identifier for id in ids[:10]}) == 10
    desk.at = at
    assert refused(desk, "warning.publish", ids[10], {"revision": 1}).code == "warning.id_taken"
    desk.send("warning.publish", ids[10], {"revision": 1})


# -- what must be said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "check"),
    [
        ({"event": "plague_of_frogs"}, "category"),
        ({"colour": ""}, "level"),
        ({"starts": None}, "start"),
        ({"expires": None}, "expiry"),
        ({"expires": NOON - 1}, "expiry"),
        ({"starts": NOON + 6 * HOUR}, "expiry"),
        ({"target": Target(zh="海淀", en="Haidian")}, "area"),
        ({"target": Target(districts=("110108",))}, "area"),
        ({"target": Target(zh="a", en="a", polygons=(((1.0, 1.0), (2.0, 2.0)),))}, "area.ring"),
        ({"target": Target(zh="a", en="a", polygons=(((200.0, 1.0),) * 4,))}, "area.ring"),
        ({"target": Target(zh="a", en="a", polygons=(((1.0, 1.0),) * 20_001,))}, "area.size"),
        ({"issuer": "nobody"}, "issuer"),
        ({"texts": {}}, "headline"),
        ({"texts": {"zh": Texts("a", "", "b", "c", "d")}}, "notes"),
        ({"texts": {"zh": Texts("a", "b", "", "c", "d")}}, "measures"),
        ({"texts": {"zh": Texts("a", "b", "c", "", "d")}}, "plain"),
        ({"texts": {"zh": Texts("a", "b", "c", "d", "")}}, "voice"),
        ({"channels": ()}, "channels"),
        ({"channels": ("drill",)}, "channels.mode"),
        ({"kind": "Update"}, "replaces"),
        ({"status": "Exercise", "channels": ("drill",)}, "exercise"),
    ],
)
def test_the_eight_fields_and_the_rest_are_asked_for_by_name(
    desk: WarningDesk, fields: dict[str, Any], check: str
) -> None:
    """A draft that lacks something is kept as a draft, and is not handed to the second person."""
    id = desk.drafted(**fields)
    fault = refused(desk, "warning.submit", id, {"revision": 1})
    assert fault.code == "warning.incomplete"
    faults: Any = fault.details["faults"]
    assert check in [each["check"] for each in faults]
    assert all(each["zh"] and each["en"] for each in faults)


def test_cap_checks_are_asked_before_anybody_approves() -> None:
    """What CAP asks beyond its schema is a fault of the draft, too."""
    found = faults_of(a_draft(issuer="emergency.duty"), LAW, NOON, ["speakers"])
    assert found == []


def test_a_table_that_cannot_be_read_names_its_row() -> None:
    """A city's own table with a mistake is refused with table and row."""
    good = {"id": "x", "zh": "x", "en": "x", "of": "natural", "category": "Met", "response": "", "industry": "000",
            "source": "s", "status": "unverified"}  # fmt: skip
    with pytest.raises(Invalid) as caught:
        read_law({"kinds": [good], "colours": [{"id": "red", "level": "first"}]})
    assert (caught.value.code, caught.value.where) == ("warning.table", "colours: red")
    with pytest.raises(Invalid) as caught:
        read_law({"templates": [{"event": "x", "colour": "red", "source": "s", "status": "u"}]})
    assert caught.value.code == "warning.table"


# -- updates, cancellations, expiry ---------------------------------------------------------------------------------------


def test_an_update_takes_the_place_of_what_it_names(desk: WarningDesk) -> None:
    """The chain is kept both ways, and the message refers to all that came before."""
    one = desk.published("one")
    two = desk.published("two", kind="Update", replaces=one, colour="red")
    three = desk.published("three", kind="Update", replaces=two)
    assert [desk.get(each).standing for each in (one, two, three)] == ["superseded", "superseded", "published"]
    assert desk.get(one).ended_by == "two"
    alert = desk.get(three).alert
    assert alert is not None
    named = [triple(each) for each in alert.references]
    assert [each.identifier for each in named if each] == [desk.get(one).identifier, desk.get(two).identifier]
    assert desk.get(one).in_force(desk.at) is False
    assert desk.get(three).in_force(desk.at) is True


def test_a_cancel_lifts_and_is_none_itself(desk: WarningDesk) -> None:
    """Once lifted nothing holds; lifting twice is refused."""
    one = desk.published("one")
    approved = desk.approved("late", kind="Cancel", replaces=one)
    lifted = desk.published("two", kind="Cancel", replaces=one)
    assert desk.get(one).standing == "cancelled"
    assert desk.get(lifted).in_force(desk.at) is False
    alert = desk.get(lifted).alert
    assert alert is not None
    assert alert.infos[0].responses == ("AllClear",)
    assert refused(desk, "warning.publish", approved, {"revision": 1}).code == "warning.replaced_standing"
    body = {"draft": msgspec.to_builtins(a_draft(kind="Cancel", replaces=one))}
    assert refused(desk, "warning.draft", id_of("three"), body).code == "warning.replaced_standing"


def test_what_is_over_is_not_sent_again(desk: WarningDesk) -> None:
    """Cancelled, superseded, expired: a slow channel asks in vain, and is told what took its place."""
    one = desk.published("one")
    desk.send("warning.resend", one, {"channel": "speakers"})
    desk.published("two", kind="Cancel", replaces=one)
    fault = refused(desk, "warning.resend", one, {"channel": "speakers"})
    assert (fault.code, fault.details["standing"], fault.details["ended_by"]) == ("warning.over", "cancelled", "two")
    assert refused(desk, "warning.publish", one, {"revision": 1}).code == "warning.over"
    three = desk.published("three")
    desk.at = NOON + 7 * HOUR
    assert refused(desk, "warning.resend", three, {"channel": "speakers"}).code == "warning.over"


def test_only_the_hub_lets_a_warning_expire(desk: WarningDesk) -> None:
    """By its own clock, once; before its time nothing happens."""
    id = desk.published()
    assert refused(desk, "warning.expire", id).code == "warning.machine_only"
    assert desk.send("warning.expire", id, {}, "engine:warnings") == ()
    timers = WarningTimers(desk.rows, lambda id: None)
    assert timers.next_wake == NOON + 6 * HOUR
    desk.at = NOON + 6 * HOUR
    (command,) = timers.wake(desk.at).commands
    desk.send(command.kind, command.subject, command.body, "engine:warnings")
    assert desk.get(id).standing == "expired"
    assert timers.next_wake is None


# -- channels and receipts ------------------------------------------------------------------------------------------------


def test_a_channel_is_actual_or_not_for_ever(desk: WarningDesk) -> None:
    """The mode of a channel does not change: terminals must never be mixed up."""
    body = {"mode": "actual", "kind": "loudspeaker", "zh": "演练", "en": "Drill"}
    assert refused(desk, "warning_channel.put", "drill", body, "person:e").code == "warning.channel_mode"
    assert refused(desk, "warning_channel.put", "a b", body, "person:e").code == "warning.channel_id"
    terminals = {"terminals": [{"id": "t"}]}
    assert refused(desk, "warning_terminal.put", "none", terminals, "person:e").code == "warning.channel_unknown"


def test_an_exercise_reaches_no_actual_channel_even_when_both_were_approved(desk: WarningDesk) -> None:
    """The channel that was one of exercises when it was approved is what counts; a mixed draft is stopped at the end, too."""
    id = desk.drafted(status="Exercise", exercise="七月演练", channels=("drill",))
    desk.send("warning.submit", id, {"revision": 1})
    desk.send("warning.approve", id, {"revision": 1}, "person:second")
    desk.send("warning.publish", id, {"revision": 1})
    alert = desk.get(id).alert
    assert alert is not None
    assert alert.infos[0].headline.startswith("【演练】")
    assert alert.infos[1].headline.startswith("EXERCISE: ")
    real = desk.published("real")
    body = {
        "draft": msgspec.to_builtins(
            a_draft(status="Test", exercise="t", kind="Cancel", replaces=real, channels=("drill",))
        )
    }
    assert refused(desk, "warning.draft", id_of("mixed"), body).code == "warning.mode_replaced"


def test_the_way_out_itself_refuses_what_is_not_of_its_kind() -> None:
    """Even past every check before it, the last function knows."""
    from quanyu.engines.warnings.spreading import dispatched
    from quanyu.engines.warnings.store import Channel
    from quanyu.kernel.warning import compose, message_of

    drill = Channel("drill", "exercise", "loudspeaker", "演练", "Drill")
    speakers = Channel("speakers", "actual", "loudspeaker", "喇叭", "Loudspeakers")
    for status, channel in (("Actual", drill), ("Exercise", speakers), ("Test", speakers)):
        alert = compose(a_draft(status=status, exercise="x"), LAW, identifier="i", sent=NOON)
        with pytest.raises(Denied) as caught:
            dispatched(id_of("x"), message_of(alert), channel, {}, 0)
        assert caught.value.code == "warning.mode"


def test_receipts_are_counted_and_only_ever_more(desk: WarningDesk) -> None:
    """One record for a batch; a failure that comes late takes nothing back; who was not asked is not counted."""
    id = desk.published(count=8)
    made = desk.send("warning.receipts", id, heard((0, "reached"), (1, "acknowledged"), (2, "failed"), (9, "reached")))
    assert len(made) == 1
    desk.send("warning.receipts", id, heard((1, "failed"), (0, "acknowledged"), (2, "reached")))
    states = tally(row[3] for row in desk.rows.reach("one"))
    assert states == {"silent": 5, "failed": 0, "reached": 1, "acknowledged": 2}


def test_the_silent_are_told_again(desk: WarningDesk) -> None:
    """The second round is for those of whom nothing was heard, and those who failed."""
    id = desk.published(count=4)
    desk.send("warning.receipts", id, heard((0, "reached"), (1, "failed")))
    (sent,) = desk.send("warning.resend", id, {"channel": "speakers"})
    assert sent.body is not None
    assert (sent.body["round"], sent.body["terminals"]) == (1, 3)
    assert tally(row[3] for row in desk.rows.reach("one")) == {
        "silent": 2,
        "failed": 1,
        "reached": 1,
        "acknowledged": 0,
    }
    assert refused(desk, "warning.resend", id, {"channel": "drill"}).code == "warning.channel_untold"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"channel": "speakers", "numbers": b"123", "states": b"\3"}, "terminals with"),
        ({"channel": "speakers", "numbers": b"", "states": b""}, "terminals with"),
        ({"channel": "speakers", "numbers": bytes(4), "states": b"\1"}, "state is not known"),
        (heard((10, "reached")), "not in the channel"),
        (heard((0, "reached"), channel="drill"), "never told"),
    ],
)
def test_receipts_that_cannot_be_are_refused(desk: WarningDesk, body: dict[str, Any], words: str) -> None:
    """Nothing is recorded of a batch that is wrong in one place."""
    id = desk.published()
    fault = refused(desk, "warning.receipts", id, body)
    assert fault.code == "warning.receipts"
    assert words in fault.message


def test_targets_must_be_terminals(desk: WarningDesk) -> None:
    """A warning is not issued to terminals that do not exist."""
    id = desk.approved()
    targets = {"speakers": bitmaps([10])}
    assert refused(desk, "warning.publish", id, {"revision": 1, "targets": targets}).code == "warning.targets"
    targets = {"speakers": {"first": bytes(512)}}
    assert refused(desk, "warning.publish", id, {"revision": 1, "targets": targets}).code == "warning.targets"


@given(st.sets(st.integers(0, 3 * BLOCK), max_size=50))
def test_bitmaps_name_the_numbers_they_were_made_of(numbers: set[int]) -> None:
    """Counted and bounded rightly, whatever the numbers are."""
    maps = bitmaps(sorted(numbers))
    assert counted(maps) == len(numbers)
    assert highest(maps) == max(numbers, default=-1)


BATCHES = st.lists(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["failed", "reached", "acknowledged"])), min_size=1, max_size=6
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=15, deadline=None)
@given(batches=BATCHES, order=st.randoms(use_true_random=False))
def test_receipts_mean_the_same_in_any_order_and_twice(batches: list[list[tuple[int, str]]], order: Any) -> None:
    """Whatever comes late, twice or in another order: the same is known in the end."""
    found = []
    for turn in range(2):
        with warning_desk() as desk:
            id = desk.published()
            sent = list(batches) if not turn else [*batches, *batches]
            if turn:
                order.shuffle(sent)
            for batch in sent:
                desk.send("warning.receipts", id, heard(*batch))
            found.append([row[3] for row in desk.rows.reach("one")])
    assert found[0] == found[1]


# -- peers and the edge ---------------------------------------------------------------------------------------------------


def test_a_peers_message_is_kept_once_and_goes_nowhere(desk: WarningDesk) -> None:
    """It is a record and nothing else; the same message again is refused."""
    alert = desk.get(desk.published()).alert
    before = len(desk.made)
    desk.send("warning.receive", "", {"alert": msgspec.to_builtins(alert), "remarks": []}, "person:peer")
    assert [record.kind for record in desk.made[before:]] == ["warning.received"]
    body = {"alert": msgspec.to_builtins(alert), "remarks": []}
    assert refused(desk, "warning.receive", "", body, "person:peer").code == "warning.received_before"


def test_the_edge_lets_nothing_through_that_is_over_or_of_another_kind(desk: WarningDesk) -> None:
    """Asked before every try: the gateway of the channel alone, of its own kind, while the warning holds."""
    desk.channel("net", webhook="gateway")
    id = desk.published("one", channels=("net",))
    ask = edge(desk.rows, lambda: desk.at)
    body: dict[str, Any] = {"channel": "net", "status": "Actual"}
    assert ask("case.told", id, {}, "anybody") is None
    assert ask("warning.sent", id, body, "gateway") is None
    assert "not the gateway" in (ask("warning.sent", id, body, "archive") or "")
    assert "not of one kind" in (ask("warning.sent", id, body | {"status": "Exercise"}, "gateway") or "")
    assert ask("warning.sent", "nonsense", body, "gateway")
    desk.published("two", kind="Cancel", replaces=id)
    assert "cancelled" in (ask("warning.sent", id, body, "gateway") or "")


@pytest.mark.parametrize(
    ("step", "fields", "kind", "so"),
    [
        ("draft", {}, "drafted", False),
        ("draft", {}, "submitted", True),
        ("draft", {"outcome": "no_action"}, "submitted", False),
        ("approve", {"passed": True}, "submitted", False),
        ("approve", {"passed": True}, "approved", True),
        ("approve", {"passed": False}, "drafted", True),
        ("publish", {"passed": True}, "approved", False),
        ("publish", {"passed": True}, "published", True),
        ("watch", {}, "published", False),
        ("review", {}, "published", True),
    ],
)
def test_steps_of_the_case_follow_the_message(desk: WarningDesk, step: str, fields: Any, kind: str, so: bool) -> None:
    """A step of the case may be done where the message stands so, and nowhere else."""
    warning = desk.get(getattr(desk, kind)())
    assert stands_so(warning, step, fields) is so
    assert stands_so(None, step, fields) is (step == "review")


# -- any sequence of commands ---------------------------------------------------------------------------------------------

PEOPLE = ("person:author", "person:second", "person:third", "engine:warnings", "simulation:city")
KEYS = ("a", "b", "c", "d", "e")
STATUSES = ("Actual", "Exercise", "Test")


class AnySequence(RuleBasedStateMachine):
    """Whatever anybody sends in whatever order: nobody is warned wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self._open = warning_desk()
        self.desk = self._open.__enter__()
        self.foreign: set[str] = set()

    def teardown(self) -> None:
        self._open.__exit__(None, None, None)

    def _try(self, kind: str, subject: str, body: dict[str, Any], actor: str) -> None:
        try:
            self.desk.send(kind, subject, body, actor)
        except (Conflict, Denied, Invalid, Missing) as fault:
            self.foreign |= {fault.code} - {code for code in (fault.code,) if code.startswith("warning.")}

    @rule(
        key=st.sampled_from(KEYS),
        status=st.sampled_from(STATUSES),
        channels=st.lists(st.sampled_from(["speakers", "drill"]), min_size=1, max_size=2, unique=True),
        kind=st.sampled_from(["Alert", "Update", "Cancel"]),
        replaces=st.sampled_from(["", *KEYS]),
        actor=st.sampled_from(PEOPLE),
        edits=st.booleans(),
    )
    def write(
        self, key: str, status: str, channels: list[str], kind: str, replaces: str, actor: str, edits: bool
    ) -> None:
        draft = a_draft(
            status=status,
            channels=tuple(channels),
            kind=kind,
            exercise="演练",
            replaces=id_of(replaces) if replaces else "",
        )
        body: dict[str, Any] = {"draft": msgspec.to_builtins(draft)}
        self._try(
            "warning.edit" if edits else "warning.draft", id_of(key), body | ({"revision": 1} if edits else {}), actor
        )

    @rule(
        key=st.sampled_from(KEYS),
        word=st.sampled_from(["submit", "approve", "approve", "send_back", "drop", "publish", "publish"]),
        actor=st.sampled_from(PEOPLE),
        revision=st.integers(1, 2),
    )
    def step(self, key: str, word: str, actor: str, revision: int) -> None:
        body: dict[str, Any] = {"revision": revision}
        if word == "publish":
            body["targets"] = {"speakers": bitmaps(range(10)), "drill": bitmaps(range(10))}
        else:
            body["note"] = "因故"
        self._try(f"warning.{word}", id_of(key), body, actor)

    @rule(
        key=st.sampled_from(KEYS),
        status=st.sampled_from(STATUSES),
        channel=st.sampled_from(["speakers", "drill"]),
        kind=st.sampled_from(["Alert", "Cancel"]),
        replaces=st.sampled_from(KEYS),
        second=st.sampled_from(PEOPLE[:3]),
    )
    def walk(self, key: str, status: str, channel: str, kind: str, replaces: str, second: str) -> None:
        """All the way at once: long sequences of single steps seldom get there."""
        self.write(key, status, [channel], kind, "" if kind == "Alert" else replaces, "person:author", False)
        for word, actor in (("submit", "person:author"), ("approve", second), ("publish", second)):
            self.step(key, word, actor, 1)

    @rule(key=st.sampled_from(KEYS), channel=st.sampled_from(["speakers", "drill"]), actor=st.sampled_from(PEOPLE))
    def resend(self, key: str, channel: str, actor: str) -> None:
        self._try("warning.resend", id_of(key), {"channel": channel}, actor)

    @rule(mode=st.sampled_from(["actual", "exercise"]), id=st.sampled_from(["speakers", "drill"]))
    def channel(self, mode: str, id: str) -> None:
        body = {"mode": mode, "kind": "screen", "zh": "屏", "en": "Screen"}
        self._try("warning_channel.put", id, body, "person:e")

    @rule(hours=st.integers(1, 4))
    def wait(self, hours: int) -> None:
        self.desk.at += hours * HOUR
        for key in self.desk.rows.expired(self.desk.at, 10):
            self.desk.send("warning.expire", id_of(key), {}, "engine:warnings")

    @invariant()
    def nobody_is_warned_wrongly(self) -> None:
        assert not self.foreign
        standing: dict[str, str] = {}
        authors: dict[str, set[str]] = {}
        for record in self.desk.made:
            body, key = record.body or {}, record.subject
            if record.kind in ("warning.drafted", "warning.edited"):
                authors.setdefault(key, set()).add(body["by"])
            elif record.kind == "warning.approved":
                assert body["by"] not in authors[key]
                assert body["by"].startswith("person:")
                assert standing.get(key) != "approved"
            elif record.kind == "warning.published":
                assert standing.get(key) == "approved"
                if body["replaces"]:
                    standing[id_of(body["replaces"])] = "over"
            elif record.kind == "warning.sent":
                # An exercise or a test never reaches an actual channel, and what is over reaches none.
                assert (body["status"] == "Actual") == (body["channel"] == "speakers")
                assert body["mode"] == mode_of(body["status"])
                assert standing[key] == "published"
            if record.kind.startswith("warning.") and record.kind != "warning.sent":
                standing[key] = record.kind.partition(".")[2]


AnySequence.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestAnySequence = AnySequence.TestCase


def test_a_key_is_found_in_its_id() -> None:
    """And a draft without words is a draft all the same."""
    assert key_of(id_of("rain-1")) == "rain-1"
    assert Draft().said("zh") == Texts()
    assert SECOND == 1_000_000
