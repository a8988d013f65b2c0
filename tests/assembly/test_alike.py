"""Reports of one matter in a real hub: folded with the reason, undone for good, suggested, seen as an outbreak."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quanyu.adapters.sqlite import alike as sqlite_alike
from quanyu.adapters.sqlite import cases as sqlite_cases
from quanyu.adapters.sqlite.alike import SqliteAlike
from quanyu.adapters.sqlite.cases import SqliteCases
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.core import CoreEngine
from quanyu.assembly.hub import Hub
from quanyu.engines.cases.alike.near import NAMES
from quanyu.engines.cases.alike.reader import AlikeReader
from quanyu.engines.cases.alike.spots import SPOT
from quanyu.engines.cases.tables import serial_of
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.journal import Command, Engine
from quanyu.kernel.parameter import parse_parameters
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.engines.casework import HOUR, PEOPLE, limits, make_engine
from tests.hubs import HandClock

LON, LAT = 116.40, 39.92
VALUES = (200, 72, 0.7, 0.5, 4, 1000, 24)
PARAMETERS = parse_parameters(
    {
        "parameter": [
            {"id": name, "value": value, "unit": "C62", "valid_from": "2012-01-01", "jurisdiction": "CN", "source": "test",
             "status": "simulated", "zh": name, "en": name}
            for name, value in zip(NAMES, VALUES, strict=True)
        ]
    },
    pack="test",
).joined(limits())  # fmt: skip


class Town:
    """A hub with the reader of likeness, and words for what people do."""

    def __init__(self, hub: Hub, view: CasesView, store: SqliteAlike) -> None:
        self.hub, self.view, self.store = hub, view, store

    def report(self, text: str, lat: float = LAT, category: str | None = "e0402", **given: Any) -> str:
        body = {
            "flow": "inspect_source", "text": text, "channel": "counter", "reporter": {"name": "王", "phone": "1"},
            "place": {"lon": LON, "lat": lat, "district": "110105"}, "class": category,
        } | given  # fmt: skip
        receipt = self.hub.commit_blocking([Command("case.open", "", body)], "person:clerk")
        self.hub.settled_blocking()
        return receipt.outcomes[0].subject

    def act(self, id: str, who: str, action: str, **body: Any) -> None:
        self.hub.commit_blocking([Command("case.act", id, {"action": action} | body)], f"person:{who}")
        self.hub.settled_blocking()

    def case(self, id: str) -> dict[str, Any]:
        found = self.view.find(id, EVERYTHING)
        assert found is not None
        return found


@contextmanager
def town(home: Path, clock: HandClock | None = None) -> Iterator[Town]:
    engines: list[Engine] = [CoreEngine(), make_engine(parameters=PARAMETERS)]
    tables = [table for engine in engines for table in engine.tables]
    schemas = [sqlite_cases.SCHEMA, sqlite_alike.SCHEMA]
    store = SqliteStore(home / "quanyu.db", [*tables, *AlikeReader.tables], schemas)
    clock = clock or HandClock()
    hub = Hub(home, store, engines, clock, chance=random.Random(1), reader_tables=AlikeReader.tables)
    hub.engines = engines
    rows, near = SqliteCases(store.connection, hub.upcast), SqliteAlike(store.connection)
    hub.attach(AlikeReader(near, rows, PARAMETERS, zone="Asia/Shanghai", jurisdiction="CN"))
    hub.start()
    try:
        yield Town(hub, CasesView(rows, lambda actor: PEOPLE.get(actor, []), clock.now), near)
    finally:
        hub.close()


def test_a_second_report_of_the_same_is_folded_with_the_reason_and_split_for_good(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        first = here.report("和平街36号路面塌了一个坑")
        second = here.report("和平街36号路面塌了一个大坑", lat=LAT + 0.0001)
        merged = here.case(second)
        assert merged["merged_into"] == first
        entry = merged["actions"][-1]
        assert (entry["action"], entry["actor"]) == ("merge", "engine:cases.alike")
        assert "相距11米" in entry["note"]
        assert "11 m apart" in entry["note"]
        here.act(second, "duty", "split", note="两个坑")
        assert here.case(second)["merged_into"] is None
    with town(tmp_path) as here:
        third = here.report("和平街36号路面塌了一个坑")
        # The nearer of the two leads; the pair that was split stays two.
        assert here.case(third)["merged_into"] == first
        assert here.case(second)["merged_into"] is None


def test_a_report_that_may_be_the_same_is_suggested_until_somebody_judges(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        first = here.report("和平街36号路面塌了一个坑")
        second = here.report("地面下陷,有个大洞,和平街36号", lat=LAT + 0.0005)
        assert here.case(second)["merged_into"] is None
        assert [(serial, other) for serial, other, *_ in here.store.pairs(None, 10)] == [
            (serial_of(second), serial_of(first))
        ]
        here.act(second, "duty", "unlike", fields={"other": first})
        assert here.store.pairs(None, 10) == []
        assert here.store.unlike(serial_of(first)) == {serial_of(second)}


def test_what_is_far_or_of_another_flow_or_closed_is_left_alone(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        first = here.report("和平街36号路面塌了一个坑")
        for other in (
            here.report("和平街36号路面塌了一个坑", lat=LAT + 0.003),
            here.report("和平街36号路面塌了一个坑", flow="answer"),
            here.report("和平街36号路面塌了一个坑", place={"lon": LON, "lat": LAT, "district": "110101"}),
        ):
            assert here.case(other)["merged_into"] is None
        answer = here.report("夜间施工噪音扰民", flow="answer", category=None)
        here.act(answer, "clerk", "accept", fields={"outcome": "no_action"}, note="无此事")
        assert here.store.spots_of(serial_of(answer)) == []
        assert here.case(here.report("夜间施工噪音扰民", flow="answer", category=None))["merged_into"] is None
        assert here.case(first)["merged"] == []


def test_reports_without_place_time_or_words_are_taken_and_nothing_breaks(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        for text in ("!!!", "😀", "x", "\u200fمرحبا", "坑" * 3000):
            for place in (None, {"district": "110105"}, {"lon": LON, "lat": LAT}):
                id = here.report(text, place=place, title={"zh": "报"})
                assert here.case(id)["state"] in ("open", "closed")


def test_many_like_reports_become_one_outbreak_that_grows(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        ids = [here.report(f"停水了{text}", lat=LAT + 0.002 * place) for place, text in enumerate("一二三四五")]
        found = [
            case for case in here.view.query(CaseQuery(list="all"), EVERYTHING).items if case["rule"] == "outbreak"
        ]
        assert len(found) == 1
        case = here.case(found[0]["id"])
        assert case["severity"] == "orange"
        assert case["findings"][0]["count"] == 5
        assert "5件相近诉求" in case["findings"][0]["why"]["zh"]
        assert here.store.members(serial_of(ids[0])) == [serial_of(id) for id in ids]
        assert all(here.case(id)["merged_into"] is None for id in ids)


def test_nothing_is_folded_twice_when_the_hub_reads_its_journal_again(tmp_path: Path) -> None:
    with town(tmp_path) as here:
        first = here.report("和平街36号路面塌了一个坑")
        second = here.report("和平街36号路面塌了一个坑")
        before = [entry["seq"] for entry in here.case(second)["actions"]]
    with town(tmp_path) as here:
        here.hub.settled_blocking()
        assert [entry["seq"] for entry in here.case(second)["actions"]] == before
        assert here.case(first)["merged"] == [second]
        assert len(list(here.hub.store.rows(SPOT))) == 2


def test_an_old_home_is_learnt_without_folding_its_past(tmp_path: Path) -> None:
    clock = HandClock()
    with town(tmp_path, clock) as here:
        clock.at += 100 * HOUR
        body = {"flow": "inspect_source", "text": "和平街36号路面塌了一个坑", "channel": "counter",
                "place": {"lon": LON, "lat": LAT, "district": "110105"}}  # fmt: skip
        late = Command("case.open", "", body | {"as": "history", "at": clock.at - 50 * HOUR})
        id = here.hub.commit_blocking([late], "person:clerk").outcomes[0].subject
        here.hub.settled_blocking()
        assert here.store.spots_of(serial_of(id)) == []
