"""The table of factor codes: dated rows with source and status."""

from __future__ import annotations

from datetime import date

import pytest

from quanyu.kernel.device.factors import parse_factors
from quanyu.kernel.errors import QuanyuError

HEAD = "code,attribute,unit,scale,valid_from,valid_to,source,status\n"
ROW = "a34004,pm25,GQ,,2017-05-01,2025-12-31,manual of the station,unverified\n"


def test_a_code_means_what_its_row_says_on_that_day() -> None:
    factors = parse_factors(HEAD + ROW + "a34004,pm25,GP,0.5,2026-01-01,,notice,verified\n", "f.csv")
    old, new = factors.find("a34004", date(2025, 12, 31)), factors.find("a34004", date(2026, 1, 1))
    assert old is not None
    assert new is not None
    assert (old.unit, old.scale, new.unit, new.scale) == ("GQ", 1.0, "GP", 0.5)
    assert factors.find("a34004", date(2017, 4, 30)) is None
    assert factors.find("a99999", date(2026, 1, 1)) is None
    assert factors.unverified == 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ROW.replace("GQ", "xx"), "devices.unit"),
        (ROW.replace("GQ,", "GQ,0"), "devices.factor"),
        (ROW.replace("GQ,", "GQ,much"), "sheet.number"),
        (ROW.replace("manual of the station", ""), "devices.factor"),
        (ROW.replace("2017-05-01", ""), "devices.factor"),
        (ROW.replace("2017-05-01", "May"), "devices.factor"),
        (ROW.replace("2025-12-31", "2016-01-01"), "devices.factor"),
        (ROW.replace("unverified", "sure"), "status.unknown"),
        (ROW.replace("pm25", "pm 25"), "entity.name"),
        (ROW + ROW.replace("2017-05-01", "2018-01-01"), "devices.factor"),
        (ROW + ROW, "sheet.twice"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(row: str, code: str) -> None:
    with pytest.raises(QuanyuError) as caught:
        parse_factors(HEAD + row, "f.csv")
    assert caught.value.code == code
    assert f"line {row.count(chr(10)) + 1}" in str(caught.value.where)
