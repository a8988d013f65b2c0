"""Flows over HTTP: as documents, as drawings, and what a drawing would be here; a check keeps nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from quanyu.kernel.bpmn import BYTES_MAX, read, write
from quanyu.kernel.flow import flow_from_document, flow_hash
from tests.faces.city import Knock
from tests.kernel.bpmn_text import ROW, process

DRAWINGS = Path(__file__).parents[1] / "kernel" / "drawings"
XML = {"Content-Type": "application/xml"}


def test_a_flow_is_found_by_name_and_by_hash(standing: Knock) -> None:
    listed = {each["name"]: each for each in standing.json("GET", "/api/v1/flows", "duty")["items"]}
    one = standing.json("GET", "/api/v1/flows/inspect_source", "duty")
    assert one == listed["inspect_source"]
    assert standing.json("GET", f"/api/v1/flows/{one['hash']}", "duty") == one
    assert one["steps"][0]["name"] == "accept"
    assert standing.problem(404, "GET", "/api/v1/flows/nothing", "duty")["code"] == "flow.missing"
    assert standing.problem(404, "GET", f"/api/v1/flows/{'0' * 32}.bpmn", "duty")["code"] == "flow.missing"


def test_the_definition_that_a_case_pinned_stays(knock: Knock) -> None:
    knock.json("POST", "/api/v1/cases", "duty", json={"flow": "inspect_source", "text": "扬尘"})
    digest = knock.json("GET", "/api/v1/flows/inspect_source", "duty")["hash"]
    before = knock.json("GET", f"/api/v1/flows/{digest}", "duty")
    knock.hub.catalogue.flows = list
    assert knock.problem(404, "GET", "/api/v1/flows/inspect_source", "duty")["code"] == "flow.missing"
    after = knock.json("GET", f"/api/v1/flows/{digest}", "duty")
    assert flow_from_document(dict(after)) == flow_from_document(dict(before))
    assert read(knock("GET", f"/api/v1/flows/{digest}.bpmn", "duty").content) == flow_from_document(dict(after))


def test_every_flow_comes_as_a_drawing_and_goes_back(standing: Knock) -> None:
    for listed in standing.json("GET", "/api/v1/flows", "duty")["items"]:
        response = standing("GET", f"/api/v1/flows/{listed['name']}.bpmn", "duty")
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/xml"
        assert response.headers["content-disposition"] == f'attachment; filename="{listed["name"]}.bpmn"'
        assert read(response.content) == flow_from_document(dict(listed))
        assert standing("GET", f"/api/v1/flows/{listed['hash']}.bpmn", "duty").content == response.content
        found = standing.json("POST", "/api/v1/flows/check", "chief", content=response.content, headers=XML)
        assert found["ok"], found["faults"]
        assert found["hash"] == listed["hash"]
        assert found["picture"]


def test_a_plain_drawing_is_judged_and_nothing_is_kept(knock: Knock) -> None:
    before = knock.json("GET", "/api/v1/journal?limit=1000", "admin")["items"]
    content = (DRAWINGS / "pothole.bpmn").read_bytes()
    path = "/api/v1/flows/check"
    refused = knock.json("POST", path, "chief", content=content, headers=XML)
    assert not refused["ok"]
    assert refused["definition"] is None
    assert [each["code"] for each in refused["faults"]] == ["bpmn.overall"]
    asked = "overall=5%20working%20days&roles=%E9%81%93%E8%B7%AF%E5%85%BB%E6%8A%A4%3Dhandler&name=pothole&case=damage"
    taken = knock.json("POST", f"{path}?{asked}", "chief", content=content, headers=XML)
    assert taken["ok"]
    made = flow_from_document(taken["definition"])
    assert (made.name, made.case, made.get_step("activity_0repair").by) == ("pothole", "damage", "handler")
    assert flow_hash(made) == taken["hash"]
    assert {each["what"] for each in taken["assumed"]} == {"field", "outcome"}
    assert {each["element"] for each in taken["left_out"]} >= {"messageFlow", "textAnnotation"}
    assert knock.json("GET", "/api/v1/journal?limit=1000", "admin")["items"] == before
    assert "pothole" not in {each["name"] for each in knock.json("GET", "/api/v1/flows", "duty")["items"]}


def test_what_the_city_lacks_stands_against_a_drawing(standing: Knock) -> None:
    inside = """\
