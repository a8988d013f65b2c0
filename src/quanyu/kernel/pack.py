"""Packs: what a folder of a measure declares, read from its text and modules into one value."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import signature
from types import MappingProxyType
from typing import Any, Final

import msgspec

from quanyu.kernel.bpmn import Drawn, Layout, read_folder
from quanyu.kernel.declare import Indicator, Recurrence, Rule, Simulation, Source
from quanyu.kernel.device import Message, message_faults
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Flow
from quanyu.kernel.form import Element, Form, Register, parse_forms
from quanyu.kernel.parameter import Parameter, Parameters, parse_parameters
from quanyu.kernel.sheet import read_sheet
from quanyu.kernel.traces import trace_in
from quanyu.kernel.unit import find_unit

TYPE_COLUMNS: Final = ("type", "attribute", "kind", "unit", "zh", "en", "description", "personal", "keep")
MODULES: Final = ("rules", "indicators", "flows", "decisions", "sources", "simulation")
"""The modules that a pack may have; each holds declared values."""
TEXTS: Final = ("pack.toml", "params.toml", "golden.toml", "types.csv", "roles.toml", "forms.toml", "views.toml",
                "strings.zh.toml", "strings.en.toml")  # fmt: skip

SAME: Final = frozenset({"class", "asset", "district", "grid", "address"})
"""What may make two reports the same problem in the same place."""

MEASURES: Final = (
    "commons", "economy", "space", "governance", "services", "green",
    "safety", "infrastructure", "data", "norms", "operations", "regions",
)  # fmt: skip
"""Folders of the guideline's measures, first to twelfth."""

SYSTEM: Final = re.compile(r"^(1[0-2]|[1-9])\.[1-9]$")
VITALS_MAX: Final = 12
TYPE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": ("", "text", "words", "number", "flag", "time", "geo", "relation"),
    "personal": ("none", "personal", "sensitive"),
    "keep": ("record", "telemetry"),
}
"""Words that the columns of types.csv may hold; kind is empty in the row of a type itself."""


class TypeRow(msgspec.Struct, frozen=True):
    """A row of types.csv; without an attribute it names the type itself."""

    type: str
    attribute: str
    kind: str
    unit: str
    zh: str
    en: str
    description: str
    personal: str
    keep: str


class LimitTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that a table's column holds limits: each row becomes the parameter `<parameter>_<key>`."""

    parameter: str
    table: str
    key: str
    column: str


class LeadTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that a table's column holds the unit that answers for a class; "district", or none, leaves it to the place."""

    table: str
    key: str
    column: str


class IntakeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that the public may report what a table lists: each row is a choice that opens a case of `flow`.

    `titles` is a table that names the groups; `group` are the columns that both tables know a group by. `other` takes
    what is none of the choices of any pack.
    """

    flow: str
    table: str
    titles: str
    group: tuple[str, ...]
    other: bool = False


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    measure: str
    systems: tuple[str, ...]
    owner: str
    title: Mapping[str, str]
    reads: tuple[str, ...] = ()
    limits: tuple[LimitTable, ...] = ()
    leads: tuple[LeadTable, ...] = ()
    intake: tuple[IntakeTable, ...] = ()
    drawn: tuple[Drawn, ...] = ()


class Pack(msgspec.Struct, frozen=True):
    """A pack as assembly hands it on. Tables are rows by file name; strings and views are as written."""

    id: str
    measure: str
    systems: tuple[str, ...]
    owner: str
    title: Mapping[str, str]
    doc: str
    reads: tuple[str, ...]
    types: tuple[TypeRow, ...]
    parameters: tuple[Parameter, ...]
    tables: Mapping[str, tuple[Mapping[str, str], ...]]
    roles: Mapping[str, Any]
    views: Mapping[str, Any]
    golden: Mapping[str, Any]
    strings: Mapping[str, Mapping[str, Any]]
    rules: tuple[Rule, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    flows: tuple[Flow, ...] = ()
    sources: tuple[Source, ...] = ()
    messages: tuple[Message, ...] = ()
    simulations: tuple[Simulation, ...] = ()
    limits: tuple[LimitTable, ...] = ()
    recurrences: tuple[Recurrence, ...] = ()
    elements: tuple[Element, ...] = ()
    registers: tuple[Register, ...] = ()
    forms: tuple[Form, ...] = ()
    leads: Mapping[str, str] = {}
    """Class of a matter to the unit that answers for it, as the pack's tables say."""
    intake: tuple[IntakeTable, ...] = ()
    pictures: Mapping[str, Layout] = {}
    """Flow to where its drawing places everything, for flows that came as drawings with a picture."""


