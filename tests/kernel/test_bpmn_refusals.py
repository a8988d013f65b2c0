"""Files that are no flow: every refusal says which element in which line, and a bomb goes off nowhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.bpmn import Given, read, read_drawing, write, xml
from quanyu.kernel.bpmn.scan import NODES_MAX
from quanyu.kernel.errors import Invalid, QuanyuError, Unsupported
from quanyu.kernel.time import working_days
from tests.kernel.bpmn_text import ROW, definitions, process
from tests.kernel.weaving import woven

LIMIT = Given(overall=working_days(5))
TIMER = "<timerEventDefinition><timeDuration>{}</timeDuration></timerEventDefinition>"
HEAD = '<extensionElements><quanyu:flow name="f" case="c" overall="5 working days" {}/></extensionElements>\n'


def refused(content: bytes, kind: type[QuanyuError] = Invalid) -> QuanyuError:
    with pytest.raises(kind) as caught:
        read(content, LIMIT)
    return caught.value


def step(inside: str) -> str:
    return ROW.replace('<userTask id="one" name="One"/>', f'<userTask id="one" name="One">{inside}</userTask>')


def fact(inside: str) -> str:
    return step(f"<extensionElements>{inside}</extensionElements>")


CASES: dict[str, tuple[bytes, str, str]] = {
    # what: (file, code, where)
    "not XML": (b"<definitions", "bpmn.xml", "line 1"),
    "nothing": (b"", "bpmn.xml", "line 1"),
    "an unknown prefix": (b"<bpmn:definitions/>", "bpmn.xml", "line 1"),
    "an encoding that is not one": (b'<?xml version="1.0" encoding="nonsense"?><a/>', "bpmn.xml", "line 1"),
    "GBK, which the parser does not know": (b'<?xml version="1.0" encoding="GBK"?><a/>', "bpmn.xml", "line 1"),
    "a document type": (b"<?xml version='1.0'?>\n<!DOCTYPE x SYSTEM 'file:///etc/passwd'>\n<x/>", "bpmn.doctype", "line 2"),
    "an entity": (b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n<x>&a;</x>", "bpmn.doctype", "line 1"),
    "an entity that nobody declared": (process(ROW.replace('"One"', '"&who;"')), "bpmn.xml", "line 4"),
    "another language": (b"<html/>", "bpmn.not_bpmn", "line 1"),
    "BPMN 1": (b'<definitions xmlns="http://schema.omg.org/spec/BPMN/1.1"/>', "bpmn.not_bpmn", "line 1"),
    "no process": (definitions(""), "bpmn.processes", "line 1"),
    "two that run": (definitions('<process id="p" isExecutable="true"/><process id="q" isExecutable="true"/>'),
                     "bpmn.processes", "line 2"),
    "no start": (process(ROW.replace('<startEvent id="s"/>', '<userTask id="s"/>')), "bpmn.start", "line 2"),
    "two starts": (process(ROW + '<startEvent id="s2"/>\n<sequenceFlow id="c" sourceRef="s2" targetRef="one"/>'),
                   "bpmn.start", "line 2"),
    "an id twice": (process(ROW.replace('id="b"', 'id="a"')), "bpmn.id_twice", "line 7"),
    "no id": (process(ROW + "<userTask/>"), "bpmn.id_missing", "line 8"),
    "an arrow to nowhere": (process(ROW.replace('targetRef="e"', 'targetRef="x"')), "bpmn.dangling", "line 7"),
    "a lane of nobody": (process('<laneSet id="l"><lane id="m"><flowNodeRef>x</flowNodeRef></lane></laneSet>\n' + ROW),
                         "bpmn.dangling", "line 3"),
    "a default that is not there": (process(ROW.replace('id="one"', 'id="one" default="x"')), "bpmn.dangling", "line 4"),
    "an outgoing that is not there": (process(step("<outgoing>x</outgoing>")), "bpmn.dangling", "line 4"),
    "a timer on nothing": (process(ROW + f'<boundaryEvent id="t">{TIMER.format("P1D")}</boundaryEvent>'),
                           "bpmn.dangling", "line 8"),
    "an arrow from an end": (process(ROW + '<sequenceFlow id="c" sourceRef="e" targetRef="one"/>'), "bpmn.arrow", "line 8"),
    "an arrow into the start": (process(ROW + '<sequenceFlow id="c" sourceRef="one" targetRef="s"/>'),
                                "bpmn.arrow", "line 8"),
    "a timer without an arrow": (
        process(ROW + f'<boundaryEvent id="t" attachedToRef="one">{TIMER.format("P1D")}</boundaryEvent>'),
        "bpmn.timer", "line 8"),
    "a timer that says nothing": (process(ROW + '<intermediateCatchEvent id="t"/>'), "bpmn.timer", "line 8"),
    "a timer with a date of the year": (
        process(ROW + '<intermediateCatchEvent id="t"><timerEventDefinition><timeDate>2026-10-01T00:00:00Z</timeDate>'
                "</timerEventDefinition></intermediateCatchEvent>"), "bpmn.timer", "line 8"),
    "a duration that is none": (
        process(ROW + f'<intermediateCatchEvent id="t">{TIMER.format("three days")}</intermediateCatchEvent>'),
        "bpmn.duration", "line 8"),
    "a call of nothing": (process(ROW + '<callActivity id="t"/>'), "bpmn.call", "line 8"),
    "a condition of another tool": (
        process(ROW.replace('targetRef="e"/>', 'targetRef="e"><conditionExpression>${ok}</conditionExpression>'
                            "</sequenceFlow>")), "expression", "line 7"),
    "a condition in another language": (
        process(ROW.replace('targetRef="e"/>', 'targetRef="e"><conditionExpression language="feel">ok'
                            "</conditionExpression></sequenceFlow>")), "bpmn.language", "line 7"),
    "a default with a condition": (
        process(ROW.replace('id="one"', 'id="one" default="b"').replace(
            'targetRef="e"/>', 'targetRef="e"><conditionExpression>ok</conditionExpression></sequenceFlow>')),
        "bpmn.default", "line 7"),
    "a fact that is not known": (process(fact('<quanyu:colour name="red"/>')), "bpmn.extension", "line 4"),
    "a word that is not known": (process(fact('<quanyu:step colour="red"/>')), "bpmn.extension", "line 4"),
    "a fact in the wrong place": (process(fact('<quanyu:role name="lead"/>')), "bpmn.extension", "line 4"),
    "a fact twice": (process(fact("<quanyu:step/><quanyu:step/>")), "bpmn.extension", "line 4"),
    "an outcome that is not known": (process(fact('<quanyu:outcome word="closed"/>')), "bpmn.extension", "line 4"),
    "no number": (process(fact('<quanyu:evidence kind="photo" count="two"/>')), "bpmn.extension", "line 4"),
    "no kind of field": (process(fact('<quanyu:field name="a" kind="colour"/>')), "bpmn.extension", "line 4"),
    "hangs on no value": (process(fact('<quanyu:field name="a" when="b"/>')), "bpmn.extension", "line 4"),
    "neither true nor false": (process(fact('<quanyu:field name="a" required="maybe"/>')), "bpmn.extension", "line 4"),
    "a field without a name": (process(fact("<quanyu:field/>")), "bpmn.extension", "line 4"),
    "something in a field": (process(fact('<quanyu:field name="a"><quanyu:option/></quanyu:field>')),
                             "bpmn.extension", "line 4"),
    "a result without a field": (process(fact("<quanyu:sets>1</quanyu:sets>")), "bpmn.extension", "line 4"),
    "a limit that is none": (process(fact('<quanyu:step within="2 days"/>')), "limit.unreadable", "line 4"),
    "an outcome without a word": (process(fact("<quanyu:outcome/>")), "bpmn.extension", "line 4"),
    "a clock without a limit": (process(HEAD.format("").replace("</ext", '<quanyu:clock name="a"/></ext') + ROW),
                                "bpmn.extension", "line 3"),
    "a condition behind a timer": (
        process(ROW + f'<boundaryEvent id="t" attachedToRef="one">{TIMER.format("P1D")}</boundaryEvent>\n'
                '<sequenceFlow id="c" sourceRef="t" targetRef="one"><conditionExpression>ok</conditionExpression>'
                "</sequenceFlow>"), "bpmn.arrow", "line 9"),
    "a timer that leads into a timer": (
        process(ROW + f'<boundaryEvent id="t" attachedToRef="one">{TIMER.format("P1D")}</boundaryEvent>\n'
                '<sequenceFlow id="c" sourceRef="one" targetRef="t"/>'), "bpmn.arrow", "line 9"),
    "a name that is none": (process(HEAD.format("").replace('name="f"', 'name="Big One"') + ROW), "flow.name", "line 2"),
    "a role that is not declared": (process(fact('<quanyu:step to="moon"/>')), "flow.role_unknown", "line 4"),
    "a share that is none": (process(HEAD.format('amber="half"') + ROW), "bpmn.extension", "line 3"),
    "an element that nobody reaches": (
        process(ROW + '<userTask id="two"/>\n<sequenceFlow id="c" sourceRef="two" targetRef="e"/>'),
        "flow.unreached", "line 8"),
    "a step that parts": (
        process(ROW + '<userTask id="two"/>\n<sequenceFlow id="c" sourceRef="one" targetRef="two"/>'
                '<sequenceFlow id="d" sourceRef="two" targetRef="e"/>'), "flow.arrows", "line 4"),
    "a rule task without results": (process(ROW.replace("userTask", "businessRuleTask")), "flow.", "line"),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_a_wrong_file_is_refused_with_line_and_remedy(what: str) -> None:
    content, code, where = CASES[what]
    error = refused(content)
    assert error.code.startswith(code), error.message
    assert (error.where or "").startswith(where), error.where
    assert error.remedy


def test_everything_that_is_not_supported_is_listed_in_one_error() -> None:
    inside = """\
