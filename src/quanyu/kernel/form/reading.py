"""Reads the forms.toml of a pack: each fault names file, form and question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.form.words import FIELDS_MAX, Condition, Declared, Element, Form, Material, Need, Question, Register
from quanyu.kernel.status import parse_status

Part = TypeVar("Part", Element, Register, Form)

TABLES: Final = ("element", "register", "form")
_PLACE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`$")


def parse_forms(table: Mapping[str, Any], *, pack: str) -> Declared:
    """Return what a forms.toml declares; Invalid (`form.file`) says where in it something is wrong.

    Only shapes are judged here; `Forms` judges what the parts mean to each other, across all packs.
    """
    file = f"{pack}/forms.toml"
    for extra in sorted(set(table) - set(TABLES)):
        raise _fault(f"table {extra!r} is not known", file, f"write [[{']], [['.join(TABLES)}]] tables")
    rows = {name: table.get(name, []) for name in TABLES}
    for name, listed in rows.items():
        if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
            raise _fault(f"{name} is not a list of tables", file, f"write [[{name}]]")
    for number, row in enumerate(rows["form"], 1):
        _check_size(row, _named(file, "form", row, number))
    return Declared(
        elements=tuple(
            _read(row, Element, pack, _named(file, "element", row, n)) for n, row in _from_1(rows["element"])
        ),
        registers=tuple(_register(row, pack, _named(file, "register", row, n)) for n, row in _from_1(rows["register"])),
        forms=tuple(_read(row, Form, pack, _named(file, "form", row, n)) for n, row in _from_1(rows["form"])),
    )


def _from_1(rows: list[Any]) -> enumerate[Any]:
    return enumerate(rows, 1)


def _named(file: str, kind: str, row: Mapping[str, Any], number: int) -> str:
    return f"{file}, {kind} {str(row.get('id', number))[:80]}"


def _check_size(row: Mapping[str, Any], where: str) -> None:
    """Count before anything is built: a form of a million fields costs no more than its text."""
    count = sum(len(row[part]) for part in ("needs", "ask", "material") if isinstance(row.get(part), list))
    if count > FIELDS_MAX:
        raise Invalid(
            f"form has {count} fields; {FIELDS_MAX} fit",
            code="form.fields_many",
            where=where,
            remedy="Split it into the steps of a flow, or move what registers hold to needs.",
        )


def _register(row: Mapping[str, Any], pack: str, where: str) -> Register:
    parse_status(row.get("status"), where=f"{where}, status")
    return _read(row, Register, pack, where)


def _read(row: Mapping[str, Any], kind: type[Part], pack: str, where: str) -> Part:
    try:
        return msgspec.convert({**row, "pack": pack}, kind)
    except msgspec.ValidationError as fault:
        text = str(fault)
        place = _PLACE.search(text)
        at = _spoken(row, place["path"]) if place else ""
        why = _PLACE.sub("", text)
        raise _fault(
            why[0].lower() + why[1:], f"{where}{at}", _allowed(place["path"] if place else "", kind)
        ) from fault


def _spoken(row: Mapping[str, Any], path: str) -> str:
    """Say a place such as `.ask[3].kind` as `, ask 4 (seats), kind`."""
    said, at = "", row
    for part in re.findall(r"[^.\[\]]+|\[\d+\]", path):
        if part.startswith("["):
            number = int(part[1:-1])
            at = at[number] if isinstance(at, list) and number < len(at) else {}
            name = (
                next((at[key] for key in ("name", "element", "word") if key in at), "") if isinstance(at, dict) else ""
            )
            said += f" {number + 1}" + (f" ({str(name)[:80]})" if name else "")
        else:
            said += f", {part}"
            at = at.get(part, {}) if isinstance(at, dict) else {}
    return said


_PARTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "ask": Question, "material": Material, "eligible": Condition, "needs": Need,
}  # fmt: skip


def _allowed(path: str, kind: type[msgspec.Struct]) -> str:
    part = _PARTS.get(path.strip(".").partition("[")[0], kind)
    return f"fields are {', '.join(each.name for each in msgspec.structs.fields(part) if each.name != 'pack')}"


def _fault(why: str, where: str, remedy: str) -> Invalid:
    return Invalid(f"forms cannot be read: {why}", code="form.file", where=where, remedy=remedy)
