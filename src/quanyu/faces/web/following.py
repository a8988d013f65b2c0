"""A matter as its reporter follows it: one line in time, units without names, and what the reporter may do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from quanyu.faces.web.language import Words
from quanyu.faces.web.port import CityHub, Matters
from quanyu.kernel.declare import City
from quanyu.kernel.flow import APPLICANT
from quanyu.kernel.journal import Instant
from quanyu.kernel.public import PUBLIC, is_public
from quanyu.kernel.view import Filter

RULE: Final = "rule"
SIGNED_IN: Final = ("citizen:person:", "citizen:firm:")
WITHDRAWN: Final = "报告人已撤回联系方式 · The reporter withdrew the contact data"
_JOINED: Final = re.compile(r"同一问题 (\d{8}-\d{1,7}) · Same matter as \1")

SHOWN_ACTIONS: Final = frozenset({
    "withdraw", "return", "dispute", "arbitrate", "suspend", "resume", "pause", "decide_extension", "reopen", "confirm", "merge",
    "split",
})  # fmt: skip
"""Actions of every flow that a reporter sees; steps are seen too, the rest is how offices work."""


class Event(msgspec.Struct, frozen=True):
    """One line: when, what, at which unit; `own` marks what the reporter did."""

    at: Instant
    title: str
    unit: str = ""
    note: str = ""
    own: bool = False


def note_of_joining(number: str) -> str:
    """Return the note by which a report says that it is about the same matter as another."""
    return f"同一问题 {number} · Same matter as {number}"


def plain_note(text: str) -> str:
    """Return a reporter's comment so that it can never be read as one of this face's own notes."""
    return f"{text}." if text == WITHDRAWN or _JOINED.fullmatch(text) else text


def joined_number(case: Mapping[str, Any]) -> str | None:
    """Return the number of the matter that this one was joined to: by an officer's merging, else by its reporter."""
    if case["merged_into"]:
        return str(case["merged_into"]).rpartition(":")[2]
    notes = (_JOINED.fullmatch(each["note"]) for each in _own(case, "comment"))
    return next((found[1] for found in notes if found), None)