def read_pack(
    id: str,
    texts: Mapping[str, str],
    tables: Mapping[str, str],
    modules: Sequence[Any],
    doc: str,
    drawings: Mapping[str, bytes] = MappingProxyType({}),
) -> Pack:
    """Return the pack of a folder: texts, tables, imported modules, drawings by file; an error names the file."""
    manifest = _manifest(id, texts)
    drawn = read_folder(id, drawings, manifest.drawn)
    read = {name: _table(text, f"{id}/tables/{name}.csv") for name, text in tables.items()}
    forms = parse_forms(_toml(texts, "forms.toml", id), pack=id)
    declared = [value for module in modules for value in vars(module).values()]
    rows = [
        *parse_parameters(_toml(texts, "params.toml", id), pack=id),
        *_limit_rows(manifest.limits, read, f"{id}/tables"),
    ]
    return Pack(
        id=id,
        measure=manifest.measure,
        systems=manifest.systems,
        owner=manifest.owner,
        title=manifest.title,
        doc=doc.strip(),
        reads=manifest.reads,
        types=tuple(_types(texts.get("types.csv", ""), f"{id}/types.csv")),
        parameters=tuple(rows),
        tables=read,
        roles=_toml(texts, "roles.toml", id),
        views=_toml(texts, "views.toml", id),
        golden=_toml(texts, "golden.toml", id),
        strings={language: _toml(texts, f"strings.{language}.toml", id) for language in ("zh", "en")},
        rules=_of(declared, Rule),
        indicators=_of(declared, Indicator),
        flows=(*_of(declared, Flow), *(each.flow for each in drawn)),
        sources=_of(declared, Source),
        messages=_of(declared, Message),
        simulations=_of(declared, Simulation),
        limits=manifest.limits,
        recurrences=_of(declared, Recurrence),
        elements=forms.elements,
        registers=forms.registers,
        forms=forms.forms,
        leads={row[each.key]: row.get(each.column, "") for each in manifest.leads for row in read.get(each.table, ())},
        intake=manifest.intake,
        pictures={each.flow.name: each.layout for each in drawn if each.layout is not None},
    )


def _of(declared: Iterable[Any], kind: type[Any]) -> tuple[Any, ...]:
    found: dict[int, Any] = {id(value): value for value in declared if isinstance(value, kind)}
    return tuple(found.values())


def _manifest(pack: str, texts: Mapping[str, str]) -> _Manifest:
    where = f"{pack}/pack.toml"
    try:
        manifest = msgspec.convert(_toml(texts, "pack.toml", pack), _Manifest)
    except msgspec.ValidationError as fault:
        raise Invalid(f"manifest of {pack} is wrong: {fault}", code="pack.manifest", where=where) from fault
    if manifest.id != pack or manifest.measure != pack.partition("/")[0]:
        raise Invalid(
            f"folder {pack} holds the manifest of {manifest.id}",
            code="pack.id",
            where=where,
            remedy=f'write id = "{pack}"',
        )
    if manifest.measure not in MEASURES or not all(SYSTEM.match(row) for row in manifest.systems or ("none",)):
        raise Invalid(
            f"pack {pack} serves no system of a measure",
            code="pack.system",
            where=where,
            remedy=f'write systems = ["4.1"], in a folder of {", ".join(MEASURES)}',
        )
    if not {"zh", "en"} <= manifest.title.keys():
        raise Invalid(f"pack {pack} has no title in zh and en", code="pack.title", where=where)
    return manifest


def _toml(texts: Mapping[str, str], name: str, pack: str) -> dict[str, Any]:
    try:
        return tomllib.loads(texts.get(name, ""))
    except tomllib.TOMLDecodeError as fault:
        raise Invalid(f"file cannot be read: {fault}", code="pack.toml", where=f"{pack}/{name}") from fault


