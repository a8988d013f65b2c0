"""The doors of incidents and of the mode: what a face refuses itself, and who is let in."""

from __future__ import annotations

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from tests.faces.city import Knock

PATH = "/api/v1/incidents"


def test_what_is_not_there_is_said(standing: Knock) -> None:
    assert standing.problem(404, "GET", f"{PATH}/urn:ngsi-ld:Case:20260101-1", "chief")["code"] == "incident.missing"
    sent = {"kind": "ghost", "text": "x"}
    assert standing.problem(400, "POST", PATH, "chief", json=sent)["code"] == "incident.kind_unknown"
    assert standing.problem(400, "GET", f"{PATH}/yearly?year=1", "chief")["code"] == "incident.year"


def test_who_commands_is_let_in_and_nobody_else(standing: Knock) -> None:
    level = {"level": 3, "why": "x", "seen": 0}
    assert standing.problem(403, "POST", f"{PATH}/x/level", "handler", json=level)["code"] == "access.denied"
    assert standing.problem(403, "POST", "/api/v1/mode", "handler", json={"reason": "x", "hours": 1})["code"] == (
        "access.denied"
    )
    assert standing("GET", "/api/v1/mode", "handler").json()["mode"] == "normal"


def test_an_opening_gives_units_only_to_roles_that_the_flow_leaves_open(standing: Knock) -> None:
    body = {"flow": "inspect_source", "text": "x", "units": {"no_role": "ecology.enforcement"}}
    with pytest.raises(Invalid) as told:
        standing.hub.commit_blocking([Command("case.open", "", body)], "system:test")
    assert told.value.code == "case.role_fixed"
