"""The official calendar as it is shipped, for every test of the kernel that counts days."""

from pathlib import Path

import pytest

from quanyu import cities
from quanyu.kernel.time import OfficialCalendar, parse_calendar

CALENDAR_CSV = Path(str(cities.__file__)).parent / "calendar_cn.csv"


@pytest.fixture(scope="session")
def china() -> OfficialCalendar:
    return parse_calendar(CALENDAR_CSV.read_text(encoding="utf-8"))
