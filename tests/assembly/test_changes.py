"""A running city changes its rules, parameters and flows: replayed, released by two persons, in force without a restart."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.backup import restore
from quanyu.assembly.export import export
from quanyu.assembly.keeping import check_hub
from quanyu.assembly.remote import operate
from quanyu.engines.changes.engine import ChangesEngine
from quanyu.engines.changes.law import law_of, releases_in
from quanyu.engines.changes.store import RELEASE
from quanyu.kernel.bpmn import read_drawing, write
from quanyu.kernel.errors import Conflict, Invalid, Missing, QuanyuError, Unavailable
from quanyu.kernel.flow import flow_document
from quanyu.kernel.journal import Command, Record, Row, Table
from quanyu.kernel.time import day_of, working_days
from tests.assembly.lawmaking import (
    DAY,
    HOUR,
    MORNING,
    O3,
    SOURCE,
    cases,
    city,
    enact,
    jump,
    law_of_rule,
    observe,
    open_case,
    propose,
    refused,
    release,
    replay,
    roll_back,
)
from tests.desk import MemoryState


def test_a_released_threshold_acts_on_the_next_observation_and_old_cases_keep_their_pins(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        observe(hub, "east", (MORNING, 250.0))
        observe(hub, "west", (MORNING, 180.0))
        [before] = cases(hub)
        enact(hub, "parameter", "o3_hour_limit", O3)
        assert cases(hub) == [before], "nothing is judged anew"
        observe(hub, "west", (MORNING + HOUR, 181.0))
        old, new = cases(hub)
        assert old["parameters"] == before["parameters"]
        assert [pin["value"] for pin in (*old["parameters"], *new["parameters"]) if pin["id"] == "o3_hour_limit"] == [
            200,
            150,
        ]
        assert new["findings"][0]["limit"] == 150
        assert check_hub(hub).faults == []


def test_a_restart_keeps_it_and_a_roll_back_restores(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with city(home, MORNING) as hub:
        version = hub.parameters.get("o3_hour_limit", day_of(MORNING, hub.city.zone), "110000").version
        id = enact(hub, "parameter", "o3_hour_limit", O3)
        rule = enact(hub, "rule", "nitrogen_dioxide_hour", {"off": True})
    with city(home) as hub:
        assert hub.changes.get(id).state == "released"
        observe(hub, "east", (MORNING + HOUR, 160.0))
        observe(hub, "east", (MORNING + HOUR, 900.0), attribute="no2")
        assert [case["rule"] for case in cases(hub)] == ["ozone_hour"]
        roll_back(hub, id)
        roll_back(hub, rule)
        observe(hub, "west", (MORNING + 2 * HOUR, 160.0))
        observe(hub, "west", (MORNING + 2 * HOUR, 900.0), attribute="no2")
        assert [case["rule"] for case in cases(hub)] == ["ozone_hour", "nitrogen_dioxide_hour"]
        today = day_of(hub.clock.now(), hub.city.zone)
        assert hub.parameters.get("o3_hour_limit", today, "110000").version == version
    with city(home) as hub:
        assert hub.parameters.get("o3_hour_limit", today, "110000").version == version
        assert law_of_rule(hub, "nitrogen_dioxide_hour")["off"] is False
        assert check_hub(hub).faults == []


def test_a_release_that_cannot_be_taken_up_now_holds_from_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with city(home, MORNING) as hub:

        def fails() -> None:
            raise RuntimeError("no disk")

        monkeypatch.setattr(hub.changes.book, "renew", fails)
        id = enact(hub, "parameter", "grid_overall_limit", {"value": "2 hours", **SOURCE})
        assert hub.changes.get(id).state == "released"
        assert open_case(hub)["due_at"] != MORNING + 2 * HOUR, "the writer goes on by what it knew"
    with city(home) as hub:
        new = open_case(hub)
        assert new["due_at"] == new["opened_at"] + 2 * HOUR
        with refused(Invalid, "change.kind"):
            hub.changes.check("indicator", "x", {})


def test_a_rule_is_rewritten_while_it_stands(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        observe(hub, "east", (MORNING, 250.0))
        version = hub.changes.rule("ozone_hour")["hash"]
        enact(hub, "rule", "ozone_hour", {"when": "o3 > 1.5 * o3_hour_limit", "severity": "orange"})
        [case] = cases(hub)
        assert case["rule_version"] == version
        assert case["findings"][0]["to"] == hub.clock.now(), "what stood under the old words ends with them"
        observe(hub, "east", (MORNING + HOUR, 280.0))
        observe(hub, "west", (MORNING + HOUR, 320.0))
        first, second = cases(hub)
        assert first["finding_count"] == 1
        assert (second["severity"], second["findings"][0]["limit"]) == ("orange", 300)
        shown = hub.changes.rule("ozone_hour")
        assert (shown["release"], shown["hits"]["total"]) == (1, 2)
        assert (first["rule_version"], second["rule_version"]) == (version, shown["hash"])
        assert version != shown["hash"]


def test_a_city_writes_a_rule_of_its_own(tmp_path: Path) -> None:
    document = {
        "on": "AirQualityObserved.o3",
        "when": "o3 > 100 and no2 > 50",
        "opens": "inspect_source",
        "severity": "info",
        "title": {"zh": "两项偏高", "en": "Two are high"},
    }
    with city(tmp_path / "home", MORNING) as hub:
        enact(hub, "rule", "two_high", document)
        observe(hub, "east", (MORNING, 60.0), attribute="no2")
        observe(hub, "east", (MORNING + 1, 120.0))
        assert [case["rule"] for case in cases(hub)] == ["two_high"]
        assert hub.changes.rule("two_high")["pack"] is None


def test_a_limit_holds_for_new_cases_and_its_replay_says_who_would_have_been_late(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        old = open_case(hub)
        jump(hub, MORNING + 3 * HOUR)
        definition = {"value": "2 hours", **SOURCE}
        id = propose(hub, "parameter", "grid_overall_limit", definition)
        [flow] = replay(hub, id)["flows"]
        assert flow["flow"] == "grid_case"
        assert (flow["cases"], flow["open"], flow["due_moved"]["count"]) == (1, 1, 1)
        [moved] = flow["due_moved"]["examples"]
        assert (moved["case"], moved["before_at"], moved["after_at"]) == (
            old["id"],
            old["due_at"],
            old["opened_at"] + 2 * HOUR,
        )
        assert flow["late"] == {"before": 0, "after": 1}
        assert flow["turned_late"] == {"count": 1, "examples": [old["id"]]}
        release(hub, id)
        new = open_case(hub)
        assert new["due_at"] - new["opened_at"] == 2 * HOUR
        assert cases(hub)[0]["due_at"] == old["due_at"], "a clock keeps the law of its start"


def test_a_pending_limit_reaches_running_clocks_at_once_or_on_its_day(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with city(home, MORNING) as hub:
        before = open_case(hub)["due_at"]
        definition = {"value": "60 working days", "applies": "pending", **SOURCE}
        enact(hub, "parameter", "grid_overall_limit", definition)
        moved = cases(hub)[0]["due_at"]
        assert moved > before
        later = day_of(MORNING + 3 * DAY, hub.city.zone).isoformat()
        enact(hub, "parameter", "grid_overall_limit", definition | {"value": "50 working days", "valid_from": later})
        assert cases(hub)[0]["due_at"] == moved
    with city(home) as hub:
        jump(hub, MORNING + 3 * DAY)
        for runner in hub.runners.values():
            runner.notify(hub.last_seq)
        hub.settled_blocking()
        assert before < cases(hub)[0]["due_at"] < moved
        assert check_hub(hub).faults == []


def test_clocks_are_counted_again_after_a_fall_between_release_and_recount(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with city(home, MORNING) as hub:
        before = open_case(hub)["due_at"]
        id = propose(
            hub, "parameter", "grid_overall_limit", {"value": "60 working days", "applies": "pending", **SOURCE}
        )
        replay(hub, id, days=1)
    hub = open_hub(home, Options(demo=True))
    release(hub, id)  # its readers never ran: as if the process had died with the receipt
    assert cases(hub)[0]["due_at"] == before
    hub.close()
    with city(home) as hub:
        hub.settled_blocking()
        assert cases(hub)[0]["due_at"] > before
        assert check_hub(hub).faults == []


def test_a_flow_gets_a_new_version_and_open_cases_keep_theirs(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        old = open_case(hub)
        flow = next(each for each in hub.changes.law.flows if each.name == "grid_case")
        document = flow_document(flow)
        document["steps"] = [step for step in document["steps"] if step["name"] != "feedback"]
        id = propose(hub, "flow", "grid_case", document)
        outcome = replay(hub, id)["flows"][0]
        assert outcome["gone_steps"] == [{"step": "feedback", "standing": 0}]
        assert outcome["moves"] == {"can": 1, "cannot": 0, "why": []}
        words = [each["words"]["zh"] for each in hub.changes.find(id)["differences"]]
        assert words == ["取消步骤“反馈”"]
        release(hub, id)
        new = open_case(hub)
        assert new["flow_hash"] != old["flow_hash"]
        assert "feedback" not in [step["name"] for step in new["steps"]]
        assert "feedback" in [step["name"] for step in cases(hub)[0]["steps"]]
        roll_back(hub, id)
        assert open_case(hub)["flow_hash"] == old["flow_hash"]


def test_a_flow_may_come_as_a_drawing(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING) as hub:
        flow = next(each for each in hub.changes.law.flows if each.name == "mend_station")
        drawing = write(msgspec.structs.replace(flow, overall=working_days(7))).decode()
        enact(hub, "flow", "mend_station", {"bpmn": drawing})
        [shown] = [each for each in hub.catalogue.flows() if each["name"] == "mend_station"]
        assert (shown["overall"], shown["release"]) == ("7 working days", 1)
        assert hub.catalogue.picture(shown["hash"]) == read_drawing(drawing.encode()).layout
        assert hub.catalogue.picture("0" * 32) is None
        for wrong in ({"bpmn": "<x/>"}, {"bpmn": drawing.replace("startEvent", "complexGateway")}):
            with pytest.raises(QuanyuError) as found:
                propose(hub, "flow", "mend_station", wrong)
            assert str(found.value.code).startswith("bpmn.")
        with refused(Invalid, "flow.document"):
            propose(hub, "flow", "mend_station", {"bpmn": drawing, "layout": 1})


def test_the_replay_counts_what_is_gained_lost_and_met(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING - 3 * DAY) as hub:
        for hour, (east, west) in enumerate([(250.0, 100.0), (100.0, 160.0), (260.0, 100.0), (100.0, 100.0)]):
            at = MORNING - 2 * DAY + hour * HOUR
            jump(hub, at)
            observe(hub, "east", (at, east))
            observe(hub, "west", (at, west))
        jump(hub, MORNING)
        id = propose(hub, "parameter", "o3_hour_limit", O3)
        outcome = replay(hub, id)
        [rule] = outcome["rules"]
        assert (rule["before"]["count"], rule["after"]["count"]) == (2, 3)
        assert (rule["gained"], rule["lost"], rule["same"]) == (1, 0, 2)
        assert (rule["met_own_case"], rule["overlap"]) == (2, 0)
        assert rule["after"]["lasted_us"] == 3 * HOUR
        assert [(day["name"], day["before"], day["after"]) for day in rule["days"]] == [("2026-02-28", 2, 3)]
        assert rule["places"] == [{"name": "110105", "before": 2, "after": 3}]
        assert rule["examples"]["gained"][0]["asset"].endswith("west")
        assert {(pin["law"], pin["value"]) for pin in outcome["parameters"]} == {("before", 200), ("after", 150)}
        assert outcome["data_at"] == MORNING - 2 * DAY + 3 * HOUR
        assert (outcome["simulated"], outcome["samples"], outcome["entities"]) == (True, 8, 2)
        assert outcome["seq"] <= hub.last_seq


def test_a_replay_can_be_stopped_and_is_stale_when_the_words_move(tmp_path: Path) -> None:
    with city(tmp_path / "home", MORNING, [f"s{n}" for n in range(300)]) as hub:
        id = propose(hub, "parameter", "o3_hour_limit", O3)
        with refused(Missing, "change.replay_unknown"):
            hub.changes.stop_replay(id)
        hub.changes.start_replay(id, 30, "person:ann")
        with refused(Conflict, "change.replay_running"):
            hub.changes.start_replay(id, 30, "person:ann")
        hub.changes.stop_replay(id)
        hub.changes.replays.wait(1)
        stopped = hub.changes.job(id)
        assert stopped is not None
        assert stopped["state"] == "stopped"
        hub.changes.start_replay(id, 30, "person:ann")
        body = {"revision": 1, "why": "再改", "definition": {**O3, "value": 140}}
        hub.commit_blocking([Command("change.edit", id, body)], "person:ann")
        hub.changes.replays.wait(1)
        stale = hub.changes.job(id)
        assert stale is not None
        assert stale["state"] == "stale"
        assert hub.changes.find(id)["replay"] is None
        others = [propose(hub, "parameter", "o3_hour_limit", {**O3, "value": value}) for value in (1, 2, 3)]
        for other in others[:2]:
            hub.changes.start_replay(other, 30, "person:ann")
        with refused(Unavailable, "change.replay_busy"):
            hub.changes.start_replay(others[2], 30, "person:ann")
        hub.commit_blocking([Command("change.withdraw", id, {"reason": "不改了"})], "person:ann")
        with refused(Conflict, "change.state"):
            hub.changes.start_replay(id, 30, "person:ann")


def test_a_backup_an_export_and_the_records_alone_give_the_same_law(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with city(home, MORNING) as hub:
        enact(hub, "parameter", "o3_hour_limit", O3)
        enact(hub, "rule", "ozone_hour", {"when": "o3 > 1.2 * o3_hour_limit"})
        roll_back(hub, enact(hub, "rule", "ozone_hour", {"off": True}))
        law = hub.changes.law
        shown = hub.changes.rule_list()
        export(hub, tmp_path / "out", lambda text, share: None)
        base, zone = hub.changes.book.base, hub.city.zone
    rows = Exported(tmp_path / "out" / "journal.ndjson")
    again = law_of(base, releases_in(rows), zone)
    assert (again.numbers, again.every_rule) == (law.numbers, law.every_rule)
    assert list(again.parameters) == list(law.parameters)
    rules = [json.loads(line) for line in (tmp_path / "out" / "rules.ndjson").read_text("utf-8").splitlines()]
    assert next(rule for rule in rules if rule["name"] == "ozone_hour")["condition"] == "o3 > 1.2 * o3_hour_limit"
    operate(home, "backup", {"target": str(tmp_path / "city.quanyu")})
    restore(tmp_path / "city.quanyu", tmp_path / "again", lambda text, share: None)
    with city(tmp_path / "again") as hub:
        assert hub.changes.rule_list() == shown
        assert check_hub(hub).faults == []


class Exported:
    """The releases that an exported journal makes, folded by the engine alone."""

    def __init__(self, file: Path) -> None:
        self.state = MemoryState()
        engine = ChangesEngine()
        for line in file.read_bytes().splitlines():
            record = msgspec.json.decode(line, type=Record)
            if record.kind.startswith("change."):
                engine.evolve(record, self.state)

    def rows(self, table: Table) -> list[Row]:
        assert table is RELEASE
        return sorted(row for (name, _), row in self.state.rows.items() if name == table.name)
