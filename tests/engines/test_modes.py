"""The city's mode: two persons, an area, an end; and when it is over everything is what it was."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.modes.engine import ALL, MODE, ModesEngine, ModesReader, modes_of, shown
from quanyu.kernel.errors import Invalid, QuanyuError
from quanyu.kernel.journal import Command
from quanyu.kernel.mode import Effects, channels_under, grants_under, read_effects, row_under, stands
from quanyu.kernel.parameter import Parameter, parse_parameters
from quanyu.kernel.view import Grant
from tests.engines.commanding import HOUR_US, NOON, Desk

AREAS = ("110101", "110105")
EFFECTS = Effects({"duty": ("dispatcher", "commander")}, frozenset({"extend"}), {"console": (1, 2), "sms": (2, 1)})
ROW = Parameter("limit", "2 hours", "", date(2012, 1, 1), None, "CN", "test", "unverified", "限", "Limit",
                emergency="30 minutes")  # fmt: skip
GRANTS = (Grant("duty"), Grant("duty", "a.unit", "110101"), Grant("handler", "b.unit"))


def desk() -> Desk:
    return Desk(ModesEngine(AREAS))


def standing(made: Desk) -> Any:
    return modes_of(made.state.get(MODE, ALL))


def refused(made: Desk, kind: str, subject: str, body: dict[str, Any] | None = None, actor: str = "person:a") -> str:
    with pytest.raises(QuanyuError) as told:
        made.send(kind, subject, body, actor)
    assert told.value.remedy
    return told.value.code


def test_two_persons_set_it_and_one_lifts_it() -> None:
    made = desk()
    (fact,) = made.send("mode.propose", "", {"reason": "爆燃", "hours": 2, "area": "110105"})
    id = fact.subject
    assert not stands(standing(made), NOON, "110105")
    assert refused(made, "mode.set", id) == "mode.same_person"
    made.send("mode.set", id, actor="person:b")
    assert refused(made, "mode.set", id, actor="person:c") == "mode.set_already"
    modes = standing(made)
    assert stands(modes, NOON, "110105")
    assert not stands(modes, NOON, "110101")
    assert not stands(modes, NOON, None)
    assert not stands(modes, NOON + 2 * HOUR_US, "110105")
    assert row_under(ROW, modes, NOON, "110105").value == "30 minutes"
    assert row_under(ROW, modes, NOON, "110105").version != ROW.version
    assert row_under(ROW, modes, NOON, "110101") == ROW
    assert [grant.role for grant in grants_under(GRANTS[:1], modes, EFFECTS, NOON)] == [
        "duty",
        "dispatcher",
        "commander",
    ]
    assert grants_under(GRANTS[:1], modes, EFFECTS, NOON)[1].district == "110105"
    assert grants_under(GRANTS[1:], modes, EFFECTS, NOON) == GRANTS[1:]
    assert channels_under(EFFECTS, modes, NOON, "110105")[0][0] == "sms"
    assert [each["state"] for each in shown(modes, NOON)] == ["standing"]
    made.send("mode.lift", id, {"reason": "险情解除"})
    assert standing(made) == ()
    assert made.replayed() == made.state.rows


def test_what_is_refused_changes_nothing() -> None:
    made = desk()
    assert refused(made, "mode.propose", "", {"reason": "x", "hours": 2, "area": "110199"}) == "mode.area"
    assert refused(made, "mode.propose", "", {"reason": "", "hours": 2}) == "mode.body"
    assert refused(made, "mode.propose", "", {"reason": "x", "hours": 0}) == "mode.body"
    assert refused(made, "mode.propose", "", {"reason": "x", "hours": 1}, "engine:x") == "mode.person"
    assert refused(made, "mode.set", "urn:ngsi-ld:Mode:7", actor="person:b") == "mode.unknown"
    assert refused(made, "mode.lift", "no mode", {"reason": "x"}) == "mode.unknown"
    assert refused(made, "mode.lapse", "urn:ngsi-ld:Mode:1") == "mode.machine_only"
    assert made.state.rows == {}


@given(
    st.lists(
        st.tuples(st.sampled_from(["", *AREAS]), st.integers(1, 40), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 30),
)
def test_after_switching_back_everything_is_what_it_was(told: list[tuple[str, int, bool, bool]], hours: int) -> None:
    made = desk()
    for area, lasts, is_set, is_lifted in told:
        (fact,) = made.send("mode.propose", "", {"reason": "x", "hours": lasts, "area": area})
        if is_set:
            made.send("mode.set", fact.subject, actor="person:b")
        if is_lifted or not is_set:
            made.send("mode.lift", fact.subject, {"reason": "over"})
        made.at += hours * HOUR_US // 10
    modes = standing(made)
    reader = ModesReader(lambda: modes, lambda reason: ())
    for command in reader.wake(made.at + 100 * HOUR_US).commands:
        made.at = max(made.at, *(mode.until for mode in modes))
        made.send(command.kind, command.subject, command.body, "engine:modes")
    assert standing(made) == ()
    for district in (None, *AREAS):
        assert row_under(ROW, standing(made), made.at, district) is ROW
        assert channels_under(EFFECTS, standing(made), made.at, district) == channels_under(EFFECTS, (), 0, None)
    assert grants_under(GRANTS, standing(made), EFFECTS, made.at) is GRANTS
    assert made.replayed() == made.state.rows


def test_the_reader_wakes_at_the_earliest_end_and_has_clocks_counted_again() -> None:
    made = desk()
    (fact,) = made.send("mode.propose", "", {"reason": "x", "hours": 3})
    made.send("mode.set", fact.subject, actor="person:b")
    counted: list[str] = []

    def recounts(reason: str) -> list[Command]:
        counted.append(reason)
        return [Command("case.recount", "x", {"reason": reason})]

    reader = ModesReader(lambda: standing(made), recounts)
    assert reader.next_wake == NOON + 3 * HOUR_US
    assert [each.kind for each in reader.read(made.records[-1:], made.at).commands] == ["case.recount"]
    assert reader.wake(NOON).commands == []
    woken = reader.wake(NOON + 3 * HOUR_US).commands
    assert [each.kind for each in woken] == ["mode.lapse", "case.recount"]
    assert reader.next_wake is None
    assert len(counted) == 2


def test_tables_of_effects_are_read_or_refused() -> None:
    roles = [{"role": "duty", "change": "gains", "word": "chief"}, {"role": "*", "change": "loses", "word": "pause"}]
    found = read_effects(roles, [{"channel": "sms", "normal": "3", "emergency": "1"}])
    assert found == Effects({"duty": ("chief",)}, frozenset({"pause"}), {"sms": (3, 1)})
    for wrong in ([{"role": "duty", "change": "loses", "word": "pause"}], [{"role": "*", "change": "x", "word": "y"}]):
        with pytest.raises(Invalid) as told:
            read_effects(wrong, [])
        assert told.value.code == "mode.row"
    with pytest.raises(Invalid, match="order of channels"):
        read_effects([], [{"channel": "sms", "normal": "first", "emergency": "1"}])


def test_an_emergency_value_is_of_the_kind_of_the_usual_one() -> None:
    row = {"id": "x", "value": "2 hours", "valid_from": date(2026, 1, 1), "jurisdiction": "CN", "source": "s",
           "status": "unverified", "zh": "限", "en": "Limit"}  # fmt: skip
    (read,) = parse_parameters({"parameter": [row | {"emergency": "5 minutes"}]}, pack="p")
    assert read.in_emergency().value == "5 minutes"
    for wrong in (5, "soon"):
        with pytest.raises(Invalid) as told:
            parse_parameters({"parameter": [row | {"emergency": wrong}]}, pack="p")
        assert told.value.code == "parameter.row"
