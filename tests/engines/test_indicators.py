"""Indicators: measured on their rhythm, pinned, kept as a trend, shown with age, and turned into cases."""

from __future__ import annotations

from datetime import date

import apsw
import pytest

from quanyu.adapters.sqlite.indicators import SCHEMA, SqliteIndicators
from quanyu.adapters.sqlite.store import declaration
from quanyu.engines.indicators.engine import IndicatorsEngine
from quanyu.engines.indicators.reader import asset_of
from quanyu.engines.indicators.store import INDICATOR, RHYTHM, TREND, TREND_KEPT
from quanyu.engines.indicators.view import IndicatorsView
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.time import format_instant
from tests.desk import MemoryDesk, MemoryState
from tests.engines.town import (
    ALL,
    HOUR,
    NEWS,
    NOW,
    PARAMETERS,
    Town,
    case_row,
    dust,
    findings,
    reader,
    results,
    station,
)


@pytest.fixture
def town() -> Town:
    town = Town()
    town.documents = [station("a", "110101", 130, NOW), station("b", "110105", 40, NOW - HOUR)]
    town.rows = [case_row("110101", True, True), case_row("110101", True, False), case_row("110105", False, None)]
    return town


def test_measures_over_history_context_and_cases(town: Town) -> None:
    found = results(reader(town).read([NEWS], NOW))
    assert found["dust"]["value"] == 85
    assert found["over_share"]["value"] == 50
    assert found["on_time"]["value"] == 50
    assert found["over_share"]["measures"][0] == {"name": "heard", "value": 2.0, "count": 2}
    assert {each["name"]: each["value"] for each in found["on_time"]["measures"]}["took"] == 4
    assert {each["name"]: each["value"] for each in found["on_time"]["measures"]}["late"] == pytest.approx(1 / 3)


def test_a_result_pins_the_parameters_of_the_day_and_knows_the_age_of_its_data(town: Town) -> None:
    found = results(reader(town).read([NEWS], NOW))["dust"]
    row = PARAMETERS.get_row("dust_limit", date(2026, 3, 2))
    assert found["parameters"][0]["version"] == row.version
    assert found["parameters"][0]["value"] == 60
    assert found["band"] == [None, 60.0]
    assert found["data_at"] == NOW
    assert found["simulated"] is True


def test_districts_are_decomposed_and_old_values_left_out(town: Town) -> None:
    found = results(reader(town).read([NEWS], NOW))
    assert found["dust"]["by_district"] == [
        {"code": "110101", "value": 130.0, "count": 1},
        {"code": "110105", "value": 40.0, "count": 1},
    ]
    town.documents[1]["pm25"]["observedAt"] = format_instant(NOW - 4 * HOUR)
    assert results(reader(town).read([NEWS], NOW))["over_share"]["value"] == 100


def test_nothing_known_gives_no_value(town: Town) -> None:
    town.documents, town.rows = [], []
    found = results(reader(town).read([NEWS], NOW))
    assert {name: (each["value"], each["state"]) for name, each in found.items()} == dict.fromkeys(
        found, (None, "none")
    )
    assert found["dust"]["data_at"] is None


def test_historical_and_merged_cases_do_not_count(town: Town) -> None:
    town.rows += [case_row("110101", True, False, historical=True), case_row("110101", True, False, merged_into=3)]
    assert results(reader(town).read([NEWS], NOW))["on_time"]["value"] == 50


