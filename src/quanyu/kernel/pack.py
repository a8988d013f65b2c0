"""Packs: from the texts of a folder and its declared values to one frozen Pack.

Everything here is pure: whoever loads packs reads the files and imports the modules.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import ModuleType
from typing import Any, Final, TypeVar

import msgspec

from quanyu.kernel.declare import Indicator, Rule, Simulation, Source
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Flow
from quanyu.kernel.parameter import Parameters, parse_parameters
from quanyu.kernel.sheet import read_sheet
from quanyu.kernel.unit import find_unit

MEASURES: Final = (
    "commons", "economy", "space", "governance", "services", "green",
    "safety", "infrastructure", "data", "norms", "operations", "regions",
)  # fmt: skip
"""Folders of the guideline's measures, first to twelfth."""

LANGUAGES: Final = ("zh", "en")
NEEDED: Final = frozenset({"__init__.py", "pack.toml", "params.toml", "golden.toml"})
MODULES: Final = ("indicators", "rules", "flows", "decisions", "sources", "simulation")
OPTIONAL: Final = frozenset(
    {"types.csv", "roles.toml", "forms.toml", "views.toml", "strings.zh.toml", "strings.en.toml"}
    | {f"{name}.py" for name in MODULES}
)
FOLDERS: Final = ("tables/", "templates/", "flows/")

TYPE_COLUMNS: Final = ("type", "attribute", "kind", "unit", "zh", "en", "description", "personal", "keep")
KINDS: Final = ("text", "words", "number", "flag", "time", "geo", "relation")
PERSONAL: Final = ("none", "personal", "sensitive")
KEEP: Final = ("record", "telemetry")
SYSTEM: Final = re.compile(r"^(1[0-2]|[1-9])\.[1-9]$")

Words = Mapping[str, str]
Read = TypeVar("Read")


class Attribute(msgspec.Struct, frozen=True):
    """A row of types.csv; a row without attribute names the type itself."""

    type: str
    attribute: str
    kind: str
    unit: str
    title: Words
    description: str
    personal: str
    keep: str


class TableLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that each row of a table is a dated limit: parameter `<parameter>_<key>`."""

    parameter: str
    table: str
    key: str
    column: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What pack.toml says; `systems` are rows of the list of systems, `reads` types of other packs."""

    id: str
    measure: str
    systems: tuple[str, ...]
    owner: str
    title: dict[str, str]
    reads: tuple[str, ...] = ()
    limits: tuple[TableLimits, ...] = ()


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A map layer: a stop is (value from which it holds, label)."""

    id: str
    type: str
    attribute: str
    unit: str
    zh: str
    en: str
    stops: tuple[tuple[float, str], ...]
    icon: str
    source: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of indicators that is shown together."""

    id: str
    zh: str
    en: str
    indicators: tuple[str, ...]


