"""The service catalogue: every row of a real one comes in, what is odd is told, and what is wrong is named."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from quanyu.assembly.packs import load_city, load_packs
from quanyu.domains.services.items.sources import COLUMNS, items
from quanyu.kernel.declare import Chunk, Imported

DATA = Path(os.environ.get("QUANYU_BENCH_DATA") or Path(__file__).parents[3] / "shared" / "data")
CATALOGUE = DATA / "catalogue" / "service_catalogue.csv"
GOOD = ("区卫健局", "未分类", "公共场所卫生许可", "511A0123401000-511602000000-000-115116020083722043-1-00", "511602000000",
        "1", "11511602008372204X")  # fmt: skip


def read(*rows: tuple[str, ...]) -> Imported:
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    return items.parse(Chunk("items.csv", list(range(2, 2 + len(rows))), columns), load_city("beijing"))


def changed(**cells: str) -> tuple[str, ...]:
    return tuple(cells.get(name, cell) for name, cell in zip(COLUMNS, GOOD, strict=True))


@pytest.mark.skipif(not CATALOGUE.is_file(), reason="the data folder is not here")
def test_of_the_real_catalogue_no_row_is_lost() -> None:
    with CATALOGUE.open(encoding="utf-8") as file:
        rows = [tuple(row[name] for name in COLUMNS) for row in csv.DictReader(file)]
    found = read(*rows)
    assert (len(rows), len(found.commands), len(found.rejects)) == (1135, 1135, 0)
    assert len({command.subject for command in found.commands}) == 1135
    twice = [doubt for doubt in found.doubts if doubt.column == "item_name"]
    assert len(twice) == 2
    odd = {doubt.column for doubt in found.doubts}
    assert odd == {"item_code", "item_name", "department_code"}


def test_a_row_becomes_an_item_with_its_words() -> None:
    found = read(GOOD)
    document = found.commands[0].body
    assert document["type"] == "ServiceItem"
    assert document["name"]["value"]["zh"] == "公共场所卫生许可"
    assert document["mainItem"]["value"] == ""
    assert document["departmentCode"]["value"] == "11511602008372204X"


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"item_name": " "}, "item_name", "is empty"),
        ({"item_code": ""}, "item_code", "is empty"),
        ({"item_code": "9" * 121}, "item_code", "121 characters"),
        ({"department": ""}, "department", "is empty"),
    ],
)
def test_a_row_that_cannot_be_taken_is_named(cells: dict[str, str], column: str, says: str) -> None:
    found = read(GOOD, changed(**cells))
    assert len(found.commands) == 1
    assert [(reject.line, reject.column) for reject in found.rejects] == [(3, column)]
    assert says in found.rejects[0].reason


def test_a_code_that_stands_twice_is_refused_with_the_first_line() -> None:
    found = read(GOOD, changed(item_name="其他事项"))
    assert found.rejects[0].reason.endswith("stands on line 2 already")


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"item_code": "X-000001-000"}, "item_code", "is not item-area-street"),
        ({"item_code": GOOD[3].replace("511602000000", "511603000000")}, "item_code", "names the area"),
        ({"department_code": "11100000MB03271690"}, "department_code", "check character"),
        ({"department_code": "08372204-1"}, "department_code", "GB 11714"),
        ({"department_code": "12345"}, "department_code", "neither"),
    ],
)
def test_an_odd_row_is_taken_and_told(cells: dict[str, str], column: str, says: str) -> None:
    found = read(changed(**cells))
    assert (len(found.commands), len(found.rejects)) == (1, 0)
    assert [says in doubt.reason for doubt in found.doubts if doubt.column == column] == [True]


def test_our_own_tables_agree_with_forms_flows_and_registers() -> None:
    packs = {pack.id: pack for pack in load_packs()}
    flows = {flow.name: flow for pack in packs.values() for flow in pack.flows}
    declared = list(packs.values())
    forms = {form.id for each in declared for form in each.forms}
    tables = {**packs["services/items"].tables, **packs["services/onething"].tables}
    stages = {row["code"] for row in tables["stages"]}
    for row in (*tables["items"], *(row for row in tables["bundles"] if row["flow"])):
        assert row["form"] in forms
        assert flows[row["flow"]].forms == {"fill": row["form"]}
    assert {row["stage"] for name in ("items", "bundles") for row in tables[name]} <= stages
    for row in tables["parts"]:
        flow = flows[row["bundle"]]
        assert flow.roles[f"{row['step']}_office"] == row["unit"]
        assert flow.get_step(row["step"]).title == {"zh": row["zh"], "en": row["en"]}
    assert sorted((row["life"], int(row["number"])) for row in tables["stages"]) == [
        *(("firm", n) for n in range(1, 7)),
        *(("person", n) for n in range(1, 11)),
    ]


def test_the_demo_city_has_every_unit_that_answers() -> None:
    units = {str(unit["id"]) for unit in load_city("beijing").units}
    packs = [pack for pack in load_packs() if pack.measure == "services"]
    named = {unit for pack in packs for flow in pack.flows for unit in (*flow.roles.values(), flow.escalate) if unit}
    assert named <= units