<startEvent id="s"><messageEventDefinition id="m"/></startEvent>
<task id="one" name="Plain"/>
<scriptTask id="two" name="Compute"><script>1</script></scriptTask>
<inclusiveGateway id="three"/>
<subProcess id="four" name="Part"><startEvent id="inner"/></subProcess>
<userTask id="five" name="Each"><multiInstanceLoopCharacteristics/></userTask>
<userTask id="six" isForCompensation="true"/>
<dataObjectReference id="seven" name="Form"/>
<intermediateThrowEvent id="eight"/>
<endEvent id="nine"><terminateEventDefinition/></endEvent>
<boundaryEvent id="ten"><timerEventDefinition><timeCycle>R3/P1D</timeCycle></timerEventDefinition></boundaryEvent>
<other:thing xmlns:other="urn:other" id="eleven"/>
"""
    error = refused(
        process(inside, '<import namespace="urn:x" location="http://192.0.2.1/x.xsd" importType="x"/>'), Unsupported
    )
    listed: Any = error.details["elements"]
    assert [(each["element"], each["id"], each["name"], each["line"]) for each in listed] == [
        ("messageEventDefinition in startEvent", "m", "", 3),
        ("task", "one", "Plain", 4),
        ("scriptTask", "two", "Compute", 5),
        ("inclusiveGateway", "three", "", 6),
        ("subProcess", "four", "Part", 7),
        ("multiInstanceLoopCharacteristics in userTask", "five", "Each", 8),
        ("userTask for compensation", "six", "", 9),
        ("dataObjectReference", "seven", "Form", 10),
        ("intermediateThrowEvent", "eight", "", 11),
        ("terminateEventDefinition in endEvent", "nine", "", 12),
        ("timeCycle in timerEventDefinition", "", "", 13),
        ("{urn:other}thing", "eleven", "", 14),
        ("import", "", "", 15),
    ]
    assert error.code == "bpmn.unsupported"
    for each in listed:
        assert each["element"] in error.message
    assert "plain task" in (error.remedy or "")


def test_a_list_that_is_long_is_whole_in_the_details() -> None:
    error = refused(process("".join(f'<scriptTask id="t{number}"/>\n' for number in range(200))), Unsupported)
    assert len(list(error.details["elements"])) == 200  # type: ignore[call-overload]
    assert "and 150 more" in error.message


def test_a_drawing_without_a_limit_is_asked_for_one() -> None:
    with pytest.raises(Invalid) as caught:
        read(process())
    assert caught.value.code == "bpmn.overall"
    assert "--overall" in (caught.value.remedy or "")
    assert read(process(), LIMIT).overall == working_days(5)
    without = process(HEAD.replace('overall="5 working days" ', "").format("") + ROW)
    with pytest.raises(Invalid) as caught:
        read(without)
    assert caught.value.code == "bpmn.overall"


def test_bombs_are_refused_before_they_grow() -> None:
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    bomb = f"<!DOCTYPE x [<!ENTITY l0 'ha'>{laughs}]><x>&l9;</x>".encode()
    assert refused(bomb).code == "bpmn.doctype"
    assert refused(b"<a>" * (xml.DEPTH_MAX + 1)).code == "bpmn.too_big"
    assert refused(b"<a>" + b"<b/>" * xml.ELEMENTS_MAX + b"</a>").code == "bpmn.too_big"
    assert refused(b" " * (xml.BYTES_MAX + 1)).code == "bpmn.too_big"
    crowd = "".join(f'<userTask id="t{number}"/>' for number in range(NODES_MAX + 1))
    assert refused(process(crowd)).code == "bpmn.too_big"
    assert refused(process("".join(f'<userTask id="t{number}"/>' for number in range(1_500)) + ROW)).code == "flow.size"


def test_positions_that_are_none_leave_the_picture_to_us() -> None:
    content = write(woven(3)).decode()
    for wrong in ("nan", "1e999", "-1e9", "far", ""):
        torn = re.sub(r'<dc:Bounds x="\d+"', f'<dc:Bounds x="{wrong}"', content, count=3)
        drawing = read_drawing(torn.encode())
        assert drawing.layout is None
        assert write(drawing.flow) == content.encode()


def test_two_processes_of_which_one_runs() -> None:
    other = '<process id="other"><userTask id="theirs"/></process>'
    assert read(process(more=other), LIMIT).name == "small"
    assert read(process(more='<process id="box"/>', isExecutable="false"), LIMIT).name == "small"


@given(st.integers(0, 40), st.data())
@settings(max_examples=60, deadline=None)
def test_a_torn_file_is_read_or_refused_and_nothing_else(seed: int, data: st.DataObject) -> None:
    """Tags lost, doubled or exchanged: an error of the tree, or a flow."""
    lines = write(woven(seed)).decode().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        here, there = (data.draw(st.integers(3, len(lines) - 1)) for _ in range(2))
        match data.draw(st.sampled_from(("lose", "double", "exchange", "text"))):
            case "lose":
                lines[here] = ""
            case "double":
                lines[here] += lines[there]
            case "exchange":
                lines[here], lines[there] = lines[there], lines[here]
            case _:
                lines[here] = re.sub(
                    r'"[^"]*"', data.draw(st.sampled_from(('""', '"x"', '"s1"', '"g2"'))), lines[here], count=1
                )
    content = "\n".join(lines).encode()
    error = fault_of(content)
    if error is None:
        found = read(content, LIMIT)
        assert read(write(found)) == found
    else:
        assert error.where


def fault_of(content: bytes) -> QuanyuError | None:
    try:
        read(content, LIMIT)
    except QuanyuError as error:
        return error
    return None