def test_each_indicator_is_evaluated_once_per_turn(town: Town) -> None:
    ear = reader(town, indicators=(dust,))
    assert ear.next_wake is None
    assert len(ear.read([NEWS], NOW).commands) == 1
    assert ear.read([NEWS], NOW + HOUR // 10).commands == ()
    assert ear.wake(NOW + HOUR // 10).commands == ()
    assert ear.next_wake == NOW + HOUR // 4
    assert len(ear.wake(NOW + HOUR // 4).commands) == 1
    assert ear.next_wake == NOW + HOUR + HOUR // 4
    assert len(ear.wake(NOW + 9 * HOUR).commands) >= 1
    assert ear.next_wake == NOW + 9 * HOUR + HOUR // 4


def test_nothing_is_evaluated_while_it_is_quiet(town: Town) -> None:
    ear = reader(town, indicators=(dust,))
    ear.quiet_until = NOW + HOUR
    assert ear.read([NEWS], NOW).commands == ()
    assert ear.next_wake is None
    assert len(ear.read([NEWS], NOW + HOUR).commands) == 1
    ear.quiet_until = NOW + 9 * HOUR
    assert ear.next_wake == NOW + 9 * HOUR


def test_out_of_band_asks_for_one_case_after_the_declared_time_and_ends_it(town: Town) -> None:
    ear = reader(town, indicators=(dust,))
    assert findings(ear.read([NEWS], NOW)) == []
    assert findings(ear.wake(NOW + HOUR // 4)) == []
    first = findings(ear.wake(NOW + 2 * HOUR + HOUR // 4))
    assert [(each.start, each.end, each.value, each.limit) for each in first] == [(NOW, None, 85.0, 60.0)]
    assert first[0].asset == asset_of("dust")
    assert first[0].why["en"] == "Mean dust is 85.0 µg/m³, above 60 µg/m³"
    town.open_assets = {asset_of("dust")}
    assert [each.start for each in findings(ear.wake(NOW + 4 * HOUR))] == [NOW]
    town.documents = [station("a", "110101", 20, NOW + 5 * HOUR)]
    ended = findings(ear.wake(NOW + 6 * HOUR))
    assert [(each.start, each.end) for each in ended] == [(NOW, NOW + 6 * HOUR)]
    assert findings(ear.wake(NOW + 8 * HOUR)) == []


def test_a_case_closed_while_the_value_is_out_is_not_asked_for_again(town: Town) -> None:
    ear = reader(town, indicators=(dust,))
    ear.read([NEWS], NOW)
    assert len(findings(ear.wake(NOW + 3 * HOUR))) == 1
    town.open_assets = set()
    assert findings(ear.wake(NOW + 5 * HOUR)) == []


def test_the_reader_goes_on_where_it_stood(town: Town) -> None:
    ear = reader(town, indicators=(dust,))
    delta = ear.read([NEWS], NOW).delta
    assert [change.table for change in delta] == [RHYTHM.name]
    again = reader(town, [change.row for change in delta if change.row], indicators=(dust,))
    assert again.next_wake == ear.next_wake
    assert findings(again.wake(NOW + 3 * HOUR)) == findings(ear.wake(NOW + 3 * HOUR)) != []


def compute(value: float, at: int = NOW) -> Command:
    body = {"at": at, "data_at": at, "value": value, "state": "out", "band": [None, 60.0], "measures": []}
    return Command("indicator.compute", "dust", body, provenance="derived:indicators")


def test_the_engine_keeps_the_latest_value_and_a_bounded_trend() -> None:
    desk = MemoryDesk(IndicatorsEngine(ALL))
    for n in range(TREND_KEPT + 5):
        desk.run(compute(n, NOW + n * HOUR))
    rows = [row for (table, _), row in desk.state.rows.items() if table == TREND.name]
    assert len(rows) == TREND_KEPT
    assert min(row[3] for row in rows) == 5
    latest = desk.state.get(INDICATOR, "dust")
    assert latest is not None
    assert latest[4] == TREND_KEPT + 4
    assert desk.replayed().rows == desk.state.rows


def test_the_engine_refuses_strangers_old_and_unreadable_results() -> None:
    desk = MemoryDesk(IndicatorsEngine(ALL))
    desk.run(compute(1))
    with pytest.raises(Missing) as unknown:
        desk.run(Command("indicator.compute", "nobody", compute(1).body))
    with pytest.raises(Invalid) as old:
        desk.run(compute(1, NOW - HOUR))
    with pytest.raises(Invalid) as unreadable:
        desk.run(Command("indicator.compute", "dust", {"value": "high"}))
    assert [each.value.code for each in (unknown, old, unreadable)] == [
        "indicator.unknown", "indicator.order", "indicator.body",
    ]  # fmt: skip


def stored(state: MemoryState) -> SqliteIndicators:
    connection = apsw.Connection(":memory:")
    for table in (INDICATOR, TREND):
        connection.execute(declaration(table))
        for (name, _), row in state.rows.items():
            if name == table.name:
                connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    connection.execute(SCHEMA)
    return SqliteIndicators(lambda: connection)


def test_the_view_shows_value_age_trend_case_and_the_rows_behind(town: Town) -> None:
    desk = MemoryDesk(IndicatorsEngine(ALL))
    ear = reader(town)
    for n in range(3):
        town.documents[0]["pm25"]["observedAt"] = format_instant(NOW + n * HOUR)
        for command in ear.read([NEWS], NOW + n * HOUR).commands:
            if command.kind == "indicator.compute":
                desk.run(command)
    town.open_assets = {asset_of("dust")}
    city = City(
        "110000",
        {},
        "Asia/Shanghai",
        (0, 0),
        (0, 0, 1, 1),
        (),
        ({"id": "office", "name": {"zh": "办", "en": "Office"}},),
    )
    clock = [NOW + 3 * HOUR]
    titles = {"measure.mean": {"zh": "日均", "en": "Day's mean"}}
    view = IndicatorsView(ALL, stored(desk.state), town.views.cases, lambda: clock[0], city, titles)
    shown = view.current()
    assert [each["name"] for each in shown] == ["dust", "on_time", "over_share"]
    first = shown[0]
    assert (first["value"], first["state"], first["unit_symbol"], first["case"]) == (85, "out", "µg/m³", "case")
    assert first["trend"] == [[NOW + n * HOUR, 85.0] for n in range(3)]
    assert (first["age_s"], first["stale"], first["simulated"]) == (3600, False, True)
    assert first["owner_name"]["en"] == "Office"
    clock[0] += 3 * HOUR
    assert view.current()[0]["stale"] is True
    found = view.find("dust")
    assert found is not None
    assert found["formula"] == "mean"
    assert found["measures"][0]["title"]["en"] == "Day's mean"
    assert found["measures"][0]["to"] - found["measures"][0]["from"] == 24 * HOUR
    assert found["parameters"][0]["id"] == "dust_limit"
    assert view.find("nobody") is None


def test_the_view_shows_what_was_never_computed(town: Town) -> None:
    city = City("110000", {}, "Asia/Shanghai", (0, 0), (0, 0, 1, 1), (), ())
    view = IndicatorsView(ALL, stored(MemoryState()), town.views.cases, lambda: NOW, city)
    assert [(each["value"], each["state"], each["stale"]) for each in view.current()] == [(None, "none", True)] * 3
