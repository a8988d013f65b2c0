"""A rule as a sentence, in Chinese and English: when, for how long, where, and then what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from quanyu.kernel.declare import Rule
from quanyu.kernel.time import Limit

Words = dict[str, str]
Names = Mapping[str, Mapping[str, str]]
"""What names are called, by language: attributes, parameters (with their present value), flows, types."""

SEVERITIES: Final[Mapping[str, tuple[str, str]]] = {
    "info": ("提示", "information"),
    "yellow": ("黄色", "yellow"),
    "orange": ("橙色", "orange"),
    "red": ("红色", "red"),
}
_TOKEN: Final = re.compile(r"[A-Za-z_]\w*|>=|<=|==|!=|[*/-]")
_SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    ">=": ("≥", "≥"),
    "<=": ("≤", "≤"),
    "==": ("=", "="),
    "!=": ("≠", "≠"),
    "*": ("×", "×"),
    "/": ("÷", "÷"),
    "-": ("−", "−"),
    "and": ("且", "and"),
    "or": ("或", "or"),
    "not": ("非", "not"),
}


def condition_words(text: str, names: Names) -> Words:
    """Say a condition: names by what they are called, operators as people write them."""

    def said(language: str) -> str:
        place = 0 if language == "zh" else 1

        def word(found: re.Match[str]) -> str:
            token = found[0]
            if token in _SIGNS:
                return _SIGNS[token][place]
            return names.get(token, {}).get(language, token)

        return _TOKEN.sub(word, text)

    return {language: said(language) for language in ("zh", "en")}


def sentence(rule: Rule, condition: str, names: Names, type_words: Words, flow_words: Words) -> dict[str, Words]:
    """Return when, lasting, where, then, and the whole, each in both languages."""
    parts = {
        "when": _when(rule, condition, names),
        "lasting": _lasting(rule),
        "where": _where(rule, type_words),
        "then": _then(rule, flow_words),
    }
    zh, en = ({name: words[language] for name, words in parts.items() if words[language]} for language in ("zh", "en"))
    whole = {
        "zh": f"{zh['where']}:当{zh['when']}" + (f",{zh['lasting']}" if "lasting" in zh else "") + f",{zh['then']}。",
        "en": f"{en['where']}: when {en['when']}"
        + (f", {en['lasting']}" if "lasting" in en else "")
        + f", {en['then']}.",
    }
    return parts | {"whole": whole}


def _when(rule: Rule, condition: str, names: Names) -> Words:
    if rule.absent is not None:
        zh, en = rule.absent.words("zh"), rule.absent.words("en")
        return {"zh": f"已{zh}没有数据", "en": f"there is no data for {en}"}
    if rule.unchanged is not None:
        zh, en = rule.unchanged.words("zh"), rule.unchanged.words("en")
        return {"zh": f"数值{zh}没有变化", "en": f"the value has not moved for {en}"}
    words = condition_words(condition, names)
    if rule.baseline is not None:
        words = {
            "zh": f"{words['zh']},且偏离自身近期水平{rule.baseline:g}个稳健标准差以上",
            "en": f"{words['en']} and it strays more than {rule.baseline:g} robust deviations from its recent level",
        }
    return words


def _lasting(rule: Rule) -> Words:
    zh, en = [], []
    if rule.lasting is not None:
        zh.append(f"持续{_words(rule.lasting, 'zh')}")
        en.append(f"for {_words(rule.lasting, 'en')}")
    if rule.max_gap is not None:
        zh.append(f"间断超过{_words(rule.max_gap, 'zh')}重新计")
        en.append(f"begun anew after {_words(rule.max_gap, 'en')} without data")
    if rule.clears is not None:
        zh.append(f"越过限值的{rule.clears:.0%}才解除")
        en.append(f"standing until the value has passed {rule.clears:.0%} of the limit")
    return {"zh": ",".join(zh), "en": ", ".join(en)}


def _where(rule: Rule, type_words: Words) -> Words:
    zh, en = f"所有{type_words['zh']}", f"everywhere ({type_words['en']})"
    if rule.group_by is not None:
        zh, en = f"{zh}(按{rule.group_by}合并)", f"{en}, together by {rule.group_by}"
    return {"zh": zh, "en": en[0].upper() + en[1:]}


def _then(rule: Rule, flow_words: Words) -> Words:
    zh, en = SEVERITIES[rule.severity]
    return {"zh": f"按{zh}等级开启“{flow_words['zh']}”", "en": f"open “{flow_words['en']}” at {en}"}


def _words(limit: Limit, language: str) -> str:
    return limit.words("zh" if language == "zh" else "en")
