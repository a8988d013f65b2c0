"""A form of 100 fields compiled for one applicant: 30 needs that a register holds, 60 questions, 10 documents."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

from bench.measure import Result, result
from quanyu.kernel.form import Blank, Compiled, Forms, Held, compile_form, parse_forms

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


def measured() -> tuple[float, Compiled]:
    """Return the median CPU milliseconds of one compile, and what came out."""
    blank, answers, held = applicant()
    made = compile_form(blank, answers, held, today=TODAY)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(RUNS):
            compile_form(blank, answers, held, today=TODAY)
        times.append((time.process_time() - start) / RUNS * 1_000)
    return statistics.median(times), made


def filled_once() -> Iterator[Result]:
    """[forms.compile_ms]: a form of 100 fields, all answered, for somebody of whom 30 are held."""
    value, made = measured()
    assert made.complete
    assert (len(made.pages), len(made.prefilled)) == (QUESTIONS + MATERIALS, NEEDS)
    detail = (
        f"{NEEDS} held, {QUESTIONS} questions (every third with a condition), {MATERIALS} documents, 10 conditions, "
        "10 comparisons; compiled only, not yet rendered"
    )
    yield result("forms.compile_ms", value, "ms CPU", "lower", "none", detail, GOAL_MS)
