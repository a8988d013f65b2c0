"""Finds packs, city profiles and the official calendar on disk and reads them; the folder is the registration."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import ModuleType

from msgspec.structs import replace

import quanyu.domains
from quanyu.kernel.declare import City
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.flow import expand_calls
from quanyu.kernel.form import Forms
from quanyu.kernel.pack import MODULES, TEXTS, Pack, lint, read_pack, with_city_table
from quanyu.kernel.profile import parse_city
from quanyu.kernel.time import OfficialCalendar, parse_calendar

ENTRY_POINTS = "quanyu.packs"
CITY_TEXTS = ("profile.toml", "districts.csv", "units.csv", "places.csv", "receivers.csv")


@cache
def load_packs() -> tuple[Pack, ...]:
    """Read every pack of `quanyu.domains` and of the entry points; Invalid lists what is wrong with them."""
    found = [
        _load_pack(f"{measure.name}/{pack.name}", importlib.import_module(f"{measure_package.__name__}.{pack.name}"))
        for measure in pkgutil.iter_modules(quanyu.domains.__path__)
        for measure_package in [importlib.import_module(f"quanyu.domains.{measure.name}")]
        for pack in pkgutil.iter_modules(measure_package.__path__)
    ]
    found += [
        _load_pack(point.name.replace(".", "/"), point.load())
        for point in importlib.metadata.entry_points(group=ENTRY_POINTS)
    ]
    found = _with_calls_put_in(found)
    faults = lint(found)
    if faults:
        raise Invalid(
            f"{len(faults)} faults in packs: {'; '.join(faults[:5])}.", code="pack.lint", remedy="Mend the packs named."
        )
    Forms(found)
    return tuple(sorted(found, key=lambda pack: pack.id))


def _with_calls_put_in(packs: list[Pack]) -> list[Pack]:
    """Return the packs with every flow whole: a call may name a flow of another pack."""
    whole = {each.name: each for each in expand_calls(flow for pack in packs for flow in pack.flows)}
    return [replace(pack, flows=tuple(whole[flow.name] for flow in pack.flows)) for pack in packs]


def _load_pack(id: str, package: ModuleType) -> Pack:
    folder = files(package)
    texts = {name: text for name in TEXTS if (text := _text(folder / name)) is not None}
    tables_folder = folder / "tables"
    tables = {}
    if tables_folder.is_dir():
        tables = {
            each.name.removesuffix(".csv"): each.read_text("utf-8")
            for each in tables_folder.iterdir()
            if each.name.endswith(".csv")
        }
    drawings_folder = folder / "flows"
    drawings = {}
    if drawings_folder.is_dir():
        drawings = {
            each.name.removesuffix(".bpmn"): each.read_bytes()
            for each in drawings_folder.iterdir()
            if each.name.endswith(".bpmn")
        }
    modules = [
        importlib.import_module(f"{package.__name__}.{name}")
        for name in MODULES
        if importlib.util.find_spec(f"{package.__name__}.{name}") is not None
    ]
    return read_pack(id, texts, tables, modules, package.__doc__ or "", drawings)


def _text(file: Traversable) -> str | None:
    return file.read_text("utf-8") if file.is_file() else None


def load_city(name: str) -> City:
    """Read a city profile from `quanyu.cities`; Missing lists those that exist."""
    root = files("quanyu.cities")
    folder = root / name
    if not name.isidentifier() or not (folder / "profile.toml").is_file():
        known = sorted(each.name for each in root.iterdir() if (each / "profile.toml").is_file())
        raise Missing(
            f"City profile {name!r} does not exist.",
            code="city.missing",
            where="--city",
            remedy=f"Use one of: {', '.join(known)}.",
        )
    texts = [_text(folder / file) or "" for file in CITY_TEXTS]
    return parse_city(*texts, folder=name)


def packs_of_city(city: City, name: str, packs: Sequence[Pack]) -> tuple[Pack, ...]:
    """Return the packs with what the city puts into their tables: `tables/<measure>.<pack>.<table>.csv` of its profile."""
    folder = files("quanyu.cities") / name / "tables"
    if not folder.is_dir():
        return tuple(packs)
    made = {pack.id: pack for pack in packs}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        measure, _, rest = file.name.removesuffix(".csv").partition(".")
        pack, _, table = rest.partition(".")
        where = f"{name}/tables/{file.name}"
        if (id := f"{measure}/{pack}") not in made:
            raise Invalid(
                f"Table {file.name} is for the pack {id}, which is not installed.",
                code="city.table",
                where=where,
                remedy="Name the file <measure>.<pack>.<table>.csv.",
            )
        made[id] = with_city_table(made[id], table, file.read_text("utf-8"), city.code, where)
    return tuple(made.values())


def load_calendar(simulated_year: bool) -> OfficialCalendar:
    """Read the official calendar; a simulated home knows one year more, Monday to Friday, marked simulated."""
    calendar = parse_calendar((files("quanyu.cities") / "calendar_cn.csv").read_text("utf-8"))
    if not simulated_year:
        return calendar
    first = date(calendar.last_day.year + 1, 1, 1)
    days = {day: day.weekday() < 5 for day in (first + timedelta(n) for n in range(365))}
    return calendar.with_days(days, source="simulated: Monday to Friday", status="simulated", last_day=max(days))
