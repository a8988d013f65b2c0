"""A form of 100 fields compiled and rendered for one applicant: 30 held values, 60 questions, 10 documents."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

from starlette.requests import Request

from bench.measure import Result, result
from quanyu.assembly.applications import Draft, Reader
from quanyu.assembly.packs import load_city
from quanyu.assembly.signing import Seal
from quanyu.faces.web.do_open import Opened, show_check
from quanyu.faces.web.page import Pages, Visit
from quanyu.faces.web.sitting import Sitting
from quanyu.kernel.form import Blank, Compiled, Forms, Held, compile_form, parse_forms
from quanyu.kernel.view import EVERYTHING

NEEDS, QUESTIONS, MATERIALS = 30, 60, 10
GOAL_MS = 5.0
ROUNDS, RUNS = 9, 40
TODAY = date(2026, 3, 2)
KINDS = ("text", "number", "date", "yes_no", "choice", "choices")
CHOICES = [{"word": word, "zh": f"选项{word}", "en": f"Choice {word}"} for word in ("a", "b", "c", "d")]
ANSWERS: dict[str, Any] = {
    "text": "老王面馆",
    "number": "35.5",
    "date": "2026-05-01",
    "yes_no": "yes",
    "choice": "b",
    "choices": ["a", "c"],
}


def written() -> dict[str, Any]:
    """Return the forms.toml as it is read: every third question depends on the one before, and ten things are compared."""
    elements: list[dict[str, Any]] = [
        {"id": f"firm.fact_{n}", "kind": "text", "zh": f"登记事项{n}", "en": f"Fact {n}"} for n in range(NEEDS)
    ]
    register = {"id": "firms", "of": "firm", "owner": "a.unit", "basis": "bench", "status": "simulated", "zh": "登记",
                "en": "Register", "holds": [each["id"] for each in elements]}  # fmt: skip
    ask = [_question(n) for n in range(QUESTIONS)]
    material = [{"name": f"paper_{n}", "zh": f"材料{n}", "en": f"Paper {n}"} for n in range(MATERIALS)]
    conditions = [{"when": f"q_{n} > 10", "zh": f"条件{n}", "en": f"Condition {n}"} for n in range(1, QUESTIONS, 6)]
    form = {"id": "long", "zh": "长表", "en": "Long form", "purpose": {"zh": "测量", "en": "Measuring"},
            "needs": [each["id"] for each in elements], "ask": ask, "material": material, "eligible": conditions,
            "compare": [{**each, "name": f"fits_{n}"} for n, each in enumerate(conditions)]}  # fmt: skip
    return {"element": elements, "register": [register], "form": [form]}


def _question(number: int) -> dict[str, Any]:
    kind = KINDS[number % len(KINDS)]
    question: dict[str, Any] = {"name": f"q_{number}", "kind": kind, "zh": f"问题{number}", "en": f"Question {number}"}
    question["hint"] = {"zh": "请按证照填写。", "en": "As your licence says."}
    if kind in ("choice", "choices"):
        question["choices"] = CHOICES
    if number % 3 == 2:
        question["when"] = f"q_{number - 1} != 0 and today > '2026-01-01'"
    return question


def applicant() -> tuple[Blank, dict[str, Any], dict[str, Held]]:
    """Return the form, every answer to it, and what is held."""
    blank = Forms([parse_forms(written(), pack="services/bench")]).get("long")
    answers = {f"q_{n}": ANSWERS[KINDS[n % len(KINDS)]] for n in range(QUESTIONS)}
    answers |= {f"paper_{n}": f"{n:064x}" for n in range(MATERIALS)}
    held = {id: Held(id, "firms", "老王面馆", "2026-02-28", "yearly report") for id in blank.fetched}
    return blank, answers, held


def shower(blank: Blank) -> Callable[[Compiled], bytes]:
    """Return what renders the page on which all of a form is read over, by the pages of `/do` as they are served."""
    hub: Any = SimpleNamespace(
        city=load_city("beijing"), forms=Forms([parse_forms(written(), pack="services/bench")]), simulated=True, packs=(),
        machine=lambda: 1_772_409_600_000_000,
    )  # fmt: skip
    case: dict[str, Any] = {
        "id": "urn:ngsi-ld:Case:20260302-1", "title": {"zh": "长表", "en": "Long form"}, "tokens": (), "next": (),
        "actions": (), "merged_into": None, "state": "open", "outcome": None, "step_title": None, "begun": None, "version": 3,
    }  # fmt: skip
    scope = {"type": "http", "method": "GET", "path": "/do/case/20260302-1/check", "headers": [], "query_string": b"",
             "server": ("127.0.0.1", 8000), "scheme": "http"}  # fmt: skip
    pages = Pages(hub, Seal(b"0" * 32))
    reader, sitting = Reader("citizen:20260302-1", EVERYTHING), Sitting(passes={"20260302-1": "x" * 12})

    def show(compiled: Compiled) -> bytes:
        state: Any = None
        draft = Draft(case["id"], "fill", blank, state, compiled, True)
        visit = Visit(hub, pages._seal, pages._templates, Request(scope))
        return bytes(show_check(visit, Opened("20260302-1", case, reader, draft, sitting)).body)

    return show


def measured(work: Callable[[], object]) -> float:
    """Return the median CPU milliseconds of one run."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(RUNS):
            work()
        times.append((time.process_time() - start) / RUNS * 1_000)
    return statistics.median(times)


def filled_once() -> Iterator[Result]:
    """[forms.compile_ms]: a form of 100 fields, all answered, compiled and shown whole, with 30 values that are held."""
    blank, answers, held = applicant()
    show = shower(blank)
    made = compile_form(blank, answers, held, today=TODAY)
    page = show(made).decode()
    assert made.complete
    assert (len(made.pages), len(made.prefilled)) == (QUESTIONS + MATERIALS, NEEDS)
    assert page.count("<dt>") == NEEDS + QUESTIONS + MATERIALS
    alone = measured(lambda: compile_form(blank, answers, held, today=TODAY))
    both = measured(lambda: show(compile_form(blank, answers, held, today=TODAY)))
    detail = (
        f"{NEEDS} held, {QUESTIONS} questions (every third with a condition), {MATERIALS} documents, 10 conditions, "
        f"10 comparisons: {alone:.2f} ms to compile, the rest for the page of /do on which all is read over "
        f"({len(page) // 1024} KB)"
    )
    yield result("forms.compile_ms", both, "ms CPU", "lower", "none", detail, GOAL_MS)
