"""Control flow against engines that are not ours: the score is printed at the end of a run and kept in the reference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.bpmn import Given
from quanyu.kernel.time import working_days

pytest.importorskip("SpiffWorkflow", reason="SpiffWorkflow, the oracle of control flow, is not installed")

from tests.engines.oracle import Verdict, compare_drawing, compare_seed  # after the skip

KEPT = Path(__file__).with_name("control_flow.json")
DRAWINGS = Path(__file__).parents[1] / "kernel" / "drawings"
FLOWS = 250


def score(verdicts: list[Verdict]) -> dict[str, int]:
    return {
        "flows": len(verdicts),
        "spiff": sum(each.spiff for each in verdicts),
        "game": sum(each.game for each in verdicts),
    }


def said(found: dict[str, int]) -> str:
    return (
        f"control flow: {found['spiff']} of {found['flows']} random flows agree with SpiffWorkflow, "
        f"{found['game']} of {found['flows']} with the token game of the standard"
    )


def test_the_score_on_random_flows(record_property: Callable[[str, object], None]) -> None:
    """Where SpiffWorkflow sees something else, the token game has to be on our side."""
    verdicts = [compare_seed(seed) for seed in range(FLOWS)]
    assert not [each.seen for each in verdicts if not each.game]
    found = score(verdicts)
    record_property("score", said(found))
    assert found == json.loads(KEPT.read_text(encoding="utf-8")), "write the new score into the file beside this test"


@given(st.integers(FLOWS, 1 << 40))
@settings(max_examples=30, deadline=None)
def test_the_case_engine_goes_where_tokens_go(seed: int) -> None:
    verdict = compare_seed(seed)
    assert verdict.game, verdict.seen


@pytest.mark.parametrize(("name", "process"), [("pothole", "Process_Pothole"), ("event", "Public_Event")])
def test_drawings_of_other_tools_are_walked_alike(name: str, process: str) -> None:
    content = (DRAWINGS / f"{name}.bpmn").read_bytes()
    for seed in range(20):
        verdict = compare_drawing(content, process, Given(overall=working_days(5)), seed)
        assert verdict.game, verdict.seen
        assert verdict.spiff, verdict.seen


@pytest.mark.soak
def test_thousands_of_flows() -> None:
    verdicts = [compare_seed(seed) for seed in range(5_000)]
    print(said(score(verdicts)))
    assert not [each.seen for each in verdicts if not each.game]
