"""A chain of causes that goes too deep is a loop: its command is refused, and a case is opened on what caused it."""

from __future__ import annotations

from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import CAUSE_DEPTH_MAX, Command, Instant

LOOP = "cause.loop"
FLOW = "mend_rule"


def loop_finding(reader: str, command: Command, error: QuanyuError, now: Instant) -> Command:
    """Return the finding that opens, or joins, the case on the rule (else on the reader) whose command was refused."""
    rule = str(command.body.get("rule") or reader)
    body = {
        "rule": rule,
        "rule_title": {"zh": f"规则循环:{rule}", "en": f"Rule loop: {rule}"},
        "severity": "orange",
        "flow": FLOW,
        "asset": None,
        "from": now,
        "why": {
            "zh": f"{command.kind}({command.subject})的起因已超过{CAUSE_DEPTH_MAX}层,已被拒绝。",
            "en": f"{command.kind} of {command.subject} has more than {CAUSE_DEPTH_MAX} causes and was refused: {error.message}",
        },
    }
    return Command("case.find", f"loop:{rule}", body, "derived:readers")
