"""The service catalogue of a city or district (`quanyu import items FILE…`): every row becomes an entity, none is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.declare import Chunk, City, Imported, Reject, source
from quanyu.kernel.entity import urn
from quanyu.kernel.errors import Invalid
from quanyu.kernel.identifier import parse_credit_code
from quanyu.kernel.identifier.checks import organisation_check
from quanyu.kernel.journal import Command

COLUMNS: Final = ("department", "main_item", "item_name", "item_code", "area_code", "task_type", "department_code")
ATTRIBUTES: Final[Mapping[str, str]] = {
    "item_code": "itemCode",
    "department": "department",
    "department_code": "departmentCode",
    "area_code": "areaCode",
    "task_type": "taskType",
}
UNCLASSIFIED: Final = "未分类"
"""How the catalogue at hand marks an item without a main item."""

CODE_MAX: Final = 120
NAME_MAX: Final = 300
CODE: Final = re.compile(
    r"(?P<item>[0-9A-Z]{12,14})-(?P<area>\d{12})-(?P<street>\d{3})-(?P<body>[0-9A-Z]{9,18})-\d-\d\d"
)
"""The shape of most codes at hand: item, area, street, body, kind, sub-item. It is no rule: others are taken too."""


@source(columns=COLUMNS, zh="政务服务事项目录", en="Catalogue of service items")
def items(chunk: Chunk, city: City) -> Imported:
    """Columns department, main_item, item_name, item_code, area_code (12 digits), task_type, department_code.

    A row without name or code, or whose code stands on an earlier line, is refused. An odd code, a department code whose
    check character is wrong, and a name that its department lists twice are taken and told as doubts.
    """
    rows = [
        dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*(chunk.columns[name] for name in COLUMNS), strict=True)
    ]
    rejects: list[Reject] = []
    doubts: list[Reject] = []
    commands: list[Command] = []
    codes: dict[str, int] = {}
    names: dict[tuple[str, str], int] = {}
    for line, written in zip(chunk.lines, rows, strict=True):
        row = {name: cell.strip() for name, cell in written.items()}
        fault = _fault(row, codes)
        if fault is not None:
            rejects.append(Reject(line, f"{fault[0]}: {fault[1]}", fault[0]))
            continue
        codes[row["item_code"]] = line
        doubts += [Reject(line, f"{column}: {why}", column) for column, why in _doubts(row, names)]
        names.setdefault((row["department"], row["item_name"]), line)
        commands.append(_item(row))
    return Imported(commands=commands, rejects=rejects, doubts=doubts)


def _fault(row: Mapping[str, str], codes: Mapping[str, int]) -> tuple[str, str] | None:
    """Return the column and why a row cannot be taken."""
    for column, most in (("item_name", NAME_MAX), ("item_code", CODE_MAX), ("department", NAME_MAX)):
        if not row[column]:
            return column, "is empty"
        if len(row[column]) > most:
            return column, f"has {len(row[column])} characters; {most} fit"
    if row["item_code"] in codes:
        return "item_code", f"{row['item_code']} stands on line {codes[row['item_code']]} already"
    return None


def _doubts(row: Mapping[str, str], names: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, str]]:
    """Yield what is odd about a row that is taken all the same."""
    found = CODE.fullmatch(row["item_code"])
    if found is None:
        yield "item_code", f"{row['item_code']} is not item-area-street-body-kind-sub-item"
    elif row["area_code"] and found["area"] != row["area_code"]:
        yield "item_code", f"names the area {found['area']}, the row {row['area_code']}"
    first = names.get((row["department"], row["item_name"]))
    if first is not None:
        yield "item_name", f"the department lists it on line {first} already, under another code"
    why = _code_doubt(row["department_code"])
    if why is not None:
        yield "department_code", why


def _code_doubt(code: str) -> str | None:
    """Say what is odd about the code of a department; an organisation code has 9 characters, a credit code 18."""
    plain = code.replace("-", "")
    if len(plain) == 18:
        try:
            caveats = parse_credit_code(plain).caveats
        except Invalid as fault:
            return fault.message
        return caveats[0].message if caveats else None
    if len(plain) == 9 and plain[:8].isalnum() and plain.isascii() and plain == plain.upper():
        expected = organisation_check(plain[:8])
        return None if plain[8] == expected else f"check digit is {plain[8]!r} where GB 11714 gives {expected!r}"
    return f"{code[:40]!r} is neither an organisation code (9) nor a credit code (18)"


def _item(row: Mapping[str, str]) -> Command:
    id = urn("ServiceItem", re.sub(r"[^0-9A-Za-z_.-]", "_", row["item_code"]))
    values: dict[str, Any] = {to: row[column] for column, to in ATTRIBUTES.items()}
    values["mainItem"] = "" if row["main_item"] == UNCLASSIFIED else row["main_item"]
    values["name"] = {"zh": row["item_name"], "en": row["item_name"]}
    document: dict[str, Any] = {"id": id, "type": "ServiceItem"}
    document |= {name: {"type": "Property", "value": value} for name, value in values.items()}
    return Command("entity.create", id, document, provenance="reported:catalogue")