<extensionElements><quanyu:flow name="small" case="c" overall="parameter:nowhere" escalate="moon"/>
<quanyu:role name="lead" unit="mars"/></extensionElements>
""" + ROW.replace("<userTask", '<callActivity id="part" calledElement="nothing"/><userTask').replace(
        'targetRef="one"/>', 'targetRef="part"/><sequenceFlow id="c" sourceRef="part" targetRef="one"/>'
    ).replace('name="One"/>', 'name="One"><extensionElements><quanyu:step by="lead" en="One"/>'
              '<quanyu:outcome word="fixed"/></extensionElements></userTask>')  # fmt: skip
    found = standing.json("POST", "/api/v1/flows/check", "chief", content=process(inside), headers=XML)
    assert not found["ok"]
    assert found["definition"]["name"] == "small"
    assert [each["code"] for each in found["faults"]] == [
        "flow.call", "parameter.unknown", "case.unit_unknown", "case.unit_unknown",
    ]  # fmt: skip
    assert all(each["remedy"] and each["where"] for each in found["faults"])


def test_unsupported_elements_are_listed_whole(standing: Knock) -> None:
    content = process('<scriptTask id="one" name="Compute"/>\n<task id="two"/>')
    found = standing.json("POST", "/api/v1/flows/check", "chief", content=content, headers=XML)
    assert [(each["element"], each["id"], each["line"]) for each in found["unsupported"]] == [
        ("scriptTask", "one", 3), ("task", "two", 4),
    ]  # fmt: skip
    assert found["faults"][0]["code"] == "bpmn.unsupported"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bpmn.xml"),
        (b"not xml", 400, "bpmn.xml"),
        (b"<html/>", 400, "bpmn.not_bpmn"),
        (b"<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><x>&b;</x>", 400, "bpmn.doctype"),
        (b"<a>" * 100, 400, "bpmn.too_big"),
        (b" " * (BYTES_MAX + 1), 413, "http.too_large"),
    ],
)
def test_what_is_no_drawing_is_refused(standing: Knock, content: bytes, status: int, code: str) -> None:
    problem = standing.problem(status, "POST", "/api/v1/flows/check", "chief", content=content, headers=XML)
    assert problem["code"] == code
    assert problem["remedy"]


def test_a_role_without_a_lane_is_refused(standing: Knock) -> None:
    for roles in ("handler", "=handler", "lane="):
        path = f"/api/v1/flows/check?roles={roles.replace('=', '%3D')}"
        assert standing.problem(400, "POST", path, "chief", content=process(), headers=XML)["code"] == "bpmn.role"


def test_who_may_see_flows_and_who_may_try_a_drawing(standing: Knock) -> None:
    """Whoever works in the city sees how it works; rules and drawings are tried by those who look after them."""
    content = write(flow_from_document(standing.json("GET", "/api/v1/flows/answer", "duty")))
    for who, sees, tries in (
        ("duty", 200, 403), ("handler", 200, 403), ("chief", 200, 200), ("engineer", 200, 200), ("nobody", 403, 403),
    ):  # fmt: skip
        assert standing("GET", "/api/v1/flows", who).status_code == sees
        assert standing("GET", "/api/v1/flows/answer", who).status_code == sees
        assert standing("GET", "/api/v1/flows/answer.bpmn", who).status_code == sees
        assert standing("POST", "/api/v1/flows/check", who, content=content, headers=XML).status_code == tries, who