def _types(text: str, file: str) -> Iterator[TypeRow]:
    if text:
        for line, row in read_sheet(text, file=file, columns=TYPE_COLUMNS, key=("type", "attribute")):
            _check_type(row, f"{file}, line {line}")
            yield TypeRow(**row)


def _check_type(row: Mapping[str, str], where: str) -> None:
    for column, words in TYPE_WORDS.items():
        if row[column] not in words:
            remedy = f"use one of {', '.join(word for word in words if word)}"
            raise Invalid(f"{column} {row[column]!r} is not known", code="pack.type_word", where=where, remedy=remedy)
    if bool(row["attribute"]) != bool(row["kind"]):
        raise Invalid(f"row of {row['type']} has an attribute without kind", code="pack.type_word", where=where)
    if row["unit"] and find_unit(row["unit"]) is None:
        raise Invalid(f"unit {row['unit']} is no common code", code="pack.unit", where=where)
    if not row["zh"] or not row["en"]:
        raise Invalid(f"row of {row['type']} has no title in zh and en", code="pack.title", where=where)


def _table(text: str, file: str) -> tuple[Mapping[str, str], ...]:
    return tuple(row for _, row in read_sheet(text, file=file, columns=(), more=True))


def _limit_rows(
    declared: Iterable[LimitTable], tables: Mapping[str, tuple[Mapping[str, str], ...]], pack: str
) -> Iterator[Parameter]:
    for limits in declared:
        rows = tables.get(limits.table, ())
        written = [_as_parameter(limits, row) for row in rows if row.get(limits.column)]
        yield from parse_parameters({"parameter": written}, pack=pack)


def _as_parameter(limits: LimitTable, row: Mapping[str, str]) -> dict[str, Any]:
    given = {"jurisdiction": row.get("jurisdiction") or "CN", "source": row["source"], "status": row["status"]}
    dates = {field: tomllib.loads(f"d = {row[field]}")["d"] for field in ("valid_from", "valid_to") if row.get(field)}
    words = {"zh": row["zh"], "en": row["en"]}
    return {"id": f"{limits.parameter}_{row[limits.key]}", "value": row[limits.column], **dates, **given, **words}


def with_city_table(pack: Pack, name: str, text: str, jurisdiction: str, file: str) -> Pack:
    """Return the pack with a city's rows in one of its tables: a row of a known key takes its place, others are added.

    Limits of such rows become parameters of that jurisdiction beside the pack's own. Invalid names the file.
    """
    known = pack.tables.get(name)
    if not known:
        raise Invalid(
            f"pack {pack.id} has no table {name}",
            code="city.table",
            where=file,
            remedy=f"its tables are {', '.join(sorted(pack.tables)) or 'none'}",
        )
    given = _table(text, file)
    if given and (missing := known[0].keys() - given[0].keys()):
        raise Invalid(
            f"table {name} of the city has no column {', '.join(sorted(missing))}", code="city.table", where=file
        )
    limits = tuple(each for each in pack.limits if each.table == name)
    columns = tuple(known[0])
    # What stands before the titles names a row, where no limit says which column does.
    keys = (limits[0].key,) if limits else columns[: columns.index("zh")] if "zh" in columns else columns[:1]
    named = {tuple(row[key] for key in keys) for row in given}
    rows = [row for row in known if tuple(row[key] for key in keys) not in named]
    placed = tuple({**row, "jurisdiction": row.get("jurisdiction") or jurisdiction} for row in given)
    written = (*pack.parameters, *_limit_rows(limits, {name: placed}, file))
    return msgspec.structs.replace(
        pack, tables={**pack.tables, name: (*rows, *given)}, parameters=tuple(Parameters(written))
    )


