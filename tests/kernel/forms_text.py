"""A small book of forms for tests: two registers, and the form of somebody who opens a noodle shop."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

from quanyu.kernel.form import Blank, Forms, Held, parse_forms

TODAY = date(2026, 3, 2)

ELEMENTS = """
[[element]]
id = "firm.name"
kind = "text"
zh = "企业名称"
en = "Name of the firm"

[[element]]
id = "firm.credit_code"
kind = "identifier"
check = "credit_code"
zh = "统一社会信用代码"
en = "Unified social credit code"

[[element]]
id = "person.id"
kind = "identifier"
check = "citizen_id"
personal = "sensitive"
zh = "公民身份号码"
en = "Citizen number"

[[element]]
id = "premises.area_m2"
kind = "number"
unit = "MTK"
least = 1
most = 100000
zh = "经营场所面积"
en = "Floor area of the premises"
plain = { zh = "店面有多大（平方米）？", en = "How big is the shop (square metres)?" }

[[element]]
id = "firm.health_certificate"
kind = "file"
personal = "personal"
zh = "从业人员健康证明"
en = "Health certificates of the staff"

[[register]]
id = "firms"
of = "firm"
owner = "market.supervision"
basis = "demonstration, no law named"
status = "simulated"
zh = "市场主体登记"
en = "Register of firms"
holds = ["firm.name", "firm.credit_code", "firm.health_certificate"]

[[register]]
id = "residents"
of = "person"
owner = "city.data"
basis = "demonstration, no law named"
status = "simulated"
zh = "人口基础信息"
en = "Register of residents"
holds = ["person.id"]
"""

SHOP = """
[[form]]
id = "open_shop"
zh = "开办餐饮店"
en = "Open a restaurant"
purpose = { zh = "办理食品经营许可", en = "Decide on a food licence" }
needs = ["firm.name", "firm.credit_code", "person.id"]

[[form.ask]]
element = "premises.area_m2"

[[form.ask]]
name = "sells"
kind = "choices"
zh = "经营哪些食品？"
en = "What will you sell?"
choices = [
    { word = "hot", zh = "热食", en = "Hot food" },
    { word = "raw", zh = "生食", en = "Raw food" },
    { word = "drinks", zh = "饮品", en = "Drinks" },
]

[[form.ask]]
name = "raw_room"
kind = "yes_no"
zh = "是否设有生食专间？"
en = "Is there a separate room for raw food?"
when = "sells_raw"

[[form.ask]]
name = "raw_room_m2"
kind = "number"
zh = "专间面积（平方米）"
en = "Floor area of that room (m²)"
when = "raw_room"

[[form.ask]]
name = "note"
kind = "text"
zh = "还有什么要说明？"
en = "Anything else?"
required = false
length_max = 200

[[form.ask]]
name = "opens_on"
kind = "date"
zh = "计划开业日期"
en = "Planned opening day"

[[form.material]]
name = "health"
zh = "从业人员健康证明"
en = "Health certificates of the staff"
shared = "firm.health_certificate"
files_max = 3

[[form.eligible]]
when = "person_id_years >= 18"
zh = "申请人须年满十八周岁"
en = "The applicant is at least 18 years old"

[[form.compare]]
name = "small_shop"
when = "premises_area_m2 <= 50 and not sells_raw"
zh = "面积不超过 50 平方米且不制售生食"
en = "At most 50 m² and no raw food"
"""


def book(text: str = ELEMENTS + SHOP) -> Forms:
    return Forms([parse_forms(tomllib.loads(text), pack="services/items")])


def shop(text: str = ELEMENTS + SHOP) -> Blank:
    return book(text).get("open_shop")


ADULT = "11010119900307109X"
CHILD = "11010120100307109X"


def held(element: str, value: Any, register: str = "firms") -> Held:
    return Held(element, register, value, "2026-02-28", "yearly report", simulated=True)


FIRM = {
    each.element: each
    for each in (
        held("firm.name", "老王面馆"),
        held("firm.credit_code", "91350100M000100Y43"),
        held("person.id", ADULT, "residents"),
    )
}
