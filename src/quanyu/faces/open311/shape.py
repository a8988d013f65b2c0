"""Cases in the words of GeoReport v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quanyu.kernel.declare import City
from quanyu.kernel.intake import Choice, Group, Intake
from quanyu.kernel.public import masked_text
from quanyu.kernel.time import format_instant

DESCRIPTION_MAX: Final = 2000
LANGUAGES: Final = ("zh", "en")
OTHER: Final = Choice("other", {"zh": "其他事项", "en": "Something else"})
"""What is none of the sub-classes, or is unsure."""

NOTES: Final[Mapping[str, tuple[str, str]]] = {
    "step": ("办理中:{step}", "In progress: {step}"),
    "suspended": ("已挂账,暂不能办结", "Held in the problem bank"),
    "merged": ("与事项 {number} 为同一件,随该事项办理", "The same matter as {number}, handled together"),
    "fixed": ("已解决", "Fixed"),
    "planned": ("已列入计划:{date}", "Planned for {date}"),
    "not_ours": ("不属本市职责:{who}", "Not ours: {who}"),
    "no_action": ("不予处理:{note}", "No action: {note}"),
    "granted": ("准予:{note}", "Granted: {note}"),
    "refused": ("不予许可:{note}", "Refused: {note}"),
    "lapsed": ("逾期未提交", "Not handed in in time"),
    "declined": ("谢绝", "Declined"),
    "corrected": ("已更正", "Corrected"),
    "withdrawn": ("申请人撤回", "Withdrawn by the applicant"),
}


def language_of(header: str | None) -> str:
    """Return the language that a program asks for; Chinese where it asks for none."""
    return "en" if (header or "").strip().lower().startswith("en") else "zh"


PRIVATE: Final = ("只有反映人凭编号和查询码在 /my 查看", "Only its reporter follows it, at /my with number and code")


def service(choice: Choice, group: Group | None, language: str) -> dict[str, Any]:
    """Return one service; one whose requests nobody else may read is a black box, and says where it is followed."""
    private = choice.way is not None and choice.way.private
    said = [choice.hint.get(language, ""), PRIVATE[LANGUAGES.index(language)] if private else ""]
    return {
        "service_code": choice.code,
        "service_name": choice.title[language],
        "description": (";" if language == "zh" else "; ").join(filter(None, said)),
        "metadata": False,
        "type": "blackbox" if private else "realtime",
        "keywords": ",".join(choice.title[each] for each in LANGUAGES),
        "group": group.title[language] if group else OTHER.title[language],
    }


def services(intake: Intake, language: str) -> list[dict[str, Any]]:
    """Return what may be reported, grouped by class, and the rest at the end."""
    found = [service(choice, group, language) for group in intake.groups for choice in group.choices]
    return [*found, service(OTHER, None, language)]


def service_request(case: Mapping[str, Any], intake: Intake, city: City, language: str) -> dict[str, Any]:
    """Return a case as a service request; nothing personal goes out, and nothing that only officers know."""
    choice = intake.find_choice(case["class"] or "") or OTHER
    place = case["place"] or {}
    closed = case["state"] == "closed"
    return {
        "service_request_id": case["number"],
        "status": "closed" if closed else "open",
        "status_notes": status_notes(case, language),
        "service_name": choice.title[language],
        "service_code": choice.code,
        "description": masked_text(case["text"], DESCRIPTION_MAX),
        "agency_responsible": _unit(case["lead_unit"] or case["unit"], city, language),
        "service_notice": None,
        "requested_datetime": _instant(case["opened_at"], city),
        "updated_datetime": _instant(case["updated_at"], city),
        "expected_datetime": None if closed else _instant(case["due_at"], city),
        "address": masked_text(place.get("address") or "", DESCRIPTION_MAX) or None,
        "address_id": None,
        "zipcode": None,
        "lat": place.get("lat"),
        "long": place.get("lon"),
        "media_url": None,
    }


def status_notes(case: Mapping[str, Any], language: str) -> str:
    """Return what stands behind the two statuses of the standard."""
    pick = LANGUAGES.index(language)
    if case["merged_into"]:
        return NOTES["merged"][pick].format(number=case["merged_into"].rpartition(":")[2])
    outcome = case["outcome"]
    if outcome is not None:
        words = {name: outcome.get(name) or "" for name in ("date", "who", "note")}
        said = NOTES[outcome["word"]][pick].format(**{name: masked_text(str(word)) for name, word in words.items()})
        return said.rstrip(":： ")
    if case["state"] == "suspended":
        return NOTES["suspended"][pick]
    step = case["step_title"]
    return NOTES["step"][pick].format(step=step[language]) if step else ""


def _unit(unit: str | None, city: City, language: str) -> str | None:
    return next((str(each["name"][language]) for each in city.units if each["id"] == unit), None)


def _instant(at: int | None, city: City) -> str | None:
    return None if at is None else format_instant(at, city.zone)