def lint(packs: Sequence[Pack]) -> list[str]:
    """Return what is wrong with packs that can be read: names used twice, flows that are nowhere, forbidden indicators."""
    faults: list[str] = []
    flows = {flow.name for pack in packs for flow in pack.flows}
    parameters = Parameters(row for pack in packs for row in pack.parameters)
    for kind in ("rules", "recurrences", "indicators", "flows", "sources", "messages"):
        owners: dict[str, str] = {}
        for pack in packs:
            for each in getattr(pack, kind):
                if each.name in owners:
                    faults.append(f"{pack.id}: {kind} {each.name} is declared by {owners[each.name]} too")
                owners[each.name] = pack.id
    for pack in packs:
        openers: list[Rule | Recurrence | Indicator] = [
            *pack.rules,
            *pack.recurrences,
            *(each for each in pack.indicators if each.opens),
        ]
        for opens, name in [(each.opens, each.name) for each in openers]:
            if opens not in flows:
                faults.append(f"{pack.id}: {name} opens the flow {opens!r}, which no pack declares")
        for flow in pack.flows:
            faults += [f"{pack.id}: flow {flow.name} refers to the parameter {name!r}, which no pack gives"
                       for name in flow.parameters if name not in parameters]  # fmt: skip
        faults += [f"{pack.id}: recurrence {each.name} names {name!r}, which no pack gives"
                   for each in pack.recurrences for name, known in _needs(each, flows, parameters) if not known]  # fmt: skip
        faults += [f"{pack.id}: indicator {name} is built on traces of work ({word})" for name, word in _traces(pack)]
        faults += _own_faults(pack)
    faults += _intake_faults(packs)
    vitals = [each.vital for pack in packs for each in pack.indicators if each.vital is not None]
    if len(vitals) > VITALS_MAX or len(set(vitals)) < len(vitals):
        faults.append(f"{len(vitals)} vital signs are declared: {VITALS_MAX} fit, each in a place of its own")
    return faults


def _needs(each: Recurrence, flows: set[str], parameters: Parameters) -> Iterator[tuple[str, bool]]:
    """Yield what a recurrence refers to, and whether it is there."""
    yield each.flow, each.flow in flows
    yield from ((name, name in parameters) for name in (each.count, each.days))
    yield from ((name, name in SAME) for name in each.by)


def _intake_faults(packs: Sequence[Pack]) -> Iterator[str]:
    """Yield what is wrong with what the public may report: a flow or table that is not the pack's, a code given twice."""
    owners: dict[str, str] = {}
    for pack in packs:
        for each in pack.intake:
            if each.flow not in {flow.name for flow in pack.flows}:
                yield f"{pack.id}: reports open the flow {each.flow!r}, which the pack does not declare"
            for table in (each.table, each.titles):
                if table not in pack.tables:
                    yield f"{pack.id}: reports are read from the table {table!r}, which the pack does not have"
            for code in dict.fromkeys(row.get("code", "") for row in pack.tables.get(each.table, ())):
                if code in owners:
                    yield f"{pack.id}: what may be reported has the code {code!r} in {owners[code]} too"
                owners[code] = pack.id


def _own_faults(pack: Pack) -> Iterator[str]:
    """Yield what is wrong inside one pack: words in one language only, unknown units, types that it does not read."""
    zh, en = (set(_flat(pack.strings[language])) for language in ("zh", "en"))
    yield from (f"{pack.id}: text {key} is given in one language only" for key in sorted(zh ^ en))
    types = {row.type for row in pack.types} | set(pack.reads)
    for rule in pack.rules:
        if rule.type not in types:
            yield f"{pack.id}: rule {rule.name} watches {rule.type}, which is in neither types.csv nor reads"
    for message in pack.messages:
        yield from (f"{pack.id}: message {message.name}: {fault}" for fault in message_faults(message))
    for each in pack.indicators:
        if find_unit(each.unit) is None:
            yield f"{pack.id}: indicator {each.name} has the unknown unit {each.unit!r}"


def _flat(table: Mapping[str, Any], stem: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{stem}{name}.")
        else:
            yield f"{stem}{name}"


def _traces(pack: Pack) -> Iterator[tuple[str, str]]:
    titles = [pack.strings[language].get("measure", {}) for language in ("zh", "en")]
    for each in pack.indicators:
        words = [each.name, *each.title.values(), *signature(each.formula).parameters]
        for measure in each.measures:
            named = (measure.name, measure.type, measure.where, measure.value, measure.attribute)
            words += [text for text in (*named, *(told.get(measure.name) for told in titles)) if text]
        if (word := trace_in(words)) is not None:
            yield each.name, word
