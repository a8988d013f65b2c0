"""A small mapping file makes any CSV of observations importable: which column says when, of what, and which say how much."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quanyu.kernel.declare import Chunk, City, Imported, Reject, Source
from quanyu.kernel.entity import Observation, check_name, observations, urn
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.time import instant


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of values: the attribute it becomes and its unit (UN/CEFACT code)."""

    attribute: str
    unit: str | None = None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file: `name`, entity `type`, the columns `entity` and `time`, `zone`, and a table per value column."""

    name: str
    type: str
    entity: str
    time: str
    columns: Mapping[str, Column]
    zone: str = "Asia/Shanghai"
    format: str | None = None
    missing: tuple[str, ...] = ("", "NA", "NaN", "null")


def load_mapping(path: Path) -> Source:
    """Read a mapping file and return the source it describes; Invalid says what is wrong with it."""
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Plan)
        zone = ZoneInfo(mapping.zone)
    except FileNotFoundError as error:
        raise Missing(f"Mapping file {path} does not exist.", code="mapping.file", where=str(path)) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ZoneInfoNotFoundError, ValueError) as error:
        raise Invalid(
            f"Mapping file {path.name} cannot be used: {error}.",
            code="mapping.shape",
            where=str(path),
            remedy="It needs name, type, entity, time and [columns.<column>] with attribute and unit.",
        ) from error
    for column in mapping.columns.values():
        check_name(column.attribute, f"{path.name}: columns")
    check_name(mapping.type, f"{path.name}: type")

    def parse(chunk: Chunk, city: City) -> Imported:
        return _parse(chunk, mapping, zone)

    needed = (mapping.entity, mapping.time, *mapping.columns)
    return Source(mapping.name, {"zh": mapping.name, "en": mapping.name}, needed, parse)


def _parse(chunk: Chunk, mapping: Plan, zone: ZoneInfo) -> Imported:
    rows: list[Observation] = []
    rejects: list[Reject] = []
    entities: dict[str, str] = {}
    for n, line in enumerate(chunk.lines):
        name = chunk.columns[mapping.entity][n].strip()
        if not name or any(letter in name for letter in " <>\"'{}|\\^`"):
            rejects.append(Reject(line, f"{name!r} cannot be part of an id", mapping.entity))
            continue
        try:
            at = _at(chunk.columns[mapping.time][n], mapping.format, zone)
        except ValueError as error:
            rejects.append(Reject(line, str(error), mapping.time))
            continue
        entity = entities.setdefault(name, urn(mapping.type, name))
        for column, target in mapping.columns.items():
            text = chunk.columns[column][n].strip()
            if text in mapping.missing:
                continue
            try:
                rows.append(Observation(entity, target.attribute, at, _number(text), target.unit))
            except ValueError:
                rejects.append(Reject(line, f"{text!r} is not a number", column))
    made = [Command("entity.create", id, {"type": mapping.type, "name": name}) for name, id in entities.items()]
    return Imported(observations(rows), made, rejects)


def _number(text: str) -> float:
    value = float(text)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def _at(text: str, form: str | None, zone: ZoneInfo) -> int:
    when = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
    return instant(when if when.tzinfo else when.replace(tzinfo=zone))
