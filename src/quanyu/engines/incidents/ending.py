"""Whether an incident can come to its end: how its tasks stand, what still holds, which steps are left, who takes the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quanyu.engines.incidents.store import Incident

SAID = {
    True: ("各项任务均已完成,可以结束本事件", "All tasks are done: the incident can be ended"),
    False: ("任务尚未全部完成", "Not all tasks are done"),
}


def ending_of(
    case: Mapping[str, Any], incident: Incident, beside: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any] | None:
    """Return how far an incident is from its end; None where its case has ended.

    `ready`: there were tasks and all are done. `missing`: what still stands and is not taken back by ending the case.
    `next`: the step that the case waits for, by role and unit; `mine` whether the asker may take it.
    """
    if case["state"] != "open":
        return None
    tasks = beside["orders"]
    left = sum(each["state"] != "closed" for each in tasks)
    ready = bool(tasks) and left == 0
    missing = [{"what": what, "zh": zh, "en": en} for what, zh, en in _missing(incident, beside)]
    return {
        "ready": ready,
        "zh": SAID[ready][0],
        "en": SAID[ready][1],
        "tasks": {"all": len(tasks), "open": left},
        "missing": missing,
        "steps": [each for each in case["steps"] if each["state"] in ("current", "todo")],
        "next": {
            "step": case["step"],
            "title": case["step_title"],
            "role": case["role"],
            "unit": case["unit"],
            "mine": any(each["action"] == case["step"] for each in case["next"]),
        },
    }


def _missing(incident: Incident, beside: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str, str, str]]:
    if incident.level is None:
        yield "level", "尚未确定等级", "No level is in force."
    elif incident.grade is not None and incident.grade < incident.level:
        yield "level", "数据所示等级更高,尚未重定", "The figures say a graver level than the one in force."
    if incident.response is not None:
        yield "response", "应急响应尚未解除", "The response is not lifted."
    out = sum(each.returned_at is None for each in incident.resources)
    if out:
        yield "resources", f"资源尚有 {out} 项未归还", f"Resources still out: {out}."
    reports = sum(each["state"] != "closed" for each in beside["reports"])
    if reports:
        yield "reports", f"信息报告尚有 {reports} 件未完成", f"Reports still running: {reports}."
