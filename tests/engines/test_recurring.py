"""The same problem in the same place, again and again: one standing case, counted anew after each finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from quanyu.engines.rules.recurring import KEYS_MAX, RECURRENCE, RecurrencesReader
from quanyu.kernel.declare import Recurrence, recurrence
from quanyu.kernel.journal import Command, Record, Row, Table
from quanyu.kernel.parameter import Parameters, parse_parameters
from tests.engines.casework import DAY, MORNING, CaseDesk

NOISE = recurrence(
    "same_noise",
    flow="inspect_source",
    by=("class", "grid"),
    count="often_count",
    days="often_days",
    opens="answer",
    zh="反复噪声",
    en="Noise again and again",
    doc="The tenth complaint about one place needs another treatment than the first.",
)


def limits(count: int = 3, days: int = 10) -> Parameters:
    row = {
        "valid_from": "2020-01-01",
        "jurisdiction": "CN",
        "source": "test",
        "status": "simulated",
        "zh": "数",
        "en": "N",
    }
    rows = [{"id": "often_count", "value": count, "unit": "C62"}, {"id": "often_days", "value": days, "unit": "DAY"}]
    return parse_parameters({"parameter": [row | each for each in rows]}, pack="test")


class Town:
    """Opens cases at a desk and lets the reader hear of them."""

    def __init__(self, *recurrences: Recurrence) -> None:
        self.desk = CaseDesk()
        self.rows_kept: dict[tuple[Any, ...], Row] = {}
        self.recurrences = recurrences or (NOISE,)
        self.reader = self.restarted()

    def rows(self, table: Table) -> Iterator[Row]:
        assert table is RECURRENCE
        return iter(list(self.rows_kept.values()))

    def restarted(self) -> RecurrencesReader:
        self.reader = RecurrencesReader(self.recurrences, limits(), self, jurisdiction="110000", zone="Asia/Shanghai")
        return self.reader

    def hear(self, records: list[Record]) -> list[Command]:
        effects = self.reader.read(records, self.desk.at)
        for change in effects.delta:
            if change.row is None:
                self.rows_kept.pop(change.key, None)
            else:
                self.rows_kept[change.key] = change.row
        for command in effects.commands:
            self.desk.run(command, "engine:recurrences")
        return list(effects.commands)

    def report(self, grid: str | None = "110105000100001", **body: Any) -> list[Command]:
        before = len(self.desk.records)
        place = {"district": "110105"} | ({"grid": grid} if grid else {})
        self.desk.open(**{"class": "noise", "place": place} | body)
        return self.hear([each for each in self.desk.records[before:] if each.kind == "case.opened"])


def standing(town: Town) -> list[Record]:
    return [each for each in town.desk.records if each.kind == "case.opened" and (each.body or {})["head"].get("rule")]


def test_the_third_report_in_ten_days_opens_one_standing_case_that_says_why() -> None:
    town = Town()
    assert town.report() == []
    town.desk.at += 3 * DAY
    assert town.report() == []
    town.desk.at += 3 * DAY
    (found,) = town.report()
    assert found.body["value"] == 3
    assert found.body["limit"] == 3
    assert found.body["from"] == MORNING
    assert "2026-03-02" in found.body["why"]["zh"]
    (case,) = standing(town)
    assert (case.body or {})["head"]["flow"] == "answer"


def test_other_places_other_problems_and_old_reports_do_not_count() -> None:
    town = Town()
    for number in range(5):
        assert town.report(grid=f"11010500010000{number}") == []
        assert town.report(**{"class": f"other{number}"}) == []
        assert town.report(grid=None) == []
    for _ in range(4):
        town.desk.at += 6 * DAY
        assert town.report(grid="110105000100009") == []


def test_reports_are_used_up_and_later_ones_fold_into_the_open_case() -> None:
    town = Town()
    found = [command for _ in range(6) for command in town.report()]
    assert len(found) == 2
    (case,) = standing(town)
    assert town.desk.state_of(case.subject).finding_count == 1, "the same beginning is the same finding"
    town.desk.at += DAY
    for _ in range(3):
        town.report()
    assert len(standing(town)) == 1
    assert town.desk.state_of(case.subject).finding_count == 2


def test_a_restart_forgets_no_report_and_history_counts_for_nobody() -> None:
    town = Town()
    town.report()
    town.report(**{"as": "history"})
    town.restarted()
    assert town.report() == []
    town.restarted()
    assert len(town.report()) == 1
    assert town.rows_kept == {}


def test_a_parameter_without_a_value_on_the_day_counts_nothing() -> None:
    town = Town()
    town.desk.open(**{"class": "noise", "place": {"district": "110105", "grid": "1"}})
    (opened,) = [each for each in town.desk.records if each.kind == "case.opened"]
    assert town.hear([replace(opened, at=opened.at - 3000 * DAY)] * 5) == []


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEYS_MAX > 1_000
    monkeypatch.setattr("quanyu.engines.rules.recurring.KEYS_MAX", 3)
    town = Town()
    for number in range(6):
        town.desk.at += 1
        town.report(grid=str(number))
    assert {key[1] for key in town.rows_kept} == {"noise|3", "noise|4", "noise|5"}
