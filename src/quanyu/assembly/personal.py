"""Reading personal data: only for a stated purpose, and never without a record that the person can see."""

from __future__ import annotations

from typing import Any

from quanyu.assembly.core import PERSON_KEY, PERSONAL
from quanyu.assembly.hub import Hub
from quanyu.assembly.vault import unseal
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.view import EVERYTHING

PURPOSE_LETTERS_MIN = 4
CASE = "urn:ngsi-ld:Case:"


def read_personal(hub: Hub, reference: str, actor: str, purpose: str) -> dict[str, str]:
    """Return sealed fields after writing down who reads them and why; Missing when the person was erased."""
    if len(purpose.strip()) < PURPOSE_LETTERS_MIN:
        raise Invalid(
            "Reading personal data needs a purpose.",
            code="personal.purpose",
            where="purpose",
            remedy="Say in a few words what the data are needed for.",
        )
    row = hub.store.fetch_shared(PERSONAL, reference)  # type: ignore[attr-defined]
    key = hub.store.fetch_shared(PERSON_KEY, row[1]) if row else None  # type: ignore[attr-defined]
    if row is None or key is None:
        raise Missing(
            f"Personal data {reference} do not exist or were erased.", code="personal.gone", where="reference"
        )
    body = {"reference": reference, "purpose": purpose.strip()}
    hub.commit_blocking([Command("personal.read", row[1], body)], actor)
    return unseal(key[1], reference, row[2])


def person_of(hub: Hub, name: str) -> str:
    """Return whose data are meant: a person's id as it is, or whoever stands behind a case or a `personal:…` reference."""
    reference: str | None = name
    if name.startswith(CASE):
        case = hub.views.cases.find(name, EVERYTHING)
        reference = case.get("reporter") if case is not None else None
        if reference is None:
            raise Missing(
                f"Case {name} does not exist or names no reporter.",
                code="case.reporter",
                where="person",
                remedy="Look the case up; one reported without name and telephone holds nothing to erase.",
            )
    if reference is None or not reference.startswith("personal:"):
        return name
    row = hub.store.fetch_shared(PERSONAL, reference)  # type: ignore[attr-defined]
    if row is None:
        raise Missing(f"Personal data {reference} do not exist or were erased.", code="personal.gone", where="person")
    return str(row[1])


def readings(hub: Hub, person: str) -> list[dict[str, Any]]:
    """Return who read a person's data, when and why, oldest first."""
    found: list[dict[str, Any]] = []
    after = 0
    while records := hub.journal_read(after, 1_000, {"personal.read"}):
        found += [
            {
                "at": record.at,
                "actor": record.actor,
                "purpose": (record.body or {}).get("purpose", ""),
                **_fetched(record),
            }
            for record in records
            if record.subject == person
        ]
        after = records[-1].seq
    return found


def _fetched(record: Record) -> dict[str, Any]:
    """Return what a form fetched from registers: the form, the elements, and how the subject was proven."""
    body = record.body or {}
    return {name: body[name] for name in ("form", "elements", "proof") if name in body}
