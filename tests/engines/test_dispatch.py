"""Lanes: at once when all is well, rows when not, and never a parcel that is neither delivered nor held nor a row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.notify import dispatch, lane
from quanyu.engines.notify.lane import GIVE_UP_US, PAUSE_MAX_US, REFUSALS_MAX, pause_us
from tests.engines.dispatching import Post, receiver


def told(post: Post) -> list[list[int]]:
    return [[item["n"] for item in json.loads(letter.body)["data"]] for letter in post.carrier.letters]


def test_a_parcel_that_is_taken_leaves_no_row_and_frees_the_cursor() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.step()
    assert (post.cursor, post.states()) == (0, []), "held, not written"
    post.carrier.answer()
    post.step()
    assert (post.cursor, post.states()) == (1, [])
    (letter,) = post.carrier.letters
    body = json.loads(letter.body)
    assert body["data"] == [{"id": "urn:x:1", "n": 1}]
    assert body["id"].startswith("urn:ngsi-ld:Notification:")
    assert body["notifiedAt"] == "2026-03-02T00:00:00.000Z"
    health, waiting, dead = post.dispatch.health("a") or pytest.fail("unknown")
    assert (health.status, health.sent, health.failed, waiting, dead) == ("ok", 1, 0, 0, 0)


def test_a_failure_becomes_a_row_and_is_tried_again_with_growing_pauses() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.carrier.answer(500)
    assert post.dispatch.next_wake == 0
    post.step()
    assert (post.cursor, post.states()) == (1, ["waiting"]), "the row holds it, not the cursor"
    for failures in (1, 2, 3):
        post.step(pause_us(failures) - 1)
        assert post.carrier.out == []
        assert post.dispatch.next_wake is None
        post.now += 1
        assert post.dispatch.next_wake == 0
        post.step()
        post.carrier.answer(500 if failures < 3 else 204)
    post.step()
    assert post.states() == []
    health = (post.dispatch.health("a") or pytest.fail("unknown"))[0]
    assert (health.sent, health.failed, health.failures, health.error) == (1, 1, 0, None)
    assert pause_us(40) == PAUSE_MAX_US


def test_what_is_neither_delivered_nor_a_row_is_read_again_after_a_kill() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.step()
    first = post.carrier.letters[0]
    assert post.cursor == 0
    post.restart(receiver())
    post.seq = 0
    post.send("a", "urn:x:1")
    assert json.loads(post.carrier.letters[0].body)["id"] == json.loads(first.body)["id"]


def test_a_row_is_sent_after_a_restart() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.carrier.answer(503)
    post.step()
    post.restart(receiver())
    post.step()
    post.carrier.answer()
    post.step()
    assert post.states() == []
    health = (post.dispatch.health("a") or pytest.fail("unknown"))[0]
    assert (health.sent, health.status) == (1, "ok"), "counted once, at the first try"


def test_a_slow_receiver_soon_holds_no_cursor() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.step(dispatch.LATE_US - 1)
    assert post.cursor == 0
    post.step(1)
    assert (post.cursor, post.states()) == (1, ["waiting"])
    post.carrier.answer()
    post.step()
    assert post.states() == []


def test_a_dead_receiver_delays_nobody() -> None:
    post = Post()
    post.dispatch.open(receiver("dead"))
    post.dispatch.open(receiver("fast"))
    for number in range(20):
        post.send("dead", f"urn:x:{number}")
        post.send("fast", f"urn:x:{number}")
        post.carrier.answer(uri="http://fast.example.org/")
    post.step(dispatch.LATE_US)
    assert post.cursor == 40
    assert post.states("dead") == ["waiting"] * 20
    assert post.states("fast") == []


def test_what_piles_up_goes_in_one_letter_but_an_entity_only_once() -> None:
    post = Post()
    post.dispatch.open(receiver())
    for name in ("1", "2", "3", "2", "4"):
        post.send("a", f"urn:x:{name}")
    post.carrier.answer(times=1)
    post.carrier.answer(times=1)
    post.carrier.answer_all()
    assert told(post) == [[1], [2, 3], [4, 5]]
    post.step()
    assert (post.cursor, post.states()) == (5, [])


def test_letters_of_other_tails_are_not_merged_and_a_receiver_may_refuse_merging() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.dispatch.open(receiver("b", merges=False))
    for tail in ("]}", "]}", '],"triggerReason":"updated"}', "]}"):
        post.send("a", f"urn:x:{post.seq}", tail=tail)
    post.carrier.answer_all()
    assert told(post) == [[1], [2], [3], [4]]
    for _ in range(3):
        post.send("b", f"urn:x:{post.seq}")
    post.carrier.answer_all()
    assert told(post)[4:] == [[5], [6], [7]]


def test_after_a_failure_the_order_stays_and_the_first_goes_alone() -> None:
    post = Post()
    post.dispatch.open(receiver())
    for number in range(3):
        post.send("a", f"urn:x:{number}")
    post.carrier.answer(500)
    post.step()
    post.send("a", "urn:x:9")
    post.step(pause_us(1))
    post.carrier.answer_all()
    post.step()
    assert told(post) == [[1], [1], [2, 3, 4]]
    assert post.states() == []


def test_a_parcel_that_is_refused_again_and_again_lets_the_next_pass() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.send("a", "urn:x:2")
    for _ in range(REFUSALS_MAX):
        post.carrier.answer(400)
        post.step(PAUSE_MAX_US)
    assert post.states() == ["dead", "waiting"]
    post.carrier.answer_all()
    post.step()
    assert [row[10:] for row in post.store.parcels()] == [(REFUSALS_MAX, "HTTP status 400")]


def test_too_many_requests_is_no_refusal() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    for _ in range(REFUSALS_MAX + 2):
        post.carrier.answer(429)
        post.step(PAUSE_MAX_US)
    assert post.states() == ["waiting"]


def test_an_old_parcel_dies_and_is_replayed() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.carrier.answer(500)
    post.step(GIVE_UP_US + 1)
    post.carrier.answer(500)
    post.step()
    assert post.states() == ["dead"]
    post.store.keep(post.dispatch.replay("a"))
    assert post.states() == ["waiting"]
    post.step()
    post.step()
    post.carrier.answer()
    post.step()
    assert post.states() == []
    assert post.dispatch.replay("unknown") == []


def test_bounds_are_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in (("WAITING_MAX", 6), ("DEAD_MAX", 2), ("QUEUE_MAX", 3), ("LOAD_PARCELS", 2)):
        monkeypatch.setattr(dispatch, name, limit)
    post = Post()
    post.dispatch.open(receiver(merges=False))
    for number in range(10):
        post.send("a", f"urn:x:{number}")
    post.carrier.answer(500)
    post.step()
    assert post.states() == ["waiting"] * 6 + ["dead"] * 2
    assert post.cursor == 10
    health, waiting, dead = post.dispatch.health("a") or pytest.fail("unknown")
    assert (waiting, dead, health.dropped, health.first_dropped) == (6, 2, 2, 9)
    assert post.dispatch.totals()["dropped"] == 2
    post.step(pause_us(1))
    for _ in range(20):
        if post.carrier.out:
            post.carrier.answer()
        post.step(dispatch.RELOAD_US)
    assert told(post) == [[1], [1], [2], [3], [4], [5], [6]], "in order, though most came from the table"
    assert post.states() == ["dead"] * 2


def test_removal_takes_the_rows_along_and_a_late_answer_changes_nothing() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.send("a", "urn:x:2")
    post.step(dispatch.LATE_US)
    assert post.states() == ["waiting"] * 2
    post.store.keep(post.dispatch.close("a"))
    assert post.store.rows == {}
    post.carrier.answer()
    post.send("a", "urn:x:3")
    post.step()
    assert (post.cursor, post.store.rows) == (3, {})


def test_a_paused_receiver_gets_nothing_until_it_goes_on() -> None:
    post = Post()
    post.dispatch.open(receiver(), paused=True)
    post.send("a", "urn:x:1")
    post.step()
    assert (post.carrier.out, post.states()) == ([], ["waiting"])
    post.dispatch.open(receiver(uri="http://new.example.org/"), paused=False)
    post.step()
    assert [letter.uri for letter in post.carrier.letters] == ["http://new.example.org/"]


def test_secrets_ride_in_the_headers_and_their_erasure_ends_deliveries() -> None:
    post = Post()
    post.secrets["vault:1"] = {"Authorization": "Bearer x"}
    post.dispatch.open(receiver(secret="vault:1", headers=(("Content-Type", "application/json"),)))
    post.send("a", "urn:x:1")
    assert post.carrier.letters[0].headers == (("Content-Type", "application/json"), ("Authorization", "Bearer x"))
    post.carrier.answer()
    del post.secrets["vault:1"]
    post.send("a", "urn:x:2")
    post.step()
    assert len(post.carrier.letters) == 1
    assert "erased" in str((post.dispatch.health("a") or pytest.fail("unknown"))[0].error)


def test_a_carrier_that_never_answers_is_given_up_and_its_late_answer_ignored() -> None:
    post = Post()
    post.dispatch.open(receiver(timeout_us=1_000_000))
    post.send("a", "urn:x:1")
    post.step(dispatch.GRACE_US + 1_000_000)
    health = (post.dispatch.health("a") or pytest.fail("unknown"))[0]
    assert (health.failures, health.error) == (1, "The carrier did not answer in time.")
    post.carrier.answer(200)
    post.step(pause_us(1))
    assert len(post.carrier.out) == 1
    assert post.states() == ["waiting"]


def test_a_fault_on_the_way_to_the_carrier_is_a_failure_like_any_other() -> None:
    post = Post()
    post.dispatch.open(receiver())

    def carry(letter: Any, done: Any) -> None:
        raise KeyError("gopher")

    post.carrier.carry = carry  # type: ignore[method-assign]
    post.send("a", "urn:x:1")
    post.step()
    assert (post.cursor, post.states()) == (1, ["waiting"])
    assert "gopher" in str((post.dispatch.health("a") or pytest.fail("unknown"))[0].error)


def test_saving_before_the_end_makes_rows_of_everything() -> None:
    post = Post()
    post.dispatch.open(receiver())
    post.send("a", "urn:x:1")
    post.dispatch.stop()
    post.dispatch.save()
    post.step()
    assert (post.cursor, post.states()) == (1, ["waiting"])
    assert post.dispatch.next_wake is None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_parcel_is_delivered_dead_or_dropped_whatever_happens(data: Any) -> None:
    """Kills, failures and slowness: after the receiver recovers, each record was told at least once, in order."""
    post = Post()
    names = ("a", "b")
    for name in names:
        post.dispatch.open(receiver(name))
    made: dict[str, list[int]] = {name: [] for name in names}
    taken: dict[str, list[int]] = {name: [] for name in names}

    def answer(status: int) -> None:
        letter, _ = post.carrier.out[0]
        if status == 200:
            taken[letter.uri[7]] += [item["n"] for item in json.loads(letter.body)["data"]]
        post.carrier.answer(status)

    for _ in range(data.draw(st.integers(1, 25))):
        act = data.draw(st.sampled_from(["send", "send", "ok", "fail", "step", "late", "kill"]))
        if act == "send":
            name = data.draw(st.sampled_from(names))
            made[name].append(post.send(name, f"urn:x:{data.draw(st.integers(0, 2))}"))
        elif act in ("ok", "fail") and post.carrier.out:
            answer(200 if act == "ok" else 500)
        elif act == "kill":
            cursor, end = post.cursor or 0, post.seq
            post.restart(*(receiver(name) for name in names))
            for seq in range(cursor + 1, end + 1):
                post.seq = seq - 1
                post.send(next(name for name in names if seq in made[name]), "urn:x:0")
        else:
            post.step(dispatch.LATE_US if act == "late" else 0)
    for _ in range(40):
        while post.carrier.out:
            answer(200)
        post.step(PAUSE_MAX_US)
    for name in names:
        assert set(taken[name]) == set(made[name])
    assert post.states() == []
    assert post.cursor == post.seq


def test_lane_constants_leave_room() -> None:
    assert lane.WAITING_MAX > lane.QUEUE_MAX > dispatch.LOAD_PARCELS
