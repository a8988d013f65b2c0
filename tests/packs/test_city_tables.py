"""A city puts its own rows into a pack's tables: known ones take their place, new ones are added, limits follow."""

from __future__ import annotations

from datetime import date

import pytest

from quanyu.assembly.opening import load_declared
from quanyu.assembly.packs import load_city, load_packs, packs_of_city
from quanyu.kernel.errors import Invalid
from quanyu.kernel.pack import Pack, with_city_table
from quanyu.kernel.parameter import Parameters

DAY = date(2026, 3, 2)
HEADER = "code,kind,class,zh,en,opening_zh,opening_en,limit,closing_zh,closing_en,lead,valid_from,source,status\n"
ROWS = (
    HEADER
    + "c0101,component,01,上水井盖,Manhole,缺失,gone,1 hour,复位,ok,facilities.water,2025-01-01,city rule,simulated\n"
    + "c0701,component,07,共享单车停放区,Bicycle bay,满溢,full,3 hours,有序,ok,streets.order,2025-01-01,city rule,simulated\n"
)
CLASSES = "kind,class,last,zh,en,source,status\ncomponent,07,07,共享设施,Shared facilities,city rule,simulated\n"


def grid() -> Pack:
    return next(pack for pack in load_packs() if pack.id == "governance/grid")


def limit(pack: Pack, code: str, place: str) -> str:
    return str(Parameters(pack.parameters).get(f"grid_handle_limit_{code}", DAY, place).value)


def test_a_citys_row_takes_the_place_of_the_packs_there_and_nowhere_else() -> None:
    before = grid()
    pack = with_city_table(before, "subclasses", ROWS, "320200", "wuxi/tables/governance.grid.subclasses.csv")
    assert limit(pack, "c0101", "320281") == "1 hour"
    assert limit(pack, "c0101", "110000") == "2 hours"
    assert limit(pack, "c0701", "320200") == "3 hours"
    table = {row["code"]: row for row in pack.tables["subclasses"]}
    assert len(table) == len(before.tables["subclasses"]) + 1
    assert table["c0101"]["source"] == "city rule"
    assert limit(before, "c0101", "320281") == "2 hours", "the pack itself is as it was"


def test_a_class_of_the_extension_range_is_added_beside_the_standard_ones() -> None:
    pack = with_city_table(grid(), "classes", CLASSES, "320200", "wuxi/tables/governance.grid.classes.csv")
    classes = [(row["kind"], row["class"], row["last"]) for row in pack.tables["classes"]]
    assert ("component", "07", "07") in classes
    assert ("component", "06", "99") in classes
    assert len(classes) == 13


def test_sub_classes_belong_to_a_class_or_to_the_extension_range() -> None:
    pack = grid()
    ranges = [(row["kind"], int(row["class"]), int(row["last"])) for row in pack.tables["classes"]]
    for row in pack.tables["subclasses"]:
        assert row["code"] == row["kind"][0] + row["class"] + row["code"][3:]
        assert any(kind == row["kind"] and low <= int(row["class"]) <= high for kind, low, high in ranges)


@pytest.mark.parametrize(
    ("name", "text"),
    [("nothing", ROWS), ("subclasses", "code,zh,en\nc0101,甲,A\n")],
)
def test_a_table_that_the_pack_has_not_or_that_lacks_columns_is_refused(name: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        with_city_table(grid(), name, text, "320200", "wuxi/tables/x.csv")
    assert refused.value.code == "city.table"
    assert refused.value.where == "wuxi/tables/x.csv"


def test_a_table_for_a_pack_that_is_not_installed_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        packs_of_city(load_city("beijing"), "beijing", [grid()])
    assert refused.value.code == "city.table"


def test_beijing_has_limits_of_its_own_for_the_hotline() -> None:
    rows = load_declared("beijing", False).parameters.history("hotline_feedback_limit_h0201")
    assert {(row.jurisdiction, row.value, row.status) for row in rows} == {
        ("CN", "24 hours", "unverified"),
        ("110000", "24 hours", "unverified"),
    }
