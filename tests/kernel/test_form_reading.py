"""A forms.toml that cannot work is refused when it is read: with file, form, question and cure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.form import FIELDS_MAX, Forms, Register, parse_forms
from tests.kernel.forms_text import ELEMENTS, SHOP, book

ASK_NAME = '[[form.ask]]\nelement = "firm.name"\n'
NEEDS = 'needs = ["firm.name", "firm.credit_code", "person.id"]'
TWO = '[[form.ask]]\nname = "b"\nkind = "text"\nzh = "乙"\nen = "B"\nwhen = "{}"\n'


def refused(text: str) -> Invalid:
    with pytest.raises(Invalid) as found:
        book(text)
    return found.value


def mended(old: str, new: str) -> str:
    assert old in ELEMENTS + SHOP
    return (ELEMENTS + SHOP).replace(old, new, 1)


def test_a_question_for_what_a_register_holds_is_refused() -> None:
    fault = refused(mended('[[form.ask]]\nelement = "premises.area_m2"', ASK_NAME))
    assert fault.code == "form.held"
    assert fault.where == "services/items/forms.toml, form open_shop, question firm_name"
    assert "firms" in fault.message
    assert "market.supervision" in fault.message
    assert fault.remedy == 'Move it to needs: needs = ["firm.name"].'
    assert (fault.details["form"], fault.details["question"], fault.details["register"]) == (
        "open_shop", "firm_name", "firms",
    )  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [("还有什么要说明？", "企业名称"), ("Anything else?", "Name of the firm")])
def test_so_is_one_that_only_bears_the_label_of_what_is_held(old: str, new: str) -> None:
    fault = refused(mended(old, new))
    assert (fault.code, fault.details["question"]) == ("form.held", "note")


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        (NEEDS, 'needs = ["premises.area_m2"]', "form.not_held", "form open_shop"),
        (NEEDS, 'needs = ["firm.colour"]', "form.element_unknown", "form open_shop"),
        ('element = "premises.area_m2"', 'element = "premises.area"', "form.element_unknown", "question premises_area"),
        ('holds = ["person.id"]', 'holds = ["person.name"]', "form.element_unknown", "register residents"),
        ('when = "sells_raw"', 'when = "note == \'x\'"', "form.order", "question raw_room, when"),
        ('when = "sells_raw"', 'when = "raw_room"', "form.cycle", "raw_room, when"),
        ('when = "sells_raw"', 'when = "raw_room_m2 > 1"', "form.cycle", "raw_room"),
        ('when = "sells_raw"', 'when = "sells_fish"', "expression", "question raw_room, when, line 1, column 1"),
        ('when = "sells_raw"', 'when = "open()"', "expression", "question raw_room, when"),
        ('when = "person_id_years >= 18"', 'when = "age >= 18"', "expression", "eligible 1, when"),
        ('name = "raw_room_m2"', 'name = "raw_room"', "form.twice", "ask raw_room"),
        ('name = "note"', 'name = "sells_raw"', "form.twice", "ask sells_raw"),
        ('name = "note"', 'name = "today"', "form.twice", "ask today"),
        ('name = "note"', 'name = "Any note"', "form.name", "form open_shop"),
        ('name = "small_shop"', 'name = "note"', "form.name", "form open_shop"),
        ('id = "open_shop"', 'id = "Open shop"', "form.name", "form Open shop"),
        ('id = "firm.name"', 'id = "firm name"', "form.name", "element firm name"),
        ('id = "firm.name"', 'id = "firm.credit.code"', "form.name", "element firm.credit_code"),
        ('kind = "date"', 'kind = "choice"', "form.choices", "ask opens_on"),
        ('kind = "date"', 'kind = "day"', "form.file", "form open_shop, ask 6 (opens_on), kind"),
        ('kind = "date"\n', "", "form.kind", "question opens_on"),
        ('word = "raw"', 'word = "hot"', "form.choices", "ask sells"),
        ('zh = "生食"', 'zh = ""', "form.words", "ask sells"),
        ('en = "Planned opening day"', 'en = " "', "form.words", "ask opens_on"),
        ('en = "Open a restaurant"', 'en = ""', "form.words", "form open_shop"),
        ('basis = "demonstration, no law named"', 'basis = ""', "form.words", "register firms"),
        ('check = "credit_code"', 'check = "credit"', "form.check", "element firm.credit_code"),
        ('unit = "MTK"', 'unit = "square"', "form.unit", "element premises.area_m2"),
        ("least = 1\n", "least = 200000\n", "form.range", "element premises.area_m2"),
        ("length_max = 200", "length_max = 1000000", "form.length", "ask note"),
        ("files_max = 3", "files_max = 300", "form.material", "material health"),
        ('shared = "firm.health_certificate"', "upload = false", "form.material", "material health"),
        ('shared = "firm.health_certificate"', 'shared = "firm.x"', "form.element_unknown", "material health"),
        ('status = "simulated"', 'status = "true"', "status.unknown", "register firms, status"),
        ('of = "firm"', 'of = "dog"', "form.file", "register firms, of"),
        ("required = false", "needed = false", "form.file", "ask 5 (note)"),
        ('[[form]]\nid = "open_shop"', '[[from]]\n[[form]]\nid = "open_shop"', "form.file", "services/items/forms.toml"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_place(old: str, new: str, code: str, where: str) -> None:
    fault = refused(mended(old, new))
    assert (fault.code, where in str(fault.where)) == (code, True), (fault.code, fault.where, fault.message)
    assert str(fault.where).startswith("services/items/forms.toml")


def test_a_need_may_depend_on_an_answer_and_comes_after_it() -> None:
    text = mended(NEEDS, 'needs = ["firm.name", { element = "person.id", when = "sells_raw", required = false }]')
    text = text.replace("person_id_years >= 18", "firm_name != ''")
    names = [item.name for item in book(text).get("open_shop").items]
    assert names.index("person_id") > names.index("sells")
    early = text.replace('when = "raw_room"', 'when = "person_id_years > 18"')
    names = [item.name for item in book(early).get("open_shop").items]
    assert names.index("sells") < names.index("person_id") < names.index("raw_room_m2")
    late = early.replace('when = "sells_raw", required', "when = \"note == 'x'\", required")
    assert refused(late).code == "form.order"


def test_the_example_of_the_documentation_is_a_form() -> None:
    text = (Path(__file__).parents[2] / "docs/why/fill-once.md").read_text("utf-8")
    blank = book(text.partition("```toml")[2].partition("```")[0]).get("terrace")
    assert [item.name for item in blank.items] == ["firm_name", "tables", "heaters", "plan"]


def test_every_fault_is_told_at_once() -> None:
    text = mended("还有什么要说明？", "企业名称").replace('unit = "MTK"', 'unit = "square"')
    fault = refused(text)
    assert fault.message.endswith("(1 more)")
    assert len(fault.details["faults"]) == 2  # type: ignore[arg-type]


def test_a_form_of_a_million_fields_is_refused_before_it_is_built() -> None:
    row = {"id": "long", "ask": [{}] * 1_000_000}
    with pytest.raises(Invalid) as found:
        parse_forms({"form": [row]}, pack="services/items")
    assert found.value.code == "form.fields_many"
    assert str(FIELDS_MAX) in found.value.message


@pytest.mark.parametrize("table", [{"form": "x"}, {"form": ["x"]}, {"element": {"id": "x"}}])
def test_what_is_no_list_of_tables_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as found:
        parse_forms(table, pack="services/items")
    assert found.value.code == "form.file"


def test_elements_of_all_packs_are_one_and_two_that_disagree_are_refused() -> None:
    ours = parse_forms(tomllib.loads(ELEMENTS), pack="services/items")
    same = parse_forms(tomllib.loads(ELEMENTS.split("[[register]]")[0]), pack="services/onething")
    assert Forms([ours, same]).elements["firm.name"].pack == "services/items"
    other = parse_forms(tomllib.loads(ELEMENTS.split("[[register]]")[0].replace("企业名称", "名称")), pack="services/x")
    with pytest.raises(Invalid) as found:
        Forms([ours, other])
    assert (found.value.code, found.value.where) == ("form.element", "services/x/forms.toml, element firm.name")
    assert "zh" in found.value.message


def test_two_packs_cannot_declare_one_register() -> None:
    one, two = (parse_forms(tomllib.loads(ELEMENTS), pack=pack) for pack in ("services/items", "services/x"))
    with pytest.raises(Invalid) as found:
        Forms([one, two])
    assert found.value.code == "form.twice"


def test_a_city_names_its_own_owner_of_a_register() -> None:
    made = book()
    assert made.with_owners({"firms": "a.unit"}, "city").get_register("firms").owner == "a.unit"
    assert made.get_register("firms").owner == "market.supervision"
    assert isinstance(made.get_register("residents"), Register)
    with pytest.raises(Invalid) as found:
        made.with_owners({"boats": "a.unit"}, "city/profile.toml")
    assert (found.value.code, found.value.where) == ("city.register", "city/profile.toml")


def test_what_does_not_exist_says_what_does() -> None:
    for get, code in ((book().get, "form.unknown"), (book().get_register, "register.unknown")):
        with pytest.raises(Missing) as found:
            get("nothing")
        assert found.value.code == code
