"""City profiles: from the text of `profile.toml`, `districts.csv` and `units.csv` to a City."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from quanyu.kernel.declare import City
from quanyu.kernel.errors import Invalid
from quanyu.kernel.receiver import parse_receivers
from quanyu.kernel.sheet import number_in, read_sheet
from quanyu.kernel.status import parse_status

OUTLINES = ("geocn", "hex")
DISTRICT_COLUMNS = ("code", "zh", "en", "lon", "lat", "source", "status")
UNIT_COLUMNS = ("id", "zh", "en", "kind", "district", "source", "status")
PLACE_COLUMNS = ("kind", "id", "zh", "en", "district", "shift_lon", "shift_lat", "source", "status")
FACT_FIELDS = ("id", "zh", "en", "value", "unit", "period", "source", "status")


def parse_city(profile: str, districts: str, units: str, places: str = "", receivers: str = "", *, folder: str) -> City:
    """Read a city profile; Invalid names file and line or field under `folder`. Positions are degrees.

    Places become facts named `<kind>:<id>` with district and shift from its centre.
    """
    where = f"{folder}/profile.toml"
    try:
        written = tomllib.loads(profile)
    except tomllib.TOMLDecodeError as fault:
        raise Invalid(f"profile cannot be read: {fault}", code="city.toml", where=where) from fault
    parts = _districts(districts, f"{folder}/districts.csv")
    codes = {part["code"] for part in parts}
    offices = _units(units, f"{folder}/units.csv", codes)
    outline = _text(written, "outline", where)
    if outline not in OUTLINES:
        raise Invalid(f"outline {outline!r} is not one of {', '.join(OUTLINES)}", code="city.outline", where=where)
    return City(
        code=_text(written, "code", where),
        name=_words(written.get("name"), f"{where}, name"),
        zone=_text(written, "zone", where),
        centre=_degrees(written, "centre", 2, where),
        box=_degrees(written, "box", 4, where),
        districts=parts,
        units=offices,
        facts=(
            *(_fact(each, f"{where}, fact {n}") for n, each in enumerate(written.get("fact", ()), 1)),
            *(_places(places, f"{folder}/places.csv", codes) if places else ()),
        ),
        outline=outline,
        receivers=tuple(
            parse_receivers(receivers, f"{folder}/receivers.csv", {office["id"] for office in offices})
            if receivers
            else ()
        ),
        registers=_registers(written.get("registers", {}), {office["id"] for office in offices}, where),
    )


def _registers(owners: object, units: set[str], where: str) -> Mapping[str, str]:
    """Read `[registers]`: which unit of this city keeps a register that a pack declares."""
    if not isinstance(owners, dict) or not all(unit in units for unit in owners.values()):
        raise Invalid(
            "a register is given to a unit that the city does not have",
            code="city.register",
            where=f"{where}, registers",
            remedy='write [registers] with lines such as residents = "a.unit" of units.csv',
        )
    return dict(owners)


def _districts(text: str, file: str) -> tuple[Mapping[str, Any], ...]:
    places = []
    for line, row in read_sheet(text, file=file, columns=DISTRICT_COLUMNS, key=("code",)):
        where = f"{file}, line {line}"
        centre = (number_in(row, "lon", where), number_in(row, "lat", where))
        status = parse_status(row["status"], where=where)
        name = {"zh": row["zh"], "en": row["en"]}
        places.append({"code": row["code"], "name": name, "centre": centre, "source": row["source"], "status": status})
    return tuple(places)


def _units(text: str, file: str, codes: set[str]) -> tuple[Mapping[str, Any], ...]:
    offices = []
    for line, row in read_sheet(text, file=file, columns=UNIT_COLUMNS, key=("id",)):
        where = f"{file}, line {line}"
        if row["district"] and row["district"] not in codes:
            raise Invalid(
                f"unit {row['id']} names the unknown district {row['district']}", code="city.unit", where=where
            )
        offices.append(
            {
                "id": row["id"],
                "name": {"zh": row["zh"], "en": row["en"]},
                "kind": row["kind"],
                "district": row["district"] or None,
                "source": row["source"],
                "status": parse_status(row["status"], where=where),
            }
        )
    return tuple(offices)


def _places(text: str, file: str, codes: set[str]) -> Iterator[Mapping[str, Any]]:
    for line, row in read_sheet(text, file=file, columns=PLACE_COLUMNS, key=("kind", "id")):
        where = f"{file}, line {line}"
        if row["district"] not in codes:
            raise Invalid(
                f"place {row['id']} names the unknown district {row['district']}", code="city.place", where=where
            )
        yield {
            "id": f"{row['kind']}:{row['id']}",
            "zh": row["zh"],
            "en": row["en"],
            "district": row["district"],
            "shift": (number_in(row, "shift_lon", where), number_in(row, "shift_lat", where)),
            "source": row["source"],
            "status": parse_status(row["status"], where=where),
        }


def _fact(written: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    for field in FACT_FIELDS:
        if field not in written:
            raise Invalid(f"fact has no {field}", code="city.fact", where=where)
    parse_status(written["status"], where=where)
    return dict(written)


def _text(written: Mapping[str, Any], field: str, where: str) -> str:
    value = written.get(field)
    if not isinstance(value, str) or not value:
        raise Invalid(f"profile has no {field}", code="city.field", where=where, remedy=f'write {field} = "…"')
    return value


def _words(value: object, where: str) -> Mapping[str, str]:
    if isinstance(value, dict) and {"zh", "en"} <= value.keys():
        return {"zh": str(value["zh"]), "en": str(value["en"])}
    raise Invalid("name is not given in zh and en", code="city.field", where=where)


def _degrees(written: Mapping[str, Any], field: str, count: int, where: str) -> Any:
    value = written.get(field)
    if isinstance(value, list) and len(value) == count and all(isinstance(each, int | float) for each in value):
        return tuple(float(each) for each in value)
    raise Invalid(f"profile field {field} is not a list of {count} numbers", code="city.field", where=where)
