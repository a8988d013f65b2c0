"""Drawings as officials make them in other tools: what they become, what is assumed, and what is read past."""

from __future__ import annotations

from pathlib import Path

import pytest

from quanyu.kernel.bpmn import Given, read, read_drawing, read_limit, write
from quanyu.kernel.bpmn.layout import Box
from quanyu.kernel.bpmn.span import iso_text, limit_text, read_iso
from quanyu.kernel.bpmn.words import CORNERS, DIAGRAM
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import OF_MATTERS, Boundary, Call, Field, Flow, Parameter, Wait, parameter
from quanyu.kernel.time import calendar_days, calendar_months, hours, minutes, working_days
from tests.kernel.bpmn_text import ROW, process

FOLDER = Path(__file__).parent / "drawings"
LIMIT = Given(overall=working_days(5))


def drawn(name: str, given: Given = LIMIT) -> Flow:
    return read((FOLDER / f"{name}.bpmn").read_bytes(), given)


def test_lanes_become_roles_and_a_question_becomes_a_field() -> None:
    made = drawn("pothole")
    assert made.zh == "路面坑槽处置"
    assert [(each.name, each.kind, each.by, each.zh) for each in made.steps] == [
        ("activity_accept", "user", "clerk", "受理"),
        ("activity_0repair", "manual", "lane_road", "修补路面"),
        ("activity_1check", "user", "supervisor", "现场核查"),
        ("activity_9close", "user", "supervisor", "结案"),
    ], "in the order of the way, whatever the order of the file; desks by their title, other lanes by their id"
    assert made.roles == {"lane_road": ""}
    assert made.get_step("activity_1check").fields == (
        Field("grade", "choice", choices=("good", "fair", "other")),
        Field("level", "yes_no"),
    )
    assert [arrow.when for arrow in made.net.out("gateway_1ok")] == ["level and grade in ('good', 'fair')", None]
    assert made.get_step("activity_9close").outcome == OF_MATTERS
    assert not any(each.outcome for each in made.steps[:-1])


def test_what_was_assumed_and_what_was_read_past_is_said() -> None:
    drawing = read_drawing((FOLDER / "pothole.bpmn").read_bytes(), LIMIT)
    assert {(each.what, each.element) for each in drawing.assumed} == {
        ("name", "Process_Pothole"),
        ("case", "Process_Pothole"),
        ("role", "Lane_Road"),
        ("field", "Activity_1check"),
        ("outcome", "Activity_9close"),
    }
    assert {each.element for each in drawing.left_out} == {
        "messageFlow", "documentation", "textAnnotation", "association",
    }  # fmt: skip
    assert all(line > 1 for line in [each.line for each in drawing.assumed] + [each.line for each in drawing.left_out])


def test_the_importer_may_say_what_the_drawing_does_not() -> None:
    given = Given(name="pothole", case="damage", overall=parameter("road_limit"), roles={"道路养护": "handler"})
    made = drawn("pothole", given)
    assert (made.name, made.case, made.overall) == ("pothole", "damage", Parameter("road_limit"))
    assert made.get_step("activity_0repair").by == "handler"
    assert made.roles == {}


def test_a_picture_comes_back_as_it_was_drawn() -> None:
    drawing = read_drawing((FOLDER / "pothole.bpmn").read_bytes(), LIMIT)
    assert drawing.layout is not None
    assert drawing.layout.boxes["activity_0repair"] == Box(470, 250, 100, 80)
    again = read_drawing(write(drawing.flow, drawing.layout))
    assert again.flow == drawing.flow
    assert again.layout == drawing.layout
    assert drawing.layout.ways["flow-2"] == ((420, 150), (520, 150), (520, 250))


def test_a_picture_without_pool_and_lanes_is_kept_in_one_band() -> None:
    shown = {"s": (100, 200, 36, 36), "one": (200, 180, 100, 80), "e": (400, 200, 36, 36)}
    shapes = "".join(
        f'<d:BPMNShape bpmnElement="{id}"><c:Bounds x="{x}" y="{y}.4" width="{width}" height="{height}"/></d:BPMNShape>'
        for id, (x, y, width, height) in shown.items()
    )
    spaces = f'xmlns:d="{DIAGRAM}" xmlns:c="{CORNERS}"'
    drawing = read_drawing(
        process(more=f"<d:BPMNDiagram {spaces}><d:BPMNPlane>{shapes}</d:BPMNPlane></d:BPMNDiagram>"), LIMIT
    )
    assert drawing.layout is not None
    assert drawing.layout.boxes["one"] == Box(200, 180, 100, 80)
    again = read_drawing(write(drawing.flow, drawing.layout))
    assert again.layout is not None
    assert again.layout.boxes == drawing.layout.boxes
    assert again.layout.lanes.keys() == {"small"}
    assert len(again.layout.ways) == 2, "lines that nobody drew are drawn straight"


