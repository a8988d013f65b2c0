"""The straight way says what the long way says: the same records, rows and refusals, whoever does what in which order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from quanyu.assembly.opening import load_declared
from quanyu.engines.cases import acting, fold, opening
from quanyu.engines.cases.actions import available
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.option import Option
from quanyu.engines.cases.straight import straight_step
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.flow import Flow
from quanyu.kernel.journal import Command
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.view import Grant
from tests.engines.casework import (
    CALENDAR,
    HOUR,
    PHOTOS,
    UNITS,
    CaseDesk,
    inspect_source,
    limits,
    plain_flow,
    repair_flow,
)

WORDS = ("fixed", "planned", "no_action", "not_ours", None)


def both_ways(monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """Yield once as it is, once with everything going the long way."""
    yield True
    with monkeypatch.context() as patch:
        patch.setattr(acting, "straight_step", lambda *_: None)
        patch.setattr(fold, "straight_fold", lambda *_: None)
        patch.setattr(opening, "straight_start", lambda *_: None)
        yield False


def filled(option: Option, chance: random.Random) -> dict[str, Any]:
    """Return fields that an option may ask for; now and then one is missing."""
    known: dict[str, Any] = {"yes_no": chance.random() < 0.8, "number": 1.5, "date": "2026-06-01", "text": "说明",
                             "person": {"id": "person:x"}, "units": []}  # fmt: skip
    found: dict[str, Any] = {each.attribute: 3.0 for each in option.evidence if each.attribute}
    for field in option.fields:
        if field.name in ("note", "unit", "supports", "who", "into", "other") or chance.random() < 0.05:
            continue
        if field.name == "outcome":
            found |= {} if (word := chance.choice(WORDS)) is None else {"outcome": word}
        elif field.kind == "choice":
            found[field.name] = chance.choice(field.choices) if field.choices else "x"
        elif field.required or chance.random() < 0.5:
            found[field.name] = known.get(field.kind, "x")
    return found


def walked(flow: Flow, flows: list[Flow], parameters: Parameters, seed: int) -> list[Any]:
    """Return all that happens to two cases of a flow in the hands of three people who may do everything."""
    chance, held = random.Random(seed), dict[str, list[Grant]]()
    engine = CasesEngine(flows, parameters, CALENDAR, lambda actor: held.get(actor, []), UNITS | units_of(flows))
    desk, told = CaseDesk(engine), list[Any]()
    held["person:a"] = [Grant("clerk", "centre")]
    for _ in range(2):
        try:
            desk.open("person:a", flow=flow.name, severity=chance.choice(["yellow", "red"]))
        except QuanyuError as error:
            return [error.code]
    for _ in range(40):
        desk.at += chance.randrange(1, 30) * HOUR
        if chance.random() < 0.3:
            desk.wake()
        id = chance.choice([record.subject for record in desk.records if record.kind == "case.opened"])
        case = desk.state_of(id)
        offered = available(engine.office.pinned_flow(desk.state, case.flow_hash), case)
        options = [each for each in offered if each.action not in ("comment", "merge", "unlike")]
        if not options:
            continue
        steps = [each for each in options if each.action == each.step] or options
        option = chance.choice(steps if chance.random() < 0.8 else options)
        who = f"person:{chance.choice('abc')}"
        held[who] = [Grant(need.role, need.unit) for need in option.by] if chance.random() < 0.9 else [Grant("clerk")]
        body = {"action": option.action, "fields": filled(option, chance), "files": chance.choice([[], PHOTOS]),
                "note": chance.choice(["", "理由"])}  # fmt: skip
        try:
            desk.run(Command("case.act", id, body), who)
        except QuanyuError as error:
            told.append((error.code, error.where, error.remedy))
    return [*told, *desk.records, *sorted(desk.state.rows.items(), key=repr)]


def units_of(flows: list[Flow]) -> set[str]:
    return {unit for flow in flows for unit in (*flow.roles.values(), flow.escalate) if unit}


@pytest.mark.parametrize("seed", range(12))
def test_the_straight_way_is_the_long_way_made_short(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    flows = [inspect_source(), plain_flow(), repair_flow()]
    for flow in flows:
        straight, long = [walked(flow, flows, limits(), seed) for _ in both_ways(monkeypatch)]
        assert straight == long


def test_so_it_is_in_every_flow_that_a_pack_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = load_declared("beijing", simulated=True)
    flows = [flow for pack in declared.packs for flow in pack.flows]
    taken = list[bool]()

    def counted(*given: Any) -> Any:
        body = straight_step(*given)
        taken.append(body is not None)
        return body

    monkeypatch.setattr(acting, "straight_step", counted)
    for number, flow in enumerate(flows):
        for seed in (number, number + 1000):
            straight, long = [walked(flow, flows, declared.parameters, seed) for _ in both_ways(monkeypatch)]
            assert straight == long, flow.name
    assert sum(taken) > 100, "it is walked at all"
