"""Findings in the words of a duty officer, Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from quanyu.engines.rules.evaluate import Finding
from quanyu.engines.rules.store import Label
from quanyu.kernel.parameter import Pinned
from quanyu.kernel.unit import find_unit, symbol

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
_NAME: Final = re.compile(r"[A-Za-z_]\w*")

Titles = Mapping[str, Mapping[str, str]]
"""Titles of parameters by id and language."""


def why(finding: Finding, label: Label, titles: Titles) -> dict[str, str]:
    """Say in both languages what was seen, for how long, and by which limit."""
    return {"zh": _zh(finding, label, titles), "en": _en(finding, label, titles)}


def duration_words(length_us: int) -> dict[str, str]:
    """Say a length in its largest fitting unit: 90分钟, 2小时, 3天."""
    if length_us >= 2 * DAY_US and length_us % DAY_US < HOUR_US:
        count, zh, en = length_us // DAY_US, "天", "days"
    elif length_us >= HOUR_US and (length_us % HOUR_US < MINUTE_US or length_us >= 10 * HOUR_US):
        count, zh, en = length_us // HOUR_US, "小时", "hours"
    else:
        count, zh, en = length_us // MINUTE_US, "分钟", "minutes"
    return {"zh": f"{count}{zh}", "en": f"{count} {en if count != 1 else en[:-1]}"}


def _zh(finding: Finding, label: Label, titles: Titles) -> str:
    rule, lasted = finding.plan.rule, duration_words(finding.last - finding.start)["zh"]
    if rule.absent is not None:
        return f"{label.zh}已{lasted}没有数据" if finding.end is None else f"{label.zh}曾{lasted}没有数据"
    value = _amount(finding.value, label.unit, "zh")
    if rule.unchanged is not None:
        return f"{label.zh}{lasted}没有变化,一直是{value}"
    extreme = "最高" if finding.plan.upward else "最低"
    if rule.baseline is not None:
        return f"{label.zh}偏离自身近期水平{rule.baseline:g}个稳健标准差以上,{extreme}{value}"
    held = f"连续{lasted}" if _held(finding) else ""
    if finding.limit is None:
        return f"{label.zh}{held}满足条件“{rule.title['zh']}”,{extreme}{value}"
    side = "高于" if finding.plan.upward else "低于"
    derived = _derived(finding, titles, "zh")
    return f"{label.zh}{held}{side}{_amount(finding.limit, label.unit, 'zh')}{derived},{extreme}{value}"


def _en(finding: Finding, label: Label, titles: Titles) -> str:
    rule, lasted = finding.plan.rule, duration_words(finding.last - finding.start)["en"]
    if rule.absent is not None:
        return f"{label.en}: no data for {lasted}"
    value = _amount(finding.value, label.unit, "en")
    if rule.unchanged is not None:
        return f"{label.en} has not moved for {lasted}: always {value}"
    extreme = "highest" if finding.plan.upward else "lowest"
    if rule.baseline is not None:
        return (
            f"{label.en} strays more than {rule.baseline:g} robust deviations from its recent level; {extreme} {value}"
        )
    held = f" for {lasted}" if _held(finding) else ""
    if finding.limit is None:
        return f"{label.en} meets the condition “{rule.title['en']}”{held}; {extreme} {value}"
    side = "above" if finding.plan.upward else "below"
    derived = _derived(finding, titles, "en")
    return f"{label.en} {side} {_amount(finding.limit, label.unit, 'en')}{derived}{held}; {extreme} {value}"


def _held(finding: Finding) -> bool:
    return finding.last - finding.start >= MINUTE_US


def _derived(finding: Finding, titles: Titles, language: str) -> str:
    """Say how the limit came about, when parameters made it: (2 × 日限值 60); a bare parameter needs no number."""
    values = {pin.id: pin for pin in finding.pins}
    bare = finding.plan.limit_text in values
    if not any(name in values for name in _NAME.findall(finding.plan.limit_text)):
        return ""

    def named(found: re.Match[str]) -> str:
        pin = values.get(found[0])
        if pin is None:
            return found[0]
        title = titles.get(pin.id, {}).get(language, pin.id)
        return title if bare else f"{title} {pin.number():g}"

    text = _NAME.sub(named, finding.plan.limit_text).replace(" * ", " × ").replace(" / ", " ÷ ")
    return f"({text})" if language == "zh" else f" ({text})"


def _amount(value: float | None, unit: str | None, language: str) -> str:
    if value is None:
        return "?"
    sign = symbol(unit, "zh" if language == "zh" else "en") if unit and find_unit(unit) else unit or ""
    text = f"{value:.6g}"
    return text + sign if sign == "%" or not sign else f"{text} {sign}"


def parameters_of(pins: Iterable[Pinned]) -> list[dict[str, object]]:
    """Return what a case keeps of the parameters that a finding was judged by."""
    return [
        {"id": pin.id, "version": pin.version, "value": pin.value, "unit": pin.unit, "status": pin.status}
        for pin in pins
    ]