class PackViews(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What views.toml says."""

    layer: tuple[Layer, ...] = ()
    card: tuple[Card, ...] = ()


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A loaded pack. `roles` is the parsed roles.toml; `golden` the cases of golden.toml."""

    id: str
    measure: str
    systems: tuple[str, ...]
    owner: str
    title: Words
    doc: str
    reads: tuple[str, ...]
    types: tuple[Attribute, ...]
    parameters: Parameters
    rules: tuple[Rule, ...]
    indicators: tuple[Indicator, ...]
    flows: tuple[Flow, ...]
    sources: tuple[Source, ...]
    simulations: tuple[Simulation, ...]
    roles: Mapping[str, Any]
    views: PackViews
    strings: Mapping[str, Words]
    tables: Mapping[str, tuple[Mapping[str, str], ...]]
    golden: tuple[Mapping[str, Any], ...]


def check_layout(folder: str, names: Iterable[str]) -> None:
    """Refuse a folder with a file that no pack has, or without one that every pack has; `names` are relative."""
    present = set(names)
    if missing := sorted(NEEDED - present):
        raise Invalid(f"Pack {folder} has no {missing[0]}.", code="pack.file_missing", where=folder)
    if not any(f"{name}.py" in present for name in MODULES):
        raise Invalid(
            f"Pack {folder} declares nothing.",
            code="pack.empty",
            where=folder,
            remedy=f"Add one of {', '.join(f'{name}.py' for name in MODULES)}.",
        )
    for name in sorted(present - NEEDED - OPTIONAL):
        if not name.startswith(FOLDERS):
            raise Invalid(
                f"Pack {folder} holds {name}, which has no place in a pack.",
                code="pack.file_unknown",
                where=f"{folder}/{name}",
                remedy=f"Files of a pack: {', '.join(sorted(NEEDED | OPTIONAL))}; folders: {', '.join(FOLDERS)}.",
            )


def parse_pack(folder: str, files: Mapping[str, str], modules: Iterable[ModuleType], doc: str = "") -> Pack:
    """Read a pack: `folder` is `<measure>/<pack>`, `files` its TOML and CSV texts by relative name."""
    manifest = parse_manifest(files.get("pack.toml", ""), folder)
    tables = {
        name.removeprefix("tables/").removesuffix(".csv"): parse_table(text, f"{folder}/{name}")
        for name, text in sorted(files.items())
        if name.startswith("tables/")
    }
    written = parse_parameters(_toml(files.get("params.toml", ""), f"{folder}/params.toml"), pack=folder)
    limits = [parse_parameters(_limits_document(each, tables, folder), pack=folder) for each in manifest.limits]
    declared = list(declared_in(modules))
    return Pack(
        id=manifest.id,
        measure=manifest.measure,
        systems=manifest.systems,
        owner=manifest.owner,
        title=manifest.title,
        doc=doc,
        reads=manifest.reads,
        types=parse_types(files["types.csv"], f"{folder}/types.csv") if "types.csv" in files else (),
        parameters=written.joined(*limits),
        rules=tuple(each for each in declared if isinstance(each, Rule)),
        indicators=tuple(each for each in declared if isinstance(each, Indicator)),
        flows=tuple(each for each in declared if isinstance(each, Flow)),
        sources=tuple(each for each in declared if isinstance(each, Source)),
        simulations=tuple(each for each in declared if isinstance(each, Simulation)),
        roles=_toml(files.get("roles.toml", ""), f"{folder}/roles.toml"),
        views=parse_views(files.get("views.toml", ""), f"{folder}/views.toml"),
        strings=_strings(files, folder),
        tables=tables,
        golden=parse_golden(files.get("golden.toml", ""), f"{folder}/golden.toml"),
    )


def declared_in(modules: Iterable[ModuleType]) -> Iterator[Rule | Indicator | Flow | Source | Simulation]:
    """Yield the declared values that stand in modules, each once, in the order written."""
    seen: set[int] = set()
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Rule | Indicator | Flow | Source | Simulation) and id(value) not in seen:
                seen.add(id(value))
                yield value


def parse_manifest(text: str, folder: str) -> Manifest:
    """Read pack.toml; Invalid when id and folder differ, or a system is no row of the list."""
    where = f"{folder}/pack.toml"
    manifest = _converted(_toml(text, where), Manifest, where)
    measure = folder.partition("/")[0]
    if manifest.id != folder or manifest.measure != measure or measure not in MEASURES:
        raise Invalid(
            f"Pack {folder} says that it is {manifest.id} of measure {manifest.measure}.",
            code="pack.identity",
            where=where,
            remedy=f'Write id = "{folder}" and measure = "{measure}", one of {", ".join(MEASURES)}.',
        )
    _check_words(manifest.title, f"{where}, title")
    for row in manifest.systems:
        if not SYSTEM.match(row):
            raise Invalid(f"Pack {folder} serves {row!r}, no row of the systems.", code="pack.system", where=where)
    if not manifest.systems:
        raise Invalid(f"Pack {folder} serves no system.", code="pack.system", where=where, remedy='systems = ["4.1"]')
    return manifest


def parse_types(text: str, file: str) -> tuple[Attribute, ...]:
    """Read types.csv; Invalid names line and column of a word that is not known."""
    rows = []
    for line, row in read_sheet(text, file=file, columns=TYPE_COLUMNS, key=("type", "attribute")):
        where = f"{file}, line {line}"
        for column, allowed in (("kind", ("", *KINDS)), ("personal", PERSONAL), ("keep", KEEP)):
            if row[column] not in allowed:
                raise Invalid(
                    f"Column {column} holds {row[column]!r}.",
                    code="pack.type_word",
                    where=where,
                    remedy=f"Use one of {', '.join(each for each in allowed if each)}.",
                )
        if bool(row["attribute"]) != bool(row["kind"]):
            raise Invalid(f"Row of {row['type']} has no kind.", code="pack.type_word", where=where)
        if row["unit"] and find_unit(row["unit"]) is None:
            raise Invalid(f"Unit {row['unit']} is no common code.", code="pack.unit", where=where)
        title = {"zh": row["zh"], "en": row["en"]}
        _check_words(title, where)
        parts = (row["type"], row["attribute"], row["kind"], row["unit"], title)
        rows.append(Attribute(*parts, row["description"], row["personal"], row["keep"]))
    return tuple(rows)


