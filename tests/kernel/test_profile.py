"""City profiles and sheets: what is written is read, and a slip is named with file and line."""

from __future__ import annotations

from importlib.resources import files

import pytest

from quanyu.kernel.declare import City
from quanyu.kernel.errors import Invalid
from quanyu.kernel.profile import parse_city
from quanyu.kernel.sheet import number_in, read_sheet

FOLDER = files("quanyu.cities") / "beijing"
TEXTS = {
    name: (FOLDER / name).read_text("utf-8") for name in ("profile.toml", "districts.csv", "units.csv", "places.csv")
}


def city(**changed: str) -> City:
    texts = TEXTS | {name.replace("_", "."): text for name, text in changed.items()}
    return parse_city(*texts.values(), folder="beijing")


def test_beijing_has_sixteen_districts_offices_and_sourced_facts() -> None:
    found = city()
    assert found.code == "110000"
    assert len(found.districts) == 16
    assert {district["code"][:4] for district in found.districts} == {"1101"}
    west, south, east, north = found.box
    assert all(west < lon < east and south < lat < north for lon, lat in (each["centre"] for each in found.districts))
    assert {"ecology.enforcement", "city.command", "district.110101"} <= {unit["id"] for unit in found.units}
    assert all(fact["source"] and fact["status"] for fact in found.facts)
    assert next(fact for fact in found.facts if fact["id"] == "residents")["value"] == 21_832_000
    assert next(fact for fact in found.facts if fact["id"] == "air_station:Dongsi")["district"] == "110101"


def test_a_city_gives_a_register_to_a_unit_of_its_own() -> None:
    assert city().registers == {}
    text = TEXTS["profile.toml"].replace("[[fact]]", "[registers]\nfirms = 'city.data'\n[[fact]]", 1)
    assert city(profile_toml=text).registers == {"firms": "city.data"}


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "where"),
    [
        ("profile_toml", 'code = "110000"', "code = ", "city.toml", "profile.toml"),
        ("profile_toml", 'code = "110000"', "", "city.field", "profile.toml"),
        ("profile_toml", 'outline = "geocn"', 'outline = "nation"', "city.outline", "profile.toml"),
        ("profile_toml", 'zh = "北京市", ', "", "city.field", "name"),
        ("profile_toml", "[116.41, 39.91]", "[116.41]", "city.field", "profile.toml"),
        ("profile_toml", 'period = "2024"\n', "", "city.fact", "fact 1"),
        ("profile_toml", 'status = "unverified"', 'status = "sure"', "status.unknown", "fact 1"),
        ("profile_toml", "[[fact]]", "[registers]\nfirms = 'a.unit'\n[[fact]]", "city.register", "registers"),
        ("districts_csv", "116.41,39.91", "east,39.91", "sheet.number", "line 3"),
        ("districts_csv", "110102,", "110101,", "sheet.twice", "line 4"),
        ("districts_csv", "code,zh", "kode,zh", "sheet.header", "line 2"),
        ("districts_csv", "东城区,Dongcheng", "东城区", "sheet.cells", "line 3"),
        ("units_csv", "district,110101", "district,999999", "city.unit", "units.csv"),
        ("places_csv", "110105,-0.02", "999999,-0.02", "city.place", "line 4"),
    ],
)
def test_a_slip_is_named_with_its_place(name: str, old: str, new: str, code: str, where: str) -> None:
    text = TEXTS[name.replace("_", ".")]
    assert old in text
    with pytest.raises(Invalid) as refused:
        city(**{name: text.replace(old, new, 1)})
    assert refused.value.code == code
    assert where in str(refused.value.where)


def test_a_sheet_knows_the_lines_of_its_rows() -> None:
    rows = list(read_sheet("# note\na,b\n\n1, 2\n", file="x.csv", columns=("a",), more=True))
    assert rows == [(4, {"a": "1", "b": "2"})]
    assert number_in(rows[0][1], "b", "x") == 2
    with pytest.raises(Invalid) as empty:
        list(read_sheet("# only a note\n", file="x.csv", columns=("a",)))
    assert empty.value.code == "sheet.header"
