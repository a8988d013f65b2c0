"""What a change changes: field by field, and as sentences in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import parse_limit

Words = dict[str, str]
Say = Callable[[str], Words]
"""Says a condition in both languages."""

FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "when": ("条件", "Condition"),
    "lasting": ("持续时间", "Must last"),
    "max_gap": ("允许间断", "Longest gap"),
    "clears": ("解除系数", "Clears at"),
    "absent": ("无数据时长", "Silence"),
    "unchanged": ("不变时长", "Unchanged for"),
    "baseline": ("偏离倍数", "Deviations"),
    "group_by": ("合并依据", "Grouped by"),
    "severity": ("等级", "Severity"),
    "opens": ("开启流程", "Opens"),
    "off": ("停用", "Switched off"),
    "title": ("名称", "Title"),
    "doc": ("说明", "Explanation"),
    "on": ("监测对象", "Watches"),
    "value": ("数值", "Value"),
    "unit": ("单位", "Unit"),
    "valid_from": ("生效日期", "In force from"),
    "valid_to": ("失效日期", "In force until"),
    "jurisdiction": ("适用区划", "Jurisdiction"),
    "source": ("依据", "Source"),
    "status": ("核实状态", "Status"),
    "applies": ("对进行中案件", "Running clocks"),
    "emergency": ("应急状态取值", "Value in an emergency"),
    "note": ("备注", "Note"),
    "zh": ("中文名称", "Title in Chinese"),
    "en": ("英文名称", "Title in English"),
    "overall": ("总时限", "Overall limit"),
    "amber": ("黄灯比例", "Amber share"),
    "red": ("红灯比例", "Red share"),
    "escalate": ("升级单位", "Escalates to"),
    "escalate_after": ("超期多久升级", "Escalates after"),
    "confirm": ("回访时限", "Reporter is asked for"),
    "roles": ("角色", "Roles"),
    "within": ("时限", "Limit"),
    "by": ("办理角色", "Done by"),
    "to": ("派往角色", "Dispatches to"),
    "may": ("可采取的动作", "May also"),
    "evidence": ("所需证据", "Evidence"),
    "outcome": ("办结结果", "Outcomes"),
    "fails": ("不通过退回", "Failed goes back to"),
    "unless": ("回避", "Not by the same person"),
    "fields": ("填写项", "Fields"),
    "order": ("步骤顺序", "Order of steps"),
    "arrows": ("走向", "Ways"),
    "nodes": ("网关与等待", "Gateways and waits"),
    "clocks": ("时钟", "Clocks"),
}
_WORDS: Final[Mapping[Any, tuple[str, str]]] = {
    None: ("无", "none"),
    True: ("是", "yes"),
    False: ("否", "no"),
    "info": ("提示", "information"),
    "yellow": ("黄色", "yellow"),
    "orange": ("橙色", "orange"),
    "red": ("红色", "red"),
    "start": ("沿用开始时的规定", "keep the law of their start"),
    "pending": ("一并适用", "take the new value"),
    "verified": ("已核实", "verified"),
    "unverified": ("未核实", "unverified"),
}
_CODED: Final = frozenset({"severity", "applies", "status"})


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any], say: Say) -> list[dict[str, Any]]:
    """Return what is different, each with `field`, `before`, `after`, `title` and `words` in both languages.

    Steps of a flow are matched by name; without a `before` everything is new and nothing is listed.
    """
    return [] if before is None else list(_differences(before, after, say))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], say: Say) -> Iterator[dict[str, Any]]:
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        if name == "steps":
            yield from _steps(old or [], new or [], say)
        elif old != new and name != "name":
            yield _difference(name, name, "", old, new, say)


def _steps(before: list[dict[str, Any]], after: list[dict[str, Any]], say: Say) -> Iterator[dict[str, Any]]:
    old, new = ({step["name"]: step for step in steps} for steps in (before, after))
    for name in dict.fromkeys((*old, *new)):
        title = (new.get(name) or old[name]).get("title", {"zh": name, "en": name})
        if name not in new:
            yield _moved(name, title, "gone", "取消步骤", "Step taken out")
        elif name not in old:
            yield _moved(name, title, "new", "新增步骤", "New step")
        else:
            for field in dict.fromkeys((*new[name], *old[name])):
                if old[name].get(field) != new[name].get(field):
                    values = old[name].get(field), new[name].get(field)
                    yield _difference(f"steps.{name}.{field}", field, title, *values, say)
    kept = [name for name in old if name in new]
    if kept != [name for name in new if name in old]:
        yield _difference("steps.order", "order", "", list(old), list(new), say)


def _moved(name: str, title: Words, word: str, zh: str, en: str) -> dict[str, Any]:
    return {
        "field": f"steps.{name}",
        "before": None if word == "new" else name,
        "after": None if word == "gone" else name,
        "title": {"zh": title["zh"], "en": title["en"]},
        "words": {"zh": f"{zh}“{title['zh']}”", "en": f"{en}: “{title['en']}”"},
    }


def _difference(path: str, field: str, of: Any, old: Any, new: Any, say: Say) -> dict[str, Any]:
    zh, en = FIELDS.get(field, (field, field))
    if of:
        zh, en = f"“{of['zh']}”的{zh}", f"{en} of “{of['en']}”"
    was, now = _said(field, old, say), _said(field, new, say)
    return {
        "field": path,
        "before": old,
        "after": new,
        "title": {"zh": zh, "en": en},
        "words": {"zh": f"{zh}:由{was['zh']}改为{now['zh']}", "en": f"{en}: from {was['en']} to {now['en']}"},
    }


def _said(field: str, value: Any, say: Say) -> Words:
    if field == "valid_from" and value is None:
        return {"zh": "发布之日", "en": "the day of its release"}
    if value is None or isinstance(value, bool) or (field in _CODED and value in _WORDS):
        zh, en = _WORDS[value]
        return {"zh": zh, "en": en}
    if field == "when":
        return say(value)
    if isinstance(value, dict) and set(value) == {"parameter"}:
        return {"zh": f"参数 {value['parameter']}", "en": f"parameter {value['parameter']}"}
    if isinstance(value, dict) and {"zh", "en"} <= value.keys():
        return {"zh": f"“{value['zh']}”", "en": f"“{value['en']}”"}
    if isinstance(value, str):
        try:
            limit = parse_limit(value)
        except Invalid:
            return {"zh": f"“{value}”", "en": f"“{value}”"}
        return {"zh": limit.words("zh"), "en": limit.words("en")}
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return {"zh": text, "en": text}
