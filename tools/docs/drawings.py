"""The page of BPMN: which elements become what, what our own namespace says, the bounds, and the score of control flow."""

import json
from pathlib import Path
from typing import Any

from quanyu.kernel.bpmn import facts, scan, words, xml
from quanyu.kernel.flow import ARROWS_MAX, ELEMENTS_MAX
from tools.docs.markdown import section, table

INTRO = (
    "How flows and BPMN 2.0 files become one another; the guide [Draw a flow](../guides/bpmn.md) says how to use it."
)
BECOMES = {
    "startEvent": "the start; exactly one, without a trigger",
    "endEvent": "an end; any number, without a trigger",
    "intermediateCatchEvent": "a wait, with a timer",
    "boundaryEvent": "a timer on a step that somebody does; `cancelActivity` says whether it takes the step away",
    "callActivity": "a call of another flow, by the id of its process",
    "exclusiveGateway": "a choice: the first guard that holds, else the default",
    "parallelGateway": "ways beside one another, or their meeting",
    "userTask": "a step that somebody does",
    "manualTask": "a step that somebody does away from the screen",
    "receiveTask": "a step that a message or a machine does",
    "serviceTask": "a step that the hub passes",
    "sendTask": "a step that the hub passes, telling somebody",
    "businessRuleTask": "a step that the hub passes, setting fields",
    "sequenceFlow": "an arrow; its condition is an expression of the hub",
    "lane": "a role",
}
SAYS = {
    "flow": "the process: name, kind of case, English title, limit, lights, escalation, question to the reporter",
    "role": "the process: a role and its unit",
    "clock": "the process: a named clock",
    "figure": "the process: a dated number that its conditions and rule tasks read",
    "lane": "a lane: its role, whatever the lane is called",
    "step": "a task: English title, limit, dispatch, who may not do it, way back, whom it tells",
    "may": "a task: what else its holder may",
    "evidence": "a task: proof that it asks for",
    "outcome": "a task: a word that the case may end with",
    "field": "a task: a field that it asks for; choices stand inside",
    "sets": "a business-rule task: a field and the expression that gives its value",
    "title": "a gateway, wait or call: its English title",
}


def page(kept: Path) -> str:
    """The page, with the score in the file at `kept`."""
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    elements = [(f"`{name}`", BECOMES[name]) for name in sorted({*words.NODES, "sequenceFlow", "lane"})]
    own = [
        (f"`quanyu:{name}`", SAYS[name], ", ".join(f"`{each}`" for each in facts.WORDS[name])) for name in facts.WORDS
    ]
    bounds = [
        ("bytes of a file", xml.BYTES_MAX),
        ("XML elements", xml.ELEMENTS_MAX),
        ("depth of nesting", xml.DEPTH_MAX),
        ("nodes of a process, events counted", scan.NODES_MAX),
        ("steps, gateways, waits and calls of a flow", ELEMENTS_MAX),
        ("arrows", ARROWS_MAX),
    ]
    scores = [
        ("SpiffWorkflow", found["spiff"], found["flows"]),
        ("the token game of the standard", found["game"], found["flows"]),
    ]
    read_past = ", ".join(f"`{name}`" for name in sorted({*words.NOTES, *words.DEFINITIONS, "messageFlow"}))
    return "\n\n".join((
        INTRO,
        section(2, "Elements", table(("Element", "Becomes"), elements)).strip(),
        (f"Read past, and listed: {read_past}; elements and attributes of other namespaces; other pools. Everything else is "
        "refused, with the whole list."),
        section(2, "Our namespace", table(("Element", "Stands in, says", "Attributes"), own)).strip(),
        f"The namespace is `{words.OURS}`; nothing is fetched from it.",
        section(2, "Bounds", table(("What", "At most"), bounds)).strip(),
        section(2, "Control flow against others", table(("Walked with the same choices in", "Agrees", "Of"), scores)).strip(),
        ("Random sound flows without timers, written as BPMN and walked step by step; after every step the open tasks, those "
        "passed by themselves and the end are compared. The tests print the score. Every flow in which SpiffWorkflow shows "
        "something else has a parallel join in a loop: walked a second time, it counts arrivals of the round before."),
    ))  # fmt: skip
