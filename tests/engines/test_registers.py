"""Registers: a department puts and corrects what its register holds; the journal never shows a value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.registers.engine import RegistersEngine
from quanyu.engines.registers.store import HELD, find_shelf
from quanyu.engines.registers.view import RegistersView
from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.journal import Command, Record
from tests.desk import MemoryDesk
from tests.kernel.forms_text import ADULT, book

FIRM = "firm:91350100M000100Y43"
WANG = "person:wang"
YEAR = "yearly report"


class Office(MemoryDesk):
    """A desk with words for what departments do."""

    def __init__(self) -> None:
        super().__init__(RegistersEngine(book()))
        self.view = RegistersView(self.state.get, self.opened)

    def opened(self, reference: str) -> dict[str, str] | None:
        return self.vault[reference][1] if reference in self.vault else None

    def put(self, values: dict[str, Any], subject: str = FIRM, register: str = "firms", **more: Any) -> list[Record]:
        body = {"register": register, "values": values, "as_of": "2026-02-28", "source": YEAR, **more}
        return self.run(Command("register.put", subject, body))

    def correct(self, values: dict[str, Any], **more: Any) -> list[Record]:
        body = {"register": "firms", "values": values, "as_of": "2026-01-01", "reason": "misprint", **more}
        return self.run(Command("register.correct", FIRM, body))


def test_what_is_put_is_held_with_its_day_and_source_and_no_record_shows_it() -> None:
    office = Office()
    [record] = office.put({"firm.name": "老王面馆", "firm.credit_code": "91350100m000100y43"})
    held = office.view.held(FIRM, ["firm.name", "firm.credit_code", "person.id"])
    assert held.keys() == {"firm.name", "firm.credit_code"}
    assert held["firm.credit_code"].value == "91350100M000100Y43"
    assert (held["firm.name"].register, held["firm.name"].as_of, held["firm.name"].source) == (
        "firms", "2026-02-28", YEAR,
    )  # fmt: skip
    assert "老王面馆" not in str(record)
    assert (record.body or {})["elements"] == ["firm.credit_code", "firm.name"]
    assert [line["element"] for line in office.view.shelf(FIRM)] == ["firm.credit_code", "firm.name"]


def test_a_later_put_takes_the_place_of_an_earlier_one_and_leaves_the_rest() -> None:
    office = Office()
    office.put({"firm.name": "老王面馆", "firm.credit_code": "91350100M000100Y43"})
    office.put({"firm.name": "新王面馆"}, as_of="2026-03-01")
    held = office.view.held(FIRM, ["firm.name", "firm.credit_code"])
    assert (held["firm.name"].value, held["firm.credit_code"].as_of) == ("新王面馆", "2026-02-28")
    with pytest.raises(Conflict) as older:
        office.put({"firm.name": "旧名"})
    assert older.value.code == "register.older"
    office.put({"firm.name": None}, as_of="2026-03-02")
    assert office.view.held(FIRM, ["firm.name"]) == {}


def test_a_correction_may_name_any_day_and_names_its_case() -> None:
    office = Office()
    office.put({"firm.name": "老王面馆"})
    [record] = office.correct({"firm.name": "老汪面馆"}, case="urn:ngsi-ld:Case:20260302-1")
    held = office.view.held(FIRM, ["firm.name"])["firm.name"]
    assert (held.value, held.as_of, held.source) == ("老汪面馆", "2026-01-01", "misprint")
    assert record.kind == "register.corrected"
    assert (record.body or {})["case"] == "urn:ngsi-ld:Case:20260302-1"


def test_of_two_registers_the_newest_value_counts_and_what_was_erased_is_not_held() -> None:
    office = Office()
    office.put({"person.id": ADULT}, WANG, "residents")
    assert office.view.held(WANG, ["person.id"])["person.id"].value == ADULT
    office.vault.clear()
    assert office.view.held(WANG, ["person.id"]) == {}
    assert office.view.shelf(WANG) != []


def test_what_is_forgotten_leaves_no_row_but_what_came_after_stays() -> None:
    office = Office()
    [first] = office.put({"person.id": ADULT}, WANG, "residents")
    assert office.run(Command("register.forget", WANG, {"before": first.seq})) == []
    [forgotten] = office.run(Command("register.forget", WANG, {"before": first.seq + 1}))
    assert forgotten.kind == "register.forgotten"
    assert office.state.get(HELD, WANG) is None
    assert office.run(Command("register.forget", WANG, {"before": 99})) == []


@pytest.mark.parametrize(
    ("more", "code", "where"),
    [
        ({"values": {}}, "register.empty", "values"),
        ({"values": {"firm.name": " "}}, "register.empty", "values"),
        ({"values": {"person.id": ADULT}}, "register.element", "values.person.id"),
        ({"values": {"firm.credit_code": "91350100M000100Y44"}}, "register.value", "values.firm.credit_code"),
        ({"subject": WANG}, "register.subject", "subject"),
        ({"subject": "firm:1"}, "identifier.credit_code", None),
        ({"subject": f"person:{ADULT}", "register": "residents"}, "register.person", "subject"),
        ({"subject": "person:王", "register": "residents"}, "register.person", "subject"),
        ({"as_of": "yesterday"}, "register.day", "as_of"),
        ({"colour": "red"}, "register.body", "body"),
        ({"source": ""}, "register.body", "body"),
    ],
)
def test_what_cannot_be_held_is_refused_and_changes_nothing(more: dict[str, Any], code: str, where: str) -> None:
    office = Office()
    with pytest.raises(Invalid) as refused:
        office.put(**{"values": {"firm.name": "老王面馆"}, **more})
    assert (refused.value.code, refused.value.where) == (code, where)
    assert ADULT not in refused.value.message
    assert find_shelf(office.state, FIRM) == {}


def test_an_unknown_register_says_which_there_are() -> None:
    with pytest.raises(Missing) as refused:
        Office().put({"firm.name": "x"}, register="boats")
    assert refused.value.code == "register.unknown"


DAYS = st.integers(1, 28).map(lambda day: f"2026-02-{day:02}")
PUTS = st.lists(st.tuples(DAYS, st.sampled_from(["firm.name", "firm.credit_code"]), st.booleans()), max_size=12)


@given(PUTS)
def test_the_newest_day_wins_whatever_the_order(puts: list[tuple[str, str, bool]]) -> None:
    office = Office()
    newest: dict[str, str] = {}
    for day, element, corrects in puts:
        values = {element: "91350100M000100Y43"}
        if corrects:
            office.correct(values, as_of=day)
        elif day >= newest.get(element, ""):
            office.put(values, as_of=day)
        else:
            with pytest.raises(Conflict):
                office.put(values, as_of=day)
            continue
        newest[element] = day
    held = office.view.held(FIRM, ["firm.name", "firm.credit_code"])
    assert {id: each.as_of for id, each in held.items()} == newest
    assert office.replayed().rows == office.state.rows
