"""What a city's people may apply for, as documents: stages of the two life cycles, bundles with their parts, single items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from quanyu.kernel.form import Blank, Forms
from quanyu.kernel.pack import Pack

LIVES: Final[Mapping[str, Mapping[str, str]]] = {
    "firm": {"zh": "企业", "en": "Firm"},
    "person": {"zh": "个人", "en": "Person"},
}
Row = Mapping[str, str]


def services_of(packs: Sequence[Pack], units: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return {stages, services}: every bundle and item of the packs' tables, those that nothing handles yet, too."""
    forms = Forms(packs)
    named = {str(unit["id"]): unit.get("name") or {"zh": unit["zh"], "en": unit["en"]} for unit in units}
    tables = [pack.tables for pack in packs]
    parts = [row for each in tables for row in each.get("parts", ()) if "bundle" in row]
    stages = [row for each in tables for row in each.get("stages", ()) if "life" in row]
    made = [
        *(_bundle(row, parts, named, forms) for each in tables for row in each.get("bundles", ())),
        *(_item(row, named, forms) for each in tables for row in each.get("items", ()) if "subject" in row),
    ]
    return {"lives": LIVES, "stages": [_stage(row) for row in stages], "services": made}


def _stage(row: Row) -> dict[str, Any]:
    return {
        "id": row["code"],
        "life": row["life"],
        "number": int(row["number"]),
        "title": _title(row),
        **_standing(row),
    }


def _bundle(row: Row, parts: Sequence[Row], units: Mapping[str, Any], forms: Forms) -> dict[str, Any]:
    own = [_part(each, units) for each in parts if each["bundle"] == row["code"]]
    return _service(row, "bundle", row["life"], forms) | {"parts": own}


def _item(row: Row, units: Mapping[str, Any], forms: Forms) -> dict[str, Any]:
    more = {"unit": {"id": row["unit"], "title": units.get(row["unit"])}, "limit": row["limit"] or None}
    return _service(row, "item", row["subject"], forms) | more | {"fee": row["fee"], "legal": row["legal"], "parts": []}


def _service(row: Row, kind: str, life: str, forms: Forms) -> dict[str, Any]:
    blank = forms.blanks.get(row["form"])
    return {
        "id": row["code"],
        "kind": kind,
        "title": _title(row),
        "what": {"zh": row["what_zh"], "en": row["what_en"]},
        "life": life,
        "stage": row["stage"],
        "flow": row["flow"] or None,
        "form": row["form"] or None,
        "fields": [] if blank is None else list(_fields(blank, forms)),
        **_standing(row),
    }


def _fields(blank: Blank, forms: Forms) -> Iterator[dict[str, Any]]:
    """Yield what a form needs: `held` by which register, or `asked`, or a `material` to share or bring."""
    for item in blank.items:
        registers = [forms.registers[id] for id in item.registers]
        yield {
            "name": item.name,
            "origin": item.origin,
            "title": {"zh": item.title.zh, "en": item.title.en},
            "required": item.required,
            "personal": item.personal,
            "held": [
                {"register": each.id, "title": {"zh": each.zh, "en": each.en}, "owner": each.owner}
                for each in registers
            ],
        }


def _part(row: Row, units: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["code"],
        "step": row["step"],
        "title": _title(row),
        "unit": {"id": row["unit"], "title": units.get(row["unit"])},
        "needed": {"zh": row["needed_zh"], "en": row["needed_en"]},
        "limit": row["limit"],
        **_standing(row),
    }


def _title(row: Row) -> dict[str, str]:
    return {"zh": row["zh"], "en": row["en"]}


def _standing(row: Row) -> dict[str, str]:
    return {"source": row["source"], "status": row["status"]}