def parse_table(text: str, file: str) -> tuple[Mapping[str, str], ...]:
    """Read a table; every table says source and status of each row."""
    rows = tuple(row for _, row in read_sheet(text, file=file, columns=(), more=True))
    for row in rows[:1]:
        if not {"source", "status"} <= row.keys():
            raise Invalid(f"Table {file} has no columns source and status.", code="pack.table", where=file)
    return rows


def parse_views(text: str, file: str) -> PackViews:
    """Read views.toml."""
    return _converted(_toml(text, file), PackViews, file)


def parse_strings(text: str, file: str) -> dict[str, str]:
    """Read a strings file into dotted keys."""
    return dict(_flat(_toml(text, file), "", file))


def parse_golden(text: str, file: str) -> tuple[Mapping[str, Any], ...]:
    """Read golden.toml: cases with `kind` and `says`, what an official can check."""
    cases = _toml(text, file).get("case", [])
    for number, case in enumerate(cases, 1):
        if not isinstance(case, dict) or not {"kind", "says"} <= case.keys():
            raise Invalid(f"Golden case {number} has no kind and says.", code="pack.golden", where=file)
    return tuple(cases)


def _strings(files: Mapping[str, str], folder: str) -> dict[str, Words]:
    names = {language: f"strings.{language}.toml" for language in LANGUAGES}
    found = {language: parse_strings(files.get(name, ""), f"{folder}/{name}") for language, name in names.items()}
    for mine, other in (LANGUAGES, LANGUAGES[::-1]):
        if lacking := sorted(found[mine].keys() - found[other].keys()):
            raise Invalid(
                f"Text {lacking[0]} of pack {folder} is missing in {names[other]}.",
                code="pack.strings",
                where=f"{folder}/{names[other]}",
            )
    return dict(found)


def _limits_document(
    limits: TableLimits, tables: Mapping[str, tuple[Mapping[str, str], ...]], folder: str
) -> dict[str, Any]:
    """Return the rows of a table as parameters: `<parameter>_<key>` with the row's own date, source and status."""
    if limits.table not in tables:
        raise Invalid(f"Pack {folder} has no table {limits.table}.", code="pack.limits", where=f"{folder}/pack.toml")
    try:
        return {"parameter": [_limit_row(limits, row) for row in tables[limits.table]]}
    except (KeyError, ValueError) as fault:
        raise Invalid(
            f"Table {limits.table} of pack {folder} cannot give limits: {fault}.",
            code="pack.limits",
            where=f"{folder}/tables/{limits.table}.csv",
            remedy=f"Give it {limits.key}, {limits.column}, valid_from, zh, en, source and status.",
        ) from fault


def _limit_row(limits: TableLimits, row: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": f"{limits.parameter}_{row[limits.key]}",
        "value": row[limits.column],
        "valid_from": date.fromisoformat(row["valid_from"]),
        "jurisdiction": row.get("jurisdiction") or "CN",
    }
    if row.get("valid_to"):
        document["valid_to"] = date.fromisoformat(row["valid_to"])
    return document | {name: row[name] for name in ("source", "status", "zh", "en")}


def _flat(table: Mapping[str, Any], stem: str, file: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{stem}{name}.", file)
        elif isinstance(value, str):
            yield f"{stem}{name}", value
        else:
            raise Invalid(f"Text {stem}{name} is not a text.", code="pack.strings", where=file)


def _check_words(title: Mapping[str, str], where: str) -> None:
    for language in LANGUAGES:
        if not title.get(language, "").strip():
            raise Invalid(f"Title is not given in {language}.", code="pack.title", where=where)


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise Invalid(f"File cannot be read: {fault}.", code="pack.toml", where=where) from fault


def _converted(document: dict[str, Any], kind: type[Read], where: str) -> Read:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as fault:
        raise Invalid(f"File does not fit: {fault}.", code="pack.shape", where=where) from fault
