"""The reader: findings become cases, memory moves with the cursor, and the past can be rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from quanyu.engines.rules import book
from quanyu.engines.rules.compile import compile_rule
from quanyu.engines.rules.engine import RulesReader
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.rehearse import replay, window_us
from quanyu.engines.rules.store import RULE_STEP, Label
from quanyu.kernel.declare import Rule, rule
from quanyu.kernel.entity import Document, Observation, body_of, observations
from quanyu.kernel.journal import Command, Effects, Record, Row, Table
from quanyu.kernel.parameter import Parameter, Parameters
from quanyu.kernel.time import hours
from quanyu.kernel.view import Series

HOUR = 3_600_000_000
START = 1_772_409_600_000_000
LABELS = {("Air", "x"): Label("PM2.5", "PM2.5", "GQ"), ("Air", "y"): Label("流量", "Flow")}


class Rows:
    """Rows of the reader as a store keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[Row, Row]] = {}

    def rows(self, table: Table) -> Iterable[Row]:
        return list(self.kept.get(table.name, {}).values())

    def write(self, effects: Effects) -> None:
        for change in effects.delta:
            if change.row is None:
                del self.kept[change.table][change.key]
            else:
                self.kept.setdefault(change.table, {})[change.key] = change.row


def limit(value: float, first: date, last: date | None) -> Parameter:
    return Parameter("x_limit", value, "GQ", first, last, "CN", "GB 0", "unverified", "日限值", "daily limit")


PARAMETERS = Parameters([limit(60, date(2020, 1, 1), date(2026, 3, 2))])


@rule(on="Air.x", opens="inspect", zh="过高", en="Too high", severity="orange", lasting=hours(2), clears=0.8)
def high(x: float, x_limit: float) -> bool:
    """Twice the limit."""
    return x > 2 * x_limit


@rule(on="Air.x", opens="inspect", zh="片区过高", en="High in a district", group_by="district")
def together(x: float) -> bool:
    return x > 100


@rule(on="Air.y", opens="mend", zh="无数据", en="Silent", absent=hours(3))
def silent(y: float) -> bool:
    return True


@rule(on="Air.y", opens="mend", zh="不变", en="Stuck", unchanged=hours(3))
def stuck(y: float) -> bool:
    return y >= 0


@rule(on="Air.y", opens="mend", zh="异常", en="Strange", baseline=5.0)
def strange(y: float) -> bool:
    return y >= 0


@rule(on="Air.y", opens="mend", zh="低", en="Low")
def low(y: float, least: float) -> bool:
    """Below what the station's own document states."""
    return y < least


@rule(on="Air.y", opens="mend", zh="波动", en="Odd")
def odd(y: float, x: float) -> bool:
    return y - x > 1000


