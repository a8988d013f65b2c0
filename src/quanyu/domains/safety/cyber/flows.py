"""A weak spot that is mended; a cyber incident; and its report, whose hours depend on who has to report.

A report is opened with the declaration, so its hours run from then on. What is below larger is not reported: its report
ends with that word. The hotline of the measures is 12387.
"""

from quanyu.kernel.flow import (
    Field,
    Flow,
    Gateway,
    fixed,
    flow,
    measurement,
    no_action,
    parameter,
    photo,
    planned,
    same_person,
    step,
)

cyber_ticket = flow(
    "cyber_ticket",
    private=True,
    case="cyber_ticket",
    zh="漏洞整改",
    en="Weak spot",
    roles={"desk": "cyber.office", "owner": ""},
    steps=[
        step("accept", by="desk", within=parameter("cyber_accept_limit"), zh="核实漏洞", en="Verify"),
        step("dispatch", by="desk", to="owner", zh="派发运营单位", en="Send to the operator"),
        step(
            "mend",
            by="owner",
            within=parameter("cyber_ticket_limit"),
            evidence=[measurement("weakness")],
            zh="整改并复测",
            en="Mend and measure again",
        ),
        step(
            "check",
            by="desk",
            unless=same_person("mend"),
            fails="mend",
            zh="复核",
            en="Check",
        ),
        step("close", by="desk", outcome=[fixed, planned, no_action], ends=True, zh="办结", en="Close"),
    ],
    overall=parameter("cyber_ticket_limit"),
    escalate="city.director",
)

cyber_incident = flow(
    "cyber_incident",
    private=True,
    case="cyber_incident",
    zh="网络安全事件处置",
    en="Cyber incident",
    roles={"desk": "cyber.office"},
    steps=[
        step("accept", by="desk", within=parameter("cyber_accept_limit"), zh="接报研判", en="Take in and judge"),
        step("contain", by="desk", within=parameter("cyber_contain_limit"), zh="遏制处置", en="Contain"),
        step(
            "preserve",
            by="desk",
            evidence=[photo()],
            fields=[Field("cause", "text", True, "原因和影响", "Cause and effect")],
            zh="固定证据(日志、截图)",
            en="Keep the evidence: logs and screens",
        ),
        step("restore", by="desk", zh="恢复运行", en="Bring it back"),
        step("close", by="desk", outcome=[fixed, planned, no_action], ends=True, zh="办结归档", en="Close the file"),
    ],
    overall=parameter("cyber_overall_limit"),
    escalate="city.director",
)


JUDGE = step(
    "judge",
    by="desk",
    fields=[
        Field("reportable", "yes_no", True, "较大及以上", "Larger and above", counted=True),
        Field("major", "yes_no", True, "重大及以上", "Major and above", counted=True),
    ],
    zh="判定是否应报",
    en="Judge whether it is reported",
)
KEEP = step(
    "keep", by="desk", outcome=[no_action], ends=True, zh="较大以下,留存备查", en="Below larger: kept, not reported"
)
FINISH = step("finish", by="desk", outcome=[fixed], ends=True, zh="回执齐全,报告完毕", en="All receipts there")
TOLD = (
    Field("what", "text", True, "事件情况", "What happened"),
    Field("measures", "text", True, "已采取措施", "What was done"),
)
ARROWS = (
    ("", "judge"),
    ("judge", "due"),
    ("due", "report", "reportable"),
    ("due", "keep"),
    ("keep", ""),
    ("finish", ""),
)
DIRECT = (("report", "finish"),)
ONWARD = (("report", "graver"), ("graver", "up", "major"), ("graver", "finish"), ("up", "finish"))
DUE = Gateway("due", "exclusive", "是否应报", "Is it reported?")
GRAVER = Gateway("graver", "exclusive", "是否上报", "Further up?")


def report_flow(who: str, zh: str, en: str, onward: str | None) -> Flow:
    """Return the flow of a report: judged, reported within the hours of who reports, on for major and above."""
    report = step("report", by="desk", fields=TOLD, tells=f"cyber_report_{who}", zh="报告(热线 12387)",
                  en="Report (hotline 12387)")  # fmt: skip
    further = [] if onward is None else [
        step("up", by="desk", within=parameter(onward), tells="cyber_report_up", zh="向上级报告(重大及以上)",
             en="On to the level above: major and above")
    ]  # fmt: skip
    return flow(
        f"cyber_report_{who}",
        private=True,
        case="cyber_report",
        zh=zh,
        en=en,
        roles={"desk": "cyber.office"},
        steps=[JUDGE, KEEP, report, *further, FINISH],
        nodes=[DUE, GRAVER] if further else [DUE],
        arrows=[*ARROWS, *(ONWARD if further else DIRECT)],
        overall=parameter(f"cyber_report_{who}_limit"),
        until="report",
        escalate="city.director",
    )


cyber_report_critical = report_flow(
    "critical", "网络安全事件报告(关键信息基础设施)", "Report by critical infrastructure", "cyber_up_critical_limit"
)
cyber_report_central = report_flow(
    "central", "网络安全事件报告(中央机关)", "Report by a central organ", "cyber_up_central_limit"
)
cyber_report_other = report_flow("other", "网络安全事件报告(其他单位)", "Report by another operator", None)
