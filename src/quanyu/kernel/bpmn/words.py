"""Names of BPMN 2.0 that are read and written, and the namespace of our own facts."""

from __future__ import annotations

from typing import Final

MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM: Final = "http://www.omg.org/spec/BPMN/20100524/DI"
CORNERS: Final = "http://www.omg.org/spec/DD/20100524/DC"
LINES: Final = "http://www.omg.org/spec/DD/20100524/DI"
INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
OURS: Final = "urn:quanyu:flow"
"""Namespace of what a flow says and BPMN has no place for; a name, nothing is fetched from it."""

EXPRESSION: Final = "urn:quanyu:expression"
"""Language of conditions: the expressions of rules and flows (comparison, arithmetic, and, or, not)."""

START: Final = "start-event"
PROCESS: Final = "process-"
LANE: Final = "lane-"
"""How ids begin that `write` gives: no name of a flow holds a hyphen, so nothing else is called so."""

DESK_TITLES: Final = {
    "duty": "值班员",
    "dispatcher": "派遣员",
    "handler": "处置人员",
    "supervisor": "核查员",
    "clerk": "受理员",
    "chief": "值班长",
    "engineer": "数据工程师",
    "administrator": "管理员",
    "applicant": "申请人",
}
"""What the roles that every city has, and whoever applies, are called on a lane."""

TASKS: Final = {
    "userTask": "user",
    "manualTask": "manual",
    "receiveTask": "receive",
    "serviceTask": "service",
    "sendTask": "send",
    "businessRuleTask": "rule",
}
TASK_OF: Final = {kind: element for element, kind in TASKS.items()}
WAITING: Final = frozenset({"user", "manual", "receive"})
"""Kinds of steps that wait for an act; the others are passed."""

GATEWAYS: Final = {"exclusiveGateway": "exclusive", "parallelGateway": "parallel"}
GATEWAY_OF: Final = {kind: element for element, kind in GATEWAYS.items()}

EVENTS: Final = ("startEvent", "endEvent", "intermediateCatchEvent", "boundaryEvent")
NODES: Final = frozenset({*TASKS, *GATEWAYS, *EVENTS, "callActivity"})
NOTES: Final = frozenset({"documentation", "textAnnotation", "association", "group", "auditing", "monitoring"})
"""What explains a drawing and moves nothing: read past, and said."""

DEFINITIONS: Final = frozenset(
    {"message", "signal", "error", "escalation", "itemDefinition", "interface", "category", "resource", "dataStore"}
)
"""What other parts of a file may refer to; by itself it does nothing."""

CHILDREN: Final = {
    **dict.fromkeys((*TASKS, *GATEWAYS, "callActivity", "startEvent", "endEvent"), frozenset({"incoming", "outgoing"})),
    **dict.fromkeys(
        ("intermediateCatchEvent", "boundaryEvent"), frozenset({"incoming", "outgoing", "timerEventDefinition"})
    ),
    "timerEventDefinition": frozenset({"timeDuration", "timeDate"}),
    "sequenceFlow": frozenset({"conditionExpression"}),
    "laneSet": frozenset({"lane"}),
    "lane": frozenset({"flowNodeRef", "childLaneSet"}),
    "childLaneSet": frozenset({"lane"}),
    "process": NODES | {"sequenceFlow", "laneSet"},
    "collaboration": frozenset({"participant", "messageFlow"}),
    "definitions": frozenset({"process", "collaboration"}) | DEFINITIONS,
}
"""What may stand in what; notes and extensionElements may stand everywhere."""
