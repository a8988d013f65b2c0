"""Channels: exercises stay among themselves, receipts only ever add, and the edge refuses what is over."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.assembly.commanding import Emergency, wire_emergency
from quanyu.engines.access.gate import Gate
from quanyu.engines.warnings.guarding import edge, stands_so
from quanyu.engines.warnings.reach import bitmaps, counted, highest, tally
from quanyu.engines.warnings.store import BLOCK, id_of
from quanyu.kernel.errors import Denied
from quanyu.kernel.mode import WHOLE_CITY, Effects, Mode
from quanyu.kernel.warning import Target
from tests.engines.warning_desk import HOUR, LAW, NOON, RING, WarningDesk, a_draft, heard, refused, warning_desk


@pytest.fixture
def desk() -> Iterator[WarningDesk]:
    with warning_desk() as made:
        yield made


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


@pytest.mark.parametrize(
    ("area", "districts", "told"),
    [
        (None, ("110108",), ["feed", "texts", "horns", "speakers"]),
        ("110105", ("110108",), ["feed", "texts", "horns", "speakers"]),
        ("110105", ("110108", "110105"), ["texts", "horns", "feed", "speakers"]),
        ("110105", (), ["feed", "texts", "horns", "speakers"]),
        (WHOLE_CITY, (), ["texts", "horns", "feed", "speakers"]),
    ],
)
def test_channels_are_told_in_the_order_of_the_citys_mode(
    desk: WarningDesk, area: str | None, districts: tuple[str, ...], told: list[str]
) -> None:
    """By id or by kind; what the table does not name comes last, as the author named it."""
    effects = Effects(channels={"feed": (1, 3), "sms": (2, 1), "horns": (3, 2)})
    emergency = Emergency(effects, lambda: desk.at)
    wire_emergency(emergency, desk.writer.state, [desk.engine], cast(Gate, SimpleNamespace()))
    mode = None if area is None else Mode(1, area, "x", 24 * HOUR, "person:a", NOON, set_by="person:b", set_at=NOON)
    emergency.inside = lambda: () if mode is None else (mode,)
    for id, kind in {"horns": "loudspeaker", "feed": "feed", "texts": "sms"}.items():
        desk.channel(id, kind=kind)
    target = Target(zh="海淀区", en="Haidian", polygons=(RING,), districts=districts)
    id = desk.published(target=target, channels=("speakers", "horns", "feed", "texts"))
    sent = [record for record in desk.made if record.kind == "warning.sent"]
    assert [record.body["channel"] for record in sent if record.body] == told
    assert dict(desk.get(id).reach) == dict.fromkeys(told, 10)


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
