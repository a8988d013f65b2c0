"""Crews keep to simulated work: a case that a real person has taken up is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from quanyu.kernel.crew import Habits, act
from quanyu.kernel.declare import City, Tick
from quanyu.kernel.journal import Command
from quanyu.kernel.view import Page, Views
from tests.hubs import MORNING

CASE = {
    "id": "urn:ngsi-ld:Case:20260302-1", "version": 1, "state": "open", "step": "accept", "historical": False,
    "next": [{"action": "accept", "step": "accept", "by": "duty", "title": {"zh": "受理", "en": "Accept"},
              "who": [{"role": "duty", "unit": None}], "fields": [], "evidence": [], "outcomes": []}],
}  # fmt: skip
HABITS = Habits(flow="f", hours=lambda case: 0.001, lead=lambda case: "u", notes={"accept": ["收到"]})


class OneCase:
    """A cases view that holds one case."""

    def __init__(self, actors: list[str]) -> None:
        actions = [{"actor": actor, "action": "open" if n == 0 else "comment"} for n, actor in enumerate(actors)]
        self.case: Mapping[str, Any] = {**CASE, "actions": actions}

    def query(self, query: object, scope: object) -> Page:
        return Page([self.case])

    def find(self, id: str, scope: object) -> Mapping[str, Any]:
        return self.case


def done(actors: list[str]) -> list[Command]:
    views = cast(Views, SimpleNamespace(cases=OneCase(actors)))
    city = cast(City, SimpleNamespace(zone="Asia/Shanghai", units=()))
    chance = cast(Any, None)
    return list(
        act(Tick(1, 1, MORNING + 3_600_000_000, 600_000_000, city, chance, views), HABITS, provenance="simulated")
    )


@pytest.mark.parametrize(
    ("actors", "acts"),
    [
        (["engine:rules"], True),
        (["person:clerk"], True),
        (["engine:rules", "person:sim-duty-duty-1"], True),
        (["engine:rules", "citizen:20260302-1"], True),
        (["engine:rules", "person:duty"], False),
    ],
)
def test_crews_leave_a_case_that_a_person_has_taken_up(actors: list[str], acts: bool) -> None:
    assert bool(done(actors)) is acts
