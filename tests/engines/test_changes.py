"""The life of a change: two persons, the newest words, their replay, and releases that are numbered and kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.changes.deciding import Checked
from quanyu.engines.changes.engine import ChangesEngine
from quanyu.engines.changes.store import Change, find_change, find_release, id_of, latest, number_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.journal import Command
from tests.desk import MemoryDesk

LINE = "rule", "heavy"


def check(name: str, definition: dict[str, Any], at: int, moment: str) -> Checked:
    if "bad" in definition:
        raise Invalid("The rule would not load.", code="rule.condition", where="rule heavy:1:7")
    return Checked(name, {**definition, "at": at} if moment == "released" else definition, None)


def dated(name: str, definition: dict[str, Any], at: int, moment: str) -> Checked:
    return Checked(f"{name}@110000", definition, None)


class Desk(MemoryDesk):
    """A desk with words for what people do with changes."""

    def __init__(self) -> None:
        super().__init__(ChangesEngine({"rule": check, "flow": check, "parameter": dated}))

    def propose(self, actor: str = "ann", kind: str = "rule", name: str = "heavy", **definition: Any) -> str:
        body = {"kind": kind, "name": name, "why": "太晚", "definition": definition or {"when": "x > 1"}}
        return self.run(Command("change.propose", "", body), f"person:{actor}")[0].subject

    def edit(self, id: str, actor: str = "ann", **definition: Any) -> None:
        body = {"revision": self.change(id).revision, "why": "再改", "definition": definition}
        self.run(Command("change.edit", id, body), f"person:{actor}")

    def replay(self, id: str, revision: int | None = None, actor: str = "system:replay") -> None:
        revision = self.change(id).revision if revision is None else revision
        body = {"revision": revision, "asked_by": "person:ann", "outcome": {"fires": 14}}
        self.run(Command("change.note_replay", id, body), actor)

    def release(self, id: str, actor: str = "person:bob", revision: int | None = None) -> None:
        body = {"revision": self.change(id).revision if revision is None else revision}
        self.run(Command("change.release", id, body), actor)

    def say(self, word: str, id: str, actor: str, reason: str = "不合适") -> None:
        self.run(Command(f"change.{word}", id, {"reason": reason}), f"person:{actor}")

    def change(self, id: str) -> Change:
        found = find_change(self.state, number_of(id))
        assert found is not None
        return found

    def in_force(self, kind: str = "rule", line: str = "heavy") -> dict[str, Any] | None:
        release = find_release(self.state, kind, line, latest(self.state, kind, line))
        return None if release is None else release.definition


def refused(kind: type[QuanyuError], code: str) -> Any:
    return pytest.raises(kind, check=lambda error: error.code == code)


def test_a_change_is_proposed_replayed_and_released_by_a_second_person() -> None:
    desk = Desk()
    id = desk.propose(when="x > 2")
    assert id == id_of(1)
    desk.replay(id)
    desk.release(id)
    change = desk.change(id)
    assert (change.state, change.release, change.decided_by) == ("released", 1, "person:bob")
    assert change.in_force_from == desk.at
    assert change.replay is not None
    assert change.replay.outcome == {"fires": 14}
    assert desk.in_force() == {"when": "x > 2", "at": desk.at}


def test_what_would_not_load_is_never_written_down() -> None:
    desk = Desk()
    with refused(Invalid, "rule.condition"):
        desk.propose(bad=True)
    id = desk.propose()
    with refused(Invalid, "rule.condition"):
        desk.edit(id, bad=True)
    assert [record.kind for record in desk.records] == ["change.proposed"]


def test_who_wrote_it_may_not_release_it_and_an_editor_wrote_it_too() -> None:
    desk = Desk()
    id = desk.propose("ann")
    desk.edit(id, "bob", when="x > 3")
    desk.replay(id)
    for author in ("person:ann", "person:bob"):
        with refused(Denied, "change.same_person"):
            desk.release(id, author)
        with refused(Denied, "change.same_person"):
            desk.say("reject", id, author.removeprefix("person:"))
    for machine in ("system:import", "engine:rules"):
        with refused(Denied, "change.person"):
            desk.release(id, machine)
    desk.release(id, "person:eve")
    assert desk.change(id).authors == ("person:ann", "person:bob")


def test_no_release_without_a_replay_of_the_newest_words() -> None:
    desk = Desk()
    id = desk.propose()
    with refused(Conflict, "change.replay_missing"):
        desk.release(id)
    desk.replay(id)
    desk.edit(id, when="x > 5")
    with refused(Conflict, "change.replay_stale"):
        desk.release(id)
    with refused(Conflict, "change.revision"):
        desk.replay(id, revision=1)
    with refused(Conflict, "change.revision"):
        desk.release(id, revision=1)
    desk.replay(id)
    desk.release(id)
    assert desk.change(id).state == "released"


def test_people_write_no_outcomes() -> None:
    desk = Desk()
    id = desk.propose()
    with refused(Denied, "change.machine_only"):
        desk.replay(id, actor="person:ann")
    body = {"revision": 1, "asked_by": "person:ann", "outcome": {"x": "y" * 300_000}}
    with refused(Invalid, "change.size"):
        desk.run(Command("change.note_replay", id, body), "system:replay")
    assert desk.change(id).replay is None


def test_of_two_proposals_over_the_same_version_the_first_release_wins() -> None:
    desk = Desk()
    first, second = desk.propose("ann", when="x > 2"), desk.propose("bob", when="x > 3")
    desk.replay(first)
    desk.replay(second)
    desk.release(first, "person:eve")
    with refused(Conflict, "change.base_moved"):
        desk.release(second, "person:eve")
    desk.edit(second, "bob", when="x > 4")
    desk.replay(second)
    desk.release(second, "person:eve")
    assert desk.change(first).state == "superseded"
    assert desk.change(first).superseded_by == 2
    assert desk.change(second).release == 2


def test_nothing_is_decided_twice() -> None:
    desk = Desk()
    id = desk.propose()
    desk.replay(id)
    desk.release(id)
    for word in ("reject", "withdraw"):
        with refused(Conflict, "change.state"):
            desk.say(word, id, "eve")
    with refused(Conflict, "change.state"):
        desk.release(id, "person:eve")
    with refused(Conflict, "change.state"):
        desk.edit(id, when="x > 9")


def test_a_roll_back_puts_the_version_before_back() -> None:
    desk = Desk()
    ids = []
    for value in (2, 3):
        ids.append(desk.propose(when=f"x > {value}"))
        desk.replay(ids[-1])
        desk.release(ids[-1])
    with refused(Conflict, "change.state"):
        desk.say("roll_back", ids[0], "bob")
    desk.say("roll_back", ids[1], "bob", "误报太多")
    assert desk.in_force() == {"when": "x > 2", "at": desk.at}
    assert [desk.change(id).state for id in ids] == ["released", "rolled_back"]
    desk.say("roll_back", ids[0], "bob")
    assert desk.in_force() is None, "the pack's own words hold again"
    assert latest(desk.state, *LINE) == 4, "every step is a release of its own"
    with refused(Denied, "change.person"):
        desk.run(Command("change.roll_back", ids[0], {"reason": "x"}), "system:x")


def test_a_dated_row_is_taken_out_by_itself() -> None:
    desk = Desk()
    id = desk.propose(kind="parameter", name="limit", value=1)
    desk.replay(id)
    desk.release(id)
    desk.say("roll_back", id, "bob")
    release = find_release(desk.state, "parameter", "limit@110000", 2)
    assert release is not None
    assert (release.definition, release.retires) == (None, 1)


def test_rejecting_and_withdrawing_give_a_reason() -> None:
    desk = Desk()
    mine, theirs = desk.propose(), desk.propose()
    with refused(Denied, "change.not_author"):
        desk.say("withdraw", mine, "bob")
    with refused(Invalid, "change.reason"):
        desk.say("withdraw", mine, "ann", "  ")
    desk.say("withdraw", mine, "ann")
    desk.say("reject", theirs, "bob", "重复")
    assert desk.change(mine).state == "withdrawn"
    assert (desk.change(theirs).state, desk.change(theirs).reason) == ("rejected", "重复")


def test_what_cannot_be_read_is_refused() -> None:
    desk = Desk()
    with refused(Invalid, "change.body"):
        desk.run(Command("change.propose", "", {"kind": "indicator"}))
    desk.engine.checks = {}  # type: ignore[attr-defined]
    with refused(Invalid, "change.kind"):
        desk.propose()
    desk = Desk()
    with refused(Invalid, "change.size"):
        desk.propose(when="x" * 600_000)
    for id in ("urn:ngsi-ld:Change:7", "7x", "urn:ngsi-ld:Case:1"):
        with refused(Missing, "change.unknown"):
            desk.say("reject", id, "bob")


WORDS = st.sampled_from(("propose", "edit", "replay", "release", "reject", "withdraw", "roll_back"))
PEOPLE = st.sampled_from(("ann", "bob", "eve"))


@given(st.lists(st.tuples(WORDS, st.integers(1, 4), PEOPLE, st.sampled_from(("heavy", "light"))), max_size=40))
def test_whatever_people_do_the_law_stays_one_and_replays_the_same(acts: list[tuple[str, int, str, str]]) -> None:
    desk = Desk()
    for word, number, person, name in acts:
        before = len(desk.records), dict(desk.state.rows)
        id = id_of(number)
        try:
            if word == "propose":
                desk.propose(person, name=name, when=f"x > {len(desk.records)}")
            elif find_change(desk.state, number) is None:
                continue
            elif word == "edit":
                desk.edit(id, person, when=f"x < {len(desk.records)}")
            elif word == "replay":
                desk.replay(id)
            elif word == "release":
                desk.release(id, f"person:{person}")
            else:
                desk.say(word, id, person)
        except QuanyuError:
            assert before == (len(desk.records), desk.state.rows), "a refusal changes nothing"
    assert desk.replayed().rows == desk.state.rows
    changes = [change for number in range(1, 50) if (change := find_change(desk.state, number)) is not None]
    for name in ("heavy", "light"):
        standing = [change for change in changes if change.name == name and change.state == "released"]
        assert len(standing) <= 1
        numbers = [row[2] for (table, _), row in desk.state.rows.items() if table == "release" and row[1] == name]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        in_force = desk.in_force(line=name)
        assert in_force == (standing[0].definition if standing else None)
    for record in desk.records:
        if record.kind == "change.released":
            change = find_change(desk.state, number_of(record.subject))
            assert change is not None
            assert record.actor not in change.authors
            assert change.replay is not None
            assert change.replay.revision == record.body["revision"]  # type: ignore[index]