class City:
    """Documents by id, looked up as assembly would."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {
            f"urn:{n}": {
                "id": f"urn:{n}",
                "type": "Air",
                "district": {"type": "Property", "value": "110105" if n < 3 else "110108"},
                "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}},
                "least": {"type": "Property", "value": 5},
            }
            for n in range(5)
        }

    def __call__(self, ids: Sequence[str]) -> Mapping[str, Document]:
        return {id: self.documents[id] for id in ids if id in self.documents}


class Desk:
    """A reader with its rows; `restart` builds it anew from them, `see` feeds one record."""

    def __init__(self, *rules: Rule, city: City | None = None) -> None:
        self.rules = rules
        self.rows = Rows()
        self.city = city or City()
        self.seq = 0
        self.unwritten: list[Record] = []
        self.restart(again=False)

    def restart(self, *rules: Rule, again: bool = True) -> None:
        self.rules = rules or self.rules
        self.reader = RulesReader(
            self.rules, PARAMETERS, self.city, LABELS, self.rows, jurisdiction="110000", zone="Asia/Shanghai"
        )
        if again and self.unwritten:
            self.keep(self.reader.read(self.unwritten, START))

    def keep(self, effects: Effects) -> list[Command]:
        self.rows.write(effects)
        held = len(self.unwritten) if effects.upto is None else effects.upto
        self.unwritten = [record for record in self.unwritten if record.seq > held] if effects.upto is not None else []
        return list(effects.commands)

    def record(
        self, kind: str, subject: str, body: dict[str, Any], at: int = START, source: str = "measured"
    ) -> Record:
        self.seq += 1
        return Record(self.seq, at, "person:1", kind, 1, subject, body, None, source)

    def observed(self, *rows: tuple[str, str, float, float], life: str = "live", source: str = "measured") -> Record:
        batch = observations(
            Observation(f"urn:{n}", name, START + int(hour * HOUR), value) for n, name, hour, value in rows
        )
        at = START + int(max(row[2] for row in rows) * HOUR)
        return self.record("observed", "s", body_of(batch) | {"as": life}, at, source)

    def see(self, *rows: tuple[str, str, float, float], life: str = "live", source: str = "measured") -> list[Command]:
        record = self.observed(*rows, life=life, source=source)
        self.unwritten.append(record)
        return self.keep(self.reader.read([record], START))


def hourly(name: str, *values: float, entity: str = "0", first: int = 0) -> list[tuple[str, str, float, float]]:
    return [(entity, name, first + hour, value) for hour, value in enumerate(values)]


def test_an_episode_is_told_at_its_start_when_worse_and_at_its_end() -> None:
    desk = Desk(high)
    assert desk.see(*hourly("x", 10, 130, 187)) == []
    [begun] = desk.see(*hourly("x", 150, first=3))
    assert (begun.kind, begun.subject) == ("case.find", "rule:high|asset:urn:0")
    assert (begun.body["from"], begun.body["to"]) == (START + HOUR, None)
    assert (begun.body["value"], begun.body["limit"], begun.body["count"]) == (187.0, 120.0, 3)
    assert begun.body["why"] == {
        "zh": "PM2.5连续2小时高于120 µg/m³(2 × 日限值 60),最高187 µg/m³",
        "en": "PM2.5 above 120 µg/m³ (2 × daily limit 60) for 2 hours; highest 187 µg/m³",
    }
    assert begun.body["place"] == {"lon": 116.4, "lat": 39.9, "district": "110105"}
    assert begun.body["parameters"] == [
        {
            "id": "x_limit",
            "version": PARAMETERS.get("x_limit", date(2026, 3, 1)).version,
            "value": 60,
            "unit": "GQ",
            "status": "unverified",
        }
    ]
    assert (begun.body["severity"], begun.body["flow"], begun.body["as"]) == ("orange", "inspect", "live")
    assert (begun.cause, begun.provenance) == (2, "derived:rules")
    assert desk.see(*hourly("x", 190, first=4)) == []
    [worse] = desk.see(*hourly("x", 250, first=5))
    assert (worse.body["from"], worse.body["to"], worse.body["value"]) == (START + HOUR, None, 250.0)
    assert desk.see(*hourly("x", 97, first=6)) == []
    [ended] = desk.see(*hourly("x", 96, first=7))
    assert (ended.body["to"], ended.body["count"]) == (START + 7 * HOUR, 6)


def test_history_tells_whole_episodes_once_and_says_so() -> None:
    desk = Desk(high)
    values = [10, 130, 187, 130, 10] * 3
    commands = desk.see(*hourly("x", *values), life="history")
    assert [(c.body["from"], c.body["to"], c.body["as"]) for c in commands] == [
        (START + hour * HOUR, START + (hour + 3) * HOUR, "history") for hour in (1, 6, 11)
    ]


def test_findings_of_simulated_records_say_so() -> None:
    [command] = Desk(together).see(("0", "x", 0, 200), source="simulated:green/air")
    assert command.provenance == "simulated:rules"


def test_beyond_the_validity_of_a_parameter_a_rule_is_silent_and_counted() -> None:
    desk = Desk(high)
    assert desk.see(*hourly("x", *[500] * 5, first=48), life="history") == []
    assert desk.reader.unknown() == {"high": 5}


def test_a_group_lasts_while_one_of_its_members_stands() -> None:
    desk = Desk(together)
    [begun] = desk.see(("0", "x", 0, 150), ("1", "x", 0, 180))
    assert begun.subject == "rule:together|group:110105"
    assert (begun.body["asset"], begun.body["value"], begun.body["count"]) == (None, 180.0, 2)
    desk.restart()
    [left] = desk.see(("0", "x", 1, 10))
    assert left.body["to"] is None
    commands = desk.see(("1", "x", 2, 10), ("3", "x", 2, 300))
    assert [(c.subject, c.body["to"]) for c in commands] == [
        ("rule:together|group:110105", START + 2 * HOUR),
        ("rule:together|group:110108", None),
    ]


def test_silence_is_told_by_the_clock_and_ends_with_a_sample() -> None:
    desk = Desk(silent)
    assert desk.reader.next_wake is None
    desk.see(("0", "y", 0, 1))
    assert desk.reader.next_wake == START + 3 * HOUR
    assert desk.reader.wake(START + 2 * HOUR).commands == ()
    effects = desk.reader.wake(START + 3 * HOUR)
    [command] = desk.keep(effects)
    assert (command.body["from"], command.body["to"], command.body["value"]) == (START, None, None)
    assert command.body["why"] == {"zh": "流量已3小时没有数据", "en": "Flow: no data for 3 hours"}
    desk.restart()
    assert desk.reader.next_wake is None
    [ended] = desk.see(("0", "y", 4, 1))
    assert (ended.body["from"], ended.body["to"]) == (START, START + 4 * HOUR)
    assert desk.reader.next_wake == START + 7 * HOUR


def test_silence_in_history_is_measured_in_event_time_and_not_awaited() -> None:
    desk = Desk(silent)
    [command] = desk.see(("0", "y", 0, 1), ("0", "y", 5, 1), ("0", "y", 6, 1), life="history")
    assert (command.body["from"], command.body["to"]) == (START, START + 5 * HOUR)
    assert desk.reader.next_wake is None


def test_text_values_break_a_silence_and_meet_no_condition() -> None:
    desk = Desk(silent, low)
    body = {"rows": [["urn:0", "y", START, 1.0, None], ["urn:0", "y", START + HOUR, "n/a", None]]}
    commands = desk.keep(desk.reader.read([desk.record("observed", "s", body, START)], START))
    assert [(c.body["rule"], c.body["to"]) for c in commands] == [("low", START + HOUR)]
    assert desk.reader.next_wake == START + 3 * HOUR


def test_a_stuck_sensor_and_a_strange_value_are_told_in_their_words() -> None:
    desk = Desk(stuck, strange)
    [command] = desk.see(*hourly("y", 7, 7, 7, 7))
    assert command.body["why"]["zh"] == "流量3小时没有变化,一直是7"
    assert command.body["why"]["en"] == "Flow has not moved for 3 hours: always 7"
    values = [7 + hour % 3 for hour in range(20)]
    commands = desk.see(*hourly("y", *values, 90, first=4))
    assert [c.body["rule"] for c in commands] == ["stuck", "strange"]
    assert commands[1].body["why"]["zh"] == "流量偏离自身近期水平5个稳健标准差以上,最高90"


def test_a_condition_reads_what_documents_state() -> None:
    desk = Desk(low)
    [command] = desk.see(("0", "y", 0, 4))
    assert command.body["why"] == {"zh": "流量低于5,最低4", "en": "Flow below 5; lowest 4"}
    desk.city.documents["urn:0"]["least"]["value"] = 3
    beside = desk.record("entity.merged", "urn:0", {"patch": {"name": {}}})
    assert desk.keep(desk.reader.read([beside, desk.observed(("0", "y", 0.5, 4))], START)) == []
    merged = desk.record("entity.merged", "urn:0", {"patch": {"least": {}}})
    [ended] = desk.keep(desk.reader.read([merged, desk.observed(("0", "y", 1, 4))], START))
    assert ended.body["to"] == START + HOUR


def test_what_begins_to_be_observed_is_not_taken_as_stated() -> None:
    desk = Desk(low)
    assert desk.see(("0", "y", 0, 4), ("0", "least", 1, 3)) == [], "unknown until it is observed"
    assert [command.kind for command in desk.see(("1", "y", 0, 4))] == ["case.find"]


def test_a_condition_without_a_limit_names_its_rule() -> None:
    [command] = Desk(odd).see(("0", "x", 0, 1), ("0", "y", 0, 2000))
    assert command.body["limit"] is None
    assert command.body["why"]["zh"] == "流量满足条件“波动”,最高2000"


def test_what_stands_on_a_deleted_entity_ends() -> None:
    desk = Desk(together, silent)
    desk.see(("0", "x", 0, 150), ("0", "y", 0, 1))
    del desk.city.documents["urn:0"]
    [ended] = desk.keep(desk.reader.read([desk.record("entity.deleted", "urn:0", {}, START + HOUR)], START))
    assert (ended.subject, ended.body["to"]) == ("rule:together|group:110105", START + HOUR)
    assert desk.reader.next_wake is None
    desk.restart()
    assert desk.see(("0", "x", 2, 150)) == []


def test_entities_met_before_they_were_created_are_looked_up_again() -> None:
    desk = Desk(together)
    assert desk.see(("9", "x", 0, 150)) == []
    desk.city.documents["urn:9"] = {"id": "urn:9", "type": "Air"}
    created = desk.record("entity.created", "urn:9", {"document": {}})
    commands = desk.keep(desk.reader.read([created, desk.observed(("9", "x", 1, 150))], START))
    assert [c.subject for c in commands] == ["rule:together|group:-"]


def test_the_cursor_waits_while_nothing_is_told_and_a_restart_reads_again() -> None:
    desk = Desk(high)
    record = desk.observed(*hourly("x", 10, 130))
    effects = desk.reader.read([record], START)
    assert (list(effects.commands), effects.delta, effects.upto) == ([], (), 0)
    desk.restart()
    [command] = desk.reader.read([record, desk.observed(*hourly("x", 130, 130, first=2))], START).commands
    assert command.body["from"] == START + HOUR


def test_records_whose_effects_were_not_committed_are_not_judged_twice() -> None:
    desk = Desk(together)
    first = desk.observed(("0", "x", 0, 150))
    lost = desk.reader.read([first], START)
    again = desk.reader.read([first, desk.observed(("3", "x", 1, 170))], START)
    assert [c.subject for c in again.commands] == ["rule:together|group:110105", "rule:together|group:110108"]
    assert again.delta[: len(lost.delta)] == lost.delta


def test_pages_replace_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "STEPS_MAX", 3)
    desk = Desk(high, together, silent, stuck, strange)
    for hour in range(12):
        desk.see(("0", "x", hour, 150 if hour % 2 else 10), ("1", "y", hour, 1))
        desk.restart()
        assert len(list(desk.rows.rows(RULE_STEP))) <= 3
    assert desk.see(("0", "x", 12, 10))[0].body["from"] == START + 11 * HOUR


class Past:
    """History of series by entity and attribute."""

    def __init__(self, *rows: tuple[str, str, float, float]) -> None:
        self.rows = rows

    def series(self, entity: str, attribute: str, start: int, end: int, limit: int = 100_000) -> Series:
        found = [(START + int(hour * HOUR), value) for n, name, hour, value in self.rows
                 if f"urn:{n}" == entity and name == attribute]  # fmt: skip
        kept = [pair for pair in found if start <= pair[0] < end]
        return Series(entity, attribute, [at for at, _ in kept], [value for _, value in kept])


def test_a_new_rule_is_warmed_from_history_and_tells_what_holds_with_the_next_sample() -> None:
    desk = Desk(together)
    desk.see(("0", "x", 0, 150), ("0", "x", 1, 150))
    desk.restart(together, high, silent, strange)
    assert [plan.name for plan in desk.reader.cold] == ["high", "silent", "strange"]
    past = Past(("0", "x", 0, 150), ("0", "x", 1, 150), *(("1", "y", hour, hour % 3) for hour in range(-20, 1)))
    desk.reader.warm(past, ["urn:0", "urn:1"], START + 2 * HOUR)  # type: ignore[arg-type]
    assert desk.reader.cold == ()
    commands = desk.see(("0", "x", 2, 140), ("1", "y", 1, 99))
    assert {(c.body["rule"], c.body["from"], c.body["count"]) for c in commands} == {
        ("high", START, 3),
        ("strange", START + HOUR, 1),
    }
    desk.restart()
    assert desk.reader.cold == ()
    assert [c.body["rule"] for c in desk.see(("0", "x", 3, 10))] == ["high", "together"]


def test_a_rule_looks_back_as_far_as_its_memory_reaches() -> None:
    assert window_us(compile_rule(high, PARAMETERS)) == 24 * HOUR
    assert window_us(compile_rule(rule(on="A.x", opens="f", zh="", en="", lasting=hours(900))(both), ())) == 744 * HOUR


def both(x: float) -> bool:
    return x > 1


def test_replay_says_what_a_rule_would_have_done() -> None:
    plan = compile_rule(high, PARAMETERS)
    batches = [
        observations(Observation(f"urn:{n}", name, START + int(hour * HOUR), value) for n, name, hour, value in rows)
        for rows in (hourly("x", 10, 130, 187), hourly("x", 130, 10, 130, 130, 130, first=3))
    ]
    found = list(replay(plan, Pins(PARAMETERS, "110000", "Asia/Shanghai"), batches))
    assert [(f.entity, f.start, f.end, f.value, f.count) for f in found] == [
        ("urn:0", START + HOUR, START + 4 * HOUR, 187.0, 3),
        ("urn:0", START + 5 * HOUR, None, 130.0, 3),
    ]
