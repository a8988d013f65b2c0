"""Simulated people and firms who apply: whom registers know, what they answer, and when they give up.

Names, numbers and answers are made up; codes have right check characters and belong to nobody that we know of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from quanyu.kernel.crew import CREWS, person_name, photo_reference
from quanyu.kernel.declare import Tick
from quanyu.kernel.identifier import make_citizen_id, make_credit_code
from quanyu.kernel.journal import Command
from quanyu.kernel.noise import share
from quanyu.kernel.townsfolk import ROADS, arrivals, slots_of
from quanyu.kernel.view import CaseQuery

SUBJECTS: Final = 6
"""So many simulated firms, and as many persons, are in the demonstration registers."""

CLERK: Final = {"id": "person:sim-services.centre-clerk-1", "unit": "services.centre", "role": "clerk"}
STARTS: Final = (("citizen", 0.7), ("counter", 0.9), ("phone", 1.0))
PAGE: Final = 100
Answers = Callable[[int, int], Mapping[str, Any]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How often people apply under a flow, who they are (`firm` or `person`), and what they answer.

    `answers` takes the seed and the number of the application; a value "photo" stands for a document to bring.
    """

    flow: str
    zh: str
    en: str
    subject: str
    per_day: float
    answers: Answers
    gives_up: float = 0.08


def firm(seed: int, number: int) -> dict[str, Any]:
    """Return a simulated firm: {code, name, legal_person, road}."""
    code = str(make_credit_code("9", "1", "110101", f"MA{number % SUBJECTS:06d}"))
    road = ROADS[number % len(ROADS)]
    return {"code": code, "name": f"{road}示例商行{number % SUBJECTS + 1}(模拟)", "road": road,
            "legal_person": person_name(seed, f"legal/{number % SUBJECTS}")}  # fmt: skip


def person(seed: int, number: int) -> dict[str, Any]:
    """Return a simulated person: {id, name, citizen_id, road}."""
    place = number % SUBJECTS
    code = str(make_citizen_id("110101", date(1985 + place, 1 + place, 10 + place), 2 * place + 2))
    return {"id": f"sim-resident-{place + 1}", "name": person_name(seed, f"resident/{place}"), "citizen_id": code,
            "road": ROADS[place % len(ROADS)]}  # fmt: skip


def subject_of(seed: int, kind: str, number: int) -> str:
    """Return the subject of an application, as registers name it."""
    return f"firm:{firm(seed, number)['code']}" if kind == "firm" else f"person:{person(seed, number)['id']}"


def applications(tick: Tick, plans: Sequence[Plan], provenance: str) -> Iterator[Command]:
    """Yield the applications that are begun in this tick, and what is filled in, handed in or given up."""
    for plan in plans:
        for slot in slots_of(tick):
            for number in arrivals(tick.seed, f"apply/{plan.flow}", slot, plan.per_day, tick.city):
                yield _begun(tick.seed, plan, number, provenance)
        yield from _drafts(tick, plan, provenance)


def _begun(seed: int, plan: Plan, number: int, provenance: str) -> Command:
    point = share(seed, plan.flow, number, "channel")
    channel = next(word for word, upto in STARTS if point < upto)
    body = {
        "flow": plan.flow,
        "title": {"zh": f"{plan.zh}(模拟)", "en": f"{plan.en} (simulated)"},
        "severity": "info",
        "channel": channel,
        "subjects": [subject_of(seed, plan.subject, number)],
        "document": "模拟证件",
        "as": "live",
    }
    return Command("case.open", "", body, provenance=provenance)


def _drafts(tick: Tick, plan: Plan, provenance: str) -> Iterator[Command]:
    """Fill in what stands at its first page; some are given up, most are handed in within a day."""
    query = CaseQuery(list="all", state="open", flow=plan.flow, sort="oldest", limit=PAGE)
    for case in tick.views.cases.query(query, CREWS).items:
        if case.get("step") != "fill" or not case.get("simulated"):
            continue
        dice = share(tick.seed, "draft", case["id"], tick.number)
        if dice > 0.25:
            continue
        clerk = {"as_person": CLERK | {"name": person_name(tick.seed, "services.centre/clerk/0")}}
        if share(tick.seed, "give up", case["id"]) < plan.gives_up:
            yield Command("case.act", case["id"], {"action": "withdraw", "note": "申请人暂不办理(模拟)"} | clerk,
                          provenance=provenance)  # fmt: skip
            continue
        number = int(share(tick.seed, "answers", case["id"]) * 1_000_000)
        fields, files = dict(plan.answers(tick.seed, number)), []
        for name, value in fields.items():
            if value == "photo":
                files.append(photo_reference(number % 6))
                fields[name] = [files[-1]["sha256"]]
        save: dict[str, Any] = {"action": "save", "fields": fields} | ({"files": files} if files else {})
        yield Command("case.act", case["id"], save | clerk, provenance=provenance)
        yield Command("case.act", case["id"], {"action": "fill"} | clerk, provenance=provenance)