def test_timers_gateways_and_a_reminder_beside() -> None:
    made = drawn("permit")
    assert made.roles == {"occupy_the_pavement": ""}, "no lanes: the process is the role"
    visit = made.get_step("sid_04_visit")
    assert visit.boundary == (Boundary("sid_05_remind", calendar_days(7), "sid_06_remind_visitor", interrupting=False),)
    assert made.get_step("sid_08_opinion").kind == "receive"
    assert isinstance(wait := made.find_node("sid_10_objections"), Wait)
    assert wait.until == hours(72)
    assert made.get_step("sid_11_decide").outcome
    assert not made.get_step("sid_06_remind_visitor").outcome, "a reminder ends no case"


def test_amounts_calls_and_what_another_server_added() -> None:
    made = drawn("complaint")
    assert made.name == "complaint_handling"
    assert made.get_step("register_complaint").fields == (Field("amount", "number"),)
    assert made.get_step("step_tell").kind == "send", "tell is an action of every case, so the step gets another name"
    assert made.calls == (Call("inspection", "inspect_source", "现场检查", "现场检查"),)
    left_out = read_drawing((FOLDER / "complaint.bpmn").read_bytes(), LIMIT).left_out
    assert any("assignee" in each.element for each in left_out)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.bpmn")))
def test_a_drawing_of_another_tool_comes_back_from_ours(name: str) -> None:
    made = drawn(name)
    assert read(write(made)) == made


def test_names_are_made_of_ids_and_stay_apart() -> None:
    made = read(
        process("""\
<startEvent id="s"/>
<userTask id="Task.1" name=""/>
<userTask id="task_1"/>
<userTask id="2nd"/>
<userTask id="close"/>
<endEvent id="e"/>
<sequenceFlow id="a" sourceRef="s" targetRef="Task.1"/>
<sequenceFlow id="b" sourceRef="Task.1" targetRef="task_1"/>
<sequenceFlow id="c" sourceRef="task_1" targetRef="2nd"/>
<sequenceFlow id="d" sourceRef="2nd" targetRef="close"/>
<sequenceFlow id="f" sourceRef="close" targetRef="e"/>"""),
        LIMIT,
    )
    assert [each.name for each in made.steps] == ["task_1", "task_1_2", "step_2nd", "close"]
    assert made.get_step("close").title == {"zh": "结案", "en": "Close"}
    assert made.arrows == (), "a row needs no arrows"


def test_inner_lanes_count_and_lanes_may_be_called_in_english() -> None:
    lanes = """\
<laneSet id="l"><lane id="all" name="City"><flowNodeRef>one</flowNodeRef><childLaneSet id="m">
<lane id="desk" name="Duty officer"><flowNodeRef>one</flowNodeRef></lane>
</childLaneSet></lane></laneSet>
"""
    assert read(process(lanes + ROW), LIMIT).steps[0].by == "duty"


DURATIONS = {
    "P3D": calendar_days(3), "P2W": calendar_days(14), "P1W1D": calendar_days(8), "P1M": calendar_months(1),
    "P1Y": calendar_months(12), "P1Y6M": calendar_months(18), "PT4H": hours(4), "PT30M": minutes(30),
    "PT120M": minutes(120), "PT1H30M": minutes(90), "P1DT12H": hours(36), "P1DT30M": minutes(1470),
    "PT60S": minutes(1), "PT3600S": hours(1), "P0DT2H": hours(2),
}  # fmt: skip


@pytest.mark.parametrize("text", DURATIONS)
def test_durations(text: str) -> None:
    assert read_iso(text, "line 1") == DURATIONS[text]


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "3D", "P0D", "PT30S", "PT90S", "P1M1D", "P1MT1H", "P1.5D", "-P1D", "P1D ", "PT1H1D"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_iso(text, "line 1")
    assert caught.value.code == "bpmn.duration"


@pytest.mark.parametrize(
    "limit", [minutes(90), hours(24), calendar_days(3), calendar_months(2), working_days(5), Parameter("a_limit")]
)
def test_limits_are_written_so_that_nobody_misreads_them(limit: object) -> None:
    text = iso_text(limit)  # type: ignore[arg-type]
    assert read_limit(limit_text(limit), "line 1") == limit  # type: ignore[arg-type]
    if text is None:
        assert limit in (working_days(5), Parameter("a_limit")), "ISO 8601 has no words for these"
    else:
        assert read_iso(text, "line 1") == limit
