"""The law in force: releases laid over what packs declare, as of any record, and what does not fit any more."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from quanyu.engines.changes.law import Base, Law, law_of, read_row, releases_in, row_document
from quanyu.engines.changes.store import RELEASE, Release
from quanyu.engines.rules.compile import compile_rule
from quanyu.kernel.flow import flow_document
from quanyu.kernel.journal import Row, Table
from quanyu.kernel.parameter import Parameter, Parameters
from quanyu.kernel.rule_file import rule_document
from tests.engines.casework import MORNING, inspect_source
from tests.engines.test_rules_release import high, long_high

ZONE = "Asia/Shanghai"
FLOW = msgspec.structs.replace(inspect_source(), name="inspect")
MEND = msgspec.structs.replace(inspect_source(), name="mend")
NATIONAL = Parameter("x_limit", 100, "GQ", date(2020, 1, 1), None, "CN", "GB", "verified", "限值", "limit")
BASE = Base([high, long_high], [FLOW, MEND], Parameters([NATIONAL]))
RULE = rule_document(high, "x > 2 * x_limit")


def row(value: float, first: str, place: str = "110000", last: str | None = None) -> dict[str, Any]:
    made = Parameter(
        "x_limit", value, "GQ", date.fromisoformat(first), date.fromisoformat(last) if last else None, place, "city",
        "unverified", "限值", "limit",
    )  # fmt: skip
    return row_document(made)


class Home:
    """Releases as rows; `seq` counts them."""

    def __init__(self) -> None:
        self.kept: list[Row] = []

    def release(self, kind: str, line: str, definition: dict[str, Any] | None, **rest: Any) -> None:
        number = 1 + sum(1 for each in self.kept if each[:2] == (kind, line))
        release = Release(MORNING + len(self.kept), 1, definition, **rest)
        self.kept.append((kind, line, number, len(self.kept) + 1, msgspec.msgpack.encode(release)))

    def rows(self, table: Table) -> list[Row]:
        assert table is RELEASE
        return self.kept

    def law(self, upto: int | None = None) -> Law:
        return law_of(BASE, releases_in(self, upto), ZONE, compile_rule)

    def limit(self, day: str, place: str = "110105") -> Any:
        return self.law().parameters.get("x_limit", date.fromisoformat(day), place)


def test_without_releases_the_packs_hold() -> None:
    law = Home().law()
    assert (law.rules, law.flows, list(law.parameters)) == ((high, long_high), (FLOW, MEND), [NATIONAL])
    assert not law.faults


def test_the_newest_row_of_the_nearest_place_wins_from_its_day_on() -> None:
    home = Home()
    home.release("parameter", "x_limit@110000", row(80, "2026-03-05"))
    home.release("parameter", "x_limit@110105", row(70, "2026-03-08", "110105"))
    home.release("parameter", "x_limit@110000", row(60, "2026-03-10", last="2026-03-12"))
    assert [home.limit(day, "110000").value for day in ("2026-03-04", "2026-03-05", "2026-03-11", "2026-03-13")] == [
        100, 80, 60, 80,
    ]  # fmt: skip
    assert [home.limit(day).value for day in ("2026-03-07", "2026-03-08", "2026-03-11")] == [80, 70, 70]
    assert home.limit("2026-03-04").version == NATIONAL.version, "what lies beneath keeps its version"


def test_a_row_that_was_taken_out_counts_no_more_from_that_day_on() -> None:
    home = Home()
    home.release("parameter", "x_limit@110000", row(80, "2026-02-01"))
    home.release("parameter", "x_limit@110000", None, retires=1)
    assert home.limit("2026-03-01", "110000").value == 80, "the day of the roll-back is 2026-03-02"
    assert home.limit("2026-03-02", "110000").version == NATIONAL.version
    assert home.law(1).parameters.get("x_limit", date(2026, 3, 2), "110000").value == 80, "as of the record before"


def test_rules_are_replaced_switched_off_and_put_back() -> None:
    home = Home()
    home.release("rule", "high", RULE)
    home.release("rule", "high", RULE | {"off": True})
    home.release("rule", "high", None)
    assert [rule.name for rule in home.law(1).rules] == ["high", "long_high"]
    assert compile_rule(home.law(1).rules[0], BASE.parameters).hash != compile_rule(high, BASE.parameters).hash
    assert ([rule.name for rule in home.law(2).rules], home.law(2).off) == (["long_high"], frozenset({"high"}))
    assert home.law().rules == (high, long_high)
    assert home.law().numbers == {("rule", "high"): 3}


@pytest.mark.parametrize(
    ("kind", "name", "definition"),
    [
        ("rule", "high", RULE | {"when": "x ** 2 > 1"}),
        ("rule", "high", RULE | {"opens": "gone"}),
        ("rule", "new_rule", RULE | {"name": "new_rule", "opens": "gone"}),
        ("flow", "inspect", {"name": "inspect"}),
        ("parameter", "x_limit@110000", {"id": "x_limit", "value": 1}),
        (
            "flow",
            "inspect",
            flow_document(FLOW)
            | {
                "nodes": [{"name": "sub", "title": {"zh": "子", "en": "sub"}, "call": "gone"}],
                "arrows": [["", "accept"], ["accept", "sub"], ["sub", "dispatch"], ["dispatch", "inspect"],
                           ["inspect", "check"], ["check", "close"], ["close", ""]],
            },
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_any_more_is_passed_over_and_named(kind: str, name: str, definition: dict[str, Any]) -> None:
    home = Home()
    home.release(kind, name, definition)
    law = home.law()
    assert len(law.faults) == 1
    assert (law.rules, law.flows, list(law.parameters)) == ((high, long_high), (FLOW, MEND), [NATIONAL])


def test_a_row_reads_back_as_it_was_written() -> None:
    made = read_row(row(80, "2026-03-05") | {"note": "试行"})
    assert row_document(made)["note"] == "试行"
    assert read_row(row_document(made)) == made