def find_joined(cases: Matters, case: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the matter that this one was joined to, as far as anybody may see it."""
    number = joined_number(case)
    found = cases.find(f"urn:ngsi-ld:Case:{number}", PUBLIC) if number else None
    return found if found and is_public(found) else None


def contact_kept(case: Mapping[str, Any]) -> bool:
    """Tell whether the reporter's name or telephone is still held."""
    return case["reporter"] is not None and not any(each["note"] == WITHDRAWN for each in _own(case, "comment"))


def find_own(hub: CityHub, actor: str) -> dict[str, Any] | None:
    """Return the matter that an access code opened, with the actions that its reporter may take now."""
    number = actor.removeprefix("citizen:")
    return hub.views.cases.find(f"urn:ngsi-ld:Case:{number}", Filter(actor=actor))


def unit_name(city: City, unit: str | None, words: Words) -> str:
    """Return the name of a unit of the city profile; empty for none, so that no code is ever shown."""
    found = next((each for each in city.units if each["id"] == unit), None)
    return "" if found is None else words.pick(found.get("name", found))


def events_of(case: Mapping[str, Any], city: City, words: Words) -> list[Event]:
    """Return what happened, newest first."""
    return list(reversed(list(_events(case, city, words))))


def _events(case: Mapping[str, Any], city: City, words: Words) -> Iterator[Event]:
    reporter = f"citizen:{case['number']}"
    for entry in case["actions"]:
        own = entry["actor"] == reporter or entry["actor"].startswith(SIGNED_IN)
        unit = unit_name(city, (entry["person"] or {}).get("unit"), words)
        if own and entry["action"] == "comment":
            yield _comment(entry, words)
        elif entry["action"] == "open":
            said = "\n".join(each for each in ((case["place"] or {}).get("address"), case["text"]) if each)
            key = (
                "event.begun"
                if case.get("application")
                else "event.noticed"
                if case["channel"] == RULE
                else "event.open"
            )
            yield Event(entry["at"], words(key), note=said)
        elif entry["action"] in SHOWN_ACTIONS:
            yield Event(entry["at"], _said(entry, words), "" if own else unit, entry["note"] if own else "", own)
        elif entry["action"] == entry["step"]:
            key = "event.failed" if entry["fields"].get("passed") is False else "event.step"
            yield Event(entry["at"], words(key, step=words.pick(entry["title"])), unit)


def _said(entry: Mapping[str, Any], words: Words) -> str:
    """Return an action in a reporter's words: a pause with its ground, an answer by what was answered."""
    fields = entry["fields"]
    match entry["action"]:
        case "confirm":
            return words("event.confirm_yes" if fields.get("fixed") else "event.confirm_no")
        case "pause" if words.has(f"ground.{fields.get('ground')}"):
            return words("event.pause_for", ground=words(f"ground.{fields['ground']}"))
        case "decide_extension":
            return words("event.extended" if fields.get("decision") == "granted" else "event.not_extended")
        case action:
            return words(f"event.{action}")


def _comment(entry: Mapping[str, Any], words: Words) -> Event:
    joined = _JOINED.fullmatch(entry["note"])
    if entry["note"] == WITHDRAWN:
        return Event(entry["at"], words("event.withdrawn"), own=True)
    if joined:
        return Event(entry["at"], words("event.joined", number=joined[1]), own=True)
    return Event(entry["at"], words("event.comment"), note=entry["note"], own=True)


def _own(case: Mapping[str, Any], action: str) -> Iterator[Mapping[str, Any]]:
    reporter = f"citizen:{case['number']}"
    return (each for each in case["actions"] if each["actor"] == reporter and each["action"] == action)


def asked_of(case: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the step and the yes or no by which an offer is taken or declined; None while nothing is asked.

    A step that asks for more than that is answered at a counter or by telephone.
    """
    for option in case["next"]:
        needed = [each for each in option["fields"] if each["required"]]
        if (
            option["by"] == APPLICANT
            and option["action"] == option["step"]
            and [each["kind"] for each in needed] == ["yes_no"]
        ):
            return {"step": str(option["step"]), "field": str(needed[0]["name"])}
    return None


def answer_until(case: Mapping[str, Any]) -> Instant | None:
    """Return by when the applicant has to move before the flow goes on without them."""
    ids = [each["id"] for each in case["tokens"] if each["role"] == APPLICANT]
    dues = [
        int(clock["due"])
        for clock in case["clocks"]
        if clock["due"] is not None
        and clock["stopped"] is None
        and any(clock["name"] == f"step.{id}" or clock["name"].startswith(f"bound.{id}.") for id in ids)
    ]
    return min(dues, default=None)


def status_of(case: Mapping[str, Any], words: Words) -> str:
    """Return in one phrase how a matter stands: the outcome's word, else the step it stands at."""
    if case["merged_into"]:
        return words("status.merged")
    if case["state"] == "closed" and case["outcome"]:
        return words.pick(case["outcome"]["title"])
    if case["state"] == "suspended":
        return words("status.suspended")
    if case["step_title"]:
        return words("status.step", step=words.pick(case["step_title"]))
    return words("status.open")


def promise_of(case: Mapping[str, Any], words: Words) -> str:
    """Return by when the matter is to be done, or why no day can be named."""
    if case["state"] == "closed":
        return words("promise.closed", day=words.day(case["closed_at"])) if case["closed_at"] else ""
    if case["clock"] == "paused" or case["state"] == "suspended":
        return words("promise.paused")
    if case["due_at"] is not None:
        key = "promise.late" if case["late"] or case["clock"] == "overdue" else "promise.due"
        return words(key, day=words.by(case["due_at"]))
    if case["latest_certain_day"]:
        return words("promise.unknown_until", day=case["latest_certain_day"])
    return words("promise.unknown")
